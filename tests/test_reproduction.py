"""Which presets are chosen, and that the built-in studies say what theirs cost."""

from pathlib import Path

import pytest

from suite.errors import SuiteError
from suite.host import reproduction
from suite.host.registry import Registry
from suite.host.reproduction import Machine, Option, choose, studies_of, this_machine
from suite.host.store import RunDirectory
from suite.host.text import format_minutes
from suite.plugin import Cost, StudyConfig

MODULES = ("lazy_regime", "linbp", "pgd_dynamics", "phase_transition")


def option(study: str, nearness: int, minutes: float) -> Option:
    directory = RunDirectory(Path("nowhere"))
    return Option(study, f"p{nearness}", nearness, StudyConfig(), {}, directory, minutes, finished=minutes == 0)


OPTIONS = [option("a", 2, 50), option("a", 1, 4), option("a", 0, 1), option("b", 1, 1), option("b", 0, 3)]


@pytest.mark.parametrize(
    ("minutes", "expected"),
    [
        (0, {}),
        (1, {"a": 0}),
        (2, {"a": 0, "b": 1}),
        (5, {"a": 1, "b": 1}),
        (50, {"a": 1, "b": 1}),
        (51, {"a": 2, "b": 1}),
    ],
)
def test_every_study_gets_its_cheapest_before_one_gets_the_papers(minutes: float, expected: dict[str, int]) -> None:
    assert {study: taken.nearness for study, taken in choose(OPTIONS, minutes).items()} == expected


def test_a_dear_cheapest_one_goes_before_a_cheap_dearer_one() -> None:
    options = [option("a", 0, 0.1), option("a", 1, 5), option("b", 0, 6)]
    assert {study: taken.nearness for study, taken in choose(options, 8).items()} == {"a": 0, "b": 0}
    assert {study: taken.nearness for study, taken in choose(options, 11).items()} == {"a": 1, "b": 0}


def test_a_finished_run_costs_nothing_and_gives_way_to_a_nearer_one() -> None:
    options = [option("a", 1, 5), option("a", 0, 0)]
    assert choose(options, 4)["a"].finished and choose(options, 5)["a"].nearness == 1


@pytest.mark.parametrize(
    ("machine", "cost", "why"),
    [
        (Machine(8, None), Cost(1), ""),
        (Machine(8, None), Cost(1, gigabytes=9), "needs 9 GB, here are 8"),
        (Machine(8, None), Cost(1, gpu=True), "needs a GPU"),
        (Machine(8, 80), Cost(1, gpu=True, gigabytes=40), ""),
        (Machine(500, 80), Cost(1, gpu=True, gigabytes=140), "needs 140 GB, here are 80"),
    ],
)
def test_what_a_machine_refuses(machine: Machine, cost: Cost, why: str) -> None:
    assert machine.refuses(cost) == why


def test_minutes_are_told_as_exactly_as_they_are_known() -> None:
    assert [format_minutes(minutes) for minutes in (0.1, 1, 12.3, 150)] == ["6 s", "1 min", "12 min", "2.5 h"]


def test_this_machine_has_memory_and_without_a_gpu_none_of_its() -> None:
    here = this_machine("cpu")
    assert here.gigabytes > 0.5 and here.gpu_gigabytes is None
    with pytest.raises(SuiteError, match="no GPU"):
        this_machine("cuda:77")


def test_without_a_driver_torch_is_not_loaded_to_look_for_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reproduction, "choose_device", lambda _: pytest.fail("torch was loaded"))
    monkeypatch.setattr(reproduction, "may_have_gpu", lambda: False)
    assert this_machine("auto").gpu_gigabytes is None


def test_names_of_modules_and_studies() -> None:
    known = Registry()
    assert studies_of(known, "linbp.attack") == ["linbp.attack"]
    assert studies_of(known, "lazy_regime") == [name for name in known.studies if name.startswith("lazy_regime.")]
    assert len(studies_of(known, None)) >= 25
    with pytest.raises(SuiteError, match="did you mean lazy_regime"):
        studies_of(known, "lazy_regim")


@pytest.mark.parametrize("module", MODULES)
def test_built_in_presets_from_quick_to_the_paper_say_what_they_cost(module: str) -> None:
    for name, study in Registry().studies_of(module).items():
        presets = [*study.presets]
        between = presets[presets.index("quick") : presets.index("paper") + 1]
        assert len(between) > 1 and [*study.costs] == between, name
        assert not study.costs["quick"].gpu and study.costs["quick"].minutes <= 5, name
