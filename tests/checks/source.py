"""What the checks share: the files of the repository, and C++ without comments and strings."""

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

_TOKENS = re.compile(
    r"""//[^\n]*|/\*.*?\*/|R"(?P<tag>[^()\\\s]{0,16})\(.*?\)(?P=tag)"|"(?:\\.|[^"\\\n])*"|(?<![0-9a-fA-F])'(?:\\.|[^'\\\n])+'""",
    re.DOTALL,
)


def tracked(*patterns):
    """Paths (from the root) of the files in git, also those not yet added, that match a pattern."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *patterns]
    out = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [path for path in sorted(set(out.splitlines())) if (ROOT / path).is_file()]


def code_only(text):
    """`text` with comments and the inside of literals blanked; every line keeps its number."""
    return _TOKENS.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), text)
