"""How much of a run a page takes in: a page of many runs stays one that can be sent and opened."""

from dataclasses import dataclass

PAGE_BYTES = 8_500_000
RUN_BYTES = 3_000_000
OWN_BYTES = 14_000  # of a run's settings, provenance and headings
MOST_RUNS = 400  # shown in full; more of them are an index


@dataclass
class Allowance:
    """What is left for one run on a page of so many. Parts ask for their size in the order of their weight.

    rows: that a table may have at most.
    """

    rows: int
    left: int

    @classmethod
    def of_one_in(cls, runs: int) -> "Allowance":
        """An equal share of the page."""
        rows = 500 if runs == 1 else 100 if runs <= 10 else 25
        return cls(rows, max(0, min(RUN_BYTES, PAGE_BYTES // runs - OWN_BYTES)))

    def take(self, size: int) -> bool:
        """Whether so many bytes are left; if so they are taken."""
        if size > self.left:
            return False
        self.left -= size
        return True
