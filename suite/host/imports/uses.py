"""How a file uses the names that it imports: `data.load(...)` uses the attribute `load` of `data`.

Names are looked up as Python does, through functions, classes and comprehensions, so that a local variable of the same
name is not taken for the import.
"""

import ast
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

Key = tuple[int, int]
"""Line and column of an imported name, which tell apart the imports of a file."""

Chain = tuple[str, ...]
"""Attributes one after another: `a.b.c` uses the chain (b, c) of `a`. Empty: the name is used as it is."""

Uses = Mapping[Key, frozenset[Chain]]

ASKED = "?"
"""In a chain: the attribute that a module-level `__getattr__` is asked for, as in `getattr(module, name)`."""

_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef, *_COMPREHENSIONS)


def uses(tree: ast.Module) -> Uses:
    """The chains under which each import of a file is used; imports that are never used are absent."""
    found: dict[Key, set[Chain]] = defaultdict(set)
    _Reader(_Scope("module", None, _bound(tree.body)), found).all(tree.body)
    return {key: frozenset(chains) for key, chains in found.items()}


@dataclass(frozen=True)
class _Scope:
    """Names bound in one scope, each with the imports among its bindings; of `__getattr__` also its parameter."""

    kind: str
    parent: "_Scope | None"
    names: dict[str, list[Key]]
    asked: str = ""

    def imports(self, name: str) -> list[Key]:
        """The imports that a name read in this scope may stand for."""
        scope: _Scope | None = self
        in_function = False
        while scope:
            if name in scope.names and not (scope.kind == "class" and in_function):
                return scope.names[name]
            in_function = in_function or scope.kind == "function"
            scope = scope.parent
        return []


@dataclass(frozen=True)
class _Reader:
    """Reads the code of one scope, and that of the scopes inside it."""

    scope: _Scope
    found: dict[Key, set[Chain]]

    def all(self, nodes: Iterable[ast.AST | None]) -> None:
        for node in nodes:
            if node is not None:
                self.read(node)

    def read(self, node: ast.AST) -> None:
        match node:
            case ast.Name() | ast.Attribute():
                self._value(node, ())
            case ast.Call(func=ast.Name(id="getattr"), args=[ast.Name() | ast.Attribute() as of, attribute, *default]):
                self._value(of, self._attribute(attribute))
                self.all([attribute, *default])
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                self.all([*node.decorator_list, *_outside(node.args), node.returns])
                is_lazy = self.scope.kind == "module" and node.name == "__getattr__"
                asked = node.args.args[0].arg if is_lazy and node.args.args else ""
                self._function(node.args, node.body, asked)
            case ast.Lambda():
                self.all(_outside(node.args))
                self._function(node.args, [node.body])
            case ast.ClassDef():
                self.all([*node.decorator_list, *node.bases, *node.keywords])
                self._inside(_Scope("class", self.scope, _bound(node.body))).all(node.body)
            case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
                self.read(node.generators[0].iter)  # the first one is read outside
                scope = _Scope("comprehension", self.scope, _bound(part.target for part in node.generators))
                self._inside(scope).all(ast.iter_child_nodes(node))
            case _:
                self.all(ast.iter_child_nodes(node))

    def _value(self, node: ast.AST, chain: Chain) -> None:
        """A name and attributes behind it."""
        while isinstance(node, ast.Attribute):
            chain = (node.attr, *chain)
            node = node.value
        if not isinstance(node, ast.Name):
            self.read(node)
        elif chain or isinstance(node.ctx, ast.Load):
            for key in self.scope.imports(node.id):
                self.found[key].add(chain)

    def _attribute(self, node: ast.AST) -> Chain:
        """The attribute that `getattr` reads; empty where the code does not say which."""
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            return (node.value,)
        return (ASKED,) if isinstance(node, ast.Name) and node.id == self.scope.asked else ()

    def _function(self, arguments: ast.arguments, body: list[ast.stmt] | list[ast.expr], asked: str = "") -> None:
        names = _bound(body)
        for name in _declared(body):  # bound elsewhere, where other code may do anything with it
            for key in names.pop(name, []):
                self.found[key].add(())
        names |= {argument.arg: [] for argument in ast.walk(arguments) if isinstance(argument, ast.arg)}
        self._inside(_Scope("function", self.scope, names, asked)).all(body)

    def _inside(self, scope: _Scope) -> "_Reader":
        return _Reader(scope, self.found)


def _outside(arguments: ast.arguments) -> list[ast.expr | None]:
    """What is read where a function is defined: defaults and annotations."""
    named = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg]
    return [*arguments.defaults, *arguments.kw_defaults, *(argument.annotation for argument in named if argument)]


def _bound(nodes: Iterable[ast.AST]) -> dict[str, list[Key]]:
    """The names that code binds in its own scope; the imports among the bindings by their keys."""
    names: dict[str, list[Key]] = {}
    for node in _own(nodes):
        match node:
            case ast.Import() | ast.ImportFrom():
                for alias in node.names:
                    local = alias.asname or (
                        alias.name if isinstance(node, ast.ImportFrom) else alias.name.split(".")[0]
                    )
                    names.setdefault(local, []).append((alias.lineno, alias.col_offset))
            case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
                names.setdefault(name, [])
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                names.setdefault(name, [])
            case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
                names.setdefault(name, [])
            case ast.MatchMapping(rest=str(name)):
                names.setdefault(name, [])
    return names


def _declared(nodes: Iterable[ast.AST]) -> set[str]:
    """Names under `global` or `nonlocal`."""
    return {name for node in _own(nodes) if isinstance(node, ast.Global | ast.Nonlocal) for name in node.names}


def _own(nodes: Iterable[ast.AST]) -> Iterator[ast.AST]:
    """All nodes but those inside other scopes, of which only the outermost node is given."""
    rest = [*nodes]
    while rest:
        node = rest.pop()
        yield node
        if not isinstance(node, _SCOPES):
            rest += ast.iter_child_nodes(node)
