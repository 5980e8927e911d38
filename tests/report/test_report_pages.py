"""Pages of runs, experiments and everything: complete, escaped, honest about what is missing, the same every time."""

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from suite.host.glossary import Explained
from suite.host.report import Described, Option, experiment_page, index_page, runs_page
from suite.host.report.allowance import MOST_RUNS
from suite.host.store import RunDirectory
from suite.tables import write_columns
from tests.report.conftest import MakeRun

STUDY = Described("What it asks.", "A paper (2022)", {"seed": Option("seed", 0, "Seed of it.", "draws")})


def describe(study: str) -> Described | None:
    return None if study.startswith("gone") else STUDY


class Parsed(HTMLParser):
    """What a page has: elements by name, and its text without script and style."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._mute = False
        self.feed(html)
        self.text = " ".join(self.text.split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._mute = tag in ("script", "style")

    def handle_endtag(self, tag: str) -> None:
        self._mute = self._mute and tag not in ("script", "style")

    def handle_data(self, data: str) -> None:
        self.text += "" if self._mute else f" {data}"

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def page_of(*runs: RunDirectory) -> Parsed:
    return Parsed(runs_page(runs, describe))


def experiment(root: Path, name: str = "edge", **said: Any) -> Path:
    """An experiment of one stage over all runs below a root, with a joint table."""
    record = root / "experiments" / f"{name}.json"
    points = [{"axes": {"seed": n}, "run": f"{path.parent.parent.name}/{path.parent.name}"}
              for n, path in enumerate(sorted(root.glob("*/*/run.json")))]  # fmt: skip
    write_columns(record.with_suffix("") / "success.parquet", {"seed": [0, 1], "rate": [0.25, 0.5]})
    write_columns(record.with_suffix("") / "success_means.parquet", {"rate": [0.375], "low": [0.1], "high": [0.6]})
    content = {"name": name, "question": "Does it?", "stages": {"attack": {"study": "linbp.attack", "points": points}}}
    record.write_text(json.dumps({**content, "failures": {}, **said}))
    return record


def test_a_run_in_full(make_run: MakeRun) -> None:
    run = make_run(
        tables={"success": {"rate": [0.123], "low": [0.1], "high": [0.2]}, "samples": {"id": [*range(900)]}},
        figures={"lines": "Loss by step."},
        shown=[{"table": "success", "columns": ["rate"], "title": "Success"}],
        headline={"rate": 0.123}, config={"seed": 4},
    )  # fmt: skip
    page = page_of(run)
    for text in (
        "What it asks.", "A paper (2022)", "finished", "1 h 30 min", "seed 4 default 0 Seed of it. (draws)",
        "rate 0.123 95 % [0.1, 0.2]", "Loss by step.", "suite run linbp.attack --seed 4", "86" * 32, "9c" * 20,
        "changes that are not committed", "dataset digits " + "0a" * 32, "1,024 MiB", "python 3.11.7",
        "engines, bp, engine autograd", "The first 500 of 900 rows; sorting and filtering see these. All are in",
        str(run.path / "tables" / "samples.parquet"),
    ):  # fmt: skip
        assert text in page.text
    (figure,) = [image for image in page.all("svg") if "data-axes" in image]
    assert "Written in it: step; loss; a title; <bp> & co." in str(figure["aria-label"])
    headings = [int(name[1]) for name, _ in page.elements if re.fullmatch("h[1-6]", name)]
    assert headings[0] == 1 and all(after <= before + 1 for before, after in pairwise(headings))


def test_columns_are_explained_where_the_study_does(make_run: MakeRun) -> None:
    """At the column, for those who point at it, and below, for all others and in print."""
    words = {"rates": Explained("a rule", {"rule": "of which <b> gradient", "rate": "share that is fooled", "n": ""})}
    study = replace(STUDY, explain=lambda stored: words if stored == {"rates": ["rule", "rate", "n"]} else {})
    run = make_run(tables={"rates": {"rule": ["bp"], "rate": [0.5], "n": [3]}},
                   shown=[{"table": "rates", "columns": ["rate", "n", "rule"], "title": "Rates"}])  # fmt: skip
    page = Parsed(runs_page([run], lambda _: study))
    titles = [cell.get("title") for cell in page.all("th")]
    assert titles == ["share that is fooled", None, "of which <b> gradient"]
    assert "Rates A row is a rule." in page.text
    assert "What the 2 columns of its tables mean rule of which <b> gradient rate share that is fooled" in page.text
    assert [part for part in page.all("details") if "data-print" in part] and "columns of its" not in page_of(run).text


def test_the_same_runs_give_the_same_bytes(make_run: MakeRun, tmp_path: Path) -> None:
    runs = [make_run(key=key, figures={"lines": ""}, tables={"t": {"a": [1]}}) for key in ("aa" * 8, "bb" * 8)]
    record = experiment(tmp_path / "runs")
    for make in (
        lambda: runs_page(runs, describe),
        lambda: index_page(tmp_path / "runs", describe),
        lambda: experiment_page(tmp_path / "runs", record, describe),
    ):
        assert make() == make()


def test_one_definition_serves_all_figures(make_run: MakeRun) -> None:
    page = page_of(*(make_run(key=key, figures={"a": "", "b": ""}) for key in ("aa" * 8, "bb" * 8)))
    identities = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(identities) == len(set(identities))
    targets = {str(use["href"])[1:] for use in page.all("use")}
    assert targets and targets <= set(identities)


def test_the_policy_allows_no_other_script(make_run: MakeRun) -> None:
    page = page_of(make_run(figures={"a": ""}))
    (policy,) = [meta["content"] for meta in page.all("meta") if meta.get("http-equiv") == "Content-Security-Policy"]
    assert str(policy).startswith("default-src 'none'; img-src data:; style-src 'sha256-")
    assert "unsafe" not in str(policy)
    assert len(page.all("script")) == len(page.all("style")) == 1
    assert not [attributes for _, attributes in page.elements if "style" in attributes]


def test_texts_are_escaped_everywhere(make_run: MakeRun, tmp_path: Path, hostile: str) -> None:
    pixels = {"id": [hostile], "label": [hostile], "prediction": [hostile + "2"], "gradient": [hostile],
              "shape": ["1x1x1"], "clean": [[0.5]], "adversarial": [[0.6]]}  # fmt: skip
    claim = {
        **{name: [hostile] for name in ("claim", "setting", "of", "source", "verdict", "note")},
        **{name: [1.0] for name in ("published", "value", "low", "high")},
        "n": [1],
    }
    name = hostile.replace("/", "")  # a directory's name can hold all but this
    run = make_run(
        "linbp." + name, name, tables={"t": {hostile: [hostile], "x": [1]}, "examples": pixels, "claims": claim},
        figures={"lines": hostile}, shown=[{"table": "t", "columns": [], "title": hostile}],
        headline={hostile: hostile}, config={"seed": hostile, hostile: [hostile]}, device=hostile,
        inputs={hostile: hostile},
        code={"digest": hostile, "git": {"revision": hostile}}, versions={"suite": hostile, hostile: hostile},
        argv=[hostile], facts={hostile: {hostile: hostile}}, status="failed", error=hostile, another=hostile,
    )  # fmt: skip
    record = experiment(
        tmp_path / "runs", name, question=hostile,
        stages={hostile: {"study": hostile, "points": [{"axes": {hostile: hostile}, "run": "a/b"}]}},
        failures={"a/b": hostile},
    )  # fmt: skip
    told = Described(hostile, hostile, {"seed": Option("seed", hostile, hostile, hostile, hostile)})
    for html, often in (
        (runs_page([run], lambda _: told), 30),
        (runs_page([run, run], lambda _: None), 30),
        (experiment_page(tmp_path / "runs", record, lambda _: told), 5),
        (index_page(tmp_path / "runs", lambda _: told), 30),
    ):
        page = Parsed(html)
        assert page.text.count(hostile) >= often
        assert len(page.all("script")) == 1
        assert not [image for image in page.all("img") if not str(image["src"]).startswith("data:image/png;base64,")]
        assert not [name for _, attributes in page.elements for name in attributes if name.startswith("on")]


def test_failed_and_interrupted_runs_say_so(make_run: MakeRun) -> None:
    failed = page_of(make_run(status="failed", error="ZeroDivisionError: division by apples"))
    assert "This run failed. ZeroDivisionError: division by apples" in failed.text
    run = make_run(status="running", key="bb" * 8)
    run.write({**run.read(), "tables": {"t": {"file": "tables/t.parquet", "rows": 3}}})  # as a killed process leaves it
    page = page_of(run)
    assert "This run is interrupted." in page.text and "missing" not in page.text
    run.open()
    try:
        assert "This run is running." in page_of(RunDirectory(run.path)).text
    finally:
        run.close()


def test_what_is_missing_or_damaged_is_named(make_run: MakeRun) -> None:
    run = make_run(
        tables={"gone": {"a": [1]}, "cut": {"a": [1]}, "whole": {"a": [17]}},
        figures={"lost": "", "odd": "", "plain": ""},
        shown=[{"table": "never", "columns": [], "title": ""}, {"table": "whole", "columns": ["b"], "title": ""}],
    )  # fmt: skip
    (run.path / "tables/gone.parquet").unlink()
    (run.path / "tables/cut.parquet").write_bytes(b"PAR1")
    for kind in ("svg", "png"):
        (run.path / f"results/figures/lost.{kind}").unlink()
        (run.path / f"results/figures/odd.{kind}").write_text("<svg>")
    (run.path / "results/figures/plain.svg").write_bytes(b"\xff\xfe")
    page = page_of(run)
    for text in (
        f"{run.path}/tables/gone.parquet is missing", f"{run.path}/tables/cut.parquet is damaged",
        "the study shows a table 'never' that the run does not have",
        f"is missing: {run.path}/results/figures/lost.svg",
        f"is damaged: {run.path}/results/figures/odd.svg", "17",
    ):  # fmt: skip
        assert text in page.text
    (picture,) = page.all("img")  # of the figure whose SVG alone is damaged
    assert str(picture["src"]).startswith("data:image/png;base64,") and "Figure plain" in str(picture["alt"])


def test_a_figure_that_is_too_heavy_is_a_picture(make_run: MakeRun) -> None:
    run = make_run(figures={"dense": ""})
    dense = "".join(f'<path d="M{n}.5 0L{n} 1"/>' for n in range(20_000))
    (run.path / "results/figures/dense.svg").write_text(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9">{dense}</svg>'
    )
    assert len(page_of(run).all("img")) == 1
    (run.path / "results/figures/dense.png").unlink()
    assert f"Left out: this page holds no more. It is in {run.path}/results/figures/dense.svg" in page_of(run).text


def test_studies_that_are_not_here_or_of_another_version(make_run: MakeRun) -> None:
    assert "its study is not installed here" in page_of(make_run("gone.study")).text
    assert "differs in the options older" in page_of(make_run(config={"seed": 0, "older": 1})).text


def test_an_experiment_as_a_whole(make_run: MakeRun, tmp_path: Path) -> None:
    runs = [make_run(key=key, headline={"rate": number}) for key, number in (("aa" * 8, 0.25), ("bb" * 8, 0.5))]
    argv = ["/venv/bin/suite", "experiment", "my edge.toml"]
    record = experiment(tmp_path / "runs", argv=argv, failures={f"linbp.attack/{runs[1].path.name}": "it broke"})
    page = Parsed(experiment_page(tmp_path / "runs", record, describe))
    for text in ("edge Does it?", "success means rate low high 0.375 0.1 0.6", "2 points, 1 failed", "failed it broke",
                 "Joint tables Not all points finished, and only those that did count here: 1 of 2 points of attack.",
                 "seed=0 aaaaaaaa finished rate 0.25", "suite run linbp.attack",
                 "suite experiment 'my edge.toml'"):  # fmt: skip
        assert text in page.text
    anchors = {str(attributes.get("id")) for _, attributes in page.elements}
    assert {str(link["href"])[1:] for link in page.all("a")} <= anchors
    whole = Parsed(experiment_page(tmp_path / "runs", experiment(tmp_path / "runs"), describe))
    assert "Joint tables" in whole.text and "Not all points" not in whole.text


@pytest.mark.parametrize(
    "said",
    [{"stages": {"attack": []}}, {"stages": {"attack": {"points": [1, {"run": 2}, {"run": "../../etc/passwd"}]}}},
     {"question": None, "failures": [], "argv": {}}],
)  # fmt: skip
def test_records_edited_by_hand_are_shown_as_far_as_they_go(tmp_path: Path, said: dict[str, Any]) -> None:
    record = experiment(tmp_path / "runs", **said)
    (record.with_suffix("") / "success.parquet").write_bytes(b"")
    text = Parsed(experiment_page(tmp_path / "runs", record, describe)).text
    assert "edge" in text and "success.parquet is damaged" in text


def test_the_index_lists_what_cannot_be_read(make_run: MakeRun, tmp_path: Path) -> None:
    good, newer, garbage = (make_run(key=letter * 16) for letter in "abc")
    newer.write({"format": 99})
    (garbage.path / "run.json").write_text("{")
    experiment(tmp_path / "runs", "fine")
    experiment(tmp_path / "runs", "broken").write_text("[]")
    page = Parsed(index_page(tmp_path / "runs", describe))
    for text in ("3 runs of 1 studies", "this version reads 2: a newer suite has written it", "it is not JSON",
                 "broken.json is damaged", "fine Does it?"):  # fmt: skip
        assert text in page.text
    assert {"aaaaaaaa finished", "bbbbbbbb damaged", "cccccccc damaged"} <= set(re.findall(r"[abc]{8} \w+", page.text))
    assert f"Everything here was read from {good.path}" in page.text


def test_too_many_runs_are_an_index_alone(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run(key="f" * 16)
    for number in range(MOST_RUNS):
        path = run.path.with_name(f"{number:016x}")
        path.mkdir()
        (path / "run.json").write_bytes((run.path / "run.json").read_bytes())
    page = Parsed(index_page(tmp_path / "runs", describe))
    assert f"{MOST_RUNS + 1} runs; options" in page.text and "too many runs to show in full" in page.text
    assert not page.all("details")
