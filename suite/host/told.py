"""What a run's key is made of, told without loading it: by names and files alone, and without torch.

The digests are those that `suite.host.inputs.resolve` gives. Where only loading can tell, nothing is told.
"""

from collections.abc import Mapping

from suite.host.imports.signature import signature
from suite.host.inputs import LIGHT_DEVICES, check_arguments, lasting, references
from suite.host.registry import Registry
from suite.plugin import StudyConfig
from suite.refs import parse_sum


def told(config: StudyConfig, registry: Registry, device: str = "auto") -> Mapping[str, str] | None:
    """The digests of the data sets and models that a config refers to; None where one must be loaded first.

    Raises what `resolve` would, SuiteError for a reference that names nothing or NotMade.
    """
    if not all(_fits(ref, registry) for ref in references(config, "gradient")):
        return None
    return _digests(config, device, supposing=False)


def supposed(config: StudyConfig, device: str = "auto") -> Mapping[str, str] | None:
    """The digests if the weights of files are their networks' own, and all rules take their arguments.

    They name a run that is there only if that is so: it was made with these weights, by this code, of this config.
    """
    return _digests(config, device, supposing=True)


def _digests(config: StudyConfig, device: str, *, supposing: bool) -> Mapping[str, str] | None:
    if device not in LIGHT_DEVICES:
        return None
    from suite import data
    from suite.models.told import supposed_digest, told_digest
    from suite.models.zoo import find

    datasets = {ref: data.load(lasting(ref)) for ref in references(config, "dataset")}
    digests = {f"dataset {ref}": dataset.digest for ref, dataset in datasets.items()}
    for ref in references(config, "model"):
        dataset = datasets[config.model_dump()["dataset"]]
        found = (supposed_digest if supposing else told_digest)(lasting(ref), dataset)
        if found is None:
            return None
        digests[f"model {ref}"] = found
    for ref in () if supposing else references(config, "architecture"):
        entry, model = find(ref)
        if not entry.is_small(model.arguments):
            return None
        entry.check_images(datasets[config.model_dump()["dataset"]])
    return digests


def _fits(ref: str, registry: Registry) -> bool:
    """Whether a rule takes its arguments, as far as its source tells. Raises SuiteError if it does not."""
    calls = parse_sum(ref)
    if len(calls) > 1:  # whether rules go together is for the rules to tell
        return False
    for call in calls:
        known = signature(registry.rule(call.name).target, registry.top_packages())
        if known is None:
            return False
        check_arguments(call, known)
    return True
