"""Pages of the store: complete, searched, sorted, escaped, as it is at this moment, and leaving it as it was."""

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import pytest

from suite.claims import DIFFERS, REPRODUCED
from suite.host import underway
from suite.host.progress import Loop
from suite.host.store import RunDirectory
from suite.host.view import listing
from suite.host.view.choosing import PAGE
from tests.report.conftest import MakeRun
from tests.view.conftest import Answer, Ask, judge


def keys(answer: Answer) -> list[str]:
    """The first two letters of the runs that are listed, in order."""
    return [key[:2] for key in re.findall(r'name="run" value="[^"/]+/(\w+)"', answer.text)]


def three(make_run: MakeRun) -> list[RunDirectory]:
    """A quick run, a slow one, and one of another study that failed, in this order."""
    return [
        make_run(key="aa" * 8, headline={"rate": 0.25}, timings=_times(10, 5.0)),
        make_run(key="bb" * 8, headline={"rate": 0.75}, config={"seed": 7}, timings=_times(11, 50.0)),
        make_run("linbp.train", "cc" * 8, status="failed", error="out of memory", timings=_times(12, 1.0)),
    ]


def _times(hour: int, seconds: float) -> dict[str, Any]:
    return {"started": f"2026-05-01T{hour}:00:00+00:00", "seconds": seconds}


def experiment(root: Path) -> None:
    points = [{"axes": {"seed": 0}, "run": f"linbp.attack/{'aa' * 8}"}]
    content = {
        "name": "edge",
        "question": "Does it?",
        "stages": {"attack": {"study": "linbp.attack", "points": points}},
    }
    (root / "experiments").mkdir()
    (root / "experiments" / "edge.json").write_text(json.dumps({**content, "failures": {}}))


def test_an_empty_store_says_so(ask: Ask) -> None:
    assert "There are no runs yet." in ask().words
    assert "There are no experiments yet." in ask("experiments").words
    assert "No verdict is like that." in ask("verdicts").words


def test_all_runs_in_one_line_each(ask: Ask, make_run: MakeRun) -> None:
    judge(three(make_run)[0], ("it grows", 1.5, REPRODUCED), ("it falls", 9.0, DIFFERS))
    answer = ask()
    assert keys(answer) == ["cc", "bb", "aa"]  # the newest first
    for words in ("3 of 3 runs", "rate 0.75", "seed=7", "out of memory", "1 reproduced 1 differs", "2026-05-01 12:00"):
        assert words in answer.words
    assert "Running now" not in answer.words


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("sort=seconds", "bb aa cc"), ("sort=seconds&order=up", "cc aa bb"), ("sort=study", "aa bb cc"),
        ("sort=nonsense&order=odd&page=x", "cc bb aa"), ("q=SEED%3D7", "bb"), ("q=memory+train", "cc"), ("q=zzz", ""),
        ("study=linbp.attack", "bb aa"), ("kind=failed", "cc"), ("study=linbp.train&kind=finished", ""),
        ("page=9", "cc bb aa"),
    ],
)  # fmt: skip
def test_runs_are_filtered_sorted_and_searched(ask: Ask, make_run: MakeRun, query: str, found: str) -> None:
    three(make_run)
    assert keys(ask(f"?{query}")) == found.split()


def test_many_runs_have_pages(ask: Ask, make_run: MakeRun) -> None:
    for number in range(PAGE + 2):
        make_run(key=f"{number:016x}")
    assert len(keys(ask())) == PAGE and "page 1 of 2" in ask().words
    assert len(keys(ask("?page=2"))) == 2
    assert 'href="?sort=started&amp;page=2"' in ask("?sort=started").text


def test_reports_are_opened_from_there(ask: Ask, make_run: MakeRun, root: Path) -> None:
    three(make_run)
    experiment(root)
    assert f"a-token/run/linbp.attack/{'aa' * 8}" in ask().text
    report = ask(f"run/linbp.attack/{'aa' * 8}")
    assert (report.status, report.text.count("<h1>")) == (200, 1) and "Headline numbers" in report.words
    assert "edge Does it? attack (1)" in ask("experiments").words
    assert "Joint" not in ask("experiment/edge").words and "Stages" in ask("experiment/edge").words


@pytest.mark.parametrize(
    "path",
    [
        "run/linbp.attack/../../secret", "run/../secret", "run/..%2fsecret/x", "run/%2e%2e/secret",
        "run/linbp.attack/zz", "run/./.", "compare?run=../secret", "compare?run=linbp.attack/../../secret",
        "experiment/..%2fsecret", "experiment/zz",
    ],
)  # fmt: skip
def test_no_path_leads_out_of_the_store(ask: Ask, make_run: MakeRun, tmp_path: Path, path: str) -> None:
    """Names are looked up among what is there; none of them becomes a path."""
    make_run("x", "secret", root=tmp_path)
    make_run("y", "secret", root=tmp_path.parent / "elsewhere")
    three(make_run)
    answer = ask(path)
    assert answer.status == 404 and "The store has nothing there." in answer.words


