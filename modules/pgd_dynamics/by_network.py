"""Statements about all starts, steps or radii, judged by networks: what belongs to one network is not independent."""

from collections.abc import Sequence

import polars as pl

from suite.claims import Claim, bound
from suite.statistics import cluster_rate


def always(
    claim: str,
    source: str,
    units: pl.DataFrame,
    *,
    network: Sequence[str] = ("network",),
    setting: str = "",
    lost: int = 0,
    conditions: Sequence[str] = (),
) -> Claim:
    """A claim of all networks; one violation among a network's units is a violation of the network.

    Args:
        units: a row each, with a boolean column `holds`.
        network: columns that name a network.
        lost, conditions: as judges take them.
    """
    networks = units.group_by(network).agg(pl.col("holds").all())
    judgement = bound(
        int((~networks["holds"]).sum()), len(networks), of="networks", lost=lost, conditions=conditions
    )  # fmt: skip
    clusters = units.select(pl.concat_str(network, separator=" ")).to_series()
    return Claim(claim, source, judgement, setting, cluster_rate(units["holds"], clusters, of="networks"))
