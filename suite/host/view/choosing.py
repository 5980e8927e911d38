"""Which of many rows a page shows, and in which order: what the address asks for."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar
from urllib.parse import urlencode

T = TypeVar("T")

PAGE = 100  # rows of a page


@dataclass(frozen=True)
class Asked:
    """What is asked for; empty texts ask for nothing. `order` is "" for the order that is natural to `sort`."""

    q: str = ""
    study: str = ""
    kind: str = ""
    sort: str = ""
    order: str = ""
    page: int = 1

    def address(self, **changes: Any) -> str:
        """The query string that asks for the same but for these changes."""
        wanted = replace(self, **changes)
        given = {name: value for name, value in vars(wanted).items() if value not in ("", 1)}
        return f"?{urlencode(given)}" if given else "?"


@dataclass(frozen=True)
class Chosen(Generic[T]):
    """The rows of one page; found: how many there are on all `pages`."""

    rows: Sequence[T]
    found: int
    page: int
    pages: int


def asked(parameters: Mapping[str, str], orders: Mapping[str, Any]) -> Asked:
    """What a query string asks for; what cannot be meant is left out.

    Args:
        orders: by which names rows can be sorted, the first of which is the default.
    """
    page = parameters.get("page", "1")
    sort, order = parameters.get("sort", ""), parameters.get("order", "")
    return Asked(
        q=parameters.get("q", "")[:200],
        study=parameters.get("study", ""),
        kind=parameters.get("kind", ""),
        sort=sort if sort in orders else next(iter(orders)),
        order=order if order in ("up", "down") else "",
        page=int(page) if page.isascii() and page.isdigit() and len(page) < 8 else 1,
    )


def chosen(
    rows: Sequence[T], wanted: Asked, words: Callable[[T], str], key: Callable[[T], Any], falls: bool
) -> Chosen[T]:
    """The page that is wanted of the rows that have all the words that are searched for.

    Args:
        key: by which rows are sorted; those for which it is None come last.
        falls: whether the natural order is from large to small.
    """
    searched = wanted.q.lower().split()
    found = [row for row in rows if all(word in words(row) for word in searched)]
    known = [row for row in found if key(row) is not None]
    known.sort(key=key, reverse=falls if not wanted.order else wanted.order == "down")
    ordered = known + [row for row in found if key(row) is None]
    pages = max(1, -(-len(ordered) // PAGE))
    page = min(max(1, wanted.page), pages)
    return Chosen(ordered[(page - 1) * PAGE : page * PAGE], len(ordered), page, pages)
