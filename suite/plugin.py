"""What a plugin is made of: a Module lists Studies, gradient rules and attacks; a Study has a typed config.

A module object is a light table. Its targets are `"package.file:attribute"` strings that are loaded on first
use, so that listing a plugin costs no heavy import. A config class must import without torch: it is what
`suite info` shows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Annotated, Any, TypeVar, get_args

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from suite.errors import SuiteError, shortened
from suite.refs import LARGEST_INTEGER, format_sum, parse_call, parse_number, parse_sum, split_list

T = TypeVar("T")


@dataclass(frozen=True)
class Cost:
    """What a preset takes; `suite reproduce` chooses by it.

    Args:
        minutes: on one core of a CPU, or on one data-centre GPU where `gpu`.
        gpu: whether it is only to be waited for on a GPU.
        gigabytes: of memory; of the GPU's where `gpu`.
    """

    minutes: float
    gpu: bool = False
    gigabytes: float = 1.0


@dataclass(frozen=True)
class Study:
    """One experiment of a module, declared in its folder's `__init__`; targets that begin with a dot are in there.

    Measuring is the expensive half, and what a run's key protects. Analysing is pure, and done again whenever its
    code has changed.

    Args:
        question: one line for `suite list`.
        config: target of its StudyConfig class; must import without torch.
        measure: target of `(config, run) -> None`, which writes raw tables (`suite.measuring.Run`).
        results: module whose public functions make tables of raw tables, and the claims (`suite.host.analysis`).
        figures: module whose public functions draw figures from tables.
        presets: named overrides of config fields, as plain values. Up to `paper`, the paper's settings, each is nearer
            to these than those before it; after it come other settings. The first, `smoke`, is a run of a second that
            reads all options, for the contract's tests.
        parallel: whether parts may be computed in several processes (`Run.each`).
        costs: what presets take. One without is never chosen for the user.
        next: commands to try after a run of it, each with its purpose; `{model}` stands for the run's option `model`.
    """

    question: str
    config: str
    measure: str = ".measure:measure"
    results: str | None = ".results"
    figures: str | None = ".figures"
    presets: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    parallel: bool = False
    costs: Mapping[str, Cost] = field(default_factory=dict)
    next: Mapping[str, str] = field(default_factory=dict)

    def located(self, package: str) -> "Study":
        """The study with targets that do not depend on where it was declared: `.config:C` is `package.config:C`."""
        named: dict[str, Any] = {name: getattr(self, name) for name in ("config", "measure", "results", "figures")}
        relative = {name: target for name, target in named.items() if target and target.startswith(".")}
        moved: dict[str, Any] = {name: f"{package}{target}" for name, target in relative.items()}
        return replace(self, **moved)


@dataclass(frozen=True)
class Target:
    """A lazily loaded object and its one-line summary, e.g. a gradient rule `(nn.Module, **arguments) -> nn.Module`."""

    target: str
    summary: str


@dataclass(frozen=True)
class Module:
    """A plugin's table of contents; published under the entry-point group `suite.modules`.

    Args:
        name: prefix of its studies' names (`linbp` in `linbp.attack`).
        summary: one line.
        paper: the paper it stands on.
        studies: short names in reading order; each is a package beside the table of contents, with a `study` in it.
        gradients: gradient rules by the name used in `--gradients`.
    """

    name: str
    summary: str
    paper: str
    studies: Sequence[str] = ()
    gradients: Mapping[str, Target] = field(default_factory=dict)


class StudyConfig(BaseModel):
    """Base of every study's config: the one source of CLI options, TOML keys, validation and the content key."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)

    seed: int = Field(
        0, ge=0, le=LARGEST_INTEGER, description="Seed of every random draw; draws are keyed by (seed, sample id)."
    )

    @field_validator("*")
    @classmethod
    def _fits(cls, value: Any) -> Any:
        """Integers have 64 bits, as in tables and records."""
        for each in value if isinstance(value, tuple) else (value,):
            if isinstance(each, int) and abs(each) > LARGEST_INTEGER:
                allowed = f"write an integer from {-LARGEST_INTEGER} to {LARGEST_INTEGER}"
                raise SuiteError(f"{shortened(str(each))} is too large", allowed)
        return value

    @model_validator(mode="before")
    @classmethod
    def _none_as_typed(cls, values: Any) -> Any:
        """`none`, as options show and take it; to a field of free text it is a text."""
        if not isinstance(values, dict):
            return values
        return {**values, **{name: None for name in _optional(cls) if values.get(name) == "none"}}


@cache
def _optional(config: type[StudyConfig]) -> frozenset[str]:
    """Fields that may be None and are not free text."""
    allowed = {name: get_args(field.annotation) for name, field in config.model_fields.items()}
    return frozenset(name for name, types in allowed.items() if type(None) in types and str not in types)


def option(
    default: Any,
    description: str,
    *,
    unit: str = "",
    source: str = "",
    in_key: bool = True,
    **constraints: Any,
) -> Any:
    """A config field: what it is, its unit, where in the paper it comes from.

    `in_key=False` marks settings that cannot change a result (batch size), so that they stay out of the run's key.
    """
    extra: Any = {"unit": unit, "source": source, "in_key": in_key}
    return Field(default, description=description, json_schema_extra=extra, **constraints)


@dataclass(frozen=True)
class Reference:
    """Marks a config field as a name that the host resolves before the run; its digest enters the content key."""

    kind: str  # "model", "architecture", "dataset" or "gradient"


def _number(value: Any) -> Any:
    return parse_number(value) if isinstance(value, str) else value


def _items(value: Any) -> Any:
    """Comma-separated text or a single value is a tuple of one or more."""
    if isinstance(value, str):
        return tuple(split_list(value))
    return (value,) if isinstance(value, int | float) else value


def _callable_text(value: str) -> str:
    return str(parse_call(value))


def _sum_text(value: str) -> str:
    return format_sum(parse_sum(value))


def _not_empty(value: tuple[Any, ...]) -> tuple[Any, ...]:
    if not value:
        raise SuiteError("the list is empty", "give at least one value")
    if len(set(value)) != len(value):
        raise SuiteError(f"a value is given twice in {', '.join(map(str, value))}", "give each once")
    return value


Number = Annotated[float, BeforeValidator(_number), Field(allow_inf_nan=False)]
"""A real number, also written as a fraction."""

Epsilon = Annotated[Number, Field(gt=0)]
"""Attack strength, > 0, in units of the data's [0, 1] range (or of normalised pixels where a study says so)."""

ModelRef = Annotated[str, Reference("model")]
ArchitectureRef = Annotated[str, AfterValidator(_callable_text), Reference("architecture")]
"""A model of the zoo without weights, to be trained: `name` or `name(argument=value)`."""
DatasetRef = Annotated[str, Reference("dataset")]
GradientRef = Annotated[str, AfterValidator(_sum_text), Reference("gradient")]
"""A gradient rule, `name` or `name(argument=value)`, or several as one: `linbp(start=layer3)+sgm(lam=0.5)`."""

Several = Annotated[tuple[T, ...], BeforeValidator(_items), AfterValidator(_not_empty)]
"""One or more values, each once, separated by commas: `Several[Epsilon]`."""

Epsilons = Several[Epsilon]
Factors = Several[Annotated[Number, Field(gt=0)]]
Steps = Several[Annotated[int, Field(gt=0)]]
ModelRefs = Several[ModelRef]
GradientRefs = Several[GradientRef]
ArchitectureRefs = Several[ArchitectureRef]
