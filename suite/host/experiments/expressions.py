"""Values of an experiment that are computed from earlier stages: `{star.headline.eps_star} * [0.5, 1, 2]`.

A small grammar, read by recursive descent into a tree; Python evaluates nothing of it:

    sum     = product (("+" | "-") product)*
    product = factor (("*" | "/") factor)*
    factor  = number | "-" factor | "(" sum ")" | "[" sum ("," sum)* "]" | "{" reference "}" | name "(" sum ")"

Names are `mean`, `median`, `min` and `max` of a list. A list meets a number item by item, and a list of its own length
likewise.
"""

import math
import operator
import re
import statistics
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from suite.errors import SuiteError, shortened

Value = float | int | str | list["Value"]
"""A number, a text (a model reference), or a list of them."""

FUNCTIONS: dict[str, Callable[[list[float]], float]] = {
    "mean": statistics.fmean,
    "median": statistics.median,
    "min": min,
    "max": max,
}
OPERATORS: dict[str, Callable[[float, float], float]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
}
LONGEST, DEEPEST, MOST_SIGNS = 10_000, 50, 200
"""Of an expression: characters, brackets and minus signs in each other, operations."""
LARGEST_INTEGER = 2**63 - 1
KINDS = ("headline", "config", "timings", "models", "tables")


@dataclass(frozen=True)
class Reference:
    """What an expression asks of an earlier stage; `name` is "table.column" of tables, and may be "*" of models."""

    stage: str
    kind: str  # one of KINDS
    name: str

    def __str__(self) -> str:
        return f"{{{self.stage}.{self.kind}.{self.name}}}"


@dataclass(frozen=True)
class Items:
    """A list."""

    items: "tuple[Node, ...]"


@dataclass(frozen=True)
class Operation:
    """Two operands and one of OPERATORS."""

    sign: str
    left: "Node"
    right: "Node"


@dataclass(frozen=True)
class Call:
    """One of FUNCTIONS of a list."""

    name: str
    of: "Node"


Node = float | int | Reference | Items | Operation | Call


def is_expression(value: object) -> bool:
    """Whether a value of an experiment's file is computed: a text with a reference in it."""
    return isinstance(value, str) and "{" in value


def parse(text: str) -> Node:
    """The tree of an expression. Raises SuiteError where the text is not in the grammar, with the place."""
    if len(text) > LONGEST:
        raise SuiteError(f"{shortened(text)!r} is no expression", f"write at most {LONGEST} characters")
    parser = _Parser(text)
    node = parser.sum()
    if parser.place < len(parser.tokens):
        raise parser.unexpected()
    return node


def references(node: Node) -> Iterator[Reference]:
    """The references of a tree, from left to right."""
    match node:
        case Reference():
            yield node
        case Items(items):
            for item in items:
                yield from references(item)
        case Operation(_, left, right):
            yield from references(left)
            yield from references(right)
        case Call(_, of):
            yield from references(of)


def evaluate(node: Node, look_up: Callable[[Reference], Value]) -> Value:
    """The value of a tree.

    Raises:
        SuiteError: texts are calculated with, lists of different lengths meet, or a result is not a finite number.
    """
    match node:
        case Reference():
            return look_up(node)
        case Items(items):
            return [evaluate(item, look_up) for item in items]
        case Operation(sign, left, right):
            return _combine(sign, evaluate(left, look_up), evaluate(right, look_up))
        case Call(name, of):
            value = evaluate(of, look_up)
            numbers = [_number(item) for item in (value if isinstance(value, list) else [value])]
            if not numbers:
                raise SuiteError(f"{name} of an empty list", "mend the expression or the run it reads")
            return _finite(lambda: FUNCTIONS[name](numbers), f"{name} of {len(numbers)} numbers")
        case _:
            return node


def _combine(sign: str, left: Value, right: Value) -> Value:
    if isinstance(left, list) and isinstance(right, list):
        if len(left) != len(right):
            raise SuiteError(f"lists of {len(left)} and {len(right)} items meet at {sign!r}", "make them one length")
        return [_combine(sign, one, other) for one, other in zip(left, right, strict=True)]
    if isinstance(left, list):
        return [_combine(sign, item, right) for item in left]
    if isinstance(right, list):
        return [_combine(sign, left, item) for item in right]
    one, other = _number(left), _number(right)
    if sign == "/" and not other:
        raise _not_finite(f"{one} / {other}")
    return _finite(lambda: OPERATORS[sign](one, other), f"{one} {sign} {other}")


def _finite(calculate: Callable[[], int | float], what: str) -> int | float:
    """The number that comes out. Raises SuiteError for infinities, NaN, and integers that no float comes near to."""
    try:
        result = calculate()
        if math.isfinite(result) and not (isinstance(result, int) and abs(result) > LARGEST_INTEGER):
            return result
    except OverflowError:
        pass
    raise _not_finite(what)


