"""`suite run linbp.transfer` as a researcher types it: a toy whose transfer is known, the digits, and bad input."""

import io
import re
import sys
import zipfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
from click.testing import Result
from PIL import Image

from modules.linbp.transfer.config import Method
from modules.linbp.transfer.transfer_matrix import TransferMatrix
from suite.attacks import METHODS as LABORATORY

Study = Callable[..., Result]
Finish = Callable[..., Any]
NETS = "--surrogates digits-cnn,mnist-cnn --victims digits-cnn,mnist-cnn --gradients bp,linbp"
QUICK = f"{NETS} --limit 30 --methods ifgsm,mdi2fgsm --steps 6 --step-size 0.05 --eps 0.1,0.3"

# Linear models of an 8 x 8 image: how bright are its left half, its right half, all of it, or the same as a lie?
TOYS = """
from collections import Counter
import torch
from torch import nn

ROWS = Counter()

class Half(nn.Module):
    def __init__(self, name, left, right, sign=1, classes=2):
        super().__init__()
        self.name, self.left, self.right, self.sign, self.classes = name, left, right, sign, classes
        self.unused = nn.Parameter(torch.zeros(1))
        self.eye = nn.Identity()

    def forward(self, x):
        ROWS[self.name, x.requires_grad] += len(x)
        score = self.eye(self.sign * 50 * (x[..., self.left:self.right].flatten(1).mean(1) - 0.5))
        return torch.stack([-score, score] + [torch.full_like(score, -99.0)] * (self.classes - 2), 1)

def left(): return Half("left", 0, 4)
def right(): return Half("right", 4, 8)
def whole(): return Half("whole", 0, 8)
def liar(): return Half("liar", 0, 8, -1)
def three(): return Half("three", 0, 8, classes=3)
"""


@pytest.fixture
def toys(workplace: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], "Counter[tuple[str, bool]]"]:
    """Toy models and images in the working folder; image k of a class is k + 1/2 levels away from the other class.

    Gives the rows that each model saw: (name, whether a gradient was wanted) -> rows.
    """
    (workplace / "transfer_toys.py").write_text(TOYS)
    monkeypatch.delitem(sys.modules, "transfer_toys", raising=False)
    with zipfile.ZipFile(workplace / "halves.zip", "w") as file:
        for split in ("train", "test"):
            for label, sign in (("dark", -1), ("light", 1)):
                for k in range(10):
                    level = 128 + k if sign > 0 else 127 - k
                    out = io.BytesIO()
                    Image.fromarray(np.full((8, 8), level, dtype=np.uint8)).save(out, "png")
                    file.writestr(f"{split}/{label}/{k}.png", out.getvalue())
    return lambda: sys.modules["transfer_toys"].ROWS


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Figures cost more than a toy's attacks, and only some tests look at them."""
    for name in ("matrix", "by_eps"):
        monkeypatch.setattr(f"modules.linbp.transfer.figures.{name}", lambda: None)


def toy_models(*names: str) -> str:
    return ",".join(f"import:transfer_toys:{name}" for name in names)


def toy(surrogates: str, victims: str, *more: str) -> str:
    """A command on the toys: 3 strengths of whole levels, 6 steps of 2 levels."""
    fixed = f"--surrogates {surrogates} --victims {victims} --dataset folder:halves.zip --gradients bp"
    return " ".join((fixed, "--eps 8/255,2/255,4/255 --steps 6 --step-size 2/255", *more))


METHODS = ("fgsm", "ifgsm", "pgd", "mifgsm", "mdi2fgsm")


@pytest.mark.usefixtures("undrawn")
def test_every_cell_of_a_toy_is_as_it_must_be(finished_study: Finish, toys: Any) -> None:
    """`left` is fooled by its own perturbation of e levels where k < e, `whole` where 2 k + 1 < e, `right` nowhere.

    Pixels of the right half have no gradient and stay, so what `left` makes moves the mean of all by e / 2.
    """
    everyone = toy_models("left", "whole", "right")
    run = finished_study("linbp.transfer", toy(everyone, everyone, "--methods fgsm,ifgsm,mifgsm"))
    assert run.manifest["facts"]["attacked"] == run.manifest["facts"]["chosen"] == 20
    assert {row["excess_levels"] for row in run.rows("matrix")} == {0}
    moved = {  # by how much of e levels a surrogate's perturbation moves the mean that a victim looks at
        ("left", "left"): 1, ("left", "whole"): 0.5, ("left", "right"): 0,
        ("right", "left"): 0, ("right", "whole"): 0.5, ("right", "right"): 1,
        ("whole", "left"): 1, ("whole", "whole"): 1, ("whole", "right"): 1,
    }  # fmt: skip
    found = {}
    for row in run.rows("success"):
        pair = row["surrogate"].rpartition(":")[2], row["victim"].rpartition(":")[2]
        levels = 255 * row["eps"]
        fooled = sum(2 for k in range(10) if moved[pair] * levels > k + 0.5)
        assert (row["value"], row["n"]) == (fooled / 20, 20), row
        assert row["white_box"] == (pair[0] == pair[1])
        found[row["method"], row["eps"], *pair] = row["value"]
    assert len(found) == 3 * 3 * 9
    # Sample by sample: the first models in the table are fooled exactly by the small margins.
    places = [row["name"].rpartition(":")[2] for row in run.rows("models")]
    for row in run.rows("samples"):
        k = row["id"] % 10
        levels = 255 * row["eps"]
        made_by = row["surrogate"].rpartition(":")[2]
        expected = [moved[made_by, victim] * levels > k + 0.5 for victim in places]
        assert (row["fooled"], row["target"]) == (expected, -1)
        assert [guess != row["label"] for guess in row["predictions"]] == expected
        assert row["perturbation"] == pytest.approx(row["eps"], abs=1e-6)


