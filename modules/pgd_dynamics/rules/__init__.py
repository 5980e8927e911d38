"""Where does ascent along LinBP's field end on the landscapes of Deng et al. 2020, and how soon? Ours.

For f(u) = sum_r a_r sigma(w_r . u) LinBP puts v = sum_r a_r w_r in place of df: one constant vector. Its field
-l'(f) v points along v everywhere, so that its only fixed points on the sphere are +- eps v / |v|, whatever the
landscape; these are local maxima of the true loss only where df happens to be parallel to v.
"""

from suite.plugin import Cost, Study

study = Study(
    question="Where LinBP's ascent ends, and how soon, on softplus and ReLU nets, judged by the true loss.",
    config=".config:RulesConfig",
    presets={
        "smoke": {"dims": (2,), "m": 50, "scales": (1,), "networks": 2, "starts": 2, "steps": 20},
        "quick": {},
        "paper": {"dims": (2, 10, 50), "scales": (0.01, 0.1, 1, 10, 100), "networks": 100},
    },
    costs={"quick": Cost(0.4), "paper": Cost(10)},
)
