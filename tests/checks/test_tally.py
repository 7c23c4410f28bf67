"""The count at the end of `./dev test`."""

import subprocess
import sys

from source import ROOT
from tally import tally

GOOGLE = """<testsuites tests="3"><testsuite name="A"><testcase name="one" classname="A" status="run" result="completed"/>
<testcase name="two" classname="A" status="run"><failure message="x"/></testcase>
<testcase name="three" classname="A" status="notrun"/></testsuite></testsuites>"""
PYTEST = """<testsuites><testsuite><testcase classname="t" name="a"/><testcase classname="t" name="b"><skipped/></testcase>
<testcase classname="t" name="c"><error/></testcase></testsuite></testsuites>"""
CTEST = """<testsuite><testcase name="a_test" status="fail"><failure/></testcase>
<testcase name="b_test" status="fail"><failure/></testcase></testsuite>"""


def run(folder, *stages):
    command = [sys.executable, ROOT / "tests/checks/tally.py", folder, *stages]
    result = subprocess.run(command, capture_output=True, text=True)
    return result.returncode, result.stdout.splitlines()[-1]


def test_both_kinds_of_report_are_summed(tmp_path):
    (tmp_path / "asan").mkdir()
    (tmp_path / "asan/a_test.xml").write_text(GOOGLE)
    (tmp_path / "clients.xml").write_text(PYTEST)
    (counts, names) = tally(tmp_path)
    assert counts == [2, 2, 2]
    assert names == ["asan/a_test: A.two", "clients: t.c"]
    assert run(tmp_path) == (1, "2 passed, 2 failed, 2 skipped")


def test_a_program_that_crashed_counts(tmp_path):
    (tmp_path / "asan").mkdir()
    (tmp_path / "asan/a_test.xml").write_text(GOOGLE)
    (tmp_path / "asan.ctest.xml").write_text(CTEST)
    assert tally(tmp_path)[0] == [1, 2, 1]


def test_a_stage_that_broke_counts(tmp_path):
    (tmp_path / "a.xml").write_text('<testsuite><testcase classname="t" name="a"/></testsuite>')
    assert run(tmp_path) == (0, "1 passed, 0 failed")
    assert run(tmp_path, "unit") == (1, "1 passed, 1 failed")
