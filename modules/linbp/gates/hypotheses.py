"""What `linbp.gates` asks, written down before its first run: hypotheses, their tests, margin and family.

The question: LinBP from a late start transfers better. Is it the linear backward pass, or that the gates which cost
transfer, those of the image, are gone? `linear` cannot tell, since it removes the gates and is linear. The others can:

    half      is closer to linear than to the gates, and keeps the image's pattern
    rate      keeps how active each channel is on this image, and removes where
    permuted  is no more linear than backpropagation: real gates, of the wrong image
    shuffled  is as sparse in each channel as the image's own gates, in the wrong places
    random    is a gate without any image

The outcome of an image under an arm is its *share*: of all pairs of a method and a black-box victim, those in which it
fools the victim. Images are the units; everything is paired by image, and arms are compared with backpropagation (bp).

Two kinds of hypotheses. *More*: the first arm has the larger share, by the exact sign test over images, two-sided.
*Same*: the mean difference of the shares is within MARGIN, by two one-sided t-tests (TOST); that it is beyond the
margin is a test of its own. All tests of H1 to H5 on all surrogates and strengths of a run are one family, adjusted by
Holm: in the primary run (`--preset paper`: ResNet-20 and ResNet-56, 4/255) 14 tests. H6 stands beside it with an
interval. H2 is about a gain of linear, and so it is told only where H1 is reproduced. All other numbers of the study
are descriptions: no verdict rests on them.
"""

from dataclasses import dataclass

from modules.linbp.gates.names import BP

MARGIN = 0.02
"""Difference of mean shares that counts as none: 2 points, a third of the 6.4 that our exploratory probe had seen."""

LEVEL = 0.05
"""Family-wise, after Holm."""

PROBE = ("resnet56", 4 / 255)
"""Surrogate and strength of the exploratory probe that the hypotheses come from: 212 images, I-FGSM, to ResNet-20 and
ResNet-32, uncorrected. None of its images is among those that `--preset paper` attacks."""


@dataclass(frozen=True)
class Hypothesis:
    """A statement about two arms.

    name: H1, ... same: whether it says that they are alike; else, that the first has the larger share. probe: the
    difference that the exploratory probe saw. needs: the hypothesis without which it says nothing.
    """

    name: str
    says: str
    first: str
    second: str
    same: bool
    probe: float
    needs: str = ""


HYPOTHESES = (
    Hypothesis("H1", "linear transfers better than backpropagation", "linear", BP, False, 0.064),
    Hypothesis("H2", "the mean gate transfers as linear does, within 2 points", "rate", "linear", True, -0.010, "H1"),
    Hypothesis("H3", "another image's gates transfer better than the image's own", "permuted", BP, False, 0.042),
    Hypothesis("H4", "own gates shuffled in space transfer as in place, within 2 points", "shuffled", BP, True, 0.005),
    Hypothesis(
        "H5", "linear in the branch alone transfers better than linear behind the addition alone",
        "linear@branch", "linear@addition", False, 0.035,
    ),
)  # fmt: skip

H6 = "over arms and victims, the gain follows the rise of the cosine with the victim's gradient"
"""Spearman's rank correlation, over all pairs of an arm (without bp) and a black-box victim, of the arm's gain on that
victim over bp with the rise over bp of the mean cosine between the arm's gradient and the victim's own, on the same
clean images. The interval is a bootstrap over images, which draws the gains and the cosines of an image together; it
holds for these arms and these victims, which are few and were not drawn at random."""
