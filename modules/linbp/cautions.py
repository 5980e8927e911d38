"""What makes a white-box attack's numbers mean less than they seem to: lines that a run warns with."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from suite.refs import format_number, parse_sum

LOSABLE = 0.01  # share of the exact attack's successes that rounding may lose without a word


def out_of_reach(eps: Sequence[float], steps: Sequence[int], step_size: float) -> Iterator[str]:
    """Balls whose border an attack that begins at the image cannot reach: there eps makes no difference."""
    last = max(steps)
    short = [each for each in sorted(eps) if last * step_size < each * (1 - 1e-9)]
    if short:
        radii = ", ".join(map(_typed, short))
        enough = _typed(float(f"{2.5 * short[-1] / last:.2g}"))
        yield (
            f"{last} steps of {_typed(step_size)} cannot reach the border of the ball: eps {radii} "
            f"does not bind (--step-size {enough} would)"
        )


def more_than_a_pixel(eps: Sequence[float]) -> Iterator[str]:
    """Radii beyond the range of a pixel, which is [0, 1]."""
    large = [each for each in eps if each > 1]
    if large:
        typed = _typed(large[0])
        yield f"eps {typed} is more than the range of a pixel, which is 1: {typed} means {typed}, not {typed}/255"


def nothing_linear(gradients: Sequence[str]) -> Iterator[str]:
    """Rules that are plain backpropagation under another name."""
    for gradient in gradients:
        calls = parse_sum(gradient)
        if len(calls) == 1 and calls[0].name == "linbp" and calls[0].arguments.get("start") == "none":
            yield f"{gradient} makes no rectifier linear: there it is bp"


def useless_gradients(health: Mapping[str, Mapping[str, float]]) -> Iterator[str]:
    """Rules under which images have no gradient to follow.

    Args:
        health: rule -> `zero` and `not_finite`, shares of the images in [0, 1] (`suite.attacks.gradient_health`).
    """
    for gradient, shares in health.items():
        for kind, what in (("zero", "exactly zero"), ("not_finite", "not finite")):
            if shares[kind]:
                yield (
                    f"under {gradient} the gradient is {what} on {shares[kind]:.0%} of the images: an attack fails "
                    "there whether or not the model is robust"
                )


def lost_to_rounding(cells: Sequence[Mapping[str, Any]], setting: str) -> Iterator[str]:
    """One line where rounding loses more than 1 % of the exact attack's successes.

    Args:
        cells: what they were made with, `eps` among it; `exact` successes in the check; those `lost` and `gained`.
        setting: what tells a cell from others, as a format of its columns: `under {gradient} at eps {eps}`.
    """
    found = [cell for cell in cells if cell["lost"] > LOSABLE * cell["exact"]]
    if found:
        worst = max(found, key=lambda cell: cell["lost"] / cell["exact"])
        yield (
            f"rounding loses more than {LOSABLE:.0%} of the exact attack's successes in {len(found)} of {len(cells)} "
            f"cells, most {setting.format(**{**worst, 'eps': _typed(worst['eps'])})}: "
            f"{worst['lost']} of {worst['exact']}, and gains {worst['gained']}"
        )


def _typed(value: float) -> str:
    return format_number(value).removesuffix(".0")
