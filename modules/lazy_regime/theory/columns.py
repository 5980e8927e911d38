"""What the tables of `lazy_regime.theory` hold; light, since `suite info` shows them."""

from modules.lazy_regime.glossary import NET
from suite.glossary import CLAIMS, Table

COLUMNS = {
    **{name: NET[name] for name in ("d", "m", "c0", "run", "distance")},
    "statement": "link of the proof: its lemma, and what is bounded",
    "side": "on which side of value the bound is: <= or >=",
    "bound": "what the lemma allows, with explicit constants that fail with probability --gamma",
    "ratio": "radius of the ball around the point, in units of |f| / |grad f|: the step that flips a linear f",
    "radius": "radius of the ball around the point, in the l2 norm; images have norm 1",
    "gradient": "l2 length of the gradient of f",
    "initial_gradient": "l2 length of the gradient of f at initialisation",
    "initial_value": "f at initialisation",
    "drift": "l2 distance of the gradient from that at initialisation",
    "ceiling": "largest |f| that a net of the ball can have at the point, exactly",
    "changed": "neurons whose sign at the point is another than at initialisation",
    "may_change": "neurons whose sign at the point some net of the ball changes",
    "correct": "whether the net classifies the point correctly",
    "size": "l2 length of the smallest flipping step along the gradient; infinite where none flips",
    "n": "number of nets",
    "points": "nets times points",
}

TABLES = {
    "claims": CLAIMS,
    "condition": Table(
        "the condition of the proof's outline at the points of one d, m and C0",
        "d, m, c0, points, holds, holds_and_flipped, flipped, flipped_without, predicted, value, low, high, n",
        {
            "holds": "points at which the condition holds for some radius, by the largest change of gradient found",
            "holds_and_flipped": "points at which the condition holds and a step of its radius or a shorter one flips",
            "flipped": "points that some step flips",
            "flipped_without": "points that some step flips though the condition does not hold",
            "predicted": "smallest radius at which the condition holds over the smallest flipping step, median",
            "value": "share of points at which the condition holds, in [0, 1]",
        },
    ),
    "sizes": Table(
        "the smallest flipping step of one kind of net, for one d, m and C0",
        "d, m, c0, net, value, low, high, n, scaled, unflipped, unflipped_low, unflipped_high, points",
        {
            "net": "initial, trained, worst found in the ball, or the closed form of the worst (worst, linear)",
            "value": "median over points of the step's l2 length, mean over nets; empty where half are never flipped",
            "scaled": "value times sqrt(d), which the theorem has bounded",
            "unflipped": "share of points that no step flips, in [0, 1]",
        },
    ),
    "links": Table(
        "a link of the proof beside its bound, for one d, m and C0",
        "d, m, c0, statement, value, low, high, n, extreme, bound, side, points, inside, inside_low, inside_high",
        {
            "value": "what is bounded: average over points, mean over nets",
            "extreme": "what is bounded, where it is nearest to the bound or furthest beyond it",
            "inside": "share of points at which the bound holds, in [0, 1]",
        },
    ),
    "changes": Table(
        "how much the gradient changes around points, for one d, m, C0 and ratio",
        "d, m, c0, ratio, value, low, high, n, sampled, sampled_largest, on_the_way, radius, allowed, holds, "
        "holds_low, holds_high",
        {
            "value": "largest change of the gradient found in the ball around a point, in units of |grad f|, mean",
            "sampled": "mean change at random points of the ball, in units of |grad f|",
            "sampled_largest": "largest change at random points of the ball, in units of |grad f|",
            "on_the_way": "largest change on the straight way of the step, in units of |grad f|",
            "radius": "mean radius of the ball, in the l2 norm",
            "allowed": "change up to which the proof's condition holds: 1 - 1 / ratio",
            "holds": "share of points at which the condition holds, in [0, 1]",
        },
    ),
    "explicit": Table(
        "the proof with explicit constants for one d, m and C0",
        "d, m, c0, value, gradient, difference, size, margin, closes, closing_d",
        {
            "value": "upper bound of |f| (Lemma 4.1)",
            "gradient": "lower bound of |grad f| (Lemma 4.2); says nothing where it is negative",
            "difference": "upper bound of the gradient's change within size (Lemma 4.4)",
            "size": "l2 length of the step for which the bounds come nearest to a flip",
            "margin": "bound of |f| after that step; below 0 a flip is proved",
            "closes": "whether a flip is proved",
            "closing_d": "smallest power of 10 as d with a proved flip, at width d^2.4; empty for none up to 1e15",
        },
    ),
    "powers": Table(
        "a power that a lemma or the theorem names, for the other two of d, m and C0",
        "law, d, m, c0, places, value, low, high, n, published",
        {
            "law": "which power of which quantity",
            "d": "input dimension; empty where it is what varies",
            "m": "hidden neurons; empty where they are what varies",
            "places": "values of d or m that are used: those at which every net has a logarithm",
            "value": "power p of quantity = constant x d^p or m^p: least squares on logarithms, mean over nets",
            "published": "power in the lemma or theorem",
        },
    ),
    "statements": Table(
        "a link of the proof at one point of a net",
        "d, m, c0, statement, side, bound, run, id, value, inside",
        {"value": "what is bounded", "inside": "whether the bound holds, up to rounding"},
    ),
    "points": Table(
        "a net and a test point",
        "d, m, c0, run, id, initial_value, value, ceiling, initial_gradient, gradient, drift, changed, may_change, "
        "size, correct, distance, change",
        {
            "value": "f at the point",
            "change": "largest l2 change of the gradient found within 1 / sqrt(d) of the point",
        },
    ),
    "around": Table(
        "a net, a test point and a ratio: how much the gradient changes in the ball around the point",
        "d, m, c0, run, id, ratio, radius, gradient, sampled, sampled_largest, on_the_way, supremum, outline, flipped",
        {
            "sampled": "mean l2 change of the gradient at random points of the ball",
            "sampled_largest": "largest l2 change of the gradient at random points of the ball",
            "on_the_way": "largest l2 change of the gradient on the straight way of the step",
            "supremum": "largest l2 change of the gradient found by any search",
            "outline": "the proof's bound of |f| after the step; below 0 the step must flip",
            "flipped": "whether a step of this radius or a shorter one flips the sign",
        },
    ),
    "worst": Table(
        "a net and a test point: the net of the ball found that resists the step most",
        "d, m, c0, run, id, size, resists, linear, value, gradient, distance",
        {
            "size": "l2 length of that net's smallest flipping step along its gradient; infinite where none flips",
            "resists": "whether no step along its gradient flips it",
            "linear": "largest |f| / |grad f| that a net of the ball can have were no rectifier to change",
            "value": "f of that net at the point",
            "gradient": "l2 length of that net's gradient at the point",
        },
    ),
}