@pytest.mark.usefixtures("undrawn")
def test_each_set_is_made_once_and_shown_to_everyone(finished_study: Finish, toys: Any) -> None:
    """Gradients grow with the surrogates, whatever the number of victims; a model sees each set once."""
    methods = f"--methods {','.join(METHODS)} --batch-size 1000"

    def rows(surrogates: tuple[str, ...], victims: tuple[str, ...]) -> "Counter[tuple[str, bool]]":
        if "transfer_toys" in sys.modules:
            toys().clear()
        finished_study("linbp.transfer", toy(toy_models(*surrogates), toy_models(*victims), methods))
        return Counter(toys())

    n, sets = 20, len(METHODS) * 3
    tried = 2 + 1  # before the work: a gradient of two probes, and one image when the model is loaded
    # eps 2, 4 and 8 levels in 6 steps of 2: a ball that a step touches has its own row from then on.
    shared = n * (1 + 2 + 4 * 3)
    gradients = 2 + n + 3 * shared + 6 * 3 * n  # probes; FGSM; three methods that share; PGD
    for surrogates, victims in (
        (("left",), ("left",)),
        (("left",), ("whole", "right")),
        (("left", "whole"), ("right",)),
        (("left", "whole"), ("left", "whole", "right")),
    ):
        seen = rows(surrogates, victims)
        everyone = {*surrogates, *victims}
        assert {name for name, _ in seen} == everyone
        for name in everyone:
            assert seen[name, True] == (gradients if name in surrogates else 0), name
            assert seen[name, False] == (tried - 2) + n + len(surrogates) * sets * n, name


@pytest.mark.usefixtures("undrawn")
def test_targets_are_the_next_classes(finished_study: Finish, toys: Any) -> None:
    """Of two classes, the next one is the other one: the same sets, and the same success."""
    typed = toy(toy_models("left"), toy_models("whole"), "--methods ifgsm,mifgsm")
    away, towards = (finished_study("linbp.transfer", typed, more) for more in ("", "--target-shift 1"))
    rates = [[(row["method"], row["eps"], row["victim"], row["value"]) for row in run.rows("success")]
             for run in (away, towards)]  # fmt: skip
    assert rates[0] == rates[1]
    assert all(row["target"] == 1 - row["label"] for row in towards.rows("samples"))
    # Of three, one of them says so of no image.
    digits = finished_study("linbp.transfer", QUICK, "--target-shift 12")
    for row in digits.rows("samples"):
        assert row["target"] == (row["label"] + 12) % 10
        assert [said == row["target"] for said in row["predictions"]] == row["fooled"]
    rates_of_targets = {row["value"] for row in digits.rows("success")}
    plain = finished_study("linbp.transfer", QUICK)
    assert max(rates_of_targets) < max(row["value"] for row in plain.rows("success"))


@pytest.mark.usefixtures("undrawn")
def test_only_samples_that_everyone_classifies_correctly(finished_study: Finish, study: Study, toys: Any) -> None:
    run = finished_study("linbp.transfer", NETS, "--limit 300 --methods fgsm")
    accuracies = {row["name"]: row["clean_accuracy"] for row in run.rows("models")}
    attacked, chosen = run.manifest["facts"]["attacked"], run.manifest["facts"]["chosen"]
    assert chosen == 300 and len({row["id"] for row in run.rows("samples")}) == attacked
    assert chosen * (sum(accuracies.values()) - 1) <= attacked < chosen * min(accuracies.values())
    refused = study("linbp.transfer", toy(toy_models("left"), toy_models("liar")))
    assert refused.exit_code == 2
    assert refused.stderr.startswith("error: 0 of 20 clean samples are classified correctly by all of import:")