def test_verdicts_of_all_runs(ask: Ask, make_run: MakeRun) -> None:
    one, other, _ = three(make_run)
    judge(one, ("it grows", 1.5, REPRODUCED), ("it falls", 9.0, DIFFERS))
    judge(other, ("it grows", 7.0, DIFFERS))
    everything = ask("verdicts")
    assert "1 reproduced 2 differ" in everything.words and everything.text.count('<svg class="plot') == 3
    assert "3 verdicts" in everything.words and "1.5 [0.5, 2.5]" in everything.words
    assert "2 verdicts" in ask("verdicts?kind=differs").words
    assert "1 verdict " in ask("verdicts?kind=differs&q=grows").words
    assert "No verdict is like that." in ask("verdicts?study=linbp.train").words


def test_runs_are_compared(ask: Ask, make_run: MakeRun) -> None:
    one, other, failed = three(make_run)
    names = [f"run={run.name}" for run in (one, other, failed)]
    answer = ask("compare?" + "&".join(names[:2]))
    assert "seed 0 7" in answer.words and "rate 0.25 0.75" in answer.words
    assert "Choose 2 to 6 runs; 1 are chosen." in ask(f"compare?{names[0]}").words
    assert "linbp.train: one run alone has none to be compared with." in ask("compare?" + "&".join(names)).words
    assert "Choose 2 to 6 runs; 0 are chosen." in ask("compare").words


def test_texts_are_escaped_everywhere(ask: Ask, make_run: MakeRun, hostile: str) -> None:
    run = make_run(headline={hostile: hostile}, config={"seed": 0, hostile: hostile}, status="failed", error=hostile)
    judge(make_run(key="bb" * 8), (hostile, 1.0, REPRODUCED))
    for path in ("", f"?q={hostile}", f"?study={hostile}", "verdicts", f"compare?run={run.name}", "live"):
        answer = ask(path)
        assert answer.status == 200 and "<script>window" not in answer.text and "<img src=x" not in answer.text


def test_a_run_at_work_is_shown_with_how_far_it_is(ask: Ask, make_run: MakeRun, root: Path) -> None:
    three(make_run)
    before = json.loads(ask("live").text)
    assert before["running"].strip() == ""
    run = make_run(key="dd" * 8, status="running")
    assert "interrupted" in ask("?q=dddd").words
    run.open()
    (run.path / "parts").mkdir()
    (run.path / "parts" / "a.parquet").touch()
    underway.note(run.path, [Loop("nets", 4, 1), Loop("epochs", None, 3)])
    try:
        now = json.loads(ask("live").text)
        assert now["version"] > before["version"]
        assert "nets: 1 of 4" in now["running"] and "epochs: 3 " in now["running"] and "1 part stored" in now["running"]
        assert '<progress max="4" value="1">' in now["running"]
        page = ask("?kind=running")
        assert keys(page) == ["dd"] and "Running now" in page.words
        assert '<noscript><meta http-equiv="refresh"' in page.text
        assert json.loads(ask("live").text)["version"] == now["version"]
    finally:
        run.close()
    assert "Running now" not in ask().words and keys(ask("?kind=interrupted")) == ["dd"]


def test_a_damaged_run_is_listed_and_its_page_says_why(ask: Ask, make_run: MakeRun) -> None:
    run = three(make_run)[0]
    (run.path / "run.json").write_text("{")
    assert keys(ask("?kind=damaged")) == ["aa"]
    answer = ask(f"run/{run.name}")
    assert answer.status == 200 and "it is not JSON" in answer.words


def test_only_what_has_changed_is_read_again(ask: Ask, make_run: MakeRun, monkeypatch: pytest.MonkeyPatch) -> None:
    runs, read = three(make_run), list[str]()
    brief_row = listing.brief_row
    monkeypatch.setattr(
        listing, "brief_row", lambda run, describe: read.append(run.path.name[:2]) or brief_row(run, describe)
    )
    assert keys(ask()) == ["cc", "bb", "aa"] and sorted(read) == ["aa", "bb", "cc"]
    runs[1].write({**runs[1].read_written(), "facts": {"more": "than before"}})
    assert keys(ask()) == ["cc", "bb", "aa"] and read[3:] == ["bb"]


def test_reading_leaves_the_store_as_it_was(ask: Ask, make_run: MakeRun, root: Path) -> None:
    judge(three(make_run)[0], ("it grows", 1.5, REPRODUCED))
    experiment(root)
    before = contents(root)
    names = "&".join(f"run={name}" for name in ("linbp.attack/" + "aa" * 8, "linbp.attack/" + "bb" * 8))
    for path in (
        "",
        "live",
        "verdicts",
        "experiments",
        f"compare?{names}",
        "experiment/edge",
        f"run/linbp.train/{'cc' * 8}",
    ):
        assert ask(path).status == 200
    assert contents(root) == before


def contents(root: Path) -> dict[str, str]:
    """Every file and folder, with the digest of what is in it."""
    return {
        path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
        for path in root.rglob("*")
    }
