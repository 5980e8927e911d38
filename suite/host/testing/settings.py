"""What a study's options must keep: described, the same however they are given, in the key, refused when wrong."""

import json
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from suite.errors import SuiteError, one_line
from suite.host.cli import main
from suite.host.cli.fields import ConfigField, config_fields
from suite.host.keys import run_key
from suite.host.preparing import prepare
from suite.host.registry import load_target
from suite.host.settings import build_config
from suite.host.testing.trial import Trial, unkeyed
from suite.host.testing.values import as_toml, other_values, wrong_values
from suite.host.text import text_of
from suite.plugin import StudyConfig

_HOSTS = (
    *("config", "preset", "device", "runs", "fresh", "jobs", "executor", "ray_address", "json", "track"),
    *("traceback", "data", "cache"),
)

_SOURCE = re.compile(
    r"\b(19|20)\d\d\b|\bours\b|\bet al\b|"
    r"\b(Sec|Section|Eq|Fig|Figure|Table|Thm|Theorem|Prop|Proposition|Lemma|Cor|App|Alg|Algorithm|Def|Question)\b"
)


def says_its_source(trial: Trial) -> Iterator[str]:
    """Docstrings of the study and of its config, and where in a paper they come from."""
    function = load_target(trial.study.measure)
    if not _SOURCE.search(function.__doc__ or ""):
        yield "the study's docstring cites no source: paper and year, section, equation, or 'ours'"
    said = [trial.config_class.__dict__.get("__doc__") or ""]
    if not said[0].strip():
        yield "its config has no docstring"
    if not any(map(_SOURCE.search, [*said, *(field.source for field in config_fields(trial.config_class))])):
        yield "neither its config nor one of its options cites a source"


def describes_its_options(trial: Trial) -> Iterator[str]:
    """Each option in words, and none under the name of one that every study has."""
    for field in config_fields(trial.config_class):
        if not field.description.strip():
            yield f"option {field.name} has no description"
        if field.name in _HOSTS:
            yield f"option {field.name} hides the host's {field.flag}"


def survives_round_trips(trial: Trial) -> Iterator[str]:
    """Defaults and presets are the same after JSON, a TOML file and typing; typed in full, a run is found again."""
    for preset in (None, *trial.study.presets):
        config = build_config(trial.config_class, trial.study, {}, preset=preset)
        for way, again in _ways(trial, config):
            if again != config:
                yield f"{f'preset {preset!r}' if preset else 'the defaults'} become others by way of {way}"
    trial.undisturbed  # noqa: B018
    done = _type(trial, _as_typed(trial.config), trial.root / "undisturbed", "--json")
    if done.exit_code or "already finished" not in done.stderr:
        yield f"with all options typed it is not the same run: {done.stderr.strip()}"
    elif json.loads(done.stdout)["run"] != str(trial.undisturbed.directory.path):
        yield f"with all options typed it is the run {json.loads(done.stdout)['run']}"


def has_its_options_in_the_key(trial: Trial) -> Iterator[str]:
    """Another value gives another run, except for options that say that they cannot change a result."""
    key = run_key(trial.name, trial.config, "", {})
    for name in trial.config_class.model_fields:
        for other in other_values(trial.config, name):
            moved = run_key(trial.name, other, "", {}) != key
            if moved is (name in unkeyed(trial.config_class)):
                yield f"another value of {name} gives {'another' if moved else 'the same'} run"
            break


def refuses_bad_values(trial: Trial) -> Iterator[str]:
    """Wrong types, values out of range, names of nothing: one line that names them, exit 2, nothing on disk."""
    typed_one = False
    for field in config_fields(trial.config_class):
        for value in wrong_values(trial.config_class, field.name):
            yield from _not_refused(trial, field, value)
            if not (typed_one or field.is_flag):
                typed_one = True
                yield from _not_refused_when_typed(trial, field, value)


RULES: Mapping[str, Callable[[Trial], Iterator[str]]] = {
    "says its source": says_its_source,
    "describes its options": describes_its_options,
    "options survive JSON, TOML and the command line": survives_round_trips,
    "options have their place in the key": has_its_options_in_the_key,
    "bad values are refused": refuses_bad_values,
}


def _ways(trial: Trial, config: StudyConfig) -> Iterator[tuple[str, StudyConfig]]:
    plain = config.model_dump(mode="json")
    yield "JSON", trial.config_class.model_validate_json(json.dumps(plain))
    typed = {name: (text, name) for name, text in _texts(config).items()}
    yield "the command line", build_config(trial.config_class, trial.study, typed)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "options.toml"
        told = {name: "none" if value is None else value for name, value in plain.items() if name in typed}
        path.write_text(as_toml(told), encoding="utf-8")
        yield "a TOML file", build_config(trial.config_class, trial.study, {}, path)


def _texts(config: StudyConfig) -> dict[str, str]:
    """Every option as it is typed, but for a None that is the default: free text cannot say it."""
    fields = type(config).model_fields
    values = {name: getattr(config, name) for name in fields}
    return {
        name: text_of(value) for name, value in values.items() if not (value is None and fields[name].default is None)
    }


def _as_typed(config: StudyConfig) -> list[str]:
    """The same as words of a command."""
    texts, words = _texts(config), []
    for field in config_fields(type(config)):
        if field.is_flag:
            words.append(field.flag.split("/")[0 if getattr(config, field.name) else 1])
        elif field.name in texts:
            words += [field.flag, texts[field.name]]
    return words


def _not_refused(trial: Trial, field: ConfigField, value: str) -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder:
        try:
            typed: dict[str, tuple[Any, str]] = {field.name: (value, field.flag)}
            config = build_config(trial.config_class, trial.study, typed, preset=trial.preset)
            prepare(trial.name, config, trial.registry, root=Path(folder), device="cpu")
            yield f"{field.flag} {value} is accepted"
        except SuiteError as error:
            if value not in str(error) and field.flag not in str(error):
                yield f"{field.flag} {value} is refused by a line that names neither: {error}"
        except Exception as error:
            yield f"{field.flag} {value} is not refused, it crashes: {one_line(error)}"


def _not_refused_when_typed(trial: Trial, field: ConfigField, value: str) -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder:
        done = _type(trial, [field.flag, value], Path(folder))
        if done.exit_code != 2 or not done.stderr.startswith("error: "):
            yield f"{field.flag} {value} ends with exit code {done.exit_code}, not 2: {done.stderr.strip()}"
        if list(Path(folder).iterdir()):
            yield f"{field.flag} {value} leaves something on disk"


def _type(trial: Trial, words: list[str], runs: Path, *more: str) -> Result:
    """`suite run STUDY ...` in this process."""
    typed = ["run", trial.name, *words, "--runs", str(runs), "--device", "cpu", *more]
    return CliRunner().invoke(main, typed, prog_name="suite")
