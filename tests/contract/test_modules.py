"""What every installed plugin must keep."""

import subprocess
import sys

import pytest

from suite.cli.fields import config_fields
from suite.inputs import references
from suite.plugin import Module, Study, StudyConfig, Target
from suite.registry import Registry, load_target

KNOWN = Registry()
HEAVY = ("torch", "scipy", "matplotlib", "pyarrow", "rich", "foolbox", "sklearn")
HOST_OPTIONS = ("config", "preset", "device", "runs", "fresh", "json", "traceback", "data", "cache")
every_study = pytest.mark.parametrize("study", KNOWN.studies)
every_module = pytest.mark.parametrize("module", KNOWN.modules.values(), ids=lambda module: module.name)


def test_every_plugin_loads() -> None:
    assert KNOWN.broken == []
    assert "linbp" in KNOWN.modules


@every_module
def test_tables_hold_what_they_should(module: Module) -> None:
    assert module.name.isidentifier() and module.summary and module.paper
    assert all(isinstance(study, Study) and study.summary for study in module.studies.values())
    assert all(isinstance(rule, Target) and rule.summary for rule in module.gradients.values())


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of the libraries that a plugin imports
@every_module
def test_every_target_loads(module: Module) -> None:
    for study in module.studies.values():
        assert issubclass(load_target(study.config), StudyConfig)
        assert callable(load_target(study.function))
    assert all(callable(load_target(rule.target)) for rule in module.gradients.values())


def test_tables_and_configs_import_nothing_heavy() -> None:
    code = (
        "import sys\nfrom suite.registry import Registry\nknown = Registry()\n"
        "for study in known.studies: known.config(study)\n"
        f"print(*[name for name in {HEAVY} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.split() == []


@every_study
def test_every_option_is_described_and_none_hides_an_option_of_the_host(study: str) -> None:
    for field in config_fields(KNOWN.config(study)):
        assert field.description.strip(), field.name
        assert field.name not in HOST_OPTIONS


@every_study
def test_defaults_and_presets_are_valid_and_survive_json(study: str) -> None:
    config = KNOWN.config(study)
    for values in ({}, *KNOWN.study(study).presets.values()):
        made = config.model_validate(values)
        assert config.model_validate_json(made.model_dump_json()) == made


@every_study
def test_typed_defaults_are_the_defaults(study: str) -> None:
    """What `info` prints as a default, typed as an option, is that default."""
    config = KNOWN.config(study)
    typed = {field.name: field.default for field in config_fields(config) if field.default not in ("none", "")}
    assert config.model_validate(typed) == config()


@every_study
def test_models_come_with_a_data_set(study: str) -> None:
    config = KNOWN.config(study)()
    if references(config, "model"):
        assert "dataset" in type(config).model_fields
