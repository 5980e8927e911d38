"""Bad input to `suite run linbp.attack`: one line, exit 2 before work and 1 during, nothing half-written."""

import ctypes
import io
import json
import os
import pickle
import resource
import shutil
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner, Result
from PIL import Image
from safetensors.torch import load_file, save_file

from suite.host.cli import main

Attack = Callable[..., Result]
Process = Callable[..., "CompletedProcess[str]"]
CAP_DAC_OVERRIDE, PR_CAPBSET_DROP = 1, 24


def assert_refused(result: Result, line: str, runs: Path) -> None:
    """One line that begins so, exit code 2, nothing on stdout and nothing in the folder of runs."""
    assert result.exit_code == 2, result.stderr
    assert result.stdout == ""
    (said,) = result.stderr.splitlines()
    assert said.startswith(f"error: {line}")
    assert not runs.exists() or not list(runs.rglob("*"))


@pytest.fixture
def refused(attack: Attack, workplace: Path) -> Callable[..., None]:
    """Has a command refused: `refused("--eps 0", "--eps: '0' is not valid")`."""
    return lambda typed, line: assert_refused(attack(typed), line, workplace / "runs")


@pytest.fixture
def weights(digits_cnn: Path, workplace: Path) -> dict[str, torch.Tensor]:
    """The trained digits-cnn's state dict, also stored as `good.safetensors`."""
    shutil.copy(digits_cnn, workplace / "good.safetensors")
    return load_file(digits_cnn)


@pytest.fixture
def archive(workplace: Path) -> Callable[..., str]:
    """Writes a zip of grey 8x8 images, two a class in each split; members may be added, replaced or filtered."""
    rng = np.random.default_rng(0)

    def image() -> bytes:
        out = io.BytesIO()
        Image.fromarray(rng.integers(0, 256, (8, 8), dtype=np.uint8)).save(out, "png")
        return out.getvalue()

    def write(classes: int = 10, splits: tuple[str, ...] = ("train", "test"), **more: bytes) -> str:
        members = {f"{split}/{name}/{i}.png": image() for split in splits for name in range(classes) for i in range(2)}
        with zipfile.ZipFile(workplace / "images.zip", "w") as file:
            for name, content in (members | more).items():
                file.writestr(name, content)
        return "--dataset folder:images.zip --model digits-cnn@good.safetensors"

    return write


