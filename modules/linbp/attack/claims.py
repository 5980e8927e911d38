"""What Li et al. say of the white-box attack, judged on the table of success rates."""

from collections.abc import Iterator

import polars as pl

from modules.linbp.attack.config import AttackConfig
from modules.linbp.attack.published import SETTINGS, TABLE_1
from suite.claims import Claim, everywhere, number, order_family
from suite.refs import format_number
from suite.statistics import Estimate, PairedTest

PRECISION = 0.05
"""Half width up to which an interval can confirm a rate of Table 1; most of its cells differ by more between rules."""
MANY, NEARLY_ALL = 500, 0.01  # steps after which both rules have 100 %, and how near is that


def table_1(success: pl.DataFrame, config: AttackConfig) -> Iterator[Claim]:
    """Table 1 beside what was measured, for the cells that it has.

    In normalised images there is no cell to compare with, since the units of Table 1 are not known.
    """
    changed = [name for name, value in SETTINGS.items() if getattr(config, name) != value]
    if "input_space" in changed:
        return
    model = config.model.partition("@")[0]
    conditions = [f"another {name} than in the table" for name in changed]
    conditions += ["another encoding of the images"] * (config.dataset != "cifar10")
    for row in success.iter_rows(named=True):
        printed = TABLE_1.get((row["gradient"], model, row["steps"], row["eps"]))
        if printed is None:
            continue
        measured = Estimate.read(row, of="images")
        yield Claim(
            "success rate of I-FGSM; other weights than the paper's may have another",
            "Li et al., Table 1",
            number(measured, printed, PRECISION, conditions=conditions),
            setting=f"{model}, {row['gradient']}, K = {row['steps']}, eps = {format_number(row['eps'])}",
            measured=measured,
            published=printed,
        )


def higher_at_every_step(success: pl.DataFrame, config: AttackConfig) -> Iterator[Claim]:
    """Sec. 4.2: LinBP is ahead of BP at every number of steps; a claim about directions, for any trained net.

    McNemar's tests at all K of a strength are one family (Holm): reproduced where LinBP is ahead at each, differs where
    BP is ahead at one.
    """
    if config.gradients[0] != "bp":
        return
    rules = success.filter(pl.col("gradient").str.starts_with("linbp"), pl.col("steps").is_not_null())
    for (gradient, eps), rows in rules.group_by("gradient", "eps", maintain_order=True):
        cells = rows.select("only_this", "only_first_rule", "p_value").rows()
        judgement = everywhere(order_family([PairedTest(*cell) for cell in cells]))
        setting = f"{gradient}, eps = {format_number(eps)}, {len(cells)} number{'s' * (len(cells) > 1)} of steps"
        yield Claim(
            "LinBP fools more images than BP at every number of steps", "Li et al., Sec. 4.2", judgement, setting
        )


def all_after_many(success: pl.DataFrame) -> Iterator[Claim]:
    """Sec. 4.2: after 500 steps both rules fool all images."""
    for row in success.filter(pl.col("steps") == MANY).iter_rows(named=True):
        measured = Estimate.read(row, of="images")
        setting = f"{row['gradient']}, eps = {format_number(row['eps'])}"
        claim = f"after {MANY} steps all images are fooled"
        yield Claim(claim, "Li et al., Sec. 4.2", number(measured, 1.0, NEARLY_ALL), setting, measured, 1.0)
