"""The parameters of a function, read from its source: nothing is imported."""

import ast
from collections.abc import Collection, Iterator
from inspect import Parameter, Signature

from suite.errors import SuiteError
from suite.host.imports.graph import Graph
from suite.host.imports.source import tree_of

_GIVEN = object()  # stands for a default, whatever it is


def signature(target: str, packages: Collection[str]) -> Signature | None:
    """The signature of `"package.module:function"`, annotations left out and every default the same object.

    None where the target is no plain function of the packages: wrapped, assigned, or made in some other way.
    """
    module, _, name = target.partition(":")
    graph = Graph(packages)
    try:
        if not graph.knows(module):
            return None
        trees = [tree_of(path) for each in graph.target(module, name).files if (path := graph.source(each).path)]
    except SuiteError:
        return None
    found = [node for tree in trees for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == name]
    if len(found) != 1 or not all(map(_leaves_it, found[0].decorator_list)):
        return None
    return Signature([*_parameters(found[0].args)])


def _leaves_it(decorator: ast.expr) -> bool:
    """Whether a decorator returns the function itself: `suite.gradients.changing` notes what a rule changes."""
    return isinstance(decorator, ast.Call) and isinstance(decorator.func, ast.Name) and decorator.func.id == "changing"


def _parameters(arguments: ast.arguments) -> Iterator[Parameter]:
    positional = [*arguments.posonlyargs, *arguments.args]
    required = len(positional) - len(arguments.defaults)
    for place, each in enumerate(positional):
        kind = Parameter.POSITIONAL_ONLY if place < len(arguments.posonlyargs) else Parameter.POSITIONAL_OR_KEYWORD
        yield Parameter(each.arg, kind, default=Parameter.empty if place < required else _GIVEN)
    if arguments.vararg:
        yield Parameter(arguments.vararg.arg, Parameter.VAR_POSITIONAL)
    for each, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        yield Parameter(each.arg, Parameter.KEYWORD_ONLY, default=Parameter.empty if default is None else _GIVEN)
    if arguments.kwarg:
        yield Parameter(arguments.kwarg.arg, Parameter.VAR_KEYWORD)