@pytest.mark.parametrize(
    ("typed", "line"),
    {
        "--stepz 3": "no such option --stepz (did you mean --steps",
        "--model digit-cnn": "unknown model 'digit-cnn' (did you mean digits-cnn",
        "--model digits-cnn(width=3)": "unknown argument 'width' of model digits-cnn",
        "--dataset digitz": "there is no data set 'digitz' (did you mean digits?)",
        "--dataset folder:nowhere.zip": "there is no nowhere.zip (folder:PATH takes a directory or a zip)",
        "--gradients bp,linpb": "unknown gradient rule 'linpb' (did you mean linbp",
        "--gradients linbp(begin=1)": "'linbp(begin=1)': linbp has no argument 'begin'",
        "--gradients linbp,linbp": "--gradients: a value is given twice in linbp, linbp",
        "--gradients linbp(start=nope)": "the model has no module 'nope'",
        "--gradients linbp(start=99)": "start=99 is out of range: the model calls 3 rectifiers (0 to 2, or -3 to -1)",
        "--eps 0": "--eps: '0' is not valid (input should be greater than 0)",
        "--eps -8/255": "--eps: '-8/255' is not valid (input should be greater than 0)",
        "--eps 0.1,8/255x": "--eps: '8/255x' is not a number (write 0.05 or a fraction such as 8/255)",
        "--eps 8/0": "--eps: '8/0' divides by zero",
        "--eps nan": "--eps: 'nan' is not a number",
        "--eps inf": "--eps: 'inf' is not a number",
        "--eps 1e999": "--eps: '1e999' is too large",
        "--eps ,": "--eps: the list is empty",
        "--steps 0": "--steps: '0' is not valid (input should be greater than 0)",
        "--steps 2.5": "--steps: '2.5' is not valid",
        "--step-size 0": "--step-size: '0' is not valid (input should be greater than 0)",
        "--limit 0": "--limit: '0' is not valid",
        "--batch-size 0": "--batch-size: '0' is not valid",
        "--seed -1": "--seed: '-1' is not valid",
        "--norm l3": "--norm: 'l3' is not valid (input should be 'linf', 'l2' or 'l1')",
        "--norm l1": "--norm l1 goes with --attack autoattack; ifgsm takes linf or l2",
        "--loss hinge": "--loss: 'hinge' is not valid (input should be 'ce', 'nll_logits' or 'stable_ce')",
        "--preset papers": "--preset: unknown preset 'papers' (did you mean paper?)",
        "--attack LinfPDG": "unknown attack 'LinfPDG' (did you mean LinfPGD",
        "--attack LinfPGD(step=3)": "attack LinfPGD has no argument 'step' (did you mean steps",
        "--attack LinfPGD --loss stable_ce": "--loss is an option of ifgsm and pgd, not of LinfPGD",
        "--attack LinfPGD --norm l2": "--norm is an option of ifgsm and pgd, not of LinfPGD",
        "--attack LinfPGD --engine jacobian": "--engine is an option of ifgsm and pgd, not of LinfPGD",
        "--attack LinfPGD --fast": "--fast is an option of ifgsm and pgd, not of LinfPGD",
        "--attack FGSM --no-early-stop": "--early-stop is an option of ifgsm and pgd, not of FGSM",
        "--attack FGSM --input-space normalised": "--input-space is an option of ifgsm and pgd, not of FGSM",
        "--attack pgd(steps=3)": "--attack pgd takes its settings from this study's options, not in brackets",
        "--attack autoattack(query=3)": "attack autoattack has no argument 'query' (did you mean queries",
        "--attack autoattack(targets=0)": "targets=0 (give a whole number >= 1)",
        "--attack autoattack --steps 20": "--steps is an option of ifgsm and pgd, not of autoattack (write",
        "--attack autoattack --preset paper": "--steps is an option of ifgsm and pgd, not of autoattack "
        "(write autoattack(steps=...); over a preset's, write --steps 5,10,20)",
        "--attack autoattack --preset code --steps 5,10,20 --step-size 0.03": "--loss is an option of ifgsm and pgd, "
        "not of autoattack (over a preset's, write --loss ce)",
        "--attack autoattack --step-size 0.1": "--step-size is an option of ifgsm and pgd, not of autoattack",
        "--attack autoattack --fast": "--fast is an option of ifgsm and pgd, not of autoattack",
        "--precision bf16": "--precision bf16 rounds further what --fast rounds: give --fast, too",
        "--compile": "--compile compiles the step of --fast: give --fast, too",
        "--compile --fast --engine jacobian": "--engine jacobian is not compiled: leave --engine or --compile out",
        "--precision fp8 --fast": "--precision: 'fp8' is not valid (input should be 'fp32' or 'bf16')",
        "--attack autoattack --loss stable_ce": "--loss is an option of ifgsm and pgd, not of autoattack",
        "--device tpu": "--device: unknown device 'tpu' (write auto, cpu, cuda or cuda:N)",
        "--model mlp": "mlp is not trained on digits (suite models train mlp --dataset digits)",
        "--model lenet5": "lenet5 cannot take the 8 x 8 images of digits (",
        "--model digits-cnn@absent.safetensors": "no weights at absent.safetensors",
        "--model run:nobody/final": "run:nobody/final: no model at ",
        "--model import:nobody:net": "cannot import nobody of 'import:nobody:net': ModuleNotFoundError",
    }.items(),
)
def test_typed_wrongly(refused: Callable[..., None], typed: str, line: str) -> None:
    refused(typed, line)


def test_unknown_study(workplace: Path) -> None:
    result = CliRunner().invoke(main, ["run", "linbp.atack"], prog_name="suite")
    assert_refused(result, "unknown study 'linbp.atack' (did you mean linbp.attack", workplace / "runs")


