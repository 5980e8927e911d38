"""The digest of the model that a reference names, where that can be told without loading it: without torch."""

from suite.data import Dataset
from suite.locks import refuse_making
from suite.models.reference import parse_reference
from suite.models.stored import epochs_lacking, found_weights, published_weights, whole_digest
from suite.models.tensor_file import digest_of_file
from suite.models.zoo import find
from suite.paths import runs_root, usable


def told_digest(ref: str, dataset: Dataset) -> str | None:
    """The digest of a zoo model whose weights are there, whole. None where only loading can tell.

    Raises what loading would: SuiteError where the reference names nothing, the images do not fit, or weights are
    missing that are not trained at once; NotMade where they would be, and nothing is to be made.
    """
    reference = parse_reference(ref)
    if reference.kind != "zoo" or reference.weights is not None or reference.seed is not None:
        return None
    entry, model = find(ref)
    entry.check_images(dataset)
    found = whole_digest(found_weights(model, dataset))
    if found is None and published_weights(ref, dataset):
        return None
    if found is None and entry.is_small(model.arguments):
        epochs_lacking(ref, dataset)
        refuse_making(f"the weights of {model} on {dataset.name}")
    return found


def supposed_digest(ref: str, dataset: Dataset) -> str | None:
    """The same, and the digest that weights of a file or of a run have if they are the network's. None otherwise.

    Whether they are is seen only when they are loaded. Who supposes it looks for what was made with just such weights.
    """
    reference = parse_reference(ref)
    if reference.kind == "run":
        run, _, name = reference.source.rpartition("/")
        return digest_of_file(usable(runs_root() / run / "models" / f"{name}.safetensors"))
    if reference.kind == "zoo" and reference.weights is not None and reference.weights.suffix == ".safetensors":
        return digest_of_file(usable(reference.weights))
    return told_digest(ref, dataset)
