"""How small is the single gradient step that flips a lazily trained net? Wang et al. 2022, Sec. 5.1, Fig. 2, 3, 5-7."""

from suite.plugin import Cost, Study

_SMOKE = {
    "sizes": (3, 5), "widths": (20,), "c0s": (2, 5), "networks": 2, "epochs": 3, "train_limit": 40, "test_limit": 20,
}  # fmt: skip
# On 2 cores in a quarter of an hour; the released code trains for up to 1000 epochs.
_PAPER: dict[str, object] = {
    "dataset": "mnist", "sizes": (5, 10, 14, 20, 28), "widths": (100, 1000, 10_000), "c0s": (3, 5, 10), "epochs": 8,
}  # fmt: skip

# Costs were measured on one core, that of the paper preset on one of a busy machine.
study = Study(
    question="Smallest gradient step that flips a lazily trained net, against d, m and C0 (Fig. 2, 3, 5-7).",
    config=".config:SingleStepConfig",
    parallel=True,
    presets={
        "smoke": _SMOKE,
        "quick": {},
        # Fig. 2, 3 and 7: the released code trains on pixels as they are, and with biases.
        "paper": _PAPER | {"unit_norm": False, "biases": True},
        # Fig. 5 and 6: |x| = 1 and no biases, the theory's setting.
        "appendix": _PAPER,
    },
    costs={"quick": Cost(0.2), "paper": Cost(63, gigabytes=3)},
)
