"""Do adversarial images that LinBP makes fool other networks more often? Guo, Li, Chen, NeurIPS 2020.

What is known of the protocol is the released code. Where that is at odds with the attack it names, this study runs the
attack: the gradient of diverse inputs flows back through the resizing (older commits add the gradient of the resized
image to the original one, and the ImageNet script's LinBP branch does not resize at all), and each sample draws its own
resizing and noise, so that the batch size is not part of the result. FGSM's step of twice the radius, clipped, is FGSM.
"""

from suite.plugin import Cost, Study

study = Study(
    question="Adversarial images made on surrogates and shown to victims, under several gradient rules.",
    config=".config:TransferConfig",
    parallel=True,
    presets={
        "smoke": {
            "surrogates": ("digits-cnn",),
            "gradients": ("bp", "linbp"),
            "methods": ("fgsm", "mifgsm"),
            "eps": (0.1,),
            "steps": 2,
            "ila": "fc1",
            "ila_steps": 1,
            "limit": 30,
        },
        "quick": {},
        # Guo et al. take VGG-19 from its 8th convolution's rectifier on (the last of its third stage) and ILA at that
        # convolution; theirs and their victims are not in the zoo, so these are its relatives there.
        "paper": {
            "surrogates": ("vgg16",),
            "victims": ("resnet50", "densenet161", "mobilenetv2", "wrn34"),
            "dataset": "cifar10",
            "gradients": ("bp", "linbp(start=features.22)"),
            "methods": ("fgsm", "ifgsm", "pgd", "mifgsm", "mdi2fgsm"),
            "eps": (0.03,),
            "steps": 100,
            "step_size": 1 / 255,
            "ila": "features.20",
            "limit": 1000,
        },
    },
    next={
        "suite run linbp.positions": "from which layer on does a rule help, and why?",
        "suite info linbp.transfer": "every option, its unit and its source",
    },
    costs={"quick": Cost(1), "paper": Cost(30, gpu=True, gigabytes=8)},
)
