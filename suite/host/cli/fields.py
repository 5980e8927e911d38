"""A study's config as people see it: one description per field, for `info` and for the options of `run`."""

import types
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from suite.host.cli.options import environment_variable
from suite.host.text import text_of
from suite.plugin import Reference, StudyConfig

_KINDS = {bool: "yes|no", int: "INTEGER", float: "NUMBER", str: "TEXT"}


@dataclass(frozen=True)
class ConfigField:
    """One config field in words."""

    name: str
    is_flag: bool
    kind: str
    default: str
    description: str
    unit: str
    source: str

    @property
    def flag(self) -> str:
        """`--step-size`, or `--fast/--no-fast`."""
        dashed = self.name.replace("_", "-")
        return f"--{dashed}/--no-{dashed}" if self.is_flag else f"--{dashed}"

    @property
    def variable(self) -> str:
        """The environment variable."""
        return environment_variable(self.name)

    @property
    def help(self) -> str:
        """Description, unit and source in one sentence or two."""
        unit = f" Unit: {self.unit}." if self.unit else ""
        source = f" Source: {self.source.rstrip('.')}." if self.source else ""
        return f"{self.description.rstrip('.')}.{unit}{source}"


def config_fields(config: type[StudyConfig]) -> list[ConfigField]:
    """The fields in the order of the class, those that every study has last."""
    own = [name for name in config.model_fields if name not in StudyConfig.model_fields]
    return [_describe(name, config) for name in [*own, *StudyConfig.model_fields]]


def _describe(name: str, config: type[StudyConfig]) -> ConfigField:
    field = config.model_fields[name]
    extra = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
    return ConfigField(
        name=name,
        is_flag=field.annotation is bool,
        kind=_kind(field.annotation, field.metadata),
        default=text_of(field.get_default(call_default_factory=True, validated_data={})),
        description=field.description or "",
        unit=str(extra.get("unit", "")),
        source=str(extra.get("source", "")),
    )


def _kind(annotation: Any, metadata: list[Any] | tuple[Any, ...] = ()) -> str:
    """`NUMBER`, `GRADIENT,...`, `a|b`: what may be typed for a type."""
    marks = [mark.kind.upper() for mark in metadata if isinstance(mark, Reference)]
    if marks:
        return marks[0]
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _kind(inner[0], inner[1:])
    if origin is tuple:
        return f"{_kind(inner[0])},..."
    if origin is Literal:
        return "|".join(map(str, inner))
    if origin in (Union, types.UnionType):
        return "|".join(_kind(option) for option in inner if option is not type(None))
    return _KINDS.get(annotation, "TEXT")
