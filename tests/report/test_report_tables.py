"""Tables and numbers of a page: how much of a file is shown, and which interval belongs to which number."""

from math import inf, nan
from pathlib import Path
from typing import Any

import pytest

from suite.claims import CANNOT_TELL, DIFFERS, REPRODUCED, Claim, Judgement, claims_table
from suite.errors import SuiteError
from suite.host.report.allowance import PAGE_BYTES, Allowance
from suite.host.report.claims import claims, headline, in_words, tally
from suite.host.report.intervals import interval_of
from suite.host.report.plots import MARGIN, WIDTH, Scale, plot, scale_of
from suite.host.report.provenance import duration
from suite.host.report.tables import FEWEST, Head, read_head, view
from suite.host.verdicts import of_row
from suite.statistics import Estimate
from suite.tables import frame_bytes, write_columns

ROOM = Allowance(rows=500, left=10**6)


def head(**columns: list[Any]) -> Head:
    return Head(columns, len(next(iter(columns.values()))))


def test_the_first_rows_are_read_and_all_are_counted(tmp_path: Path) -> None:
    write_columns(tmp_path / "x.parquet", {"n": list(range(3000)), "name": [None, "a", "b"] * 1000})
    found = read_head(tmp_path / "x.parquet", 7)
    assert (found.columns, found.total) == ({"n": [*range(7)], "name": [None, "a", "b", None, "a", "b", None]}, 3000)
    write_columns(tmp_path / "empty.parquet", {"n": []})
    assert read_head(tmp_path / "empty.parquet", 7) == Head({"n": []}, 0)


def test_missing_and_damaged_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(SuiteError, match=r"x\.parquet is missing"):
        read_head(tmp_path / "x.parquet", 7)
    write_columns(tmp_path / "x.parquet", {"n": list(range(3000))})
    (tmp_path / "x.parquet").write_bytes((tmp_path / "x.parquet").read_bytes()[:-20])
    with pytest.raises(SuiteError, match=r"x\.parquet is damaged"):
        read_head(tmp_path / "x.parquet", 7)


def test_cells_are_told_as_on_the_terminal() -> None:
    made = view("t", head(rate=[0.25, None], fooled=[True, False], rule=["bp", "x"], pixels=[[1.0, 2.0], []]),
                Path("t.parquet"), ROOM)  # fmt: skip
    assert made.cells == (("0.25", "yes", "bp", "(2 values)"), ("-", "no", "x", "(0 values)"))
    assert made.numeric == (True, True, False, False)
    assert not made.is_cut


def test_columns_that_are_asked_for() -> None:
    made = view("t", head(a=[1], b=[2], c=[3]), Path("t"), ROOM, columns=["c", "a", "gone"], title="Some")
    assert (made.columns, made.cells, made.title) == (("c", "a"), (("3", "1"),), "Some")


def test_tables_are_cut_to_what_is_left() -> None:
    rows = head(n=list(range(500)))
    few = Allowance(rows=500, left=200)
    cut = view("t", rows, Path("t"), few)
    assert FEWEST <= len(cut.cells) < 20 and cut.is_cut and few.left >= 0
    assert len(view("t", rows, Path("t"), Allowance(rows=25, left=10**6)).cells) == 25
    assert len(view("t", rows, Path("t"), Allowance(rows=25, left=0)).cells) == FEWEST


@pytest.mark.parametrize("runs", [1, 3, 100, 400])
def test_the_shares_of_a_page_are_no_more_than_it(runs: int) -> None:
    share = Allowance.of_one_in(runs)
    assert share.left > 0 and runs * share.left <= PAGE_BYTES and share.rows >= FEWEST


def test_a_headline_takes_the_limits_beside_it() -> None:
    table = head(eps=[0.1, 0.2], rate=[0.1234, 0.5678], low=[0.1, 0.5], high=[0.2, 0.6],
                 ratio=[1.2345, 2.3456], ratio_low=[1.0, None], ratio_high=[2.0, 3.0])  # fmt: skip
    assert interval_of(0.5678, [table]) == (0.5, 0.6)
    assert interval_of(1.2345, [table]) == (1.0, 2.0)
    assert interval_of(2.3456, [table]) is None  # a gap is no limit
    assert interval_of(0.2, [table]) is None  # a setting has none
    assert interval_of(0.56780001, [table]) is None
    assert interval_of(1, [table]) is None


def test_a_number_with_two_different_limits_has_none() -> None:
    one, other = (head(rate=[0.1234], low=[low], high=[0.2]) for low in (0.1, 0.11))
    assert interval_of(0.1234, [one, one]) == (0.1, 0.2)
    assert interval_of(0.1234, [one, other]) is None


def test_headline_numbers_in_words() -> None:
    found = headline(
        {"rate": 0.56789, "found": None, "n": 3, "text": "<b>"}, {}, [head(rate=[0.56789], low=[0.5], high=[0.6])]
    )
    assert [(number.name, number.value, number.interval) for number in found] == [
        ("rate", "0.5679", "[0.5, 0.6]"), ("found", "-", ""), ("n", "3", ""), ("text", "<b>", ""),
    ]  # fmt: skip


def test_a_headline_that_is_an_estimate_has_its_own_limits() -> None:
    """However few digits it has, and whatever stands beside the same number elsewhere."""
    elsewhere = head(rate=[0.9, 0.56789], low=[0.1, 0.5], high=[0.95, 0.6])
    found = headline({"rate": 0.9, "share": 0.56789}, {"rate": (0.8, None), "share": (0.4, 0.7)}, [elsewhere])
    assert [(number.value, number.interval) for number in found] == [("0.9", "[0.8, inf]"), ("0.5679", "[0.4, 0.7]")]


