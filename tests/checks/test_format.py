"""Files look as .clang-format says, and scripts parse."""

import subprocess

from source import ROOT, tracked


def test_cpp_is_formatted():
    paths = tracked("*.h", "*.cc")
    command = ["clang-format-14", "--dry-run", "-Werror", "--ferror-limit=3", *paths]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 0, f"run ./dev format\n{result.stderr[-4000:]}"


def test_no_trailing_blanks_or_tabs():
    wrong = []
    for path in tracked("*.h", "*.cc", "*.py", "*.cmake", "CMakeLists.txt", "dev", "*.md", "*.yaml"):
        for number, line in enumerate((ROOT / path).read_text().split("\n"), 1):
            if line != line.rstrip() or "\t" in line:
                wrong.append(f"{path}:{number}")
    assert not wrong, wrong[:20]


def test_shell_scripts_parse():
    scripts = [path for path in tracked() if (ROOT / path).read_bytes().startswith(b"#!/usr/bin/env bash")]
    assert "dev" in scripts
    for path in scripts:
        subprocess.run(["bash", "-n", path], cwd=ROOT, check=True)
