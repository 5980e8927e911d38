"""What the tables of `linbp.positions` hold; light, since `suite info` shows them."""

from modules.linbp.glossary import STARTS
from suite.glossary import CLAIMS, CLASSES, Table

COLUMNS = {
    **STARTS,
    "difference": "value minus that under backpropagation, paired by sample; empty for backpropagation itself",
    "only_this": "samples fooled from this start and not under backpropagation",
    "only_bp": "samples fooled under backpropagation and not from this start",
    "p_value": "McNemar's exact test against backpropagation on the same samples, two-sided, in [0, 1]",
    "p_holm": "p_value adjusted by Holm for the number of starts, in [0, 1]",
    "cosine": "cosine between the rule's gradient and the true one, in [-1, 1]",
    "norm_ratio": "l2 norm of the rule's gradient over that of the true one",
    "sign_agreement": "share of pixels in which both gradients have the same sign, in [0, 1]",
    "starts": "number of starts compared",
}
_TESTED = "difference, difference_low, difference_high, only_this, only_bp, p_value, p_holm, path"
_RATE = "share of attacked samples that the model misclassifies within the steps, in [0, 1]"

TABLES = {
    "claims": CLAIMS,
    "best": Table(
        "the start of the highest success, for one number of steps or one victim",
        "measure, helps, start, path, value, low, high, n, p_holm, rate, bp, starts, better, worse, "
        "first_better, last_better",
        {
            "measure": "success within K steps in the white box, or transfer to a victim",
            "helps": "whether this start is above backpropagation with p_holm at most 0.05",
            "value": "success from this start minus backpropagation's, in [-1, 1], with Newcombe's 95 % interval",
            "n": "attacked samples",
            "rate": "success from this start, in [0, 1]",
            "bp": "backpropagation's success, in [0, 1]",
            "better": "starts that are significantly above backpropagation",
            "worse": "starts that are significantly below backpropagation",
            "first_better": "the earliest of the better starts; empty for none",
            "last_better": "the latest of the better starts; empty for none",
        },
    ),
    "success": Table(
        "a start at one number of steps",
        f"steps, start, value, low, high, n, {_TESTED}",
        {"value": _RATE, "n": "attacked samples"},
    ),
    "transfer": Table(
        "a start and a victim that its last iterates, rounded to 8 bits, are shown to",
        f"victim, start, value, low, high, n, {_TESTED}",
        {
            "victim": "model that the adversarial samples are shown to",
            "value": "share of the adversarial samples that the victim misclassifies, in [0, 1]",
            "n": "attacked samples that the victim classifies correctly when clean",
        },
    ),
    "loss": Table(
        "a start at one step",
        "start, step, value, low, high, n, difference, difference_low, difference_high, path",
        {"value": "mean cross-entropy of the true model at the iterate, in nats", "n": "attacked samples"},
    ),
    "diagnostics": Table(
        "a start at one step of its own trajectory: its gradient beside the true one",
        "start, step, n, undefined, cosine, cosine_low, cosine_high, norm_ratio, norm_ratio_low, norm_ratio_high, "
        "sign_agreement, path",
        {
            "n": "watched samples with two gradients that are not zero",
            "undefined": "watched samples where a gradient is zero: in no mean",
            "norm_ratio": "l2 norm of the rule's gradient over that of the true one, geometric mean",
        },
    ),
    "why": Table(
        "something that might explain success, at one number of steps",
        "steps, explanation, rank_correlation, starts",
        {
            "explanation": "what may go with success: angles, lengths of gradients, the loss reached",
            "rank_correlation": "Spearman's correlation of success with the explanation over the starts, in [-1, 1]",
        },
    ),
    "samples": Table(
        "a sample attacked from one start",
        "id, label, start, fooled, loss, cosine, norm_ratio, sign_agreement, transferred",
        {
            "id": "index of the sample in its split of the data set",
            "fooled": "for each step from 0, whether the sample has been misclassified up to it",
            "loss": "for each step from 0, the true model's cross-entropy in nats",
            "cosine": "for each step, the cosine between the rule's gradient and the true one; empty where not watched",
            "norm_ratio": "for each step, the rule's gradient norm over the true one's; empty where not watched",
            "sign_agreement": "for each step, the share of equal signs of both gradients; empty where not watched",
            "transferred": "for each victim, whether the last iterate fools it; a gap where it errs when clean",
        },
    ),
    "starts": Table(
        "a start that the rule accepts",
        "start, path, stage",
        {"stage": "part of the model that the rectifier belongs to"},
    ),
    "classes": CLASSES,
}
