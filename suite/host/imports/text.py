"""The code of a source file without its comments and docstrings, the same under every version of Python."""

import ast
import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence

_TEMPLATE = getattr(ast, "TemplateStr", ast.JoinedStr)  # Python 3.14's


def plain_code(text: str, tree: ast.Module) -> bytes:
    """A file's text without comments, docstrings, blank lines and blanks at the ends of lines; other strings stay.

    The pieces are cut out of the text by the positions of strings in its syntax tree: no tokens and no dump of the
    tree, which differ between versions of Python. Every string that stands alone as a statement counts as a docstring.
    A comment between the parts of one string that goes on over several lines stays.
    """
    data = text.encode()
    lines = [0, *(found.end() for found in re.finditer(b"\n", data))]  # where each starts
    pieces: list[bytes] = []
    gap, position = b"", 0  # between two strings, where every # begins a comment
    for node, alone in _strings(tree, data):
        start = lines[node.lineno - 1] + node.col_offset
        gap += data[position:start]
        position = lines[(node.end_lineno or 0) - 1] + (node.end_col_offset or 0)
        if not alone:
            pieces += [_without_comments(gap), data[start:position]]
            gap = b""
    return b"".join([*pieces, _without_comments(gap + data[position:])]).lstrip(b"\n").rstrip()


def _without_comments(code: bytes) -> bytes:
    code = re.sub(rb"#[^\n]*", b"", code)
    return re.sub(rb"([ \t\f]*\n)+", b"\n", code)


def _strings(tree: ast.Module, data: bytes) -> list[tuple[ast.expr, bool]]:
    """The string literals that matter, in order, and whether each is a statement of its own.

    Those matter that are such statements, or that share a line with a `#` or with what would be taken for a blank line
    or a blank at a line's end. Nothing else is looked at: most of a file is never walked.
    """
    busy = [
        number for number, line in enumerate(data.split(b"\n"), 1) if b"#" in line or line.rstrip() != line or not line
    ]
    return sorted(_walk(tree, busy), key=lambda item: (item[0].lineno, item[0].col_offset))


def _walk(tree: ast.AST, busy: Sequence[int]) -> Iterator[tuple[ast.expr, bool]]:
    rest = [tree]
    while rest:
        for node in ast.iter_child_nodes(rest.pop()):
            match node:
                case ast.Expr(value=ast.Constant(value=str()) as text):
                    yield text, True
                case ast.stmt() if hasattr(node, "body") or isinstance(node, ast.Match):
                    rest.append(node)
                case ast.expr() | ast.stmt() if not _busy(node, busy):
                    pass
                case ast.JoinedStr() | ast.Constant(value=str() | bytes()):
                    yield node, False
                case ast.expr() if isinstance(node, _TEMPLATE):
                    yield node, False
                case _:
                    rest.append(node)


def _busy(node: ast.expr | ast.stmt, busy: Sequence[int]) -> bool:
    index = bisect_left(busy, node.lineno)
    return index < len(busy) and busy[index] <= (node.end_lineno or node.lineno)
