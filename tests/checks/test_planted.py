"""The bugs that are planted for the simulation (tests/sim/planted) still fit the code."""

import pathlib
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PATCHES = sorted((ROOT / "tests/sim/planted").glob("*.patch"))


def test_there_are_enough():
    assert len(PATCHES) >= 10


@pytest.mark.parametrize("patch", PATCHES, ids=lambda patch: patch.stem)
def test_applies(patch):
    command = ["git", "apply", "--check", str(patch)]
    check = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert check.returncode == 0, check.stderr
