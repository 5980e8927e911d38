"""SQL given to `suite query`: for any text rows or a SuiteError; no file outside the store is read, none is written."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from suite.errors import SuiteError

pytest.importorskip("duckdb", reason="queries need DuckDB: pip install 'suite-robustness[query]'")

from suite.host.query import RUNS, query
from suite.host.query_worker import answer, data_base, not_one_select

TOKEN = "not for you"
RECORD: dict[str, Any] = {
    "format": 2, "study": "a.study", "key": "key", "status": "finished", "config": {}, "seed": 0, "device": "cpu",
    "inputs": {}, "code": {"digest": ""}, "versions": {}, "timings": {"started": "2026-01-01", "seconds": 1.0},
    "facts": {}, "tables": {"a": {"file": "tables/a.parquet", "rows": 2}}, "models": {},
}  # fmt: skip
SECRET, WRITTEN = "'secret.csv'", "'written'"
READING = ["read_csv", "read_text", "read_blob", "read_json", "glob", "sniff_csv", "parquet_metadata", "read_parquet",
           "read_csv_auto", "parquet_scan", "query_table", "read_ndjson"]  # fmt: skip
sources = st.sampled_from(
    ["runs", "rows_a", SECRET, "duckdb_settings()", "duckdb_views()", "range(5)", "(VALUES (1))", "test_all_types()",
     *(f"{name}({SECRET})" for name in READING), "glob('*')"]
)  # fmt: skip
statements = st.sampled_from(
    [f"COPY (SELECT 1) TO {WRITTEN}", f"EXPLAIN ANALYZE COPY runs TO {WRITTEN}", f"ATTACH {WRITTEN}", "LOAD httpfs",
     "INSTALL httpfs", "PRAGMA enable_profiling", f"EXPORT DATABASE {WRITTEN}", "CREATE TABLE x (y INT)", "VACUUM",
     "DROP TABLE runs", "SET enable_external_access = true", "CHECKPOINT", "BEGIN", f"COPY runs FROM {SECRET}",
     f"SET profiling_output = {WRITTEN}", "PREPARE x AS SELECT 1", "EXECUTE x", "CALL pragma_version()", "SELECT 1"]
)  # fmt: skip
beginnings = st.sampled_from(
    ["SELECT", "SUMMARIZE SELECT", "EXPLAIN SELECT", "DESCRIBE SELECT", "select\n", "WITH x AS (SELECT 1) SELECT"]
)
values = st.sampled_from(
    ["*", "1 AS a", "count(*)", f"read_text({SECRET})", "chr(0)", "'\\ud800'", "'nan'::DOUBLE", "getenv('HOME')",
     f"(SELECT a FROM {SECRET})", "uuid()", "$1", "?"]
)  # fmt: skip
endings = st.sampled_from(
    ["", ";", "; ;", "-- '", "/* ; */", "LIMIT 1", "WHERE 1 / 0 > 0", "GROUP BY ALL", "UNION SELECT 1", ")"]
)
selects = st.builds("{} {} FROM {} {}".format, beginnings, values, sources, endings)
sql = st.one_of(
    st.text(max_size=60),
    selects,
    st.builds("{}{}{}".format, selects, st.sampled_from([";", " ; --", "/**/", ""]), statements),
    st.builds("{} {}".format, statements, selects),
    st.builds("SELECT * FROM query({!r})".format, st.one_of(statements, selects)),
)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A working folder with a secret and a store of one run."""
    folder = tmp_path_factory.mktemp("asked")
    (folder / "secret.csv").write_text(f"a\n{TOKEN}\n")
    tables = folder / "runs" / "a.study" / "key" / "tables"
    tables.mkdir(parents=True)
    pq.write_table(pa.table({"n": [1, 2]}), tables / "a.parquet")
    (tables.parent / "run.json").write_text(json.dumps(RECORD))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        yield folder / "runs"


@pytest.fixture(scope="module")
def asked(store: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The data base that a query of the store is asked of."""
    table = str(store / "a.study" / "key" / "tables" / "a.parquet")
    row = ["a.study/key", "a.study", "finished", 0, None, 1.0, "cpu", "{}", "{}", [], "", "key"]
    views = {"rows_a": [("a.study/key", table)]}
    file, told = data_base(str(tmp_path_factory.mktemp("made")), RUNS, [row], views)
    assert not told
    return {"file": file, "allowed": [table], "most": 100, "memory": 2**28}


def contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@given(sql)
def test_any_text_gives_rows_or_an_error_and_touches_nothing(store: Path, asked: dict[str, Any], text: str) -> None:
    before = contents(store.parent)
    if not not_one_select(text):
        kind, found = answer(text, **asked)
        assert kind in ("rows", "refused", "memory", "value")
        assert TOKEN not in str(found)
    assert contents(store.parent) == before


@pytest.mark.parametrize(
    "text",
    ["SELECT " + "(" * 20_000 + "1" + ")" * 20_000, "SELECT " + "1+" * 40_000 + "1", "SELECT " + "-" * 90_000 + "1",
     "SELECT " + "NOT " * 20_000 + "true", "SELECT '" + "x" * 100_000 + "'", "SELECT 1" + ";" * 90_000 + "SELECT 1",
     "SELECT '\ud800'", "SELECT " + "[" * 40_000, "/*" * 40_000, "SELECT " + "CASE WHEN 1 THEN " * 5_000],
    ids=lambda text: text[:12],
)  # fmt: skip
def test_long_and_deep_ones_are_refused_at_once(store: Path, text: str) -> None:
    begin = time.process_time()
    with pytest.raises(SuiteError):
        query(text, store)
    assert time.process_time() - begin < 1


@pytest.mark.parametrize(
    "call", ["md5(repeat('a', 4000000000))", "list_sum(range(300000000))", "lpad('a', 2000000000, 'b')"]
)
def test_one_call_that_hears_no_interrupt_is_ended(store: Path, call: str) -> None:
    begin = time.monotonic()
    with pytest.raises(SuiteError, match=r"given up after 0\.5 s|more than 4 GiB"):
        query(f"SELECT {call}", store, seconds=0.5)
    assert time.monotonic() - begin < 10  # of 16 s and more