def test_an_engine_that_would_not_be_exact(refused: Callable[..., None], workplace: Path) -> None:
    """Refused before the first rule's work, not after it."""
    (workplace / "mine.py").write_text(
        "import torch\n"
        "class Net(torch.nn.Module):\n"
        "    linbp_start = 'body'\n"
        "    def __init__(self):\n"
        "        super().__init__()\n"
        "        torch.manual_seed(0)\n"
        "        self.body = torch.nn.Sequential(torch.nn.Linear(64, 64), torch.nn.ReLU())\n"
        "        self.head = torch.nn.Linear(64, 10)\n"
        "    def forward(self, x):\n"
        "        x = x.flatten(1)\n"
        "        return self.head(x + self.body(x))\n"
    )
    refused(
        "--model import:mine:Net --engine jacobian", "--engine jacobian with linbp: another path leads round the start"
    )


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
def test_cuda_without_a_gpu(refused: Callable[..., None]) -> None:
    refused("--device cuda", "--device: no GPU 'cuda' (there is none here; use --device cpu)")


@pytest.mark.parametrize("name", ["cut.safetensors", "cut.pt"])
def test_truncated_checkpoint(
    refused: Callable[..., None], weights: dict[str, torch.Tensor], workplace: Path, name: str
) -> None:
    whole = workplace / f"whole{Path(name).suffix}"
    torch.save(weights, whole) if whole.suffix == ".pt" else save_file(weights, whole)
    (workplace / name).write_bytes(whole.read_bytes()[:-5_000])
    refused(f"--model digits-cnn@{name}", f"{name} cannot be read: ")


def test_a_file_that_is_no_checkpoint(refused: Callable[..., None], workplace: Path) -> None:
    (workplace / "text.pt").write_text("weights")
    refused("--model digits-cnn@text.pt", "text.pt ")
    (workplace / "weights.zip").write_text("weights")
    refused("--model digits-cnn@weights.zip", "weights.zip is no file of weights")


def test_checkpoint_of_another_architecture(refused: Callable[..., None], weights: dict[str, torch.Tensor]) -> None:
    refused("--model mlp@good.safetensors", "the weights of mlp@good.safetensors are another architecture's: ")