def test_the_default_compares_two_real_networks(study: Study, finished_study: Finish) -> None:
    result = study("linbp.transfer", QUICK)
    assert result.exit_code == 0, result.stderr
    title, _, header, _, *lines = result.stdout.splitlines()
    assert re.fullmatch(
        r"Success rate per victim on digits, \d+ of 30 samples, which all models classify correctly", title
    )
    assert header.split() == [
        "method", "eps", "surrogate", "gradient", "digits-cnn", "mnist-cnn", "black_box", "more", "fewer", "p_value",
        "p_holm",
    ]  # fmt: skip
    cells = [line.split()[:4] for line in lines[:16]]
    assert cells == [
        [method, eps, surrogate, rule]
        for method in ("ifgsm", "mdi2fgsm")
        for eps in ("0.1", "0.3")
        for surrogate in ("digits-cnn", "mnist-cnn")
        for rule in ("bp", "linbp")
    ]
    figures = [Path(line.split()[1]) for line in lines if line.startswith("figure: ")]
    assert [path.stem for path in figures] == ["matrix", "by_eps"]
    assert all(path.stat().st_size > 5_000 for path in figures)
    run = finished_study("linbp.transfer", QUICK)
    rates = {
        (r["method"], r["eps"], r["surrogate"], r["victim"], r["gradient"]): r["value"] for r in run.rows("success")
    }
    for method, gradient in (("ifgsm", "bp"), ("ifgsm", "linbp"), ("mdi2fgsm", "bp")):
        for one, other in (("digits-cnn", "mnist-cnn"), ("mnist-cnn", "digits-cnn")):
            assert rates[method, 0.3, one, one, gradient] >= rates[method, 0.3, one, other, gradient] > 0.2
            assert rates[method, 0.3, one, other, gradient] > rates[method, 0.1, one, other, gradient]


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize("how", ["", "--fast --methods pgd,mifgsm --ila conv2 --ila-steps 4"], ids=str)
def test_batch_size_changes_neither_key_nor_tables(finished_study: Finish, how: str) -> None:
    one = finished_study("linbp.transfer", QUICK, how, "--batch-size 48")
    tables = one.table_bytes()
    other = finished_study("linbp.transfer", QUICK, how, "--batch-size 7 --fresh")
    assert other.path == one.path
    assert [name for name, content in other.table_bytes().items() if content == tables[name]] == list(tables)


def test_bfloat16_is_compared_with_the_exact_attack(finished_study: Finish) -> None:
    """On the same images and black boxes; what it loses and gains is counted anew from both runs' samples."""
    exact, typed = finished_study("linbp.transfer", QUICK), (QUICK, "--fast --precision bf16")
    run = finished_study("linbp.transfer", *typed)
    names = [row["name"] for row in run.rows("models")]
    ours, theirs = (
        {
            (row["surrogate"], row["gradient"], row["method"], row["eps"], row["id"], victim): fooled
            for row in each.rows("samples")
            for victim, fooled in zip(names, row["fooled"], strict=True)
            if victim != row["surrogate"]
        }
        for each in (run, exact)
    )
    rows = run.rows("agreement")
    assert len(rows) == len({key[:4] for key in ours})
    for row in rows:
        made_with = (row["surrogate"], row["gradient"], row["method"], row["eps"])
        pairs = [(ours[key], theirs[key]) for key in ours if key[:4] == made_with]
        assert row["n"] == len(pairs) and row["exact"] == sum(there for _, there in pairs)
        assert row["lost"] == sum(there and not here for here, there in pairs)
        assert row["gained"] == sum(here and not there for here, there in pairs)
    engines = run.manifest["facts"]["engines"].values()
    assert {facts["precision"] for by_rule in engines for facts in by_rule.values()} == {"bf16"}
    assert "agreement" not in exact.shown["tables"] and "agreement" in run.shown["tables"]


