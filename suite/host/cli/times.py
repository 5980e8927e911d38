"""Times as people type and read them: `2026-11-28`, `12h`, `2 d`."""

import re
from datetime import UTC, datetime, timedelta

from suite.errors import SuiteError

_AGE = re.compile(r"(\d{1,6}(?:\.\d{1,6})?) ?(min|h|d|w)")
_SECONDS = {"min": 60, "h": 3600, "d": 86400, "w": 7 * 86400}


def parse_since(text: str, flag: str) -> datetime:
    """The moment that a date (of this machine's time zone, unless it names one) or an age says.

    Raises SuiteError for what is neither; `flag` names the option.
    """
    try:
        age = _AGE.fullmatch(text.strip())
        return (
            datetime.now(UTC) - parse_age(text, flag) if age else datetime.fromisoformat(text.strip()).astimezone(UTC)
        )
    except (ValueError, OverflowError):
        raise SuiteError(f"{flag}: {text!r} is no date and no age", "write 2026-11-28, 12h or 2d") from None


def parse_age(text: str, flag: str) -> timedelta:
    """`30min`, `12h`, `2d`, `1w`. Raises SuiteError; `flag` names the option."""
    found = _AGE.fullmatch(text.strip())
    if found is None:
        raise SuiteError(f"{flag}: {text!r} is no age", "write 30min, 12h, 2d or 1w")
    return timedelta(seconds=float(found[1]) * _SECONDS[found[2]])


def format_age(then: datetime) -> str:
    """`now`, `5 min`, `3 h` or `12 d` ago."""
    seconds = (datetime.now(UTC) - then).total_seconds()
    if seconds < 60:
        return "now"
    name = next(name for name, size, most in (("min", 60, 60), ("h", 3600, 48), ("d", 86400, 10**9))
                if seconds < size * most)  # fmt: skip
    return f"{seconds / _SECONDS[name]:.0f} {name}"


def read_time(text: str) -> datetime:
    """A record's time; one that names no zone is taken for UTC."""
    time = datetime.fromisoformat(text)
    return time if time.tzinfo else time.replace(tzinfo=UTC)
