"""Pages in a real browser: they load in silence, ask nobody for anything, sort, filter, enlarge, and fit a phone."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from suite.host.report import index_page, runs_page
from suite.host.store import RunDirectory
from tests.report.conftest import MakeRun, Page


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str], Path]:
    """Puts HTML into a file."""

    def put(html: str) -> Path:
        (tmp_path / "page.html").write_text(html, encoding="utf-8")
        return tmp_path / "page.html"

    return put


@pytest.fixture
def attack_page(page: Page, write: Callable[[str], Path], attack_run: Path) -> Page:
    """The page of the real attack."""
    return page.open(write(runs_page([RunDirectory(attack_run)], lambda _: None)))


def numbers(make_run: MakeRun) -> RunDirectory:
    """A run with a table that is hard to sort."""
    rows = {
        "n": [10.5, None, 9.0, -2.0, 100.0, 1e-9, 1e9, 3.0, 4.0],
        "name": ["b10", "b9", None, "a", "C", "d", "e", "f", "g"],
        "fooled": [True, False] * 4 + [True],
    }
    return make_run(tables={"t": rows}, shown=[{"table": "t", "columns": [], "title": "T"}])


def test_a_page_loads_in_silence_and_asks_nobody(attack_page: Page) -> None:
    assert attack_page("document.title").startswith("linbp.attack ")
    assert attack_page("$$('nav a').map(a => a.textContent)") == [
        "Settings", "Numbers", "Claims", "Tables", "Figures", "Gallery", "All data", "Reproduce", "Provenance"
    ]  # fmt: skip
    assert attack_page.complaints() == []
    assert attack_page.requests() <= {"file", "data"}
    assert (
        attack_page("performance.getEntriesByType('resource').map(e => e.name).filter(n => !n.startsWith('data:'))")
        == []
    )


def test_the_policy_stops_what_a_hand_adds(page: Page, write: Callable[[str], Path], make_run: MakeRun) -> None:
    """The page's own policy, and not only its escaping, keeps foreign things out."""
    html = runs_page([make_run()], lambda _: None)
    added = '<script>window.hacked = 1</script><img src="http://127.0.0.1:9/x.png"><p style="color: red" onclick="a()">'
    page.open(write(html.replace("</main>", added + "</main>")))
    assert page("window.hacked") is None
    assert any("Content Security Policy" in line for line in page.complaints())
    assert [event.get("blockedReason") for event in page.events("Network.loadingFailed")] == ["csp"]


def test_pictures_have_words(attack_page: Page) -> None:
    assert attack_page("$$('img').length") == 3 * 3 * 2  # three pictures of three samples under two rules
    assert attack_page("$$('img').every(image => image.alt.length > 20 && image.complete && image.naturalWidth === 8)")
    assert attack_page("$$('.figure svg').length") == 2
    assert attack_page("$$('svg:not([aria-hidden])').every(s => s.getAttribute('role') === 'img' && s.ariaLabel)")
    assert attack_page("$$('table').every(table => table.caption.textContent.trim())")
    assert attack_page("$$('.figure svg use').every(use => document.getElementById(use.href.baseVal.slice(1)))")


def test_numbers_sort_as_numbers_and_gaps_last(page: Page, write: Callable[[str], Path], make_run: MakeRun) -> None:
    page.open(write(runs_page([numbers(make_run)], lambda _: None)))
    page("$('th:nth-child(1) button').click()")
    assert page.column(0) == ["-2", "1e-09", "3", "4", "9", "10.5", "100", "1e+09", "-"]
    assert page("$$('th').map(th => th.getAttribute('aria-sort'))") == ["ascending", None, None]
    page("$('th:nth-child(1) button').click()")
    assert page.column(0) == ["1e+09", "100", "10.5", "9", "4", "3", "1e-09", "-2", "-"]
    page("$('th:nth-child(2) button').click()")
    assert page.column(1) == ["a", "b9", "b10", "C", "d", "e", "f", "g", "-"]
    assert page("$$('th').map(th => th.getAttribute('aria-sort'))") == [None, "ascending", None]
    page("$('th:nth-child(3) button').click()")
    assert page.column(2) == ["no"] * 4 + ["yes"] * 5


def test_runs_sort_by_how_long_they_took(
    page: Page, write: Callable[[str], Path], make_run: MakeRun, tmp_path: Path
) -> None:
    begun = {"started": "2026-05-01T10:00:00+00:00", "written": "2026-05-01T10:00:00+00:00"}
    for number, seconds in enumerate([5400.0, 0.0, 90.0, 0.5, 1234.0, 36000.0, 59.0]):
        make_run(key=f"{number:016x}", timings={**begun, "seconds": seconds})
    (make_run(key="f" * 16).path / "run.json").write_text("{")
    page.open(write(index_page(tmp_path / "runs", lambda _: None)))
    rising = ["0 s", "0.5 s", "59 s", "1 min 30 s", "20 min 34 s", "1 h 30 min", "10 h 0 min"]
    page("$('.index th:nth-child(8) button').click()")
    assert page.column(7, ".index") == [*rising, "-"]
    page("$('.index th:nth-child(8) button').click()")
    assert page.column(7, ".index") == [*reversed(rising), "-"]


