"""Words for columns that several studies of this module have; light to import."""

from suite.glossary import Table

STARTS = {
    "start": "rectifier call from which on the backward pass is linear, 0 the first; none: backpropagation",
    "path": "module that calls the start's rectifier; empty for backpropagation",
}

CURVES = {
    "metric": "what is compared: a loss in nats, or an accuracy in [0, 1]",
    "reference": "with what the row's trainings are compared, from the same seeds",
    "window": "epochs over which the difference is averaged",
    "epoch": "number of the training epoch, from 1",
    "epochs": "epochs that were trained",
    "lost": "seeds with which one of both trainings has not lasted through the window",
    "train_loss": "mean cross-entropy over the epoch's training samples while the weights moved, in nats",
    "train_accuracy": "share of training samples classified correctly during the epoch, in [0, 1]",
    "learning_rate": "learning rate at the beginning of the epoch",
}

SIMULATED = {
    "dynamics": "simulated: by the gradients of the drawn network; expected: by their expectation, as in the proof",
    "low": "lower end of the 95 % confidence interval of value",
    "high": "upper end of the 95 % confidence interval of value",
    "bp": "l1 distance to the optimum under backpropagation",
    "linbp": "l1 distance to the optimum under LinBP",
    "expected bp": "l1 distance to the optimum where backpropagation's expected gradient is followed",
    "expected linbp": "l1 distance to the optimum where LinBP's expected gradient is followed",
}


def by_step(setting: str, what: str) -> Table:
    """The table of means; `setting` is the column that tells trajectories apart, `what` is averaged."""
    return Table(
        "a rule and its dynamics at one step: means over runs",
        f"{setting}, dynamics, gradient, step, value, low, high, n, change, change_low, change_high, diverged",
        {
            "value": f"mean {what} over the runs that have not diverged",
            "n": "runs that have not diverged",
            "change": "mean change of value since step 0; below 0 it has fallen",
            "diverged": "runs further than 10 times their first distance, or not finite: in no mean",
        },
    )


def ahead(setting: str, what: str) -> Table:
    """The table of comparisons, as above."""
    return Table(
        "LinBP beside backpropagation at one step, over the same runs",
        f"{setting}, dynamics, step, gap, gap_low, gap_high, gap_n, value, low, high, n, "
        "linbp_ahead, bp_ahead, p_value, ties, lost",
        {
            "gap": f"mean {what} under backpropagation minus that under LinBP; above 0 LinBP is nearer",
            "gap_n": "runs in which neither has diverged, over which gap is a mean",
            "value": "share of runs in which LinBP is nearer, in [0, 1], of those that differ by more than rounding",
            "n": "runs that differ by more than rounding",
            "linbp_ahead": "runs in which LinBP is nearer",
            "bp_ahead": "runs in which backpropagation is nearer",
            "p_value": "of the exact sign test of linbp_ahead against bp_ahead, two-sided, in [0, 1]",
            "ties": "runs in which both are equally near, up to rounding, or both have diverged",
            "lost": "runs in which both have diverged; they are among the ties",
        },
    )


def condition(equation: str, units: str) -> Table:
    """The table of the step size that the theorem assumes; `units` says which of them its column names."""
    return Table(
        f"{equation} along a trajectory up to one step: the share for which it has held so far",
        "units, dynamics, step, of, value, low, high, n",
        {
            "units": units,
            "of": "what is counted: coordinates (mean share over runs), or runs in which it holds for all of them",
            "value": "share for which the condition has held at all steps so far, in [0, 1]",
            "n": "number of runs",
        },
    )


AUDIT = Table(
    "a reason to doubt a success rate; none is no proof that there are none",
    "flag, gradient, eps, evidence, remedy",
    {
        "flag": "name of the reason",
        "gradient": "rule that it is about; empty for all",
        "eps": "attack strength that it is about; empty for all",
        "evidence": "what was seen",
        "remedy": "what to try",
    },
)
"""A study's table `audit`, see modules.linbp.audit."""

MODELS = Table(
    "a model that images are shown to",
    "name, model, role, clean_accuracy, n",
    {
        "name": "the model's name in the other tables",
        "model": "model reference, as typed",
        "role": "surrogate, victim, or both",
        "clean_accuracy": "share of the chosen clean images that it classifies correctly, in [0, 1]",
        "n": "chosen images, of which those are attacked that all models get right",
    },
)
"""The table `models` of a study in which surrogates and victims meet, see modules.linbp.transfer_sets."""
