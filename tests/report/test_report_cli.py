"""`suite report` as a user types it: which runs, which file, what it says of bad input; a run's own command; speed."""

import json
import os
import re
import shlex
import shutil
import stat
import time
from collections.abc import Callable
from html import unescape
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from suite.errors import WorkFailed
from suite.files import atomic
from suite.host.cli import main
from suite.host.store import RunDirectory

Report = Callable[..., Result]


def run_of(roots: Path) -> Path:
    """The one run below a root."""
    (path,) = roots.glob("linbp.attack/*")
    return path


@pytest.mark.parametrize("name", ["key", "beginning", "study/key", "path"])
def test_a_run_by_its_names(report: Report, roots: Path, name: str) -> None:
    path = run_of(roots)
    typed = {"key": path.name, "beginning": path.name[:5], "study/key": f"linbp.attack/{path.name}", "path": path}[name]
    result = report(typed)
    assert (result.exit_code, result.stdout) == (0, f"report:   REPORT_linbp.attack-{path.name}.html\n")
    html = Path(f"REPORT_linbp.attack-{path.name}.html").read_text()
    assert "White-box attack" in html and "Li et al." in html
    assert "columns of its tables mean" in html


def test_the_command_on_the_page_gives_the_run(roots: Path, report: Report) -> None:
    """Typed as it stands there, it finds that the run is finished."""
    assert report(run_of(roots), "-o", "page.html").exit_code == 0
    (line,) = re.findall(r"<pre[^>]*><code>(suite run .*?)</code>", Path("page.html").read_text())
    words = shlex.split(unescape(line))
    assert words[:3] == ["suite", "run", "linbp.attack"] and "0.1,0.3" in words
    again = CliRunner().invoke(main, words[1:], prog_name="suite")
    assert (again.exit_code, again.stderr) == (0, "already finished; --fresh measures it again\n")


def test_runs_together_and_everything(report: Report, roots: Path) -> None:
    path = run_of(roots)
    shutil.copytree(path, path.with_name("f" * 16))
    assert report(path.name, "f" * 16, path.name, "-o", "two.html").exit_code == 0
    two = Path("two.html").read_text()
    assert "<h1>2 runs</h1>" in two and two.count('<details class="run"') == 2
    result = report("--all")
    assert (result.exit_code, result.stdout) == (0, "report:   REPORT_all.html\n")
    assert "<h1>All runs</h1>" in Path("REPORT_all.html").read_text()


def test_an_experiment_by_its_name(report: Report, roots: Path) -> None:
    record = roots / "experiments" / "edge.json"
    record.parent.mkdir()
    points = [{"axes": {"seed": 0}, "run": f"linbp.attack/{run_of(roots).name}"}]
    stages = {"attack": {"study": "linbp.attack", "points": points}}
    record.write_text(json.dumps({"name": "edge", "question": "Does it?", "stages": stages, "failures": {}}))
    for typed in (["edge"], ["--experiment", "edge"]):
        result = report(*typed)
        assert (result.exit_code, result.stdout) == (0, "report:   REPORT_edge.html\n")
        assert "Does it?" in Path("REPORT_edge.html").read_text()
    assert "did you mean edge?" in report("--experiment", "egde").stderr


@pytest.mark.parametrize(
    ("typed", "line"),
    [
        ([], "suite report shows runs, or one experiment, or --all (say which of the three)"),
        (["--all", "a"], "suite report shows runs, or one experiment, or --all (say which of the three)"),
        (["zzzz"], "no run 'zzzz' in runs"),
        (["--all", "--runs", "nowhere"], "there are no runs in nowhere"),
        (["."], "cannot use run.json: no such file or directory"),
        (["--all", "-o", "runs"], "-o: runs is a directory (give a file's name)"),
        (["--all", "-o", "runs/linbp.attack/x/y.html/z"], ""),
    ],
)
def test_bad_input_is_one_line(report: Report, roots: Path, typed: list[str], line: str) -> None:
    (roots.parent / "runs/linbp.attack/x").mkdir()
    (roots.parent / "runs/linbp.attack/x/y.html").touch()
    result = report(*typed) if "--runs" in typed else report(*typed, "--runs", "runs")
    assert result.exit_code == 2 and result.stdout == ""
    assert result.stderr.startswith("error: " + line) and result.stderr.count("\n") == 1
    assert not [*roots.parent.glob("*.html")]


@pytest.mark.parametrize(
    ("written", "why"),
    [
        ("", "it is not JSON"), ("[]", "it is no JSON object"), ("{}", "study: field required"),
        ('{"format": 99}', "a newer suite has written it"), ("\x00", "it is not JSON"),
    ],
)  # fmt: skip
def test_a_run_that_was_edited_by_hand(report: Report, roots: Path, written: str, why: str) -> None:
    path = run_of(roots)
    (path / "run.json").write_text(written)
    result = report(path)
    assert result.exit_code == 2 and str(path / "run.json") in result.stderr and why in result.stderr
    assert result.stderr.count("\n") == 1 and "Traceback" not in result.stderr


@pytest.mark.parametrize("key", ["headline", "config", "facts", "device", "seed", "peak_memory_bytes", "argv"])
@pytest.mark.parametrize("value", ["gone", "odd"])
def test_parts_of_the_manifest_that_are_gone_or_odd(report: Report, roots: Path, key: str, value: str) -> None:
    """One line that names the file, or a page; never a traceback."""
    path = run_of(roots)
    content = json.loads((path / "run.json").read_text())
    content[key] = {"odd": [None, {"x": float("inf")}, "<b>"]}
    if value == "gone":
        del content[key]
    (path / "run.json").write_text(json.dumps(content))
    result = report(path, "-o", "page.html")
    if RunDirectory(path).fault():
        assert result.exit_code == 2 and str(path / "run.json") in result.stderr
    else:
        assert result.exit_code == 0, result.stderr
        assert "<h1>" in Path("page.html").read_text()


def test_what_is_no_text_is_replaced(report: Report, roots: Path) -> None:
    path = run_of(roots)
    content = json.loads((path / "run.json").read_text())
    (path / "run.json").write_text(json.dumps({**content, "facts": {"name": "a\ud800b"}}))
    assert report(path, "-o", "page.html").exit_code == 0
    assert "a?b" in Path("page.html").read_text(encoding="utf-8")


def test_a_hundred_runs_are_quick_and_light(report: Report, roots: Path) -> None:
    path = run_of(roots)
    for number in range(99):
        shutil.copytree(path, path.with_name(f"{number:016x}"))
    begin = time.process_time()
    assert report("--all", "-o", "all.html").exit_code == 0
    assert time.process_time() - begin <= 10
    html = Path("all.html").read_text()
    assert len(html.encode()) <= 10 * 10**6
    assert html.count('<details class="run"') == 100 and html.count('<ul class="gallery">') == 100


def test_a_device_is_not_replaced(report: Callable[..., Result], roots: Path, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    done = report("--all", "-o", pipe)
    assert done.exit_code == 2 and "is no regular file" in done.stderr
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    with pytest.raises(WorkFailed, match="no regular file"), atomic(pipe) as file:
        file.write(b"x")
    assert stat.S_ISFIFO(pipe.stat().st_mode)
