"""What is served below the token: pages of the store, each made when it is asked for; nothing is written."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from suite.errors import SuiteError
from suite.host.report.allowance import Allowance
from suite.host.report.claims import Claim, tally
from suite.host.report.pages import experiment_page, runs_page
from suite.host.report.runs import Describe
from suite.host.report.side_by_side import FEWEST, MOST, side_by_side
from suite.host.verdicts import WORDS
from suite.host.view.choosing import asked, chosen
from suite.host.view.experiments import experiment_rows
from suite.host.view.guard import Guard
from suite.host.view.listing import Entry, Listing
from suite.host.view.render import page, part
from suite.host.view.running import running

ORDERS: Mapping[str, Any] = {
    "started": lambda entry: entry.row.started or None,
    "study": lambda entry: entry.name,
    "status": lambda entry: entry.row.status,
    "seconds": lambda entry: entry.row.seconds,
}
_FALLING = ("started", "seconds")  # what is newest or longest comes first
STATUSES = ("running", "finished", "failed", "interrupted", "damaged")


def application(root: Path, describe: Describe, token: str, hosts: tuple[str, ...]) -> ASGIApp:
    """The application that serves the runs below a root.

    Args:
        describe: what the installed plugins say of a study.
        token: first part of every path.
        hosts: what a request may call this server: `127.0.0.1:PORT`.
    """
    pages = _Pages(Listing(root, describe), describe, token)
    routes = [
        Route("/", pages.runs),
        Route("/live", pages.live),
        Route("/experiments", pages.experiments),
        Route("/verdicts", pages.verdicts),
        Route("/compare", pages.compare),
        Route("/run/{study}/{key}", pages.run),
        Route("/experiment/{name}", pages.experiment),
    ]
    return Guard(Starlette(routes=routes, exception_handlers={HTTPException: pages.missing}), token, hosts)


class _Pages:
    """One method a page. Starlette runs them in threads, so that a slow one keeps nobody waiting."""

    def __init__(self, listing: Listing, describe: Describe, token: str) -> None:
        self._listing, self._describe, self._base = listing, describe, f"/{token}/"

    def runs(self, request: Request) -> Response:
        """All runs: filtered, sorted, searched, and what is running."""
        entries = self._listing.runs()
        wanted = asked(request.query_params, ORDERS)
        of_study = [entry for entry in entries.values() if wanted.study in ("", entry.row.study)]
        meant = [entry for entry in of_study if wanted.kind in ("", entry.row.status)]
        found = chosen(meant, wanted, lambda entry: entry.words, ORDERS[wanted.sort], wanted.sort in _FALLING)
        judged = {entry.name: tally(self._listing.claims(entry)) for entry in found.rows}
        return self._page(
            "runs.html.jinja", title="Runs", wanted=wanted, found=found, judged=judged, total=len(entries),
            studies=sorted({entry.row.study for entry in entries.values()}), statuses=STATUSES, falling=_FALLING,
            running=running(entries.values()), version=self._listing.version, most=MOST,
        )  # fmt: skip

    def live(self, request: Request) -> Response:
        """How far runs are, for the script of an open page; another `version` says that rows have changed."""
        found = running(self._listing.runs().values())
        html = part("running.html.jinja", running=found, base=self._base)
        return JSONResponse({"version": self._listing.version, "running": html})

    def experiments(self, request: Request) -> Response:
        """All experiments."""
        return self._page(
            "experiments.html.jinja", title="Experiments", rows=experiment_rows(self._listing.experiments())
        )

    def verdicts(self, request: Request) -> Response:
        """The claims of all runs, searched and chosen by verdict; the newest run first."""
        entries = sorted(self._listing.runs().values(), key=lambda entry: entry.row.started, reverse=True)
        wanted = asked(request.query_params, {"started": None})
        of_study = [entry for entry in entries if wanted.study in ("", entry.row.study)]
        rows = [(entry, claim) for entry in of_study for claim in self._listing.claims(entry)]
        counts = tally([claim for _, claim in rows])
        meant = [row for row in rows if wanted.kind in ("", row[1].verdict)]
        found = chosen(meant, wanted, _words_of_claim, lambda _: 0, False)
        return self._page(
            "verdicts.html.jinja", title="Verdicts", wanted=wanted, found=found, counts=counts, words=WORDS,
            studies=sorted({entry.row.study for entry in entries}),
        )  # fmt: skip

    def compare(self, request: Request) -> Response:
        """Some runs side by side: `?run=STUDY/KEY&run=STUDY/KEY`, the first of which the others are compared with."""
        names = [*dict.fromkeys(request.query_params.getlist("run"))]
        entries = [self._found(name) for name in names]
        of_studies = Counter(entry.row.study for entry in entries)
        notes = []
        if not FEWEST <= len(entries) <= MOST:
            notes.append(f"Choose {FEWEST} to {MOST} runs; {len(entries)} are chosen.")
        notes += [f"{study}: one run alone has none to be compared with." for study, n in of_studies.items() if n == 1]
        runs = [entry.run for entry in entries]
        beside = [] if len(entries) > MOST else side_by_side(runs, Allowance.of_one_in(max(1, len(runs))))
        return self._page("compare.html.jinja", title="Compare", entries=entries, beside=beside, notes=notes)

    def run(self, request: Request) -> Response:
        """A run's report."""
        entry = self._found(f"{request.path_params['study']}/{request.path_params['key']}")
        try:
            return HTMLResponse(runs_page([entry.run], self._describe).encode(errors="replace"))
        except SuiteError as error:
            return self._page("message.html.jinja", title=entry.name, message=error.what, status=200)

    def experiment(self, request: Request) -> Response:
        """An experiment's report."""
        record = self._listing.experiments().get(request.path_params["name"])
        if record is None:
            raise HTTPException(404)
        try:
            return HTMLResponse(experiment_page(self._listing.root, record, self._describe).encode(errors="replace"))
        except SuiteError as error:
            return self._page("message.html.jinja", title=record.stem, message=error.what, status=200)

    def missing(self, request: Request, error: Exception) -> Response:
        """For an address that names nothing in the store."""
        status = error.status_code if isinstance(error, HTTPException) else 500
        return self._page(
            "message.html.jinja", title="Not found", message="The store has nothing there.", status=status
        )

    def _found(self, name: str) -> Entry:
        """The run of that name in the listing, which alone says where its files are."""
        entry = self._listing.runs().get(name)
        if entry is None:
            raise HTTPException(404)
        return entry

    def _page(self, template: str, status: int = 200, **content: Any) -> HTMLResponse:
        return page(template, status, base=self._base, root=str(self._listing.root), **content)


def _words_of_claim(row: tuple[Entry, Claim]) -> str:
    entry, claim = row
    return f"{entry.name} {claim.claim} {claim.verdict} {claim.note}".lower()
