"""What `--compile` brings an attack beside the exact one and `--fast`, interleaved in one run; ratios are what counts.

    python benchmarks/compiled_step.py [--nets resnet20,digits-resnet] [--batch 64] [--repeats 5]

CPU: one thread, CPU time, fp32. Random weights, batch norms calibrated on random images, K = 10, no early stop. Seconds
of compiling are the clock's: move `TORCHINDUCTOR_CACHE_DIR` to an empty folder to see the first time.
"""

import argparse
import statistics
import sys
import time

import torch

from modules.linbp import linbp
from suite.attacks import Engine, Settings, Trial, exact_engine, fast_engine, fast_layout, frozen, iterate
from suite.gradients import bp
from suite.models import ZOO, Classifier, ModelInfo

SETTINGS = Settings(10, 2 / 255, early_stop=False)
SHAPES = {"resnet20": (3, 32), "digits-resnet": (1, 8)}  # channels, side


def calibrated(name: str) -> Classifier:
    """A net of the zoo with random weights, in eval mode."""
    torch.manual_seed(0)
    entry, (channels, side) = ZOO[name], SHAPES[name]
    info = ModelInfo(name, name, "random images", "", None, "random weights")
    mean, std = (entry.mean, entry.std) if channels == 3 else ((0.5,), (0.25,))
    network = entry.build(channels, side, 10)
    model = Classifier(network, info, mean=mean, std=std, linbp_start=entry.linbp_start).train()
    with torch.no_grad():
        for _ in range(10):
            model(torch.rand(64, channels, side, side))
    return model.eval()


def compare(name: str, batch: int, repeats: int) -> None:
    """Prints a row for BP and one for LinBP."""
    model = calibrated(name)
    images = torch.rand(batch, SHAPES[name][0], *[SHAPES[name][1]] * 2)
    with torch.no_grad():
        labels = model(images).argmax(1)
    trials: list[Trial] = []

    def taken(trial: object) -> Trial:  # whether it is faster or not: that is what the row shows
        trials.append(trial())  # type: ignore[operator]
        return Trial(trials[-1].seconds, 2.0)

    with frozen(model):
        for gradient, rule in {"bp": bp, "linbp": linbp}.items():
            layout = fast_layout(model, rule, images)
            engines = {
                "exact": exact_engine(model, rule, images),
                "fast": fast_engine(model, rule, images, layout=layout),
                "compiled": fast_engine(model, rule, images, layout=layout, trial=taken),
            }
            seconds = {way: [seconds_of(engine, images, labels)] for way, engine in engines.items()}
            for _ in range(repeats):
                for way, engine in engines.items():
                    seconds[way].append(seconds_of(engine, images, labels))
            rates = {way: sorted(batch * 10 / each for each in times[1:]) for way, times in seconds.items()}
            cells = [f"{min(r):.0f} / {statistics.median(r):.0f} / {max(r):.0f}" for r in rates.values()]
            middle = {way: statistics.median(rate) for way, rate in rates.items()}
            gains = [f"{middle['compiled'] / middle[way]:.2f}x" for way in ("exact", "fast")]
            row = [name, gradient, str(batch), layout, *cells, *gains, f"{trials[-1].seconds:.1f}"]
            sys.stdout.write(f"| {' | '.join(row)} |\n")
            sys.stdout.flush()


def seconds_of(engine: Engine, images: torch.Tensor, labels: torch.Tensor) -> float:
    """CPU seconds of one attack."""
    begin = time.process_time()
    iterate(engine.differentiate, engine.predict, images, labels, (8 / 255,), SETTINGS)
    return time.process_time() - begin


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nets", default=",".join(SHAPES))
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    ways = "exact | --fast | --fast, compiled | over exact | over --fast | s to compile"
    sys.stdout.write(f"| net | rule | batch | layout | {ways} |\n{'|---' * 10}|\n")
    for name in arguments.nets.split(","):
        compare(name, arguments.batch, arguments.repeats)


if __name__ == "__main__":
    main()
