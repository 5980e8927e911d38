"""The closures of this repository's own gradient rule, loaders and studies."""

from pathlib import Path

import pytest

from suite.host.closure import code_digest, sources_behind, why

ROOT = Path(__file__).parents[2]
PACKAGES = {"suite", "modules"}
MEASURES = sorted(
    ".".join(path.relative_to(ROOT).with_suffix("").parts) for path in (ROOT / "modules").glob("*/*/measure.py")
)


def test_linbp_is_its_own_files_and_the_rules_that_it_builds_on() -> None:
    found = sources_behind(["modules.linbp.gradient"], PACKAGES)
    assert {"modules.linbp.gradient", "modules.linbp.guo", "modules.linbp.constant_tail"} <= found.keys()
    assert {"suite.gradients.rectified", "suite.gradients.view", "suite.gradients.straight_through"} <= found.keys()
    unrelated = {"suite.attacks.apgd", "suite.gradients.softplus", "suite.gradients.leaky", "modules.linbp.theory"}
    assert not unrelated & found.keys()
    assert found["suite.gradients.view"] == ROOT / "suite" / "gradients" / "view.py"
    assert why(["modules.linbp.gradient"], PACKAGES, "suite.errors") == ["modules.linbp.gradient", "suite.errors"]


def test_the_plugins_lazy_name_leads_to_the_same_code() -> None:
    assert sources_behind(["modules.linbp:linbp"], PACKAGES) == sources_behind(["modules.linbp.gradient"], PACKAGES)


@pytest.mark.parametrize("root", ["modules.linbp.gradient:linbp", "suite.models:load", "suite.data:load", *MEASURES])
def test_no_host_no_results_no_tables_of_contents(root: str) -> None:
    found = sources_behind([root], PACKAGES)
    host = ("suite.host", "suite.cli", "suite.report", "suite.run", "suite.store")
    last = {module: module.rpartition(".")[2] for module in found}
    assert [module for module in found if module == "suite" or module.startswith(host)] == []
    assert [module for module, path in found.items() if path.name == "__init__.py"] == []
    assert [module for module, name in last.items() if name in ("results", "figures")] == []
    assert len(code_digest([root], PACKAGES)) == 64