def test_a_scale_holds_all_numbers_and_open_ends_are_at_the_edge() -> None:
    scale = scale_of([2.0, 1.0, None, 3.0, nan, "many", inf, 5])
    assert scale == Scale(1.0, 5.0)
    assert (scale.place(1.0), scale.place(5.0)) == (MARGIN, WIDTH - MARGIN)
    assert scale.place(2.0) == pytest.approx(MARGIN + (WIDTH - 2 * MARGIN) / 4)
    assert (scale.place(-inf), scale.place(inf)) == (0, WIDTH)
    assert scale_of([]) is scale_of([2.0, 2.0, None]) is scale_of(["< 1", True]) is None


def test_numbers_far_apart_are_drawn_by_their_logarithms() -> None:
    scale = scale_of([0.01, 0.1, 1.0])
    assert scale is not None and scale.is_log
    assert scale.place(0.1) == pytest.approx(WIDTH / 2)
    assert scale_of([-0.01, 100.0]) == Scale(-0.01, 100.0)


def test_an_estimate_is_drawn_with_what_there_is_of_it() -> None:
    scale = Scale(-1.0, 1.0)
    found = plot(scale, 0.0, (-1.0, inf), 1.0)
    assert found is not None
    assert (found.measured, found.low, found.high) == (WIDTH / 2, MARGIN, WIDTH)
    assert (found.published, found.zero) == (WIDTH - MARGIN, WIDTH / 2)
    bare = plot(Scale(1.0, 2.0), 1.5)
    assert bare is not None and (bare.low, bare.high, bare.published, bare.zero) == (None,) * 4
    assert plot(None, 1.0) is plot(scale, None, (0.0, 1.0)) is plot(scale, "many") is plot(scale, nan) is None


def test_columns_with_limits_are_drawn_on_one_scale() -> None:
    table = head(name=["a", "b"], rate=[0.25, 0.5], low=[0.0, 0.25], high=[0.5, 1.0], alike=[1.0, 1.0],
                 alike_low=[1.0, 1.0], alike_high=[1.0, 1.0], n=[3, 4])  # fmt: skip
    (drawn,) = view("t", table, Path("t"), ROOM, is_drawn=True).drawn
    assert (drawn.name, drawn.after, drawn.low, drawn.high, drawn.is_log) == ("rate", 3, "0", "1", False)
    first, second = drawn.plots
    assert first is not None and second is not None
    assert first.high == second.measured == WIDTH / 2 and first.measured == second.low
    assert view("t", table, Path("t"), ROOM).drawn == ()
    assert view("t", table, Path("t"), ROOM, columns=["name", "rate"], is_drawn=True).drawn == ()


def test_claims_in_words(tmp_path: Path) -> None:
    judged = [
        Claim("a", "Fig. 1", Judgement(DIFFERS, "more"), "d = 2", Estimate(2.0, 1.0, 3.0, 10, "nets"), 5.0),
        Claim("b", "", Judgement(REPRODUCED), measured=Estimate(1.0, nan, nan, 10)),
        Claim("c", "", Judgement(CANNOT_TELL, "too few")),
    ]
    path, notes = tmp_path / "claims.parquet", list[str]()
    path.write_bytes(frame_bytes(claims_table(judged)))
    found = claims({"claims": path}, {"claims": Head({}, 3)}, notes)
    assert [(claim.claim, claim.measured, claim.published, claim.n, claim.verdict, claim.note) for claim in found] == [
        ("a; d = 2 (Fig. 1)", "2 [1, 3]", "5", "10 nets", "differs", "more"),
        ("b", "1", "", "10", "reproduced", ""),
        ("c", "", "", "", "cannot be told", "too few"),
    ]
    assert found[0].plot is not None and found[0].plot.published == WIDTH - MARGIN
    assert found[1].plot is found[2].plot is None  # one number alone, and none
    assert tally(found) == {"reproduced": 1, "differs": 1, "cannot be told": 1}
    assert notes == []


def test_one_claim_in_several_settings_has_one_scale() -> None:
    of = {"n": 9, "of": "nets", "published": None, "source": "", "verdict": REPRODUCED, "note": ""}
    rows = [("grows", "d = 2", 1.0, 0.0, 2.0), ("grows", "d = 4", 3.0, 2.0, 4.0), ("falls", "d = 2", -9.0, -9.5, -8.5)]
    names = ("claim", "setting", "value", "low", "high")
    one, other, apart = in_words([of_row({**of, **dict(zip(names, row, strict=True))}) for row in rows])
    assert one.plot is not None and other.plot is not None and apart.plot is not None
    assert one.plot.high == other.plot.low == WIDTH / 2
    assert apart.plot.measured == WIDTH / 2


def test_a_table_called_claims_that_is_none_is_noted(tmp_path: Path) -> None:
    write_columns(tmp_path / "claims.parquet", {"claim": ["a"], "verdict": ["differs"]})
    notes: list[str] = []
    assert claims({"claims": tmp_path / "claims.parquet"}, {"claims": Head({}, 1)}, notes) == []
    assert "is no table of claims: it lacks setting, value" in notes[0]


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.1234, "0.123 s"), (59, "59 s"), (125, "2 min 5 s"), (12000, "3 h 20 min"), (None, "")]
)
def test_durations(seconds: Any, text: str) -> None:
    assert duration(seconds) == text


def test_classes_are_told_by_name_where_they_have_one() -> None:
    rows = head(label=[1, None], prediction=[0, 7], target=[-1, 0], id=[0, 1])
    assert rows.in_words(["cat", "dog"]).columns == {
        "label": ["dog", None], "prediction": ["cat", 7], "target": [-1, "cat"], "id": [0, 1],
    }  # fmt: skip
    assert rows.in_words(["0", "1"]) is rows and rows.in_words([]) is rows
