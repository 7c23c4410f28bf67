"""Counts the tests of one `./dev test`: reads the JUnit reports in a folder and prints the total last.

usage: tally.py REPORTS [FAILED_STAGE...]

A stage that failed without a single failed test in its reports (a build that broke, a program that
crashed before it could write its report) counts as one failure.
"""

import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path


def count(report):
    """(passed, failed, skipped, names of the failed) of one JUnit file, GoogleTest's or pytest's."""
    passed = failed = skipped = 0
    names = []
    for case in ElementTree.parse(report).iter("testcase"):
        kinds = {child.tag for child in case}
        if kinds & {"failure", "error"}:
            failed += 1
            names.append(f"{case.get('classname', '')}.{case.get('name', '')}")
        elif "skipped" in kinds or case.get("status") in ("notrun", "disabled"):
            skipped += 1
        else:
            passed += 1
    return passed, failed, skipped, names


def tally(folder):
    """The sum over a folder, without ctest's own reports but for programs that wrote none."""
    total = [0, 0, 0]
    names = []
    for report in sorted(folder.rglob("*.xml")):
        if report.name.endswith(".ctest.xml"):
            continue
        *counts, failed_names = count(report)
        total = [a + b for a, b in zip(total, counts)]
        names += [f"{report.relative_to(folder).with_suffix('')}: {name}" for name in failed_names]
    for report in sorted(folder.glob("*.ctest.xml")):
        preset = report.name.removesuffix(".ctest.xml")
        for case in ElementTree.parse(report).iter("testcase"):
            own = folder / preset / f"{case.get('name')}.xml"
            crashed = case.get("status") == "fail" and not (own.exists() and count(own)[1])
            if crashed:
                total[1] += 1
                names.append(f"{preset}: {case.get('name')} ended without a report")
    return total, names


def main():
    folder, stages = Path(sys.argv[1]), sys.argv[2:]
    (passed, failed, skipped), names = tally(folder)
    if stages and not failed:
        failed = len(stages)
    for name in names:
        print(f"failed: {name}")
    for stage in stages:
        print(f"stage failed: {stage}")
    print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
