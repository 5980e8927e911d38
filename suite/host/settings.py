"""From options, environment, TOML file and preset to one validated config; its faults in one line."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from suite.errors import SuiteError, did_you_mean, known_keys, shortened
from suite.host.toml import read_toml
from suite.plugin import Study, StudyConfig


def build_config(
    config: type[StudyConfig],
    study: Study,
    typed: Mapping[str, tuple[Any, str]],
    toml: Path | None = None,
    preset: str | None = None,
) -> StudyConfig:
    """Validates what was given; options and environment win over the TOML file, that over the preset.

    Args:
        config: the study's config class.
        study: for its presets.
        typed: field name -> (value, what the user typed it as: `--eps` or `SUITE_EPS`).

    Raises:
        SuiteError: names the option, variable or file and the value that is wrong.
    """
    return validated(config, {**of_preset(study, preset), **_from_toml(toml, list(config.model_fields)), **typed})


def validated(config: type[StudyConfig], given: Mapping[str, tuple[Any, str]]) -> StudyConfig:
    """A config of what was given. Raises as `build_config` does.

    Args:
        given: field name -> (value, where it comes from).
    """
    try:
        return config.model_validate({name: value for name, (value, _) in given.items()})
    except ValidationError as error:
        raise _first_fault(error, given) from error


def of_preset(study: Study, name: str | None) -> dict[str, tuple[Any, str]]:
    """What a preset gives, with where it comes from. Raises SuiteError for one that the study does not have."""
    if name is None:
        return {}
    if name not in study.presets:
        raise SuiteError(f"--preset: unknown preset {name!r}", did_you_mean(name, sorted(study.presets)))
    return {field: (value, f"preset {name!r}, {field}") for field, value in study.presets[name].items()}


def _from_toml(path: Path | None, known: list[str]) -> dict[str, tuple[Any, str]]:
    if path is None:
        return {}
    values = read_toml(path, "--config: ", "write lines such as epsilons = [0.05, 0.1]")
    known_keys(values, known, str(path))
    return {name: (value, f"{path}, {name}") for name, value in values.items()}


def _first_fault(error: ValidationError, given: Mapping[str, tuple[Any, str]]) -> SuiteError:
    """Names the option and its value as it was typed, or the item of it that is wrong."""
    fault = error.errors()[0]
    name = str(fault["loc"][0]) if fault["loc"] else ""
    value, label = given.get(name, (fault["input"], f"--{name.replace('_', '-')}"))
    label = f"{label}: " if name else ""
    value = value if len(fault["loc"]) == 1 else fault["input"]
    cause = fault.get("ctx", {}).get("error")
    if isinstance(cause, SuiteError):
        return SuiteError(label + cause.what, cause.remedy)
    reason = fault["msg"].removeprefix("Value error, ")
    if not name:
        return SuiteError(reason)
    return SuiteError(f"{label}{shortened(repr(value), 200)} is not valid", reason[:1].lower() + reason[1:])
