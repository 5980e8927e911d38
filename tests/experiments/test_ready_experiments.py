"""The files in experiments/: each can be read and planned and, made small, run from the command line to its figures."""

import tomllib
from collections.abc import Callable
from pathlib import Path
from statistics import mean
from typing import Any

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from matplotlib.figure import Figure

from suite.host.cli import main
from suite.host.executors import point
from suite.host.experiments import definition
from suite.host.registry import Registry

FOLDER = Path(__file__).parents[2] / "experiments"
FILES = sorted(path.stem for path in FOLDER.glob("*.toml"))
FORMS = [(name, preset) for name in FILES for preset in (None, "paper")]

_TINY_NET = """
set.model = "two-layer(width=20)"
set.optimiser = "sgd"
set.learning_rate = 0.5
set.train_limit = 20
set.epochs = 30
set.watched = 50
"""
_TINY = {
    "phase_transition_linbp": f"""
[presets.tiny.star]
{_TINY_NET}
set.tolerance = 0.9
grid.seed = [0, 1, 2]
[presets.tiny.train]
{_TINY_NET}
grid.seed = [0, 1, 2]
[presets.tiny.attack]
set.limit = 40
grid.seed = [0, 1, 2]
""",
    "epsilon_star_rules": f"""
[presets.tiny.star]
{_TINY_NET}
set.eps = [0.1, 0.9]
grid.seed = [0, 1, 2]
grid.gradient = ["bp", "linbp"]
zip.attack = ["fgm(reach=1.25)", "pgd(steps=2,reach=2.5)"]
zip.inner_steps = [1, 5]
""",
    "lazy_radius": """
[presets.tiny.dial]
set = { widths = [40], size = 4, c0s = [0.1, 30], networks = 2, epochs = 2, steps = 2, pgd_steps = 4, test_limit = 10 }
""",
    "softplus_rules": """
[presets.tiny.rules]
set = { dims = [2], scales = [0.01, 1], networks = 2, starts = 2, m = 50, steps = 60 }
""",
}
_LONG = ("phase_transition_linbp", "epsilon_star_rules")
_RUNS_FIGURES = [
    "modules.phase_transition.epsilon_star.figures.losses",
    "modules.linbp.attack.figures.success_by_step",
    "modules.lazy_regime.dial.figures.dial",
    "modules.pgd_dynamics.rules.figures.rules",
]


def experiment(*typed: str) -> Any:
    done = CliRunner().invoke(main, ["experiment", *typed], prog_name="suite")
    point.registry.cache_clear()  # other tests install plugins
    assert done.exit_code == 0, done.stderr
    return done


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, warm_cache: Path) -> Callable[[str], Path]:
    """The folder of an experiment's joint results in its tiny form, run once."""
    place = tmp_path_factory.mktemp("ready")

    def run(name: str) -> Path:
        file = place / f"{name}.toml"
        if not file.exists():
            file.write_text((FOLDER / f"{name}.toml").read_text() + _TINY[name])
            with pytest.MonkeyPatch.context() as patch:
                patch.setenv("SUITE_CACHE", str(warm_cache))
                patch.setenv("OMP_NUM_THREADS", "1")
                for figures in _RUNS_FIGURES:  # those of single runs have tests of their own
                    patch.setattr(figures, lambda *_, **__: Figure((0.1, 0.1)))
                experiment(str(file), "--preset", "tiny", "--runs", str(place / "runs"))
        return place / "runs/experiments" / f"{name}-tiny"

    return run


def test_there_are_four_and_each_asks_a_question() -> None:
    assert sorted(_TINY) == FILES
    for name in FILES:
        content = tomllib.loads((FOLDER / f"{name}.toml").read_text())
        assert content["question"].endswith("?") and list(content["presets"]) == ["paper"]
        assert any(table.get("versus") for table in content["tables"].values()) and content["figures"]


@pytest.mark.parametrize(("name", "preset"), FORMS)
def test_each_form_is_over_three_seeds_at_least_and_knows_its_options(name: str, preset: str | None) -> None:
    found = definition.read(FOLDER / f"{name}.toml", preset)
    definition.check(found, Registry())
    assert all(len(stage.grid["seed"]) >= 3 for stage in found.stages)


@pytest.mark.parametrize(("name", "preset"), FORMS)
def test_each_form_is_planned(
    name: str, preset: str | None, workplace: Path, real: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    if preset is not None and name != "softplus_rules":
        monkeypatch.setenv("SUITE_DATA", str(real("data/mnist").parent))
    typed = [str(FOLDER / f"{name}.toml"), *(["--preset", preset] if preset else [])]
    planned = experiment(*typed, "--dry-run")
    stages = definition.read(FOLDER / f"{name}.toml", preset).stages
    assert all(f"\n{stage.name} " in planned.stdout for stage in stages)
    assert not (workplace / "runs").exists()


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.nightly) if name in _LONG else name for name in FILES]
)
def test_each_runs_to_its_tables_and_figures(name: str, finished: Callable[[str], Path]) -> None:
    folder = finished(name)
    content = tomllib.loads((FOLDER / f"{name}.toml").read_text())
    for table, of in content["tables"].items():
        kinds = [table] + [f"{table}_means"] * ("mean" in of) + [f"{table}_differences"] * ("versus" in of)
        for kind in kinds:
            assert pq.read_table(folder / f"{kind}.parquet").num_rows, kind
    for figure in content["figures"]:
        for kind in ("svg", "png"):
            assert (folder / f"{figure}.{kind}").stat().st_size > 5_000


@pytest.mark.nightly
def test_the_edge_is_that_of_the_attacks_on_the_models_of_that_strength(finished: Callable[[str], Path]) -> None:
    folder = finished("phase_transition_linbp")
    strengths = {row["seed"]: row["eps_star"] for row in rows(folder, "eps_star")}
    attacked = rows(folder, "edge")
    for row in attacked:
        eps = float(row["model"].partition("eps-")[2].removesuffix("-bp"))
        assert eps == pytest.approx(row["trained_at"] * strengths[row["seed"]])
        assert row["side"] == ("below" if row["trained_at"] < 1 else "above" if row["trained_at"] > 1 else "at")

    def rate(**at: Any) -> float:
        return float(mean(row["value"] for row in attacked if all(row[name] == value for name, value in at.items())))

    for row in rows(folder, "edge_differences"):
        rule = row["gradient"].removesuffix(" - bp")
        each = [
            rate(seed=seed, trained_at=row["trained_at"], gradient=rule)
            - rate(seed=seed, trained_at=row["trained_at"], gradient="bp")
            for seed in strengths
        ]
        assert row["value"] == pytest.approx(mean(each), abs=1e-12) and row["n"] == 3
    sides = {(row["side"], row["gradient"]): row["value"] for row in rows(folder, "sides_differences")}
    for row in rows(folder, "change_differences"):
        expected = sides["above", row["gradient"]] - sides["below", row["gradient"]]
        assert row["value"] == pytest.approx(expected, abs=1e-12)


@pytest.mark.nightly
def test_the_cost_is_told_of_every_way(finished: Callable[[str], Path]) -> None:
    folder = finished("epsilon_star_rules")
    passes = {(row["inner_steps"], row["gradient"]): row for row in rows(folder, "passes_means")}
    assert set(passes) == {(steps, rule) for steps in (1, 5) for rule in ("bp", "linbp")}
    assert all(row["value"] > 0 and row["n"] == 3 for row in passes.values())
    assert all(row["seconds"] > 0 for row in rows(folder, "seconds"))


def rows(folder: Path, table: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = pq.read_table(folder / f"{table}.parquet").to_pylist()
    return found
