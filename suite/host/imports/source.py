"""One source file as the import graph sees it: what it imports and defines, whether importing it does anything else."""

import ast
import hashlib
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from importlib.machinery import SOURCE_SUFFIXES
from importlib.util import decode_source
from pathlib import Path
from typing import Literal

from suite.errors import SuiteError
from suite.host.imports.lazy import Lazy, lazy_names
from suite.host.imports.text import plain_code
from suite.host.imports.uses import Key, Uses, uses

_IMPORT_ERRORS = {"ImportError", "ModuleNotFoundError", "Exception", "BaseException"}


@dataclass(frozen=True)
class Import:
    """One imported name.

    Args:
        module: absolute name of the module after `import` or `from`.
        name: of `from module import name`; `*` of a star import; empty for `import module`.
        bound: the name that it has in the file.
        key: line and column.
        place: at the top level (also in `if` and `try` there), in the module's `__getattr__`, or elsewhere inside.
        typing: whether it stands under `if TYPE_CHECKING`.
        guarded: whether the file goes on without the module: a `try` around it catches ImportError.
        binds_parent: whether it is `import a.b`, which binds `a`.
    """

    module: str
    name: str
    bound: str
    key: Key
    place: Literal["top", "getattr", "inside"]
    typing: bool
    guarded: bool
    binds_parent: bool = False

    @property
    def line(self) -> int:
        return self.key[0]


@dataclass(frozen=True)
class Source:
    """What a source file says about itself.

    Args:
        path: of the file; None for a folder without `__init__.py`.
        imports: all of them, those in functions and under TYPE_CHECKING included.
        defined: names of functions, classes and variables at the top level.
        effect: whether importing the file does more than import, define and assign names.
        lazy: what a module-level `__getattr__` serves.
        digest: sha256 of the code, without comments and docstrings.
    """

    path: Path | None
    imports: tuple[Import, ...] = ()
    defined: frozenset[str] = frozenset()
    effect: bool = False
    lazy: Lazy = field(default_factory=Lazy)
    digest: str = ""

    def bindings(self, name: str) -> list[Import]:
        """The imports that give a name its meaning when the file is imported."""
        return [found for found in self.imports if found.bound == name and found.place == "top" and not found.typing]

    def uses(self) -> Uses:
        """How the file uses what it imports. Few files are asked, so the others are not searched for it."""
        if self.path is None:
            return {}
        now, known = stamp(self.path), _uses.get(self.path)
        if known is None or known[0] != now:
            known = _uses[self.path] = (now, uses(tree_of(self.path)))
        return known[1]


Stamp = tuple[int, int]
_uses: dict[Path, tuple[Stamp, Uses]] = {}


def stamp(path: Path) -> Stamp:
    """How a change of the file is noticed without reading it. Raises SuiteError where there is none."""
    try:
        status = path.stat()
    except OSError as error:
        raise SuiteError(f"cannot read {path}: {error.strerror}") from error
    return status.st_mtime_ns, status.st_size


def parse(path: Path, data: bytes, package: str) -> Source:
    """What a file of that content says, in a package from which its relative imports count.

    Raises SuiteError where it cannot be parsed; the line is named.
    """
    if path.suffix not in SOURCE_SUFFIXES:  # compiled: its bytes count
        return Source(path, digest=hashlib.sha256(data).hexdigest())
    text, tree = _parsed(path, data)
    return Source(
        path,
        tuple(_Imports(path, package).inside(tree.body)),
        frozenset(_defined(tree.body)),
        not all(map(_harmless, tree.body)),
        lazy_names(tree.body),
        hashlib.sha256(plain_code(text, tree)).hexdigest(),
    )


def tree_of(path: Path) -> ast.Module:
    """The syntax tree of a file. Raises SuiteError, with the line, where it cannot be read or parsed."""
    return _parsed(path, content(path))[1]


