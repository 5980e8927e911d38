"""A run's options beside what its study says of them, and the command that makes the run again."""

import shlex
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from suite.host.glossary import Explained
from suite.host.text import exact_text, text_of

Explain = Callable[[Mapping[str, Iterable[str]]], Mapping[str, Explained]]
"""From stored tables and the names of their columns to what these mean."""


@dataclass(frozen=True)
class Option:
    """What a study says of one option; `default` as JSON holds it."""

    name: str
    default: Any
    description: str = ""
    unit: str = ""
    source: str = ""
    is_flag: bool = False


@dataclass(frozen=True)
class Described:
    """What the installed plugins say of a study. `presets` hold values as JSON does; explain: tables in words."""

    summary: str
    paper: str
    options: Mapping[str, Option]
    presets: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    explain: Explain = lambda stored: {}


@dataclass(frozen=True)
class Setting:
    """One option of a run, in words; `chosen` where it is not the default."""

    name: str
    value: str
    default: str
    description: str
    unit: str
    source: str
    chosen: bool


def settings(config: Mapping[str, Any], study: Described | None) -> list[Setting]:
    """All options of a run, those first that are not the default; all are where the study is not installed."""
    known = study.options if study else {}
    made = [_setting(name, value, known.get(name)) for name, value in config.items()]
    return sorted(made, key=lambda setting: not setting.chosen)


def chosen(config: Mapping[str, Any], study: Described | None) -> dict[str, str]:
    """Those options of a run, in words, that are not the default; all where the study is not installed."""
    known = study.options if study else {}
    return {name: text_of(value) for name, value in config.items() if _is_chosen(value, known.get(name))}


def command(study: str, config: Mapping[str, Any], described: Described | None) -> str:
    """The shortest `suite run` line that gives this very config, quoted for a POSIX shell.

    It starts from the preset, or from none, that leaves the fewest options to type.
    """
    options = described.options if described else {}
    bases = {"": {name: option.default for name, option in options.items()}}
    for preset, values in (described.presets if described else {}).items():
        bases[preset] = {**bases[""], **values}
    preset, base = min(bases.items(), key=lambda pair: len(_differing(config, pair[1])) + bool(pair[0]) / 2)
    words = ["suite", "run", study, *(["--preset", preset] if preset else [])]
    for name in _differing(config, base):
        words += _typed(name, config[name], options.get(name))
    return shlex.join(words)


def unknown_options(config: Mapping[str, Any], described: Described | None) -> list[str]:
    """Options of the run that the installed study does not have, and those that it has beside: another version."""
    if described is None:
        return []
    return sorted(config.keys() ^ described.options.keys())


def _is_chosen(value: Any, option: Option | None) -> bool:
    return option is None or bool(value != option.default)


def _setting(name: str, value: Any, option: Option | None) -> Setting:
    if option is None:
        return Setting(name, text_of(value), "", "", "", "", chosen=True)
    return Setting(
        name, text_of(value), text_of(option.default), option.description, option.unit, option.source,
        chosen=_is_chosen(value, option),
    )  # fmt: skip


def _differing(config: Mapping[str, Any], base: Mapping[str, Any]) -> list[str]:
    return [name for name, value in config.items() if name not in base or base[name] != value]


def _typed(name: str, value: Any, option: Option | None) -> list[str]:
    flag = name.replace("_", "-")
    if isinstance(value, bool) and (option is None or option.is_flag):
        return [f"--{flag}" if value else f"--no-{flag}"]
    return [f"--{flag}", exact_text(value)]