def _not_finite(what: str) -> SuiteError:
    return SuiteError(f"{what} is not a finite number", "mend the expression, or the run that it reads")


def _number(value: Value) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise SuiteError(
            f"an expression calculates with {shortened(repr(value))}", "only numbers can be calculated with"
        )
    return value


_TOKEN = re.compile(
    r"\s*(?:(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)|\{(?P<reference>[^{}]*)\}"
    r"|(?P<name>[A-Za-z_]\w*)|(?P<sign>[-+*/()\[\],]))"
)


class _Parser:
    """One pass over the tokens of a text; a method for each line of the grammar."""

    def __init__(self, text: str) -> None:
        self.text, self.place, self.depth, self.signs = text, 0, 0, 0
        self.tokens = [*self._split()]

    def sum(self) -> Node:
        node = self.product()
        while sign := self.take("+", "-"):
            node = self.operation(sign, node, self.product())
        return node

    def product(self) -> Node:
        node = self.factor()
        while sign := self.take("*", "/"):
            node = self.operation(sign, node, self.factor())
        return node

    def operation(self, sign: str, left: Node, right: Node) -> Node:
        self.signs += 1
        if self.signs > MOST_SIGNS:
            raise self.unreadable(f"its operation number {self.signs}: it may have {MOST_SIGNS}")
        return Operation(sign, left, right)

    def factor(self) -> Node:
        """A factor, which may hold a sum: what is nested too deeply is refused here, for it alone recurs."""
        self.depth += 1
        if self.depth > DEEPEST:
            raise self.unreadable(f"brackets and minus signs, more than {DEEPEST} in each other")
        node = self.simple()
        self.depth -= 1
        return node

    def simple(self) -> Node:
        if self.take("-"):
            return self.operation("*", -1, self.factor())
        if self.take("("):
            return self.closed(")", self.sum())
        if self.take("["):
            items = [self.sum()]
            while self.take(","):
                items.append(self.sum())
            return self.closed("]", Items(tuple(items)))
        kind, content = self.tokens[self.place] if self.place < len(self.tokens) else ("", "")
        if kind not in ("number", "reference", "name") or (kind == "name" and content not in FUNCTIONS):
            raise self.unexpected()
        self.place += 1
        if kind == "number":
            return self.number(content)
        if kind == "reference":
            return _reference(content)
        if not self.take("("):
            raise self.unexpected("; '(' is missing")
        return self.closed(")", Call(content, self.sum()))

    def number(self, text: str) -> float:
        value = float(text)
        if not math.isfinite(value):
            raise self.unreadable(f"{shortened(text)!r}, which is too large")
        return value if re.search(r"[.eE]", text) or value >= LARGEST_INTEGER else int(text)

    def closed(self, sign: str, node: Node) -> Node:
        if not self.take(sign):
            raise self.unexpected(f"; {sign!r} is missing")
        return node

    def take(self, *signs: str) -> str:
        """The sign that comes next, if it is one of these; else nothing."""
        if self.place == len(self.tokens) or self.tokens[self.place] not in [("sign", sign) for sign in signs]:
            return ""
        self.place += 1
        return self.tokens[self.place - 1][1]

    def unexpected(self, why: str = "") -> SuiteError:
        where = self.tokens[self.place][1] if self.place < len(self.tokens) else "its end"
        return self.unreadable(f"{shortened(where)!r}{why}")

    def unreadable(self, where: str) -> SuiteError:
        parts = "numbers, lists, + - * / ( ), {stage.kind.name}, " + ", ".join(FUNCTIONS)
        return SuiteError(f"cannot read {shortened(self.text, 200)!r} at {where}", f"an expression is made of {parts}")

    def _split(self) -> Iterator[tuple[str, str]]:
        place, text = 0, self.text.rstrip()
        while place < len(text):
            match = _TOKEN.match(text, place)
            if match is None:
                raise self.unreadable(repr(text[place:].strip()[:10]))
            kind = str(match.lastgroup)
            yield kind, match[kind]
            place = match.end()


def _reference(text: str) -> Reference:
    parts = text.strip().split(".", 2)
    if len(parts) < 3 or not all(part.strip() for part in parts) or parts[1] not in KINDS:
        forms = "{stage.headline.name}, .config.option, .timings.seconds, .models.name or .tables.table.column"
        raise SuiteError(f"cannot read the reference {{{shortened(text)}}}", f"write {forms}")
    if parts[1] == "tables" and "." not in parts[2]:
        raise SuiteError(f"{{{shortened(text)}}} names no column", "write {stage.tables.table.column}")
    return Reference(*parts)
