"""What names a run: the options that matter, its inputs, and the code that measures."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from suite.host.closure import code_digest
from suite.host.inputs import references
from suite.host.registry import Registry
from suite.host.store import content_key
from suite.plugin import Study, StudyConfig
from suite.refs import parse_sum

# What the host itself computes with on behalf of a study: loaders of what its references stand for.
_LOADERS = {
    "dataset": "suite.data:load",
    "model": "suite.models:load",
    "architecture": "suite.models:architecture",
}


def run_key(study: str, config: StudyConfig, code: str, digests: Mapping[str, str]) -> str:
    """The name of a run's directory: a hash of the study, its measuring code, the options that matter, its inputs."""
    content = {"study": study, "code": code, "config": key_fields(config), "inputs": dict(digests)}
    return content_key(content)


def key_fields(config: StudyConfig) -> dict[str, Any]:
    """The fields that can change what is measured."""
    return config.model_dump(mode="json", exclude=_unkeyed(type(config)))


@cache
def _unkeyed(config: type[StudyConfig]) -> set[str]:
    extras = {name: field.json_schema_extra for name, field in config.model_fields.items()}
    return {name for name, extra in extras.items() if isinstance(extra, dict) and extra.get("in_key") is False}


def measuring_code(study: str, config: StudyConfig, registry: Registry) -> str:
    """Digest of all code that a measurement runs: what its roots import, directly or not, of `suite` and plugins."""
    return _digest(measuring_roots(study, config, registry), registry.top_packages())


def measuring_roots(study: str, config: StudyConfig, registry: Registry) -> tuple[str, ...]:
    """Targets of the study's measuring half, and of the gradient rules and loaders that the config asks for."""
    rules = [call.name for ref in references(config, "gradient") for call in parse_sum(ref)]
    loaders = [target for kind, target in _LOADERS.items() if references(config, kind)]
    return (*registry.code_roots(study, rules), *loaders)


def analysing_code(study: Study, registry: Registry) -> str:
    """Digest of all code that makes results of a study's raw tables."""
    targets = (study.config, study.results, study.figures)
    return _digest(tuple(target for target in targets if target), registry.top_packages())


@cache
def _digest(roots: tuple[str, ...], packages: frozenset[str]) -> str:
    """Computed once a process: it does not run code that is edited while it lives."""
    return code_digest(roots, packages)
