"""Who may include whom: the table of ARCHITECTURE.md, held against the #include lines."""

import re
from pathlib import PurePosixPath

_INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(["<])([^">]+)[">]', re.MULTILINE)

# Folders whose own folders are rooms.
_SPLIT = ("broker", "operator")

# room -> rooms it may include besides itself; "broker" stands for every room in it.
_BROKER = {"base", "protocol", "records", "client", "broker"}
_OPERATOR = {"base", "protocol", "client", "operator", "broker/config"}
MAY_INCLUDE = {
    "base": set(),
    "protocol": {"base"},
    "records": {"base"},
    "client": {"base", "protocol", "records"},
    "broker": _BROKER,
    "broker/raft": {"base", "protocol"},
    "operator": _OPERATOR,
    "local": {"base", "operator/kube"},
    "cli": {"base", "protocol", "records", "client", "local", "operator/api", "operator/kube", "operator/app", "broker/app"},
}
# Rooms that put everything together: no other room of their folder may include them.
_ROOTS = ("broker/app", "operator/app")

# Headers that cost seconds per file, and the folders whose files may use them ("" is anywhere). A header of
# ours that includes one is private: only files of its own room may include it.
HEAVY = {
    "boost/asio": ("client", "operator/kube", "operator/app", "local"),
    "boost/beast": ("broker/net", "broker/metrics", "broker/app", "operator/app", "local"),
    "cpprest/": ("operator/kube",),
    "pplx/": ("operator/kube",),
    "nlohmann/json.hpp": ("",),
    "yaml-cpp/": ("",),
    "spdlog/": ("",),
}


def includes(text):
    """("own" or "system", path, line number) of every include."""
    kinds = {'"': "own", "<": "system"}
    return [(kinds[m[1]], m[2], text.count("\n", 0, m.start()) + 1) for m in _INCLUDE.finditer(text)]


def room(path):
    """`broker/log` for broker/log/x.cc, `base` for base/x.h."""
    parts = PurePosixPath(path).parts
    if len(parts) < 2:
        return ""
    return "/".join(parts[:2]) if parts[0] in _SPLIT and len(parts) > 2 else parts[0]


def allowed(source, target):
    """May a file of room `source` include one of room `target`?"""
    if source == target or source.split("/")[0] == "tests":
        return True
    if target.split("/")[0] == "tests":
        return False
    if target in _ROOTS and source.split("/")[0] != "cli":
        return False
    may = MAY_INCLUDE.get(source, MAY_INCLUDE.get(source.split("/")[0]))
    return may is not None and (target in may or target.split("/")[0] in may)


def cycles(edges):
    """One cycle of rooms as a list, or None. `edges`: room -> set of rooms."""
    state, path = {}, []

    def visit(node):
        state[node] = "open"
        path.append(node)
        for target in sorted(edges.get(node, ())):
            if state.get(target) == "open":
                return path[path.index(target) :] + [target]
            if target not in state and (found := visit(target)):
                return found
        state[node] = "done"
        path.pop()
        return None

    for node in sorted(edges):
        if node not in state and (found := visit(node)):
            return found
    return None


def is_heavy(target):
    return any(target.startswith(prefix) for prefix in HEAVY)


def heavy_misplaced(path, target):
    """Why this heavy include may not stand in this file, or None."""
    if path.startswith("tests/"):
        return None
    for prefix, folders in HEAVY.items():
        if target.startswith(prefix) and not any(folder == "" or path.startswith(folder + "/") for folder in folders):
            return f"only {', '.join(folders)} may use it"
    return None


def heavy_leaks(edges):
    """Includes of another room's header that brings a heavy one with it: (file, line, header).

    `edges`: (file, line, "own" or "system", included path) of every include.
    """
    heavy = {path for path, _, kind, target in edges if kind == "system" and path.endswith(".h") and is_heavy(target)}
    while True:
        more = {path for path, _, kind, target in edges if kind == "own" and target in heavy and path.endswith(".h")}
        if more <= heavy:
            break
        heavy |= more
    return [
        (path, line, target)
        for path, line, kind, target in edges
        if kind == "own" and target in heavy and room(path) != room(target) and not path.startswith("tests/")
    ]
