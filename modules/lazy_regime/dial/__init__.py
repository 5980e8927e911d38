"""What does leaving the lazy regime do to robustness? Wang et al. 2022 ask it in Sec. 5.2 and 6; the study is ours.

The radius C0 / sqrt m of the lazy ball is swept from 0, the net at initialisation, to infinity. Beside the size of the
flips, by one step and by many, stands how lazy the net still is: how far its tangent kernel has moved,
||K - K_0|| / ||K_0||. The paper answers with the radius alone.
"""

from suite.plugin import Cost, Study

_SMOKE = {
    "size": 4, "widths": (20,), "c0s": (0, 1, 3), "networks": 2, "epochs": 3, "steps": 3, "train_limit": 40,
    "test_limit": 10,
}  # fmt: skip

# Costs were measured on one core, that of the paper preset on one of a busy machine.
study = Study(
    question="Flips by one step and by many, against the lazy ball's radius and the kernel's drift.",
    config=".config:DialConfig",
    presets={
        "smoke": _SMOKE,
        "quick": {},
        "paper": {"dataset": "mnist", "size": 14, "epochs": 50, "test_limit": 200},
    },
    costs={"quick": Cost(0.4), "paper": Cost(26, gigabytes=1.2)},
)
