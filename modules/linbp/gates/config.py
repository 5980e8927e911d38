"""Options of `linbp.gates`; light, since `suite info` shows them."""

from typing import Literal

from pydantic import model_validator

from suite.plugin import DatasetRef, Epsilons, ModelRefs, Number, Several, StudyConfig, option

Gate = Literal["linear", "half", "rate", "permuted", "shuffled", "random", "guo"]
Position = Literal["block", "branch", "addition"]
Method = Literal["ifgsm", "mifgsm"]


class GatesConfig(StudyConfig):
    """Transfer under other gates of a few late rectifiers: which property of a gate costs transfer?

    Every gate is tried at the first of the positions, and the first gate at the other positions, too.
    """

    surrogates: ModelRefs = option(
        ("digits-resnet",), "models whose gradients make the adversarial images; all are victims too"
    )
    victims: ModelRefs = option(("digits-cnn", "mnist-cnn"), "models that the adversarial images are shown to")
    dataset: DatasetRef = option("digits", "data set, or folder:PATH; its test split is attacked")
    gates: Several[Gate] = option(
        ("linear", "half", "rate", "permuted", "shuffled", "random", "guo"),
        "what stands in a gate's place in the backward pass (suite info gated); guo: LinBP as Guo et al. released it",
        source="ours; Guo et al., released code",
    )
    positions: Several[Position] = option(
        ("block", "branch", "addition"),
        "rectifiers concerned: of the last residual block, in its branch alone, behind its addition alone; in nets "
        "without such blocks, block means the last two rectifiers of maps, and there is no other",
        source="ours",
    )
    methods: Several[Method] = option(("ifgsm", "mifgsm"), "attacks", source="Kurakin et al. 2017; Dong et al. 2018")
    eps: Epsilons = option((0.15,), "attack strengths: radii in the sup-norm", unit="pixels in [0, 1]")
    steps: int = option(10, "steps of an attack; no image leaves early", unit="steps", source="ours", gt=0)
    step_size: Number = option(0.02, "length of a step", unit="pixels in [0, 1]", gt=0)
    skip: int = option(
        0, "leave out the samples that a study with this --limit chooses: those that were looked at before",
        unit="samples", ge=0,
    )  # fmt: skip
    limit: int = option(
        200, "choose at most this many test samples, class-balanced, to attack those that all models get right",
        unit="samples", gt=0,
    )  # fmt: skip
    fast: bool = option(
        False, "fold the surrogates' batch norms and choose the memory layout: equal up to rounding; agreement recorded"
    )
    batch_size: int = option(
        50, "at least so many images are differentiated together: permuted takes the gates of another one of them",
        unit="samples", gt=1,
    )  # fmt: skip

    @model_validator(mode="after")
    def _guo_at_a_block(self) -> "GatesConfig":
        """Guo et al.'s rule is one about whole blocks."""
        if "guo" in self.gates and (self.gates[0] == "guo" or self.positions[0] != "block"):
            raise ValueError("--gates guo is a rule about blocks: it needs --positions block and another first gate")
        return self
