"""`suite run linbp.attack` as a researcher types it: what is printed, what is stored, and that the numbers agree."""

import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any
from zipfile import ZipFile

import numpy as np
import pytest
import torch
from click.testing import CliRunner, Result
from scipy.stats import binomtest

from suite.host.cli import main

pytestmark = pytest.mark.usefixtures("undrawn")

Attack = Callable[..., Result]
Finish = Callable[..., Any]
KEYS = ["run", "study", "status", "headline", "seen", "tables", "figures", "models"]
QUICK = "--limit 40 --examples 0"
SAMPLE_COLUMNS = {
    "id", "label", "clean_prediction", "gradient", "eps", "first_fooled_step", "prediction", "perturbation",
}  # fmt: skip


def rates(run: Any) -> dict[tuple[float, Any, str], float]:
    """(eps, K, gradient rule) -> success rate."""
    return {(row["eps"], row["steps"], row["gradient"]): row["value"] for row in run.rows("success")}


def columns(run: Any, *names: str) -> list[tuple[Any, ...]]:
    """Columns of the table of samples, row by row."""
    return [tuple(row[name] for name in names) for row in run.rows("samples")]


@pytest.mark.drawn
def test_the_default_prints_a_table_its_figures_and_its_place(attack: Attack) -> None:
    result = attack()
    assert result.exit_code == 0, result.stderr
    claims, table = result.stdout.split("\nifgsm on ")  # the first one ends with an empty line, too
    assert claims.startswith("What Li et al. say of white-box attacks beside what was measured\n")
    assert claims.count("LinBP fools more images than BP at every number of steps") == 2  # a claim for each eps
    title, _, header, _, *lines = table.splitlines()
    assert re.fullmatch(
        r"digits-cnn / digits, \d+ samples \(clean accuracy 9\d\.\d%\): success rate, 95 % interval", title
    )
    assert header.split()[:7] == ["eps", "steps", "gradient", "value", "low", "high", "n"]
    cells = [line.split()[:3] for line in lines[:8]]
    assert cells == [[eps, k, g] for eps in ("0.05", "0.1") for k in ("5", "10") for g in ("bp", "linbp")]
    assert len({line.index(".", 20) for line in lines[:8]}) == 1  # rates are aligned at the point
    for line in lines:
        if line.startswith("figure: "):
            assert Path(line.split()[1]).stat().st_size > 5_000
    seen, following = lines.index("What was seen"), lines.index("Next")
    assert re.fullmatch(r"run: +\S+/runs/linbp.attack/[0-9a-f]{16} \(finished, \d+\.\d s\)", lines[seen - 2])
    assert "linbp at eps 0.1 and K = 10 fools the model on" in lines[seen + 1]
    assert lines[following + 1].split()[:3] == ["suite", "run", "linbp.transfer"]
    assert lines[following + 2].startswith("  suite models inspect digits-cnn --dataset digits ")  # this run's model


def test_json_is_one_object_on_stdout_and_progress_is_on_stderr(
    process: Callable[..., CompletedProcess[str]],
) -> None:
    done = process("--json", QUICK)
    assert done.returncode == 0, done.stderr
    (line,) = done.stdout.splitlines()
    shown = json.loads(line)
    assert list(shown) == KEYS
    assert (shown["study"], shown["status"], shown["models"]) == ("linbp.attack", "finished", {})
    assert all(0 <= value <= 1 for value in shown["headline"].values()) and shown["headline"]
    assert {"samples", "success", "by_step"} <= shown["tables"].keys()
    assert all(Path(file).is_file() for name in ("tables", "figures") for file in shown[name].values())
    assert "bp: engine autograd" in done.stderr
    assert "Warning" not in done.stderr


