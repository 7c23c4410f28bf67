"""The "may include" column of ARCHITECTURE.md, and where heavy headers may stand."""

import pytest

from includes import MAY_INCLUDE, allowed, cycles, heavy_leaks, heavy_misplaced, includes, room
from source import ROOT, tracked


@pytest.fixture(scope="module")
def edges():
    """(file, line, kind, included path) of every include in our C++."""
    return [
        (path, line, kind, target)
        for path in tracked("*.h", "*.cc")
        for kind, target, line in includes((ROOT / path).read_text())
    ]


def test_rooms_include_only_what_they_may(edges):
    wrong = [
        f"{path}:{line}: {room(path)} may not include {target}"
        for path, line, kind, target in edges
        if kind == "own" and not allowed(room(path), room(target))
    ]
    assert not wrong, "\n".join(wrong)


def test_rooms_have_no_cycles(edges):
    graph = {}
    for path, _, kind, target in edges:
        if kind == "own" and not path.startswith("tests/") and room(path) != room(target):
            graph.setdefault(room(path), set()).add(room(target))
    assert cycles(graph) is None


def test_own_includes_are_written_from_the_root(edges):
    folders = {name.split("/")[0] for name in MAY_INCLUDE} | {"tests"}
    wrong = [
        f'{path}:{line}: "{target}"'
        for path, line, kind, target in edges
        if kind == "own" and target.split("/")[0] not in folders or kind == "system" and (ROOT / target).exists()
    ]
    assert not wrong, "\n".join(wrong)


def test_heavy_headers_stay_where_they_belong(edges):
    wrong = [
        f"{path}:{line}: <{target}>: {why}"
        for path, line, kind, target in edges
        if kind == "system" and (why := heavy_misplaced(path, target))
    ]
    assert not wrong, "\n".join(wrong)


def test_heavy_headers_do_not_leak_out_of_a_room(edges):
    wrong = [f"{path}:{line}: {target} brings a heavy header with it" for path, line, target in heavy_leaks(edges)]
    assert not wrong, "\n".join(wrong)


def test_every_header_is_guarded():
    wrong = [path for path in tracked("*.h") if "#pragma once" not in (ROOT / path).read_text()]
    assert not wrong


def test_the_table_stands_in_the_architecture_page():
    text = (ROOT / "ARCHITECTURE.md").read_text()
    missing = [name for name in MAY_INCLUDE if f"`{name}" not in text]
    assert not missing


ALLOWED = [
    ("base", "base", True),
    ("base", "protocol", False),
    ("records", "protocol", False),
    ("client", "records", True),
    ("client", "broker/log", False),
    ("broker/raft", "protocol", True),
    ("broker/raft", "records", False),
    ("broker/raft", "broker/log", False),
    ("broker/log", "broker/config", True),
    ("broker/handlers", "broker/app", False),
    ("broker/app", "broker/handlers", True),
    ("broker/app", "operator/api", False),
    ("operator/model", "broker/config", True),
    ("operator/model", "broker/log", False),
    ("operator/model", "records", False),
    ("operator/model", "operator/app", False),
    ("local", "operator/kube", True),
    ("local", "operator/model", False),
    ("cli", "operator/reconcile", False),
    ("cli", "broker/log", False),
    ("cli", "client", True),
    ("base", "tests", False),
    ("tests", "broker/log", True),
    ("newroom", "base", False),
]


@pytest.mark.parametrize("source, target, expected", ALLOWED)
def test_allowed(source, target, expected):
    assert allowed(source, target) is expected


def test_rooms():
    assert room("base/bytes.h") == "base"
    assert room("broker/log/segment.cc") == "broker/log"
    assert room("tests/broker/log/segment_test.cc") == "tests"
    assert room("local.cc") == ""


def test_cycles_are_found():
    assert cycles({"a": {"b"}, "b": {"c"}, "c": set()}) is None
    assert cycles({"a": {"b"}, "b": {"c"}, "c": {"a"}}) == ["a", "b", "c", "a"]


def test_heavy():
    assert heavy_misplaced("client/connection.cc", "boost/asio/ip/tcp.hpp") is None
    assert heavy_misplaced("broker/log/segment.cc", "boost/asio.hpp")
    assert heavy_misplaced("operator/api/json.h", "nlohmann/json_fwd.hpp") is None
    assert heavy_misplaced("base/bytes.h", "vector") is None


def test_leaks_are_found_through_other_headers():
    inner = ("client/impl.h", 1, "system", "boost/asio.hpp")
    through = ("client/client.h", 2, "own", "client/impl.h")
    private = ("client/client.cc", 3, "own", "client/impl.h")
    outside = ("cli/topic.cc", 4, "own", "client/client.h")
    assert heavy_leaks([inner, private]) == []
    assert heavy_leaks([inner, through, private]) == []
    assert heavy_leaks([inner, through, outside]) == [("cli/topic.cc", 4, "client/client.h")]


def test_includes_are_read():
    text = '#include "base/a.h"\n  #  include <vector>\n// #include "no/x.h"\n'
    assert includes(text) == [("own", "base/a.h", 1), ("system", "vector", 2)]