@pytest.mark.usefixtures("undrawn")
def test_an_interrupted_matrix_goes_on_where_it_stopped(
    study: Study, finished_study: Finish, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = finished_study("linbp.transfer", QUICK).table_bytes()
    rows, parts = TransferMatrix.rows, list[tuple[str, str]]()

    def failing(self: TransferMatrix, source: Any, method: str, ids: np.ndarray) -> dict[str, Any]:
        parts.append((str(source), method))
        if len(parts) == 4:
            raise MemoryError("out of it")
        return rows(self, source, method, ids)

    with monkeypatch.context() as patch:
        patch.setattr(TransferMatrix, "rows", failing)
        broken = study("linbp.transfer", QUICK, "--fresh")
        assert broken.exit_code == 1
        assert parts[-1] == ("linbp on digits-cnn", "mdi2fgsm")
        patch.setattr(TransferMatrix, "rows", lambda *a: parts.append((str(a[1]), a[2])) or rows(*a))
        again = finished_study("linbp.transfer", QUICK)
    assert parts[4:] == [
        ("linbp on digits-cnn", "mdi2fgsm"),
        *((f"{rule} on mnist-cnn", method) for rule in ("bp", "linbp") for method in ("ifgsm", "mdi2fgsm")),
    ]
    assert again.table_bytes() == whole


@pytest.mark.usefixtures("undrawn")
def test_ila_continues_every_method(finished_study: Finish) -> None:
    plain = finished_study("linbp.transfer", QUICK)
    run = finished_study("linbp.transfer", QUICK, "--ila conv2")
    methods = list(dict.fromkeys(row["method"] for row in run.rows("success")))
    assert methods == ["ifgsm", "ifgsm+ila", "mdi2fgsm", "mdi2fgsm+ila"]
    before = [row for row in run.rows("samples") if "ila" not in row["method"]]
    assert sorted(map(str, before)) == sorted(map(str, plain.rows("samples")))
    assert all(row["perturbation"] <= row["eps"] + 0.5 / 255 + 1e-6 for row in run.rows("samples"))


@pytest.mark.usefixtures("undrawn")
def test_rounding_leaves_a_ball_by_less_than_half_a_level_and_says_so(finished_study: Finish) -> None:
    run = finished_study("linbp.transfer", NETS, "--limit 30 --eps 0.03 --methods fgsm")
    assert [row["excess_levels"] for row in run.rows("matrix")] == [pytest.approx(0.35, abs=1e-3)] * 4
    assert {round(255 * row["perturbation"], 3) for row in run.rows("samples")} == {8}


@pytest.mark.usefixtures("undrawn")
def test_the_stable_loss_is_the_same_attack_without_rounding(finished_study: Finish) -> None:
    one, other = (finished_study("linbp.transfer", QUICK, f"--loss {loss}") for loss in ("ce", "stable_ce"))
    assert one.path != other.path
    pairs = zip(one.rows("success"), other.rows("success"), strict=True)
    assert all(abs(a["value"] - b["value"]) <= 2 / a["n"] for a, b in pairs)


@pytest.mark.parametrize(
    ("typed", "line"),
    {
        "--surrogates digit-cnn": "unknown model 'digit-cnn' (did you mean digits-cnn",
        "--victims mlp": "mlp is not trained on digits (suite models train mlp --dataset digits)",
        "--victims lenet5": "lenet5 cannot take the 8 x 8 images of digits",
        "--victims import:transfer_toys:three": "import:transfer_toys:three gives logits of shape (1, 3) for one image",
        "--victims mnist-cnn,mnist-cnn": "--victims: a value is given twice in mnist-cnn, mnist-cnn",
        "--gradients linbp(start=nope)": "linbp(start=nope) on digits-cnn: the model has no module 'nope'",
        "--gradients linbp(start=9)": "linbp(start=9) on digits-cnn: start=9 is out of range",
        "--gradients sgm(lam=0.5)": "sgm(lam=0.5) on digits-cnn: ",
        "--gradients linbp(variant=guo,start=fc1)": "linbp(start=fc1,variant=guo) on digits-cnn: variant=guo: ",
        "--methods mdi": "--methods: 'mdi' is not valid (input should be 'fgsm', 'ifgsm', 'pgd'",
        "--methods fgsm,fgsm": "--methods: a value is given twice",
        "--ila conv3": "--ila on digits-cnn: the model has no module 'conv3' (did you mean network.conv1 or",
        "--precision bf16": "--precision bf16 rounds further what --fast rounds: give --fast, too",
        "--ila-steps 5": "--ila-steps does nothing without --ila LAYER",
        "--steps 5 --methods fgsm": "--steps does nothing without a method other than fgsm",
        "--step-size 0.1 --methods fgsm": "--step-size does nothing without a method other than fgsm, or --ila LAYER",
        "--decay 0.5 --methods ifgsm": "--decay does nothing without --methods mifgsm or mdi2fgsm",
        "--target-shift 20": "--target-shift 20: the target of 10 classes is the label itself (give 1 to 9)",
        "--loss stable_ce --target-shift 1": "--loss stable_ce is for attacks without a target",
        "--eps 0": "--eps: '0' is not valid",
        "--steps 0": "--steps: '0' is not valid",
        "--decay -1": "--decay: '-1' is not valid",
    }.items(),
)
def test_typed_wrongly(study: Study, toys: Any, workplace: Path, typed: str, line: str) -> None:
    result = study("linbp.transfer", NETS, typed)
    assert result.exit_code == 2, result.stderr
    (said,) = result.stderr.splitlines()
    assert said.startswith(f"error: {line}")
    assert not (workplace / "runs").exists() or not list((workplace / "runs").rglob("*"))


def test_the_option_knows_every_method() -> None:
    assert get_args(Method) == tuple(LABORATORY)