def test_tables_sort_by_the_keyboard(page: Page, write: Callable[[str], Path], make_run: MakeRun) -> None:
    from selenium.webdriver.common.keys import Keys

    page.open(write(runs_page([numbers(make_run)], lambda _: None)))
    page("$('.tools input').focus()")
    for key in (Keys.TAB, Keys.TAB, Keys.ENTER):  # over the scrolling box to the first column's name
        page.driver.switch_to.active_element.send_keys(key)
    assert page("$('th').getAttribute('aria-sort')") == "ascending"
    assert page("getComputedStyle(document.activeElement).outlineStyle") == "solid"


def test_rows_are_filtered_by_words(page: Page, write: Callable[[str], Path], make_run: MakeRun) -> None:
    from selenium.webdriver.common.by import By

    page.open(write(runs_page([numbers(make_run)], lambda _: None)))
    box = page.driver.find_element(By.CSS_SELECTOR, ".tools input")
    assert box.get_attribute("aria-label") == "Filter the rows of t"
    box.send_keys("B yes")
    assert page.column(1) == ["b10"]
    assert page("$('.tools output').textContent") == "1 of 9 rows"
    box.send_keys("\b" * 5)
    assert len(page.column(1)) == 9


def test_the_gallery_is_filtered(attack_page: Page) -> None:
    def choose(name: str, value: str) -> list[str]:
        script = f"[...$('.filters').querySelectorAll('label')].find(l => l.textContent.startsWith('{name}')).control"
        attack_page(
            f"(s => {{ s.value = '{value}'; s.dispatchEvent(new Event('change', {{bubbles: true}})) }})({script})"
        )
        found: list[str] = attack_page("$$('.gallery li').filter(li => !li.hidden).map(li => li.textContent)")
        return found

    shown = choose("gradient", "linbp")
    assert len(shown) == 3 and all(", linbp," in text for text in shown)
    outcomes = attack_page("$$('.gallery li').filter(li => !li.hidden).map(li => /: fooled/.test(li.textContent))")
    fooled = attack_page("$$('.filters option').some(option => option.value === 'fooled')")
    if fooled:  # the filter is there where outcomes differ
        assert len(choose("outcome", "fooled")) == sum(outcomes)
        choose("outcome", "")
    assert len(choose("gradient", "")) == 6


def test_figures_are_enlarged_and_read(attack_page: Page) -> None:
    """Enlarged by a click and closed by Escape; under the pointer stands the value there."""
    attack_page("$('.figure > button').click()")
    assert attack_page("$('dialog').open")
    before = attack_page("$('dialog svg').getBoundingClientRect().width")
    attack_page("$('dialog [aria-label=Larger]').click()")
    assert attack_page("$('dialog svg').getBoundingClientRect().width") == pytest.approx(1.4 * before, rel=0.01)
    attack_page("$('dialog [aria-label=Close]').click()")
    assert not attack_page("$('dialog').open")
    said = attack_page(
        """(() => {
            const svg = $('svg[data-axes]'), axes = JSON.parse(svg.dataset.axes)[0], matrix = svg.getScreenCTM();
            const drawn = new DOMPoint((5 - axes.x[0]) / axes.x[1], (50 - axes.y[0]) / axes.y[1]);
            const place = drawn.matrixTransform(matrix);
            const at = {clientX: place.x, clientY: place.y, bubbles: true};
            svg.dispatchEvent(new PointerEvent('pointermove', at));
            return $('.reading').hidden ? '' : $('.reading').textContent;
        })()"""
    )
    found = re.fullmatch(r"step ([\d.]+), success rate \(%\) ([\d.]+)", said)
    assert found is not None and float(found[1]) == pytest.approx(5, rel=0.02)
    assert float(found[2]) == pytest.approx(50, rel=0.02)


def test_the_command_is_copied(attack_page: Page) -> None:
    attack_page("$('.command button').click()")
    told = attack_page("new Promise(done => setTimeout(() => done($('.command button').textContent), 300))")
    assert told in ("copied", "selected")
    assert attack_page.complaints() == []


@pytest.mark.parametrize("width", [320, 375, 1200])
def test_nothing_scrolls_sideways(attack_page: Page, width: int) -> None:
    attack_page.of_width(width)
    attack_page("$$('details').forEach(part => part.open = true)")
    assert attack_page("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    assert attack_page(
        "$$('h1, h2, p, pre, dl, .box, .figure').every(e => e.getBoundingClientRect().right <= innerWidth)"
    )


def test_wide_tables_scroll_in_their_own_box(page: Page, write: Callable[[str], Path], make_run: MakeRun) -> None:
    columns = {f"a_long_column_name_{n}": ["a text that is not short"] for n in range(30)}
    shown = [{"table": "t", "columns": [], "title": "T " * 200}]
    run = make_run("linbp." + "x" * 60, tables={"t": columns}, shown=shown, headline={"h" * 200: "v" * 200},
                   config={"o" * 100: "folder:/" + "p" * 300})  # fmt: skip
    page.of_width(375).open(write(runs_page([run, run], lambda _: None)))
    assert page("document.documentElement.scrollWidth") == 375
    assert page("$$('.box').some(box => box.scrollWidth > 2 * box.clientWidth && box.tabIndex === 0)")


