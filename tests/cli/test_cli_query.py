"""`suite query` as typed: the views, numbers that agree with the runs, and what is refused."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from suite.errors import SuiteError
from suite.host.query import query

pytest.importorskip("duckdb", reason="queries need DuckDB: pip install 'suite-robustness[query]'")

Suite = Callable[..., Result]


@pytest.fixture
def rows(suite: Suite) -> Callable[[str], list[dict[str, Any]]]:
    """The rows of a query over three runs, two finished and one failed."""
    for numbers in ("1,2", "5"):
        assert suite("run", "toy.squares", "--numbers", numbers, "--seed", "3").exit_code == 0

    def ask(sql: str) -> list[dict[str, Any]]:
        result = suite("query", sql, "--json")
        assert result.exit_code == 0, result.stderr
        found: list[dict[str, Any]] = json.loads(result.stdout)
        return found

    return ask


def test_runs(rows: Callable[[str], list[dict[str, Any]]], workplace: Path) -> None:
    found = rows("SELECT *, headline->>'$.largest' AS largest FROM runs ORDER BY largest")
    assert [row["largest"] for row in found] == ["25", "4"]
    assert all(row["study"] == "toy.squares" and row["status"] == "finished" and row["seed"] == 3 for row in found)
    assert all((workplace / row["path"] / "run.json").exists() for row in found)
    (count,) = rows("SELECT count(*) AS n FROM runs WHERE config->>'$.numbers' = '[5]'")
    assert count == {"n": 1}


def test_what_is_said_of_runs(suite: Suite, rows: Callable[[str], list[dict[str, Any]]]) -> None:
    (run,) = rows("SELECT run FROM runs WHERE config->>'$.numbers' = '[5]'")
    assert suite("runs", "tag", run["run"], "good", "first").exit_code == 0
    assert suite("runs", "note", run["run"], 'it\'s \0 "so"').exit_code == 0
    found = rows("SELECT run, tags, note FROM runs WHERE list_contains(tags, 'good')")
    assert found == [{"run": run["run"], "tags": ["first", "good"], "note": 'it\'s \0 "so"'}]
    assert rows("SELECT DISTINCT tags, note FROM runs WHERE NOT list_contains(tags, 'good')") == [
        {"tags": [], "note": ""}
    ]


def test_duckdb_is_left_to_the_process_that_answers(rows: object, workplace: Path) -> None:
    """What it brings along (pandas) and what reads tables are not waited for twice, or by those who ask for runs."""
    heavy = {"duckdb", "pandas", "numpy", "polars", "pyarrow", "rich", "torch"}
    code = (
        "import sys\nfrom pathlib import Path\nfrom suite.host.query import query\n"
        f"print(query('SELECT count(*) FROM runs', Path('runs')), {heavy} & {{*sys.modules}})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=workplace)
    assert done.stdout == "(['count_star()'], [(2,)]) set()\n"


def test_rows_of_all_runs_know_their_run(rows: Callable[[str], list[dict[str, Any]]]) -> None:
    found = rows(
        "SELECT number, square, runs.headline->>'$.largest' AS largest FROM rows_squares JOIN runs USING (run) "
        "WHERE name IS NOT NULL ORDER BY number"
    )
    assert [(row["number"], row["square"], row["largest"]) for row in found] == [
        (1, 1, "4"),
        (2, 4, "4"),
        (5, 25, "25"),
    ]


def test_a_table_for_people(suite: Suite, rows: object) -> None:
    result = suite("query", "SELECT max(square) AS largest FROM rows_squares")
    assert result.stdout.splitlines() == ["largest", "-------", "     25"]


@pytest.mark.parametrize(
    ("sql", "told"),
    [
        ("DROP TABLE runs", "one SELECT"),
        ("SELECT 1; DELETE FROM runs", "one SELECT"),
        ("COPY runs TO 'out.csv'", "one SELECT"),
        ("CREATE TABLE x (y INT)", "one SELECT"),
        ("EXPLAIN ANALYZE COPY (SELECT 1) TO 'out.csv'", "one SELECT"),
        ("EXPLAIN (ANALYZE, FORMAT JSON) COPY (SELECT 1) TO 'out.csv'", "one SELECT"),
        ("SELECT * FROM read_text('/etc/hostname')", "disabled"),
        ("SELECT * FROM glob('/etc/*')", "disabled"),
        ("SELECT * FROM read_csv('/etc/passwd')", "disabled"),
        ("SELECT * FROM '/etc/passwd'", "does not exist"),
        ("SET enable_external_access = true", "one SELECT"),
        ("INSTALL httpfs", "one SELECT"),
        ("SELECT nothing FROM runs", "nothing"),
        ("SELECT * FROM rows_square", "there are runs, rows_squares"),
        ("", "one SELECT"),
        ("SELEC 1", "yntax"),
    ],
)
def test_what_is_refused(suite: Suite, rows: object, workplace: Path, sql: str, told: str) -> None:
    before = sorted(workplace.rglob("*"))
    result = suite("query", sql)
    assert result.exit_code == 2 and told in result.stderr.splitlines()[-1]
    assert sorted(workplace.rglob("*")) == before


def test_a_query_that_takes_too_long_is_given_up(rows: object, workplace: Path) -> None:
    endless = "SELECT count(*) FROM range(1000000000) a, range(1000000000) b"
    with pytest.raises(SuiteError, match=r"given up after 0\.3 s"):
        query(endless, workplace / "runs", seconds=0.3)


@pytest.mark.parametrize("content", [None, b"PAR1 and no more"])
def test_a_damaged_file_is_left_out_of_its_view_and_told(
    suite: Suite, rows: Callable[[str], list[dict[str, Any]]], workplace: Path, content: bytes | None
) -> None:
    (run,) = rows("SELECT run FROM runs WHERE config->>'$.numbers' = '[5]'")
    table = workplace / "runs" / run["run"] / "tables/squares.parquet"
    table.unlink() if content is None else table.write_bytes(content)
    told = suite("query", "SELECT DISTINCT run FROM runs LEFT JOIN rows_squares USING (run)", "--json")
    assert told.exit_code == 0 and len(json.loads(told.stdout)) == 2
    (line,) = told.stderr.splitlines()
    assert f"{run['run']}/tables/squares.parquet is missing or damaged" in line
    assert "left out of rows_squares" in line
    assert rows("SELECT max(number) AS most, count(DISTINCT run) AS runs FROM rows_squares") == [{"most": 2, "runs": 1}]


def test_a_table_that_duckdb_cannot_join_costs_its_view_alone(suite: Suite, rows: object, workplace: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    first, _ = sorted(workplace.glob("runs/toy.squares/*/tables/squares.parquet"))
    pq.write_table(pa.table({"filename": ["a"]}), first)
    told = suite("query", "SELECT count(*) AS n FROM runs -- and not rows_squares", "--json")
    assert told.exit_code == 0 and json.loads(told.stdout) == [{"n": 2}]
    assert "there is no rows_squares: " in told.stderr and len(told.stderr.splitlines()) == 1


def test_columns_of_one_name_are_refused(suite: Suite, rows: object) -> None:
    for form in ([], ["--json"]):
        result = suite("query", "SELECT 1 AS a, 2 AS b, 3 AS a", *form)
        assert (result.exit_code, result.stdout) == (2, "")
        assert "two columns named 'a' (name one of them otherwise, with AS)" in result.stderr


def test_json_knows_no_nan(suite: Suite) -> None:
    asked = "SELECT 'nan'::DOUBLE AS a, ['inf'::FLOAT, 1.5] AS b, {'c': 'nan'::DOUBLE} AS d, MAP {1: 2} AS e"
    (row,) = json.loads(suite("query", asked, "--json").stdout, parse_constant=lambda name: pytest.fail(name))
    assert row == {"a": None, "b": [None, 1.5], "d": {"c": None}, "e": {"1": 2}}


def test_a_query_that_gives_too_much_is_refused(suite: Suite) -> None:
    told = suite("query", "SELECT * FROM range(1000000000)").stderr
    assert "more than 200000 rows (aggregate them, or add LIMIT)" in told


def test_without_runs_there_is_an_empty_view(suite: Suite) -> None:
    result = suite("query", "SELECT count(*) AS n FROM runs", "--json")
    assert json.loads(result.stdout) == [{"n": 0}]


def test_without_duckdb_the_command_that_mends_it(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "duckdb", None)
    result = suite("query", "SELECT 1")
    assert result.exit_code == 2 and "pip install 'suite-robustness[query]'" in result.stderr
