"""Runs every libFuzzer program in a folder for a bounded number of inputs and writes a JUnit report.

usage: fuzz.py FOLDER REPORT

Seeds are read from tests/fuzz/corpus/PROGRAM where that folder exists. The run is bounded by inputs
and by time, whichever ends first; FUZZ_RUNS and FUZZ_SECONDS change the bounds for a longer hunt.
An input that breaks something is left in build/fuzz/crashes.
"""

import os
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
from pathlib import Path


def run(program, crashes):
    """The text of the failure, or None."""
    corpus = Path("tests/fuzz/corpus") / program.name
    command = [
        program,
        f"-runs={os.environ.get('FUZZ_RUNS', '200000')}",
        f"-max_total_time={os.environ.get('FUZZ_SECONDS', '45')}",
        "-seed=1",
        "-timeout=10",
        "-rss_limit_mb=1024",
        "-print_final_stats=1",
        f"-artifact_prefix={crashes}/{program.name}-",
    ]
    if corpus.is_dir():
        fresh = crashes / "corpus" / program.name
        fresh.mkdir(parents=True, exist_ok=True)
        command += [fresh, corpus]  # what is found new goes into the first folder
    result = subprocess.run(command, capture_output=True, text=True, errors="replace")
    log = result.stdout + result.stderr
    (crashes / f"{program.name}.log").write_text(log)
    executed = [line for line in log.splitlines() if "number_of_executed_units" in line]
    print(program.name, executed[0].split()[-1] if executed else "?", "inputs", "ok" if result.returncode == 0 else "FAILED")
    return None if result.returncode == 0 else log[-8000:]


def main():
    folder, report = Path(sys.argv[1]), Path(sys.argv[2])
    programs = sorted(p for p in folder.glob("*fuzz*") if os.access(p, os.X_OK))
    crashes = folder.parent / "crashes"
    crashes.mkdir(parents=True, exist_ok=True)
    suite = ElementTree.Element("testsuite", name="fuzz")
    failures = 0
    for program in programs:
        start = time.monotonic()
        failure = run(program, crashes)
        case = ElementTree.SubElement(suite, "testcase", classname="fuzz", name=program.name)
        case.set("time", f"{time.monotonic() - start:.1f}")
        if failure:
            failures += 1
            print(failure, file=sys.stderr)
            ElementTree.SubElement(case, "failure").text = failure.encode("ascii", "replace").decode()
    ElementTree.ElementTree(suite).write(report)
    if not programs:
        print(f"no fuzz program in {folder}", file=sys.stderr)
    return 1 if failures or not programs else 0


if __name__ == "__main__":
    sys.exit(main())
