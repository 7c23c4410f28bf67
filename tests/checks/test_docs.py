"""The pages point where something is."""

import re

from source import ROOT, tracked


def test_links_lead_somewhere():
    broken = []
    for path in tracked("*.md"):
        page = ROOT / path
        for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text()):
            if "://" not in target and not (page.parent / target).exists():
                broken.append(f"{path}: {target}")
    assert not broken, broken


def test_every_decision_is_in_the_index():
    index = (ROOT / "docs/decisions/README.md").read_text()
    pages = [path.rsplit("/", 1)[1] for path in tracked("docs/decisions/0*.md")]
    assert [page for page in pages if f"({page})" not in index] == []
    numbers = [page.split("-")[0] for page in pages]
    assert len(set(numbers)) == len(numbers), "two decisions have one number"
