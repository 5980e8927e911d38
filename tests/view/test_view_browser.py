"""The store's pages in a real browser: a run that progresses while its page is open, a search, a phone, no script."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from suite.claims import DIFFERS, REPRODUCED
from suite.host import underway
from suite.host.progress import Loop
from suite.host.view import listing
from tests.report.conftest import MakeRun, Page
from tests.report.test_report_browser import _CONTRAST
from tests.view.conftest import judge
from tests.view.test_view_cli import served


@pytest.fixture
def address(root: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Where the store of this test is served."""
    monkeypatch.setattr(listing, "FRESH", 0)
    with served(root) as address:
        yield address


def until(what: Callable[[], Any]) -> None:
    """Waits for something to be so."""
    end = time.monotonic() + 60
    while not what():
        assert time.monotonic() < end
        time.sleep(0.1)


def go(page: Page, address: str) -> None:
    page.driver.get_log("browser")
    page.driver.get(address)


def test_a_run_progresses_while_the_page_is_open(page: Page, address: str, make_run: MakeRun) -> None:
    make_run(key="aa" * 8)
    run = make_run(key="bb" * 8, status="running")
    run.open()
    try:
        underway.note(run.path, [Loop("nets", 10, 3)])
        go(page, address)
        assert "nets: 3 of 10" in page("$('#running').textContent") and page("$('progress').value") == 3
        page("$('input[value$=aaaa]').click()")
        underway.note(run.path, [Loop("nets", 10, 7)])
        until(lambda: page("$('progress').value") == 7)
        make_run(key="cc" * 8)
        until(lambda: page("$$('#rows tbody tr').length") == 3)
        assert page("$$('input:checked').map(box => box.value)") == ["linbp.attack/" + "aa" * 8]
        run.write({**run.read_written(), "status": "finished"})
    finally:
        run.close()
    until(lambda: page("$('#running').textContent.trim()") == "" and page("$$('.status.finished').length") == 3)
    assert page.complaints() == []


def test_a_search_needs_no_button_and_what_is_ticked_is_compared(page: Page, address: str, make_run: MakeRun) -> None:
    from selenium.webdriver.common.by import By

    for number, key in enumerate(("aa", "bb", "cc")):
        make_run(key=key * 8, config={"seed": number}, headline={"rate": number / 2})
    go(page, address)
    box = page.driver.find_element(By.CSS_SELECTOR, "input[type=search]")
    box.send_keys("seed=1")
    until(lambda: page("$$('#rows tbody tr').length") == 1)
    assert "q=seed" in page("location.search")
    box.clear()
    box.send_keys(" ")
    until(lambda: page("$$('#rows tbody tr').length") == 3)
    page("$$('input[type=checkbox]').slice(0, 2).forEach(box => box.click())")
    page("$('#rows button').click()")
    until(lambda: page("$('h1').textContent") == "Compare")
    assert page("$$('.beside th[scope=row]').map(cell => cell.textContent)") == ["seed", "rate"]
    assert page("$$('.beside .plot').length") == 2 and page.complaints() == []


def test_pages_without_scripts_are_searched_by_a_button(page: Page, address: str, make_run: MakeRun) -> None:
    from selenium.common.exceptions import StaleElementReferenceException
    from selenium.webdriver.common.by import By
    from selenium.webdriver.support.wait import WebDriverWait

    def found(driver: Any) -> bool:
        rows = driver.find_elements(By.CSS_SELECTOR, "#rows tbody tr")
        return len(rows) == 1 and "bbbbbbbb" in rows[0].text

    for number, key in enumerate(("aa", "bb")):
        make_run(key=key * 8, config={"seed": number})
    page.driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        page.driver.get(address)
        page.driver.find_element(By.CSS_SELECTOR, "input[type=search]").send_keys("seed=1")
        page.driver.find_element(By.CSS_SELECTOR, "form[role=search] button").click()
        # The click can return before the answer is there; rows of the old page go stale under their reader.
        WebDriverWait(page.driver, 60, ignored_exceptions=[StaleElementReferenceException]).until(found)
    finally:
        page.driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_fit_a_phone_and_are_readable(page: Page, address: str, make_run: MakeRun, scheme: str) -> None:
    """No sideways scrolling, targets of 24 pixels, contrast of level AA."""
    said = {"headline": {"a long name of a number " * 4: 0.5}}
    runs = [make_run(key=key * 8, config={"seed": n, "x" * 60: "y" * 80}, **said) for n, key in enumerate(("aa", "bb"))]
    judge(runs[0], ("it grows " * 20, 1.5, REPRODUCED), ("it falls", 9.0, DIFFERS))
    make_run("some_module.with_a_rather_long_name", "cc" * 8, status="failed", error="e" * 200)
    features = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    page.of_width(390).driver.execute_cdp_cmd("Emulation.setEmulatedMedia", features)
    try:
        for below in ("", "verdicts", "experiments", f"compare?run={runs[0].name}&run={runs[1].name}"):
            go(page, address + below)
            assert page("document.documentElement.scrollWidth") <= 390, below
            assert page(_SMALL) == [], below
            assert page(_CONTRAST) == [], below
    finally:
        page.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


_SMALL = """$$('a, button, input, select, summary').filter(e => e.checkVisibility() && !e.closest('td, p, li'))
    .map(e => [e.textContent.trim(), e.getBoundingClientRect()]).filter(([, r]) => r.height < 24 || r.width < 24)
    .map(([text, r]) => `${text} ${r.width} ${r.height}`)"""