def test_runs_open_where_the_index_leads(
    page: Page, write: Callable[[str], Path], attack_run: Path, tmp_path: Path
) -> None:
    """Also at a whole root: what is folded costs nothing until it is opened."""
    for number in range(4):
        shutil.copytree(attack_run, tmp_path / f"runs/linbp.attack/{number:016x}")
    page.open(write(index_page(tmp_path / "runs", lambda _: None)))
    assert page("$$('details.run').map(part => part.open)") == [False] * 4
    assert page("$$('details.run th button').length") == 0
    page("$('.index tbody tr:nth-child(2) a').click()")
    arrived = "new Promise(done => setTimeout(() => done($$('details.run').map(part => part.open)), 300))"
    assert page(arrived).count(True) == 1
    opened = page("$('details.run[open]').querySelectorAll('th button').length")
    assert opened > 5 and page("$('details.run[open] .filters').hidden") is False
    assert page.complaints() == [] and page.requests() <= {"file", "data"}


def test_texts_do_not_act(page: Page, write: Callable[[str], Path], make_run: MakeRun, hostile: str) -> None:
    name = hostile.replace("/", "")
    run = make_run(
        "linbp." + name, name, tables={"t": {hostile: [hostile] * 9}}, figures={"lines": hostile},
        shown=[{"table": "t", "columns": [], "title": hostile}], headline={hostile: hostile}, config={hostile: hostile},
    )  # fmt: skip
    (run.path / "results/figures/lines.svg").write_text(
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9" onload="window.hacked=3">'
        f"<script>window.hacked=4</script><text>{hostile.replace('&', '&amp;').replace('<', '&lt;')}</text></svg>"
    )
    page.open(write(runs_page([run], lambda _: None)))
    page("$$('th button, .command button, .figure > button').forEach(button => button.click())")
    assert page("window.hacked") is None
    assert page("$$('script').length") == 1
    assert hostile in page.column(0)
    assert page("$('dialog').open") and page("$('.ground text').textContent") == hostile
    assert page.complaints() == []


def test_print_opens_what_is_folded_and_hides_controls(attack_page: Page) -> None:
    attack_page("dispatchEvent(new Event('beforeprint'))")
    assert attack_page("$$('details[data-print]').every(part => part.open)")
    assert not attack_page("$$('details.folded').some(part => part.open)")  # whole data sets stay out
    attack_page.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    try:
        hidden = "$$('nav, .tools, .filters, .command button').every(e => getComputedStyle(e).display === 'none')"
        assert attack_page(hidden)
        assert attack_page("$$('.box').every(box => getComputedStyle(box).overflow === 'visible')")
    finally:
        attack_page.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
    attack_page("dispatchEvent(new Event('afterprint'))")
    assert not attack_page("$$('#run-1-settings details').some(part => part.open)")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_is_readable(attack_page: Page, scheme: str) -> None:
    """Contrast of WCAG's level AA, 4.5 to 1, for all text, in both schemes."""
    features = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    attack_page.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", features)
    try:
        poor = attack_page(_CONTRAST)
    finally:
        attack_page.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
    assert poor == []


def test_a_page_without_its_script_is_whole(page: Page, write: Callable[[str], Path], attack_run: Path) -> None:
    html = runs_page([RunDirectory(attack_run)], lambda _: None)
    page.open(write(re.sub(r"<script>.*</script>", "", html, flags=re.DOTALL)))
    assert page("$$('button').length") == 0 and page("$('.filters').hidden")
    assert page("$$('.gallery li').length") == 6 and len(page.column(0)) > 3


def test_the_command_line_writes_such_a_page(report: Callable[..., Result], roots: Path, page: Page) -> None:
    assert report("--all", "-o", "all.html").exit_code == 0
    page.open(Path("all.html"))
    page("$$('details').forEach(part => part.open = true)")
    assert page("$('h1').textContent") == "All runs"
    assert page.complaints() == [] and page.requests() <= {"file", "data"}


_CONTRAST = """(() => {
    const parse = text => text.match(/[\\d.]+/g).map(Number);
    const linear = c => c <= .04045 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4;
    const light = ([r, g, b]) => .2126 * linear(r / 255) + .7152 * linear(g / 255) + .0722 * linear(b / 255);
    const ground = e => { for (; e; e = e.parentElement) { const c = parse(getComputedStyle(e).backgroundColor);
        if (c.length < 4 || c[3] === 1) return c; } return [255, 255, 255]; };
    const texts = [...document.querySelectorAll('main *')].filter(e => !e.closest('svg') && e.checkVisibility()
        && [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim()));
    const ratio = e => {
        const [a, b] = [light(parse(getComputedStyle(e).color)), light(ground(e))].sort((x, y) => y - x);
        return (a + .05) / (b + .05);
    };
    return texts.filter(e => ratio(e) < 4.5).map(e => e.className + e.tagName + ratio(e).toFixed(2));
})()"""
