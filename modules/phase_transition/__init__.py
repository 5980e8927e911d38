"""The phase transition from clean to adversarial training, and its critical attack strength eps_star."""

from suite.plugin import Module, Study

_FINE_TUNE_PAPER = {
    "model": "preactresnet18",
    "dataset": "cifar10",
    "gradient": ("bp",),
    "attack": "pgd(steps=10,reach=2.5)",
    "tune_attack": ("pgd(steps=10,reach=2.5)", "fgm(reach=1.25)"),
    "attack_mode": "train",
    "epochs": None,
    "select": "test",
    "watched": 10_000,
}

module = Module(
    name="phase_transition",
    summary="From clean to adversarial training: the critical attack strength eps_star.",
    paper="Xing, Song, Cheng, Phase Transition from Clean Training to Adversarial Training (NeurIPS 2022)",
    studies={
        "linear": Study(
            summary="Linear regression: clean and adversarial paths, p-values, growth of eps_star (Thm 1, 2).",
            config="modules.phase_transition.linear:LinearConfig",
            function="modules.phase_transition.linear:linear",
            presets={
                "quick": {},
                "paper": {
                    "growth": (
                        *("1/200", "2/200", "5/200", "10/200", "20/200", "40/200"),
                        *("2/800", "4/800", "8/800", "20/800", "40/800"),
                        *("250/50", "500/50", "1000/50", "2500/50", "10000/50"),
                    ),
                    "growth_repeats": 200,
                },
            },
        ),
        "two_layer": Study(
            summary="Two-layer nets from a vanishing start come to the linear path as they grow wide (Prop. 1).",
            config="modules.phase_transition.two_layer:TwoLayerConfig",
            function="modules.phase_transition.two_layer:two_layer",
            presets={
                "quick": {},
                "paper": {"activations": ("softplus", "tanh"), "seeds": 20},
            },
        ),
        "epsilon_star": Study(
            summary="The critical attack strength by training from scratch, interpolated or bisected (Table 1, 3).",
            config="modules.phase_transition.epsilon_star:EpsilonStarConfig",
            function="modules.phase_transition.epsilon_star:epsilon_star",
            presets={
                "quick": {},
                "mnist": {
                    "model": ("mnist-cnn(width=16)", "mnist-cnn"),
                    "dataset": "mnist",
                    "train_limit": (1000, 4000),
                    "attack_mode": "train",  # the same function for this net, and its fast layers
                    "eps": (0.1,),
                    "search": "bisect",
                    "tolerance": 0.4,
                    "watched": 1000,  # of 200 a single odd image decides
                    "batch_size": 64,
                    "epochs": 30,
                },
                "paper": {
                    "model": ("preactresnet18",),
                    "dataset": "cifar10",
                    "train_limit": (10_000, 50_000),
                    "attack": "pgd(steps=10,reach=2.5)",
                    "attack_mode": "train",
                    "eps": tuple(level / 255 for level in (0.5, 1, 2, 4, 8)),
                    "batch_size": None,
                    "epochs": None,
                    "select": "test",
                    "watched": 10_000,
                    "seeds": 1,
                },
            },
        ),
        "connectivity": Study(
            summary="The way in weight space from a clean to an adversarial model: barriers along a curve (Fig. 4).",
            config="modules.phase_transition.connectivity:ConnectivityConfig",
            function="modules.phase_transition.connectivity:connectivity",
            presets={
                "quick": {},
                "mnist": {
                    "model": "mnist-cnn",
                    "dataset": "mnist",
                    "attack": "pgd(steps=10,reach=2.5)",
                    "train_limit": 1500,
                    "epochs": 12,
                    "eps": (0.0, 0.05, 0.1, 0.3),
                },
                "paper": {
                    "model": "preactresnet18",
                    "dataset": "cifar10",
                    "eps": (0.0, 0.5 / 255, 2 / 255, 8 / 255),
                    "attack": "pgd(steps=10,reach=2.5)",
                    "attack_mode": "train",
                    "train_limit": None,
                    "select": "test",
                    "epochs": None,
                    "endpoint": 101,
                    "curve_learning_rate": 0.03,
                    "loss_limit": 10_000,
                },
            },
        ),
        "overfitting": Study(
            summary="Generalisation gap over epochs, and the smallest eps that FGSM training does not stand (Fig. 5).",
            config="modules.phase_transition.overfitting:OverfittingConfig",
            function="modules.phase_transition.overfitting:overfitting",
            presets={
                "quick": {},
                "mnist": {
                    "model": "mnist-cnn",
                    "dataset": "mnist",
                    "train_limit": (500, 2000),
                    "epochs": 30,
                    "fast_eps": (0.1, 0.2, 0.3, 0.4),
                    "test_limit": 300,
                },
                "paper": {
                    "model": "preactresnet18",
                    "dataset": "cifar10",
                    "attack": "pgd(steps=10,reach=2.5)",
                    "attack_mode": "train",
                    "train_limit": (10_000, 50_000),
                    "eps": (0.5 / 255, 1 / 255, 4 / 255, 8 / 255),
                    "fast_eps": (1 / 255, 2 / 255, 4 / 255, 8 / 255, 12 / 255, 16 / 255),
                    "epochs": None,
                    "batch_size": None,
                    "select": "test",
                    "watched": 10_000,
                    "test_limit": None,
                },
            },
        ),
        "fine_tune": Study(
            summary="eps_star from a few fine-tunings of the clean model by extrapolation, and its cost (Table 4).",
            config="modules.phase_transition.fine_tune:FineTuneConfig",
            function="modules.phase_transition.fine_tune:fine_tune",
            presets={
                "quick": {},
                # A size that two cores train in minutes; the paper has no fine-tuning on MNIST.
                "mnist": {
                    "model": "mnist-cnn",
                    "dataset": "mnist",
                    "train_limit": 2000,
                    "batch_size": 32,
                    "eps": (0.05, 0.1, 0.2),
                    "scratch_eps": (0.1, 0.2, 0.3),
                    "gradient": ("bp",),
                },
                # Table 4's row of l_inf, 50,000 samples, PGD and FGM; from scratch as in Table 1.
                "paper": {
                    **_FINE_TUNE_PAPER,
                    "eps": (0.25 / 255, 0.5 / 255, 1 / 255),
                    "scratch_eps": (0.5 / 255, 1 / 255, 2 / 255),
                },
                # ... of l2, from scratch as in Table B.2.
                "paper_l2": {
                    **_FINE_TUNE_PAPER,
                    "norm": "l2",
                    "eps": (5 / 255, 10 / 255, 15 / 255),
                    "scratch_eps": (32 / 255, 64 / 255),
                },
            },
        ),
    },
)
