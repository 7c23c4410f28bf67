"""The walls: 800 lines for a file, 70 for a function. The baseline lists what stood behind them once
(`path[:function] lines`); it may only shrink."""

import statistics
import subprocess

import pytest

from lengths import FILE_WALL, cpp_functions, functions, offenders, python_functions
from source import ROOT, tracked

BASELINE = "tests/checks/length_baseline.txt"
PATTERNS = ("*.h", "*.cc", "*.py")


def parse(text):
    rows = (line.rsplit(" ", 1) for line in text.splitlines() if line and not line.startswith("#"))
    return {name: int(lines) for name, lines in rows}


@pytest.fixture(scope="module")
def sources():
    """{path: (its lines, its functions)}"""
    texts = {path: (ROOT / path).read_text() for path in tracked(*PATTERNS)}
    return {path: (text.count("\n"), functions(path, text)) for path, text in texts.items()}


def test_nothing_is_behind_the_walls(sources):
    found = {}
    for path, (lines, rows) in sources.items():
        found.update(offenders(path, lines, rows))
    baseline = parse((ROOT / BASELINE).read_text())
    too_long = {name: lines for name, lines in found.items() if lines > baseline.get(name, 0)}
    assert not too_long, f"split these (lines): {too_long}"
    stale = {name: lines for name, lines in baseline.items() if found.get(name) != lines}
    assert not stale, f"these got shorter: write that into {BASELINE}: {stale}"


def test_the_baseline_only_shrinks():
    before = subprocess.run(["git", "show", f"HEAD~1:{BASELINE}"], cwd=ROOT, capture_output=True, text=True)
    old = parse(before.stdout) if before.returncode == 0 else {}
    new = parse((ROOT / BASELINE).read_text())
    grown = {name: lines for name, lines in new.items() if lines > old.get(name, 0)}
    assert not grown, f"the baseline may only shrink: {grown}"


def test_medians_are_told(sources, capsys):
    """Not a limit: the numbers the house style aims at, for whoever reads the output."""
    files = [lines for lines, _ in sources.values()]
    lengths = [row[2] for _, rows in sources.values() for row in rows]
    with capsys.disabled():
        print(
            f"\n{len(files)} files, median {statistics.median(files):.0f} lines, {sum(n > 400 for n in files)} above 400;"
            f" {len(lengths)} functions, median {statistics.median(lengths):.0f}, {sum(n > 40 for n in lengths)} above 40"
        )
    assert max(files) <= FILE_WALL or parse((ROOT / BASELINE).read_text())


CASES = [
    ("int f() {\n  return 1;\n}\n", [("f", 1, 3)]),
    ("namespace a::b {\nvoid g(int x,\n       int y) {\n}\n}  // namespace\n", [("g", 2, 3)]),
    ("struct S {\n  S() : a_{1}, b_(2) {}\n  int f() const { return 1; }\n  int a_{0};\n};\n", [("S", 2, 1), ("f", 3, 1)]),
    ("const char* kTable[] = {\n  \"{\",\n};\nint f() {\n}\n", [("f", 4, 2)]),
    ("TEST(Room, Does) {\n  auto l = [&](int x) {\n    return x;\n  };\n}\n", [("Room.Does", 1, 5)]),
    ("bool operator==(const A& a, const A& b) {\n}\n", [("operator==", 1, 2)]),
    ("template <class T>\nrequires(sizeof(T) > 1)\nT twice(T t) {\n}\n", [(None, 1, 4)]),
    ("/* { */ // {\nauto f(std::function<void()> g = {}) -> int {\n  return '{';\n}\n", [("f", 2, 3)]),
    ("#define X(a) \\\n  if (a) {   \\\n  }\nint f() {\n}\n", [("f", 4, 2)]),
    ("A::A(int x) noexcept\n    : b_{x, {1}} {\n  go();\n}\n", [("A::A", 1, 4)]),
    ("class A : public B<int> {\n public:\n  explicit A(int x) : B(x) {\n  }\n};\n", [("A", 3, 2)]),
    ("enum class E { kA, kB };\nenum : int { kC = f(1) };\nvoid g() {}\n", [("g", 3, 1)]),
    ('auto s = R"x(int f() {\n)x";\nvoid g() {}\n', [("g", 3, 1)]),
    ("int big = 1'000'000;\nvoid g() {}\n", [("g", 2, 1)]),
]


@pytest.mark.parametrize("text, expected", CASES)
def test_functions_are_found(text, expected):
    found = cpp_functions(text)
    assert [row[1:] for row in found] == [row[1:] for row in expected]
    for (name, _, _), (wanted, _, _) in zip(found, expected):
        assert wanted is None or name == wanted


def test_python_functions_are_found():
    assert python_functions("def f():\n    pass\n\n\nclass A:\n    def g(self):\n        pass\n") == [("f", 1, 2), ("g", 6, 2)]


def test_offenders_are_named():
    assert offenders("a.cc", 72, [("f", 1, 71)]) == {"a.cc:f": 71}
    assert offenders("a.h", 801, []) == {"a.h": 801}
    assert offenders("a.cc", 800, [("f", 1, 70)]) == {}
