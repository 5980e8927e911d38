"""The contract as a list of named checks, and all of them at once."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial

from suite.errors import one_line
from suite.host.registry import Registry
from suite.host.testing import columns, contents, results, rules, settings
from suite.host.testing.trial import Trial
from suite.plugin import Module
from suite.refs import parse_call


class ContractBroken(AssertionError):
    """A module does not keep the contract; the message says which part of it, and how."""


@dataclass(frozen=True)
class Check:
    """One rule of the contract for one module, study or gradient rule; call it to check.

    Args:
        owner: whose rule it is: `rays`, `rays.flip`, `gradient rays_guided`.
        rule: what must hold, in words.
        faults: finds what is wrong, in words.
    """

    owner: str
    rule: str
    faults: Callable[[], Iterable[str]]

    def __str__(self) -> str:
        return f"{self.owner}: {self.rule}"

    def __call__(self) -> None:
        """Raises ContractBroken with everything that is wrong."""
        if found := list(self.faults()):
            raise ContractBroken("\n  ".join([f"{self} - broken:", *found]))


def check_module(module: Module, gradients: Iterable[str] = ()) -> None:
    """Checks the whole contract.

    Args:
        module: an installed module.
        gradients: gradient rules of the module as they are typed, `rule(strength=2)`; needed where a rule has an
            argument without a default, and for further variants.

    Raises:
        ContractBroken: lists every rule of the contract that is broken, with what is wrong.
    """
    checks = contract_checks(module, gradients)
    broken: list[str] = []
    cause: Exception | None = None
    for check in checks:
        try:
            check()
        except ContractBroken as error:
            broken.append(str(error))
        except Exception as error:
            broken.append(f"{check} - cannot be checked: {one_line(error)}")
            cause = cause or error
    if broken:
        what = f"{module.name} breaks {len(broken)} of {len(checks)} rules of the contract"
        raise ContractBroken("\n".join([what, *broken])) from cause


def contract_checks(module: Module, gradients: Iterable[str] = ()) -> list[Check]:
    """The contract as checks with names, for `pytest.mark.parametrize`; arguments as in `check_module`."""
    return [*_of_module(module), *_of_studies(module), *_of_gradients(module, list(gradients))]


def _of_module(module: Module) -> Iterator[Check]:
    for rule, faults in contents.RULES.items():
        yield Check(module.name, rule, partial(faults, module))


def _of_studies(module: Module) -> Iterator[Check]:
    known = Registry().studies_of(module.name)
    for short, study in known.items():
        if short not in module.studies:
            continue
        trial = Trial(f"{module.name}.{short}", study)
        for rule, faults in {**settings.RULES, **results.RULES, **columns.RULES}.items():
            yield Check(trial.name, rule, partial(faults, trial))


def _of_gradients(module: Module, examples: list[str]) -> Iterator[Check]:
    for name in module.gradients:
        for ref in [text for text in examples if parse_call(text).name == name] or [name]:
            for rule, faults in rules.RULES.items():
                yield Check(f"gradient {ref}", rule, partial(faults, ref, Registry()))
