"""Which edits give a run another key: of what measuring imports, and of nothing else."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from suite.host.closure import code_digest
from suite.host.imports import places
from suite.host.imports.places import Place
from suite.host.keys import measuring_roots
from suite.host.registry import Registry
from suite.plugin import StudyConfig

ROOT = Path(__file__).parents[2]
KNOWN = Registry()
PACKAGES = KNOWN.top_packages()


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the sources."""
    copy = tmp_path_factory.mktemp("tree")
    for name in ("suite", "modules"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    return copy


@pytest.fixture
def changes(tree: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, StudyConfig, str], bool]:
    """Whether an edit of a file of the tree changes the digest of a study's measuring code."""

    def in_the_tree(name: str) -> Place:
        """Where a package lies that this process has imported from elsewhere."""
        return Place(tree / name / "__init__.py", (tree / name,))

    monkeypatch.setattr(places, "_top_level", in_the_tree)

    def edited(study: str, config: StudyConfig, file: str) -> bool:
        roots, path = measuring_roots(study, config, KNOWN), tree / file
        before, text = code_digest(roots, PACKAGES), path.read_text()
        path.write_text(f"{text}\n_EDITED = 1\n")
        try:
            return code_digest(roots, PACKAGES) != before
        finally:
            path.write_text(text)

    return edited


@pytest.mark.parametrize("study", KNOWN.studies)
def test_results_the_host_and_other_studies_leave_the_key(
    study: str, changes: Callable[[str, StudyConfig, str], bool]
) -> None:
    config = KNOWN.config(study)()
    module, _, short = study.partition(".")
    folder = f"modules/{module}/{short}"
    other = next(name for name in KNOWN.modules if name != module)
    sibling = next(name for name in KNOWN.modules[module].studies if name != short)
    for file in (
        f"{folder}/figures.py",
        f"{folder}/columns.py",
        f"{folder}/results.py",
        f"{folder}/__init__.py",
        f"modules/{module}/{sibling}/results.py",
        f"modules/{other}/{KNOWN.modules[other].studies[0]}/measure.py",
        "suite/host/run.py",
        "suite/host/report/pages.py",
        "suite/claims/of_counts.py",
        "suite/figures/lines.py",
    ):
        assert not changes(study, config, file), file
    for file in (f"{folder}/config.py", f"{folder}/measure.py", "suite/plugin.py"):
        assert changes(study, config, file), file


def test_the_laboratory_and_the_gradient_rules_that_are_used_change_the_key(
    changes: Callable[[str, StudyConfig, str], bool],
) -> None:
    kind = KNOWN.config("linbp.attack")
    plain, linear = kind.model_validate({"gradients": "bp"}), kind.model_validate({"gradients": "bp,linbp"})
    assert changes("linbp.attack", plain, "suite/attacks/iterate.py")
    assert changes("linbp.attack", plain, "suite/models/cifar_resnet.py")  # models are loaded for it
    assert changes("linbp.attack", linear, "modules/linbp/gradient.py")
    softened = kind.model_validate({"gradients": "bp,softplus(beta=10)"})
    assert changes("linbp.attack", softened, "suite/gradients/softplus.py")
    assert not changes("pgd_dynamics.landscape", KNOWN.config("pgd_dynamics.landscape")(), "suite/models/zoo.py")