class Malicious:
    """Unpickled, it creates a file."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, ("touch pwned",)


@pytest.mark.parametrize("kind", ["torch", "plain pickle", "with honest weights"])
def test_malicious_pickle_is_not_run(
    refused: Callable[..., None], weights: dict[str, torch.Tensor], workplace: Path, kind: str
) -> None:
    path = workplace / "evil.pt"
    if kind == "plain pickle":
        path.write_bytes(pickle.dumps(Malicious()))
    else:
        torch.save({"state_dict": weights, "x": Malicious()} if "weights" in kind else Malicious(), path)
    refused("--model digits-cnn@evil.pt", "evil.pt was refused, as loading it could run any code: ")
    assert not (workplace / "pwned").exists()


def test_nan_in_the_weights(refused: Callable[..., None], weights: dict[str, torch.Tensor], workplace: Path) -> None:
    weights["conv2.weight"][0, 0, 0, 0] = torch.nan
    save_file(weights, workplace / "nan.safetensors")
    line = "the weights of digits-cnn@nan.safetensors are not finite: conv2.weight"
    refused("--model digits-cnn@nan.safetensors", line)


def test_no_correctly_classified_sample(
    refused: Callable[..., None], weights: dict[str, torch.Tensor], workplace: Path
) -> None:
    weights["fc2.weight"], weights["fc2.bias"] = -weights["fc2.weight"], -weights["fc2.bias"]
    save_file(weights, workplace / "worst.safetensors")
    refused(
        "--model digits-cnn@worst.safetensors --limit 100",
        "digits-cnn@worst.safetensors classifies 0 of 100 clean samples correctly (",
    )


@pytest.mark.usefixtures("weights")
class TestZip:
    """Damaged or foreign archives; nothing of them is left in the cache either."""

    @pytest.fixture(autouse=True)
    def nothing_decoded(self, workplace: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        cache = workplace / "empty-cache"
        (cache / "data").mkdir(parents=True)
        monkeypatch.setenv("SUITE_CACHE", str(cache))
        yield
        assert [*cache.rglob("*")] == [cache / "data"]

    def test_with_a_corrupt_image(self, refused: Callable[..., None], archive: Callable[..., str]) -> None:
        typed = archive(**{"test/3/0.png": b"\x89PNG\r\n\x1a\n and no more"})
        refused(typed, "test/3/0.png in images.zip cannot be read as an image (replace or remove it; formats: ")

    def test_with_members_outside(
        self, refused: Callable[..., None], archive: Callable[..., str], workplace: Path
    ) -> None:
        typed = archive(**{"../outside.png": b"x"})
        refused(typed, "the zip images.zip has a member '../outside.png' that points outside it")
        assert not (workplace.parent / "outside.png").exists()

    def test_without_train(self, refused: Callable[..., None], archive: Callable[..., str]) -> None:
        refused(archive(splits=("test",)), "images.zip has no train/CLASS folders")

    def test_cut_short(self, refused: Callable[..., None], archive: Callable[..., str], workplace: Path) -> None:
        typed = archive()
        path = workplace / "images.zip"
        path.write_bytes(path.read_bytes()[:-100])
        refused(typed, "images.zip is neither a directory nor a zip")


def test_class_count_that_does_not_match(
    refused: Callable[..., None], archive: Callable[..., str], weights: dict[str, torch.Tensor]
) -> None:
    refused(
        archive(classes=3),
        "the weights of digits-cnn@good.safetensors tell 10 classes apart, the network 3 (",
    )


@pytest.mark.skipif(sys.platform != "linux", reason="takes root's right to write anywhere away, as Linux does it")
def test_read_only_runs_directory(process: Process, workplace: Path) -> None:
    runs = workplace / "runs"
    runs.mkdir()
    runs.chmod(0o555)
    try:
        done = process(first=_as_anyone)
    finally:
        runs.chmod(0o755)
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"error: cannot write {runs}/linbp.attack/") and f"{runs} is read-only" in line
    assert not list(runs.iterdir())


def test_runs_below_a_file(refused: Callable[..., None], workplace: Path) -> None:
    (workplace / "file").touch()
    refused("--runs file/runs", "cannot write file/runs/linbp.attack/")


def _error_after_progress(stderr: str) -> str:
    """The one error, last, behind lines that say how gradients are computed, how far it is, and what to doubt."""
    *progress, line = stderr.splitlines()
    assert all(": engine " in said or said.startswith(("attack: ", "not converged ")) for said in progress)
    return line


@pytest.mark.parametrize("room", [1_000, 5_000])
def test_disk_full_at_the_first_write_leaves_nothing(process: Process, workplace: Path, room: int) -> None:
    """Room for no manifest, or for the manifest and not for the first part."""
    done = process("--json", first=_files_up_to(room))
    assert (done.returncode, done.stdout) == (1, "")
    line = _error_after_progress(done.stderr)
    assert line.startswith("error: cannot write ") and "free some space" in line
    assert not list((workplace / "runs").glob("*"))


@pytest.mark.nightly
def test_disk_full_later_keeps_what_was_measured(process: Process, attack: Attack, workplace: Path) -> None:
    done = process("--json", first=_files_up_to(25_000))  # the figures do not fit
    assert (done.returncode, done.stdout) == (1, "")
    (run,) = (workplace / "runs" / "linbp.attack").iterdir()
    line = _error_after_progress(done.stderr)
    assert line.startswith("error: cannot write ") and line.endswith(f"; what was measured is kept in {run})")
    assert json.loads((run / "run.json").read_text())["status"] == "finished"
    assert not [path for path in run.rglob("*") if path.name.endswith(".tmp")]
    measured = _written(run / "parts", run / "tables")
    assert measured and not (run / "results").exists()

    assert attack().exit_code == 0  # with room again
    assert (run / "results" / "figures" / "success_by_step.svg").is_file()
    assert _written(run / "parts", run / "tables") == measured


def test_training_that_diverges_fails_during_work(workplace: Path) -> None:
    typed = "models train two-layer --dataset digits --learning-rate 1e30 --epochs 5"
    result = CliRunner().invoke(main, typed.split(), prog_name="suite")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.splitlines()[-1].startswith("error: training two-layer on digits diverged in epoch ")


def _written(*folders: Path) -> dict[Path, int]:
    """When the files in folders were written."""
    return {path: path.stat().st_mtime_ns for folder in folders for path in folder.iterdir()}


def _files_up_to(size: int) -> Callable[[], None]:
    """No file may grow beyond so many bytes: to a program that writes, a full disk."""
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


def _as_anyone() -> None:
    """Takes away root's right to ignore permissions; changes nothing for others."""
    if os.geteuid() == 0:
        assert ctypes.CDLL(None).prctl(PR_CAPBSET_DROP, CAP_DAC_OVERRIDE, 0, 0, 0) == 0
