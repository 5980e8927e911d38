"""The one exception that means: the user can mend this, and one line is enough to say how."""

import re
from collections.abc import Iterable, Sequence

LONGEST_WORD = 300  # characters: paths are shorter, nearly always
_WORD = re.compile(rf"\S{{{LONGEST_WORD + 1},}}")


class SuiteError(ValueError):
    """Bad input or a failed step, shown as `error: <what> (<remedy>)` without a traceback.

    Names that people give may be of any length and hold anything: long words are cut, control characters are escaped.

    Args:
        what: restates the user's own input and what is wrong with it.
        remedy: what would be right, or the command that mends it; may be empty.
    """

    def __init__(self, what: str, remedy: str = "") -> None:
        self.what, self.remedy = readable(what), readable(remedy)
        super().__init__(f"{self.what} ({self.remedy})" if remedy else self.what)


class WorkFailed(SuiteError):
    """A failure after work had begun, shown in the same way; exit code 1, where bad input gives 2."""


class InterruptedHalfway(KeyboardInterrupt):
    """Ctrl-C while a library was in a state in which it may crash at the interpreter's own end."""


def did_you_mean(name: str, known: list[str] | tuple[str, ...]) -> str:
    """The remedy for an unknown name: the nearest known ones, or the first dozen when none is near."""
    from difflib import get_close_matches

    near = get_close_matches(name, known, n=3, cutoff=0.5)
    if near:
        return "did you mean " + " or ".join(near) + "?"
    more = f" and {len(known) - 12} more" if len(known) > 12 else ""
    return f"known: {', '.join(known[:12])}{more}" if known else "none is known"


def known_keys(names: Iterable[str], known: Sequence[str], where: str) -> None:
    """Raises SuiteError for a key that is not among the known ones, with the nearest."""
    for name in names:
        if name not in known:
            raise SuiteError(f"{where}: unknown key {name!r}", did_you_mean(name, [*known]))


def shortened(text: str, most: int = 80) -> str:
    """A text for an error's line: what cannot be printed is escaped, what is too long is cut."""
    cut = text if len(text) <= most else f"{text[:most]}..."
    return cut if cut.isprintable() else "".join(each if each.isprintable() else ascii(each)[1:-1] for each in cut)


def readable(text: str) -> str:
    """The text with long words cut, and without characters that move the cursor or are none; lines stay."""
    cut = _WORD.sub(lambda word: f"{word[0][:80]}...{word[0][-40:]}", text)
    return "".join(each if each.isprintable() or each in "\n\t\xa0" else ascii(each)[1:-1] for each in cut)


def one_line(error: BaseException) -> str:
    """An unexpected exception as one line: its type and the first line of its message."""
    first, *_ = str(error).splitlines() or [""]
    return f"{type(error).__name__}: {first}" if first else type(error).__name__