def content(path: Path) -> bytes:
    """The bytes of a file. Raises SuiteError where it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise SuiteError(f"cannot read {path}: {error}", "mend the file") from error


def _parsed(path: Path, data: bytes) -> tuple[str, ast.Module]:
    try:
        text = decode_source(data)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return text, ast.parse(text)
    except SyntaxError as error:
        raise SuiteError(f"cannot parse {path}, line {error.lineno or 1}: {error.msg}", "mend the file") from error
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise SuiteError(f"cannot read {path}, line {line}: {error.reason}", "save it as UTF-8") from error
    except ValueError as error:
        raise SuiteError(f"cannot read {path}: {error}", "mend the file") from error


@dataclass(frozen=True)
class _Imports:
    """Collects the imports below a statement, with what is known about the place."""

    path: Path
    package: str
    place: Literal["top", "getattr", "inside"] = "top"
    typing: bool = False
    guarded: bool = False

    def inside(self, body: Iterable[ast.AST]) -> Iterator[Import]:
        for node in body:
            match node:
                case ast.Import():
                    for alias in node.names:
                        top, _, below = alias.name.partition(".")
                        yield self._import(alias, alias.name, "", alias.asname or top, bool(below) and not alias.asname)
                case ast.ImportFrom():
                    module = self._absolute(node)
                    for alias in node.names:
                        yield self._import(alias, module, alias.name, alias.asname or alias.name)
                case ast.If():
                    typing = _type_checking(node.test)
                    yield from replace(self, typing=self.typing or typing is True).inside(node.body)
                    yield from replace(self, typing=self.typing or typing is False).inside(node.orelse)
                case ast.Try() | ast.TryStar():
                    guarded = self.guarded or any(map(_catches_import_errors, node.handlers))
                    yield from replace(self, guarded=guarded).inside(node.body)
                    yield from self.inside([*node.handlers, *node.orelse, *node.finalbody])
                case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                    lazy = self.place == "top" and node.name == "__getattr__"
                    place: Literal["getattr", "inside"] = "getattr" if lazy or self.place == "getattr" else "inside"
                    yield from replace(self, place=place).inside(node.body)
                case ast.For() | ast.AsyncFor() | ast.While():
                    yield from self.inside([*node.body, *node.orelse])
                case ast.With() | ast.AsyncWith() | ast.ExceptHandler() | ast.match_case():
                    yield from self.inside(node.body)
                case ast.Match():
                    yield from self.inside(node.cases)

    def _import(self, alias: ast.alias, module: str, name: str, bound: str, binds_parent: bool = False) -> Import:
        key = (alias.lineno, alias.col_offset)
        return Import(module, name, bound, key, self.place, self.typing, self.guarded, binds_parent)

    def _absolute(self, node: ast.ImportFrom) -> str:
        if not node.level:
            return node.module or ""
        words = self.package.split(".") if self.package else []
        if node.level > len(words):
            raise SuiteError(f"{self.path}, line {node.lineno}: a relative import beyond the top-level package")
        return ".".join([*words[: len(words) - node.level + 1], *([node.module] if node.module else [])])


def _type_checking(test: ast.expr) -> bool | None:
    """True for `TYPE_CHECKING`, False for `not TYPE_CHECKING`, None for any other condition."""
    match test:
        case ast.Name(id="TYPE_CHECKING") | ast.Attribute(attr="TYPE_CHECKING"):
            return True
        case ast.UnaryOp(op=ast.Not(), operand=operand) if _type_checking(operand):
            return False
    return None


def _catches_import_errors(handler: ast.ExceptHandler) -> bool:
    caught = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(error is None or (isinstance(error, ast.Name) and error.id in _IMPORT_ERRORS) for error in caught)


def _defined(body: Iterable[ast.AST]) -> Iterator[str]:
    """Names that statements bind other than by importing."""
    for node in body:
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield name
            case ast.If(test=test) if _type_checking(test) is not None:
                yield from _defined(node.orelse if _type_checking(test) else node.body)
            case ast.Name(id=name, ctx=ast.Store()):
                yield name
            case ast.AnnAssign(value=None):
                pass
            case ast.stmt() | ast.ExceptHandler() | ast.match_case() | ast.Tuple() | ast.List() | ast.Starred():
                yield from _defined(ast.iter_child_nodes(node))
            case ast.withitem() | ast.NamedExpr():
                yield from _defined(ast.iter_child_nodes(node))


def _harmless(node: ast.stmt) -> bool:
    """Whether a statement at the top level only imports, defines or assigns names."""
    match node:
        case ast.Assign(targets=targets):
            return all(map(_is_name, targets))
        case ast.AnnAssign(target=target) | ast.AugAssign(target=target):
            return _is_name(target)
        case ast.Delete(targets=targets):
            return all(map(_is_name, targets))
        case ast.If():
            is_main = isinstance(node.test, ast.Compare) and ast.unparse(node.test.left) == "__name__"
            return is_main or _type_checking(node.test) is True or all(map(_harmless, [*node.body, *node.orelse]))
        case ast.Try() | ast.TryStar():
            handled = [statement for handler in node.handlers for statement in handler.body]
            return all(map(_harmless, [*node.body, *handled, *node.orelse, *node.finalbody]))
        case ast.Import() | ast.ImportFrom() | ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef() | ast.Pass():
            return True
        case ast.Expr(value=ast.Constant()):
            return True
    return type(node).__name__ == "TypeAlias"


def _is_name(target: ast.expr) -> bool:
    if isinstance(target, ast.Tuple | ast.List):
        return all(map(_is_name, target.elts))
    return isinstance(target, ast.Name) or (isinstance(target, ast.Starred) and _is_name(target.value))
