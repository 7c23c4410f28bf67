"""How long files and functions are, from the text alone.

A C++ function is a block in braces, outside of every other function, whose head has a parameter
list; lambdas count with the function around them. clang-format has made the text regular before
this looks at it.
"""

import ast
import re

from source import code_only

FILE_WALL = 800
FUNCTION_WALL = 70

_CONTAINER = re.compile(r"\b(namespace|class|struct|union|enum|extern)\b")
_MEMBER_INIT = re.compile(r"\)[\w\s]*:(?!:)")
_NAME = re.compile(r"([~\w:]+|operator\s*\(\)|operator[^\s(]+)\s*$")


def _outside_parens(head):
    depth, out = 0, []
    for c in head:
        depth += c == "("
        if depth == 0 or c == "(":
            out.append(c)
        depth -= c == ")"
    return "".join(out)


def _is_function(head):
    flat = _outside_parens(head)
    if "(" not in flat:
        return False
    without_operators = re.sub(r"\boperator[^\w\s(]+", "", flat)
    if "=" in without_operators:
        return "[" in flat and flat.index("[") < flat.index("(")  # a named lambda
    before = flat[: flat.index("(")]
    return not re.search(r"\b(class|struct|union|enum|namespace|concept)\b", before) or "template" in before


def _is_member_init(head):
    """True if the brace after `head` initialises a member: `: a_(x), b_`."""
    flat = _outside_parens(head).replace("(", "()")
    return bool(_MEMBER_INIT.search(flat)) and bool(re.search(r"[\w>]\s*$", head)) and not re.search(
        r"\b(noexcept|const|override|final)\s*$", head
    )


def _name(head):
    before = head[: head.index("(")] if "(" in head else head
    macro = re.match(r"\s*(TEST|TEST_F|TEST_P)\s*\(([^)]*)\)", head)
    if macro:
        return ".".join(part.strip() for part in macro[2].split(","))
    match = _NAME.search(before)
    return re.sub(r"\s+", "", match[1]) if match else before.strip()[-40:]


def _skip_block(text, at):
    """The index behind the brace that closes the one at `at`."""
    depth = 0
    while at < len(text):
        depth += (text[at] == "{") - (text[at] == "}")
        at += 1
        if depth == 0:
            break
    return at


def cpp_functions(text):
    """(name, first line, lines) of every function; a head's own lines count."""
    text = code_only(text)
    text = re.sub(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", lambda m: re.sub(r"[^\n]", " ", m[0]), text, flags=re.M)
    found, at, head_start, parens = [], 0, 0, 0
    while at < len(text):
        c = text[at]
        parens += (c == "(") - (c == ")")
        if c in ";}" and parens == 0:
            head_start = at + 1
        elif c == ":" and parens == 0 and re.search(r"\b(public|private|protected)\s*$", text[head_start:at]):
            head_start = at + 1
        elif c == "{":
            head = text[head_start:at]
            if parens or (_is_function(head) and _is_member_init(head)):
                at = _skip_block(text, at)
                continue
            end = _skip_block(text, at)
            if _is_function(head):
                first = head_start + len(head) - len(head.lstrip())
                line = text.count("\n", 0, first) + 1
                found.append((_name(head), line, text.count("\n", first, end) + 1))
                at = end
            elif _CONTAINER.search(head):
                at += 1
            else:
                at = end
            head_start = at
            continue
        at += 1
    return found


def python_functions(text):
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    return [
        (node.name, node.lineno, node.end_lineno - node.lineno + 1)
        for node in ast.walk(ast.parse(text))
        if isinstance(node, functions)
    ]


def functions(path, text):
    return python_functions(text) if path.endswith(".py") else cpp_functions(text)


def offenders(path, lines, rows):
    """{"path" or "path:function": lines} of what stands behind a wall; `rows` are its functions."""
    found = {path: lines} if lines > FILE_WALL else {}
    for name, _, length in rows:
        if length > FUNCTION_WALL:
            found[f"{path}:{name}"] = length
    return found
