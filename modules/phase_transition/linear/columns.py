"""What the tables of `phase_transition.linear` hold; light, since `suite info` shows them."""

from modules.phase_transition.glossary import OF_SIZES
from suite.glossary import CLAIMS, Table

COLUMNS = {
    **OF_SIZES,
    "d_over_n": "dimension over number of samples",
    "data_sets": "number of data sets",
    "diverged": "data sets on which a training ended above 10 times the loss of the zero start: in no mean",
    "gone": "whether a training ended above 10 times the loss of the zero start, or not finite",
    "lost": "sizes without a value, or with one that is not positive",
}
_EXCESS = "adversarial training loss above the least one, averaged over the steps of fine-tuning"
_BOUND = "what Proposition 2 allows that average, with the largest gradient on the way as Lipschitz constant"
_STEPS = "steps of fine-tuning until the loss is within 1 % of the least one"
_DELTA = "Delta: clean test loss minus clean training loss of the clean model"

TABLES = {
    "claims": CLAIMS,
    "ends": Table(
        "the trained models of one size and strength: means over data sets",
        "d, samples, eps, eps_over_order, regime, over_std, over_std_low, over_std_high, shrunk, shrunk_low, "
        "shrunk_high, over_gap, over_gap_low, over_gap_high, over_eps_star, data_sets, diverged",
        {
            "regime": "small: below eps_star; large: from where the minimiser is expected to be 0; medium: between",
            "over_std": "|theta(eps) - theta(0)| over the clean estimate's standard deviation (Theorem 1)",
            "shrunk": "|theta(eps)| over |theta(0)|",
            "over_gap": "adversarial minus clean training loss, over the expected Delta (Theorem 2)",
            "over_eps_star": "eps over eps_star of this size; empty where there is none",
        },
    ),
    "eps_star": Table(
        "a size d/n: its critical strengths in expectation, and closed forms beside",
        "d, samples, d_over_n, order, eps_star, eps_star_low, eps_star_high, parted, parted_low, parted_high, delta, "
        "delta_low, delta_high, rise, rise_low, rise_high, eps_star_over_order, parted_over_order, first_order, bound, "
        "collapse_expected, delta_expected, variance, variance_printed, collapse, unchanged, spread, spread_low, "
        "spread_high, above_at_0, never, data_sets, gap",
        {
            "order": "sqrt(d/n), the paper's order of eps_star",
            "eps_star": "strength at which the expected least adversarial training loss reaches the clean test loss",
            "parted": "strength at which the estimate has moved as far as it scatters, Theorem 1's measure",
            "delta": f"expectation of {_DELTA}",
            "rise": "adversarial minus clean training loss at sqrt(d/n), over Delta (Theorem 2)",
            "eps_star_over_order": "eps_star over sqrt(d/n)",
            "parted_over_order": "parted over sqrt(d/n)",
            "first_order": "eps_star to first order in d/n, derived here; for d < n alone",
            "bound": "words where eps_star does not exist among the strengths tried; else empty",
            "collapse_expected": "strength at which the minimiser is expected to become 0",
            "delta_expected": "expected Delta in closed form",
            "variance": "tr Var of the clean estimate, Lemma 1 mended",
            "variance_printed": "tr Var of the clean estimate, Lemma 1 as printed",
            "collapse": "strength at which the minimiser becomes 0, mean over data sets",
            "unchanged": "strength at which the minimiser ceases to be the clean one, mean over data sets; d > n alone",
            "spread": "mean squared distance of the clean estimate from its expectation",
            "above_at_0": "share of data sets whose clean training loss is above their clean test loss, in [0, 1]",
            "never": "share of data sets whose clean model tests no better than 0, in [0, 1]",
            "gap": "largest relative amount by which a least loss may be too large",
        },
    ),
    "growth": Table(
        "a power of d/n over one range of sizes",
        "quantity, range, paper, derived, power, power_low, power_high, leading, leading_low, leading_high, "
        "sizes, lost",
        {
            "quantity": "what grows",
            "range": "of d/n",
            "paper": "power in the paper",
            "derived": "power derived here for what is measured",
            "power": "slope of a straight line in logarithms; interval over sizes",
            "leading": "as power, with the next term of the series beside it; interval over sizes",
            "sizes": "number of sizes",
        },
    ),
    "per_data_set": Table(
        "a size d/n: eps_star of each data set by itself, to the letter of its definition",
        "d, samples, value, low, high, n, exists, exists_low, exists_high, error, error_low, error_high, apart_at_0, "
        "infinite, rms_delta, gap, data_sets, d_over_n, border, deviation, derived, exists_derived, "
        "eps_star, rise, over_derived, over_derived_low, over_derived_high",
        {
            "value": "median eps_star of the data sets that have one of their own",
            "n": "data sets that have an eps_star",
            "exists": "share of data sets that have an eps_star, in [0, 1]",
            "error": "extrapolated over their own eps_star, less 1: median of the data sets that have one (Prop. 2)",
            "apart_at_0": "data sets without eps_star: their training loss is above the test loss already at eps = 0",
            "infinite": "data sets whose eps_star is infinite",
            "rms_delta": f"root of the mean square of {_DELTA}",
            "gap": "largest relative amount by which a least loss may be too large",
            "border": "expected Delta over its standard deviation, about d sqrt(2/n); for d < n alone",
            "deviation": "what the standard deviation of Delta is worth in eps_star; for d < n alone",
            "derived": "median eps_star as derived here; for d < n alone",
            "exists_derived": "share of data sets that have an eps_star, as derived here; for d < n alone",
            "over_derived": "value over derived",
            "eps_star": "eps_star of expected losses, as in the table eps_star",
            "rise": "adversarial minus clean training loss at sqrt(d/n), over |Delta|: median of data sets (Theorem 2)",
        },
    ),
    "regimes": Table(
        "powers of n and of d on one side of d = sqrt(n/2)",
        "quantity, range, n_power, n_power_low, n_power_high, d_power, d_power_low, d_power_high, sizes, lost",
        {
            "quantity": "what grows",
            "range": "of d against n",
            "n_power": "power of n, fitted together with that of d in logarithms; interval over sizes",
            "d_power": "power of d, fitted together with that of n in logarithms; interval over sizes",
            "sizes": "number of sizes",
        },
    ),
    "fine_tuning": Table(
        "one size and strength: adversarial fine-tuning of the clean model, over data sets",
        "d, samples, eps, eps_over_order, excess, bound, steps, from_zero, unreached, data_sets",
        {
            "excess": f"mean {_EXCESS}",
            "bound": f"mean of {_BOUND}",
            "steps": f"median of {_STEPS}; inf: more than were taken",
            "from_zero": f"median of {_STEPS.replace('fine-tuning', 'training from zero')}; inf: more than were taken",
            "unreached": "data sets in which neither came so near",
        },
    ),
    "p_values": Table(
        "p-values of one size and strength: is the model one of repeated clean training?",
        "of, d, samples, eps, eps_over_order, law, value, low, high, n, below_5, below_5_low, below_5_high, rank_p, "
        "group_p, diverged",
        {
            "of": "what is tested: the parameters, or the training loss",
            "law": "F: by Hotelling's F law; rank: by rank, where there is no such law",
            "value": "mean p-value over data sets, in [0, 1]; 1/2 where nothing has changed",
            "n": "number of data sets",
            "below_5": "share of p-values of at most 5 %, in [0, 1]",
            "rank_p": "mean p-value by rank, in [0, 1]",
            "group_p": "p-value of all trainings of this strength as one group, in [0, 1]",
        },
    ),
    "half_way": Table(
        "the strength at which the mean p-value falls through 1/4, half of what it is without attack",
        "of, d, samples, data_sets, over_order, over_order_low, over_order_high, over_eps_star, over_eps_star_low, "
        "over_eps_star_high",
        {
            "of": "what is tested: the parameters, or the training loss",
            "over_order": "the half-way strength over sqrt(d/n); bootstrap interval over data sets",
            "over_eps_star": "the half-way strength over eps_star of this size; bootstrap interval over data sets",
        },
    ),
    "by_step": Table(
        "one size and strength at one step of training",
        "d, samples, eps, eps_over_order, step, value, low, high, n, diverged",
        {
            "value": "mean |theta(eps) - theta(0)| over |theta(0)|, over data sets",
            "n": "data sets whose training kept finite",
            "step": "number of the step of gradient descent, from 1",
        },
    ),
    "paths": Table(
        "a data set under one strength at one step of training",
        "d, samples, repeat, eps, eps_over_order, step, apart, norm, loss, clean_norm, clean_loss, gone",
        {
            "step": "number of the step of gradient descent, from 1",
            "apart": "length of theta(eps) - theta(0)",
            "norm": "length of theta(eps)",
            "loss": "adversarial training loss",
            "clean_norm": "length of theta(0)",
            "clean_loss": "clean training loss",
        },
    ),
    "fine_tuned": Table(
        "a data set under one strength: adversarial fine-tuning of its clean model",
        "d, samples, repeat, eps, eps_over_order, excess, bound, steps, from_zero",
        {
            "excess": _EXCESS,
            "bound": _BOUND,
            "steps": f"{_STEPS}; inf: more than were taken",
            "from_zero": f"{_STEPS.replace('fine-tuning', 'training from zero')}; inf: more than were taken",
        },
    ),
    "tested": Table(
        "a data set under one strength: p-values of its model and loss",
        "d, samples, repeat, eps, eps_over_order, parameters, parameters_rank, parameters_group, loss, loss_rank, "
        "loss_group, gone",
        {
            "parameters": "p-value of the parameters by Hotelling's F law, in [0, 1]",
            "parameters_rank": "p-value of the parameters by rank, in [0, 1]",
            "parameters_group": "p-value of the parameters of all trainings of this strength as one group",
            "loss": "p-value of the adversarial training loss by the F law, in [0, 1]",
            "loss_rank": "p-value of the adversarial training loss by rank, in [0, 1]",
            "loss_group": "p-value of the losses of all trainings of this strength as one group",
        },
    ),
    "minima": Table(
        "a data set under one strength: the least adversarial training loss",
        "d, samples, repeat, eps, eps_over_order, loss, slope, apart2, gap, clean_test, spread2, noise2, y2, collapse, "
        "unchanged",
        {
            "loss": "the least adversarial training loss",
            "slope": "derivative of the least adversarial training loss in eps",
            "apart2": "squared distance of the minimiser from the clean estimate",
            "gap": "relative amount by which loss may be too large",
            "clean_test": "test loss of the clean estimate",
            "spread2": "squared distance of the clean estimate from its expectation",
            "noise2": "mean square of the noise",
            "y2": "mean square of y",
            "collapse": "strength at which the minimiser becomes 0",
            "unchanged": "strength at which the minimiser ceases to be the clean one; for d > n alone",
        },
    ),
    "crossings": Table(
        "a data set: its own eps_star",
        "d, samples, repeat, eps_star, extrapolated, delta, gap",
        {
            "eps_star": "strength at which its least loss reaches its clean test loss; -inf: above it at 0; inf: never",
            "extrapolated": "where a straight line along the least loss at eps = 0 reaches its clean test loss",
            "delta": _DELTA,
            "gap": "relative amount by which the least loss at eps_star may be too large",
        },
    ),
}