def test_the_same_command_returns_the_run_without_work(
    finished: Finish, attack: Attack, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = finished(QUICK)
    written = first.manifest["timings"]
    with monkeypatch.context() as patch:
        patch.setattr("modules.linbp.attack.measure.WhiteBox", None)  # any work would fail
        again = attack(QUICK, "--json")
    assert again.exit_code == 0, again.stderr
    assert json.loads(again.stdout) == first.shown
    assert again.stderr == "already finished; --fresh measures it again\n"
    assert finished(QUICK, "--fresh").shown == first.shown
    assert first.manifest["timings"] != written


def test_option_over_variable_over_toml_over_preset(
    finished: Finish, workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (workplace / "a.toml").write_text(
        'model = "digits-cnn"\ndataset = "digits"\nlimit = 10\nexamples = 0\n'
        'loss = "stable_ce"\neps = [0.3]\nsteps = [4]\n'
    )
    monkeypatch.setenv("SUITE_EPS", "8/255,0.2")
    monkeypatch.setenv("SUITE_STEPS", "7")
    run = finished("--preset code --config a.toml --steps 3 --fast")
    config = run.manifest["config"]
    assert config["steps"] == [3]  # the option
    assert config["eps"] == [8 / 255, 0.2]  # the variable
    assert (config["loss"], config["dataset"], config["limit"]) == ("stable_ce", "digits", 10)  # the file
    assert (config["input_space"], config["early_stop"]) == ("normalised", False)  # the preset
    assert config["batch_size"] is None  # the default
    assert config["fast"] is True


@pytest.mark.parametrize("how", ["", "--attack pgd", "--fast"], ids=str)
def test_batch_size_changes_neither_key_nor_tables(finished: Finish, how: str) -> None:
    one = finished(QUICK, how, "--batch-size 64")
    tables = one.table_bytes()
    other = finished(QUICK, how, "--batch-size 7 --fresh")
    assert other.path == one.path
    same = [name for name, content in other.table_bytes().items() if content == tables[name]]
    assert same == list(tables)


def test_the_order_of_eps_is_the_order_of_the_table_and_changes_no_number(finished: Finish) -> None:
    up, down = finished(QUICK, "--eps 0.02,0.1"), finished(QUICK, "--eps 0.1,0.02")
    assert rates(up) == rates(down)
    assert [row["eps"] for row in down.rows("success")] == [0.1] * 4 + [0.02] * 4
    names = ("id", "eps", "gradient", "first_fooled_step", "perturbation")
    assert sorted(columns(up, *names)) == sorted(columns(down, *names))


def test_several_starts_side_by_side(finished: Finish) -> None:
    typed = ("bp", "linbp(start=none)", "linbp(start=relu3)", "linbp(start=-1)", "linbp(start=all)")
    run = finished("--examples 0 --eps 0.1 --steps 10 --gradients", ",".join(typed))
    assert [row["gradient"] for row in run.rows("success")] == list(typed)
    adversaries = {
        gradient: [row for row in columns(run, "gradient", "id", "first_fooled_step", "prediction", "perturbation")
                   if row[0] == gradient]
        for gradient in typed
    }  # fmt: skip
    plain = {gradient: [row[1:] for row in rows] for gradient, rows in adversaries.items()}
    assert plain["linbp(start=none)"] == plain["bp"]
    assert plain["linbp(start=-1)"] == plain["linbp(start=relu3)"]
    assert plain["linbp(start=all)"] != plain["bp"]


@pytest.mark.parametrize("how", ["", "--norm l2 --eps 0.5,1 --step-size 0.1", "--attack pgd --steps 3,8"], ids=str)
def test_the_table_follows_from_the_stored_samples(finished: Finish, how: str) -> None:
    run = finished("--examples 0", how)
    samples = run.rows("samples")
    assert samples[0].keys() >= SAMPLE_COLUMNS
    attacked = run.manifest["facts"]["attacked"]
    # One row per sample, rule and eps; the same samples everywhere, each classified correctly when clean.
    cells: dict[tuple[float, str], list[dict[str, Any]]] = {}
    for row in samples:
        cells.setdefault((row["eps"], row["gradient"]), []).append(row)
        assert row["clean_prediction"] == row["label"]
        # The last iterate is misclassified exactly where the attack ever succeeded.
        assert (row["first_fooled_step"] >= 0) == (row["prediction"] != row["label"])
        assert row["perturbation"] <= row["eps"] + 1e-6  # float32 pixels
    ids = sorted({row["id"] for row in samples})
    assert len(ids) == attacked
    assert all([row["id"] for row in rows] == ids for rows in cells.values())

    for row in run.rows("success"):
        fooled = [0 <= sample["first_fooled_step"] <= row["steps"] for sample in cells[row["eps"], row["gradient"]]]
        reference = [0 <= sample["first_fooled_step"] <= row["steps"] for sample in cells[row["eps"], "bp"]]
        interval = binomtest(sum(fooled), attacked).proportion_ci(0.95, method="wilson")
        assert (row["n"], row["value"]) == (attacked, sum(fooled) / attacked)
        assert (row["low"], row["high"]) == pytest.approx((interval.low, interval.high), abs=1e-12)
        only = sum(a and not b for a, b in zip(fooled, reference, strict=True))
        only_first = sum(b and not a for a, b in zip(fooled, reference, strict=True))
        assert (row["only_this"], row["only_first_rule"]) == (only, only_first)
        if row["gradient"] == "bp":
            assert row["p_value"] is None
        else:
            expected = binomtest(only, only + only_first).pvalue if only + only_first else 1.0
            assert row["p_value"] == pytest.approx(expected, abs=1e-12)


def test_success_grows_with_eps_and_with_steps(finished: Finish) -> None:
    rate = rates(finished(QUICK, "--eps 0.02,0.3 --steps 1,40"))
    for gradient in ("bp", "linbp"):
        assert rate[0.02, 1, gradient] <= rate[0.02, 40, gradient] < rate[0.3, 40, gradient]
        assert rate[0.3, 40, gradient] > 0.9


def test_the_engines_agree_and_are_recorded(finished: Finish) -> None:
    jacobian = finished("--gradients linbp --examples 0 --engine jacobian")
    autograd = finished("--gradients linbp --examples 0 --engine autograd")
    assert rates(jacobian) == rates(autograd)
    assert jacobian.manifest["facts"]["engines"] == {"linbp": {"engine": "jacobian"}}
    assert autograd.manifest["facts"]["engines"] == {"linbp": {"engine": "autograd"}}


def test_fast_records_the_agreement_of_signs(finished: Finish) -> None:
    for facts in finished(QUICK, "--fast").manifest["facts"]["engines"].values():
        assert 0.99 <= facts["sign_agreement"] <= 1
        assert facts["layout"] in ("contiguous", "channels_last")


def test_bfloat16_is_compared_with_the_exact_attack(finished: Finish, attack: Attack) -> None:
    """On the same images, recorded beside it; another run than that without it; told where it is only imitated."""
    exact, fast, typed = finished(QUICK), finished(QUICK, "--fast"), (QUICK, "--fast --precision bf16")
    run = finished(*typed)
    assert len({exact.path, fast.path, run.path}) == 3
    ours, theirs = (
        {(row["id"], row["gradient"], row["eps"]): row["fooled"] for row in each.rows("samples")}
        for each in (run, exact)
    )
    for row in run.rows("agreement"):
        (gradient, eps), step = (row["gradient"], row["eps"]), row["steps"]
        pairs = [(ours[key][step], theirs[key][step]) for key in ours if key[1:] == (gradient, eps)]
        assert row["n"] == len(pairs) and row["exact"] == sum(there for _, there in pairs)
        assert row["lost"] == sum(there and not here for here, there in pairs)
        assert row["gained"] == sum(here and not there for here, there in pairs)
    assert len(run.rows("agreement")) == 8 and "agreement" not in fast.shown["tables"]
    assert {facts["precision"] for facts in run.manifest["facts"]["engines"].values()} == {"bf16"}
    supported = torch.ops.mkldnn._is_mkldnn_bf16_supported()
    told = attack(*typed, "--fresh").stderr.count("no bfloat16 instructions: attacking in bfloat16 is slower")
    assert told == (not supported)


def test_a_compiled_step_is_tried_once_a_run_and_compared_with_the_exact_attack(
    finished: Finish, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("suite.attacks.compiled.BACKEND", "aot_eager")  # which needs no compiler
    typed = (QUICK, "--fast --gradients bp --eps 0.1 --steps 5")
    run = finished(*typed, "--compile")
    facts = run.manifest["facts"]["engines"]["bp"]
    assert re.fullmatch(r"(yes|no): \d+\.\d\dx as fast", facts["compiled"]) and facts["compile_seconds"] > 0
    assert [row["exact"] for row in run.rows("agreement")] == [sum(row["fooled"][5] for row in run.rows("exact"))]
    assert run.path != finished(*typed).path


def test_taking_all_steps_reads_exactly_the_kth_iterate(finished: Finish) -> None:
    run = finished(QUICK, "--no-early-stop --eps 0.1 --steps 12 --gradients bp")
    trajectories = [fooled for (fooled,) in columns(run, "fooled")]
    assert {len(fooled) for fooled in trajectories} == {13}
    assert rates(run) == {(0.1, 12, "bp"): sum(fooled[12] for fooled in trajectories) / len(trajectories)}
    # Nobody leaves: also a sample that is fooled at once ends 12 steps away, beyond what one step can reach.
    assert all(norm > 2 / 255 + 1e-6 for (norm,) in columns(run, "perturbation"))


@pytest.mark.parametrize("loss", ["nll_logits", "stable_ce"])
def test_losses(finished: Finish, loss: str) -> None:
    assert rates(finished(QUICK, "--eps 0.4 --steps 40 --loss", loss))[0.4, 40, "bp"] > 0.9


@pytest.mark.drawn
def test_figures_as_svg_and_png(finished: Finish) -> None:
    run = finished("--limit 40")
    assert set(run.shown["figures"]) == {"success_by_step", "adversarial_images"}
    for svg in map(Path, run.shown["figures"].values()):
        assert svg.stat().st_size > 5_000 and b"<svg" in svg.read_bytes()[:1000]
        assert svg.with_suffix(".png").stat().st_size > 5_000
        assert svg.with_suffix(".png").read_bytes().startswith(b"\x89PNG")
    results = json.loads((run.path / "results" / "results.json").read_text())
    assert results["figures"]["success_by_step"]["caption"].startswith("Success rate against step, n = ")


def test_info_tells_type_default_unit_and_source(workplace: Path) -> None:
    text = CliRunner().invoke(main, ["info", "linbp.attack"], prog_name="suite").stdout
    for expected in (
        "--eps NUMBER,...\n      attack strengths: radii of the ball. Unit: pixels in [0, 1]. "
        "Source: Li et al., Sec. 4.2, Table 1.\n      default 0.1,0.15, environment SUITE_EPS",
        "--step-size NUMBER\n      length of a step. Unit: as eps.",
        "default 0.03, environment SUITE_STEP_SIZE",
        "--norm linf|l2|l1\n",
        "--fast/--no-fast\n",
        "--limit INTEGER\n",
        "--model MODEL\n",
        "--dataset DATASET\n",
        "--gradients GRADIENT,...\n",
        "--engine auto|jacobian|autograd\n",
        "--seed INTEGER\n",
        "paper: Li et al., Linear Backpropagation Leads to Faster Convergence (2022)",
        "preset paper: model=resnet50, dataset=cifar10",
    ):
        assert expected in text
    options = re.findall(r"^  --.+\n      .+\n      default \S+, environment SUITE_[A-Z_]+$", text, re.MULTILINE)
    assert len(options) == text.count("\n  --") == 21


def test_info_explains_every_column_in_80_characters(workplace: Path) -> None:
    text = CliRunner().invoke(main, ["info", "linbp.attack"], prog_name="suite").stdout
    glossary = text.partition("\ntables, and what a row of each is\n")[2]
    assert "\n  by_step: a gradient rule under one eps at one step\n      gradient, eps, step, value, low," in glossary
    assert "\n  perturbation: norm of the change at the last step, in the unit of eps\n" in glossary
    assert "\n  n (in calibration): training samples attacked\n" in glossary
    assert "\n  verdict: reproduced, differs, or cannot be told\n" in glossary
    assert max(map(len, glossary.splitlines())) <= 80


@pytest.mark.nightly
@pytest.mark.drawn
def test_killed_in_the_middle_it_continues_to_the_same_bytes(
    command: Callable[..., list[str]], finished: Finish, workplace: Path
) -> None:
    typed = "--steps 60 --no-early-stop --limit 96 --batch-size 8"
    runs = workplace / "runs" / "linbp.attack"
    with subprocess.Popen(command(typed), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as victim:
        deadline = time.monotonic() + 180
        while not (parts := sorted(runs.glob("*/parts/*.parquet"))):
            assert victim.poll() is None and time.monotonic() < deadline
            time.sleep(0.005)
        os.kill(victim.pid, signal.SIGKILL)
    stored = {part.name: part.stat().st_mtime_ns for part in runs.glob("*/parts/*.parquet")}
    assert 1 <= len(stored) < 8 and parts
    assert not list(runs.glob("*/tables/*"))
    listed = CliRunner().invoke(main, ["runs"], prog_name="suite").stdout
    assert "interrupted" in listed and "finished" not in listed

    continued = finished(typed)
    assert continued.path == parts[0].parents[1]
    for name, when in stored.items():  # kept, not computed again
        assert (continued.path / "parts" / name).stat().st_mtime_ns == when
    undisturbed = finished(typed, "--runs", str(workplace / "elsewhere"))
    assert undisturbed.path.name == continued.path.name
    assert undisturbed.table_bytes() == continued.table_bytes()
    for name, file in undisturbed.shown["figures"].items():
        assert Path(file).read_bytes() == Path(continued.shown["figures"][name]).read_bytes()


def test_cifar_images_in_a_zip_with_published_weights(
    finished: Finish, real: Callable[[str], Path], workplace: Path
) -> None:
    weights, archive = real("models/cifar10/resnet20-12fca82f.th"), workplace / "part.zip"
    with ZipFile(real("data/cifar10-jpeg.zip")) as whole, ZipFile(archive, "w") as part:  # decoding all takes long
        for name in whole.namelist()[::100]:
            part.writestr(name, whole.read(name))
    run = finished(
        f"--dataset folder:{archive} --model resnet20@{weights} --limit 20 --steps 1,10 --eps 8/255 "
        "--gradients bp,linbp(start=layer3.2)"
    )
    facts = run.manifest["facts"]
    assert facts["attacked"] >= 12  # 92 % accurate on the original images; JPEG costs some
    assert facts["engines"]["linbp(start=layer3.2)"] == {"engine": "jacobian"}
    assert rates(run)[8 / 255, 10, "bp"] > 0.8

    # Normalised: eps and step count standard deviations, which differ between the channels.
    eps, std = 0.05, np.array([0.229, 0.224, 0.225])
    normalised = finished(
        f"--dataset folder:{archive} --model resnet20@{weights} --limit 20 --eps {eps} --input-space normalised"
    )
    assert max(norm for (norm,) in columns(normalised, "perturbation")) == pytest.approx(eps, abs=1e-5)
    changes = [np.subtract(row["adversarial"], row["clean"]) for row in normalised.rows("examples")]
    largest = np.abs(np.reshape(changes, (len(changes), 3, -1))).max(axis=(0, 2))
    np.testing.assert_allclose(largest, eps * std, rtol=1e-3)


def test_mnist_with_a_model_trained_by_its_recipe(
    finished: Finish, attack: Attack, real: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch, workplace: Path
) -> None:
    monkeypatch.setenv("SUITE_DATA", str(real("data/mnist").parent))
    monkeypatch.setenv("SUITE_CACHE", str(workplace / "cache"))
    untrained = attack("--dataset mnist --model two-layer(width=50)")
    assert untrained.exit_code == 2
    remedy = re.search(r"\((suite models train .+)\)$", untrained.stderr.strip())
    assert remedy, untrained.stderr
    typed = remedy[1].replace("'", "").split()[1:]  # what the error says to type
    trained = CliRunner().invoke(main, [*typed, "--epochs", "1"], prog_name="suite")
    assert trained.exit_code == 0, trained.stderr
    run = finished("--dataset mnist --model two-layer(width=50) --limit 100 --eps 0.1,0.2 --steps 20")
    assert run.manifest["facts"]["attacked"] > 70
    assert rates(run)[0.2, 20, "bp"] > rates(run)[0.1, 20, "bp"] > 0
