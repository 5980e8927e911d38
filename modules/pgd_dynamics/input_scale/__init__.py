"""Does a smaller input scale help adversarial training? Deng et al. 2020, Sec. 1, Question 2.

"When we fix the ratio r, do smaller input scales (implying smaller eps) help optimization of adversarial training?" The
paper answers yes from the landscapes of untrained networks. Here the networks are trained: the adversarial training
loss at a fixed epoch, at several scales of the same images, with the same initial weights and batches. The learning
rate cannot be the same for all in every sense, because a scale changes the first layer's gradient; so there is a grid
of rates, and scales meet at the same rate and each at its best. Clean training is the control: the paper says that
scaling does "not seem" to affect it.
"""

from suite.plugin import Cost, Study

study = Study(
    question="Adversarial training loss at a fixed epoch, by input scale and learning rate (Question 2).",
    config=".config:InputScaleConfig",
    presets={
        "smoke": {
            "model": "two-layer(width=10)",
            "scales": (1, 10),
            "learning_rates": (0.003,),
            "epochs": 1,
            "seeds": 2,
            "attack_steps": 1,
            "test_steps": 2,
            "train_limit": 100,
            "test_limit": 50,
        },
        "quick": {},
        "paper": {
            "model": "mnist-cnn",
            "dataset": "mnist",
            "batch_size": 128,
            "learning_rates": (0.0003, 0.001, 0.003),
            "epochs": 10,
            "train_limit": 10_000,
            "test_limit": 1_000,
        },
    },
    costs={"quick": Cost(0.9), "paper": Cost(60, gigabytes=1.2)},
)
