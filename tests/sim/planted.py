"""Breaks the broker in each of the ways in tests/sim/planted, and fails if the simulation does not
notice one of them.

  ./dev sim --planted [NAME...]    all of them, or only these

A copy of the tree in build/planted is what is broken and built; nothing else is touched.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
COPY = ROOT / "build/planted"
SEEDS = 40  # the most that a bug may take to be noticed


def patches(names):
    found = sorted((ROOT / "tests/sim/planted").glob("*.patch"))
    unknown = set(names) - {patch.stem for patch in found}
    if unknown:
        sys.exit(f"dev: nothing named {', '.join(sorted(unknown))} is planted")
    return [patch for patch in found if not names or patch.stem in names]


def copy_tree():
    """Only what differs is written, so that only that is built again."""
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for name in filter(None, names.split("\0")):
        source, target = ROOT / name, COPY / name
        if not source.is_file() or (target.is_file() and source.read_bytes() == target.read_bytes()):
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, target)


def apply(patch, *options):
    subprocess.run(["patch", "-p1", "-s", *options, "-i", str(patch)], cwd=COPY, check=True)


def build():
    """What the compiler says if it fails, or None."""
    environment = {**os.environ, "CCACHE_BASEDIR": str(COPY), "CCACHE_NOHASHDIR": "1"}
    for command in (["cmake", "--preset", "release"], ["ninja", "-C", "build/release", "sim_test"]):
        done = subprocess.run(command, cwd=COPY, env=environment, capture_output=True, text=True)
        if done.returncode != 0:
            return done.stdout + done.stderr
    return None


def first_failure():
    """The first seed that fails and what it says, or None."""
    for seed in range(1, SEEDS + 1):
        environment = {**os.environ, "LONGHAUL_SIM_FIRST": str(seed), "LONGHAUL_SIM_SEEDS": "1"}
        command = ["build/release/bin/sim_test", "--gtest_filter=SimulationTest.KeepsWhatItAcknowledged"]
        try:
            run = subprocess.run(command, cwd=COPY, env=environment, capture_output=True, text=True, timeout=300)
        except subprocess.TimeoutExpired:
            return seed, "it does not come to an end"
        if run.returncode != 0:
            what = re.search(r'Which is: "(.*?)(?:\\n|")', run.stdout)
            return seed, what.group(1) if what else f"exit code {run.returncode}"
    return None


def is_noticed(patch):
    apply(patch)
    try:
        if errors := build():
            print(f"UNBUILT  {patch.stem}: {errors}", flush=True)
            return False
        started = time.monotonic()
        failure = first_failure()
    finally:
        apply(patch, "-R")
    took = f"{time.monotonic() - started:.0f} s"
    if failure is None:
        print(f"SURVIVED {patch.stem}: {SEEDS} seeds, {took}", flush=True)
        return False
    print(f"noticed  {patch.stem}: seed {failure[0]}, {took}: {failure[1][:120]}", flush=True)
    return True


def main():
    chosen = patches(sys.argv[1:])
    copy_tree()
    noticed = sum(is_noticed(patch) for patch in chosen)
    print(f"{noticed} of {len(chosen)} planted bugs are noticed")
    sys.exit(0 if noticed == len(chosen) else 1)


if __name__ == "__main__":
    main()
