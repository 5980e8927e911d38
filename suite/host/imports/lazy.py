"""What a package's `__getattr__` serves, so that a lazy `from package import name` can be followed.

Two ways of writing it are understood, each also behind `if name in (...)`, `==`, `not in`, `!=`:

    def __getattr__(name):                          _LAZY = {"run": "suite.host.front", "load": "suite.host.front:load"}
        if name in ("linbp", "linear_backward"):
            from package import gradient            def __getattr__(name):
            return getattr(gradient, name)              return getattr(import_module(_LAZY[name]), name)
"""

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from suite.host.imports.uses import Chain, Key

_TARGET = re.compile(r"\.{0,3}\w+(\.\w+)*(:\w+(\.\w+)*)?")


@dataclass(frozen=True)
class When:
    """For which names a branch of `__getattr__` runs: `only` some (None: any), `never` others."""

    only: frozenset[str] | None = None
    never: frozenset[str] = frozenset()

    def admits(self, name: str) -> bool:
        return name not in self.never and (self.only is None or name in self.only)

    def within(self, names: frozenset[str]) -> "When":
        return When(names if self.only is None else names & self.only, self.never)

    def without(self, names: frozenset[str]) -> "When":
        return When(self.only, self.never | names)


@dataclass(frozen=True)
class Lazy:
    """A module-level `__getattr__`.

    Args:
        present: whether there is one.
        imports: the imports inside it, by their keys, and for which names each runs.
        table: of a mapping that it reads: name -> (dotted path of a module, attributes of it).
    """

    present: bool = False
    imports: Mapping[Key, When] = field(default_factory=dict)
    table: Mapping[str, tuple[str, Chain]] = field(default_factory=dict)


def lazy_names(body: Iterable[ast.stmt]) -> Lazy:
    """What the `__getattr__` among a module's statements serves."""
    constants: dict[str, ast.expr] = {}
    function: ast.FunctionDef | None = None
    for node in body:
        match node:
            case ast.FunctionDef(name="__getattr__"):
                function = node
            case (
                ast.Assign(targets=[ast.Name(id=name)], value=value)
                | ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value)
            ):
                constants[name] = value
    if function is None or not function.args.args:
        return Lazy()
    asked = function.args.args[0].arg
    imports = {
        (alias.lineno, alias.col_offset): when
        for node, when in _branches(function.body, When(), asked, constants)
        for alias in ast.walk(node)
        if isinstance(alias, ast.alias)
    }
    table: dict[str, tuple[str, Chain]] = {}
    for inner in ast.walk(function):
        table |= _entries(constants.get(inner.id) if isinstance(inner, ast.Name) else inner)
    return Lazy(True, imports, table)


def _branches(
    body: list[ast.stmt], when: When, asked: str, constants: Mapping[str, ast.expr]
) -> Iterator[tuple[ast.stmt, When]]:
    """The statements of `__getattr__`, and for which names each runs."""
    for node in body:
        test = _tested(node.test, asked, constants) if isinstance(node, ast.If) else None
        if test is None or not isinstance(node, ast.If):
            yield node, when
            continue
        names, is_among = test
        among, others = when.within(names), when.without(names)
        inside, outside = (among, others) if is_among else (others, among)
        yield from _branches(node.body, inside, asked, constants)
        yield from _branches(node.orelse, outside, asked, constants)
        if isinstance(node.body[-1], ast.Return | ast.Raise):
            when = outside


def _tested(test: ast.expr, asked: str, constants: Mapping[str, ast.expr]) -> tuple[frozenset[str], bool] | None:
    """The names that a condition compares with, and whether it asks for one of them or for another."""
    match test:
        case ast.Compare(left=ast.Name(id=left), ops=[operator], comparators=[right]) if left == asked:
            value = constants.get(right.id) if isinstance(right, ast.Name) else right
            texts = [*_texts(value)]
            if isinstance(operator, ast.Eq | ast.In | ast.NotEq | ast.NotIn) and None not in texts:
                return frozenset(text for text in texts if text), isinstance(operator, ast.Eq | ast.In)
    return None


def _texts(value: ast.expr | None) -> Iterator[str | None]:
    """The texts of a constant, a sequence or the keys of a dict; None for what is no text."""
    match value:
        case ast.Constant(value=str(text)):
            yield text
        case ast.Tuple(elts=items) | ast.List(elts=items) | ast.Set(elts=items) | ast.Dict(keys=items):
            for item in items:
                yield from _texts(item)
        case ast.Call(func=ast.Name(id="frozenset" | "set" | "tuple"), args=[inner]):
            yield from _texts(inner)
        case _:
            yield None


def _entries(table: ast.AST | None) -> Iterator[tuple[str, tuple[str, Chain]]]:
    """name -> target of a dict, also of one put together by `**`, `|` and `dict.fromkeys(names, target)`."""
    match table:
        case ast.Dict():
            for key, value in zip(table.keys, table.values, strict=True):
                yield from _entries(value) if key is None else _entry(key, value)
        case ast.BinOp(op=ast.BitOr(), left=left, right=right):
            yield from _entries(left)
            yield from _entries(right)
        case ast.Call(func=ast.Attribute(value=ast.Name(id="dict"), attr="fromkeys"), args=[names, value]):
            yield from _entry(names, value)


def _entry(names: ast.expr, value: ast.expr) -> Iterator[tuple[str, tuple[str, Chain]]]:
    """One entry, whose value is `"module"`, `"module:attribute"` or `("module", "attribute")`."""
    words = [*_texts(value)] if isinstance(value, ast.Constant | ast.Tuple | ast.List) else [None]
    target = ":".join(word or " " for word in words)
    if _TARGET.fullmatch(target):
        module, _, attribute = target.partition(":")
        for name in _texts(names):
            if name:
                yield name, (module, tuple((attribute or name).split(".")))
