"""Makes those images of docs/images anew that cheap runs give: `python docs/_site/screenshots.py [NAME...]`, minutes.

Runs are taken from, and stored in, the usual folder of runs (SUITE_RUNS). Screenshots of reports need Chromium and
Selenium. The images in EXPENSIVE are figures of the runs that are named there.
"""

import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import suite

IMAGES = Path(__file__).parents[1] / "images"

FIGURES = {
    "first_run": ("linbp.attack", "success_by_step"),
    "transfer_digits": ("linbp.transfer", "by_eps"),
    "theory_attack_distance": ("linbp.theory_attack", "distance_by_step"),
    "pgd_landscapes": ("pgd_dynamics.landscape", "landscapes"),
    "phase_planes": ("phase_transition.connectivity", "planes"),
}
"""Image -> study as it stands, and its figure."""

REPORTS = {"report": (1280, 1000)}
"""Image of the report of linbp.attack -> width and height of the window, in CSS pixels."""

EXPENSIVE = {
    "cross_epsilon_star": "suite experiment experiments/epsilon_star_rules.toml --preset paper",
    "cross_lazy_mnist": "suite experiment experiments/lazy_radius.toml --preset paper",
    "cross_phase_mnist": "suite experiment experiments/phase_transition_linbp.toml --preset paper",
    "cross_softplus": "suite experiment experiments/softplus_rules.toml --preset paper",
    "experiment_success": "the experiment of docs/experiments.md",
    "gates": "suite run linbp.gates, with the options of docs/findings/linbp-gates.md",
    "gates_depth": "suite run linbp.gates, with the options of docs/findings/linbp-gates.md for ResNet-32",
    "gates_similarity": "that of gates",
    "imagenet_positions": "suite run linbp.positions, with the options of docs/findings/linbp-white-box.md",
    "lazy_dial": "suite run lazy_regime.dial --preset paper",
    "lazy_powers": "suite run lazy_regime.single_step, with the options of docs/findings/lazy-networks.md",
    "lazy_single_step": "suite run lazy_regime.single_step --preset paper",
    "lazy_width": "suite run lazy_regime.adv_train --preset paper",
    "learning_rates": "suite run linbp.train, with the options of docs/findings/linbp-training.md",
    "mnist_train_curves": "suite run linbp.train --preset paper --factors 1,10",
    "pgd_escape_mnist": "suite run pgd_dynamics.escape, with the options of its README's row on MNIST with ReLU",
    "pgd_escape_training": "the same run",
    "phase_cifar": "suite run phase_transition.epsilon_star, with the options of docs/findings/epsilon-star.md",
    "phase_growth": "suite run phase_transition.linear --preset paper",
    "phase_losses": "suite run phase_transition.epsilon_star --preset mnist --watched 200",
    "phase_regimes": "suite run phase_transition.linear, with the options of docs/findings/linear-regression.md",
    "resnet56_positions": "suite run linbp.positions, with the options of docs/reproduction.md",
    "resnet56_success_by_step": "suite run linbp.attack, with the options of docs/reproduction.md",
    "resnet56_transfer_mifgsm": "suite run linbp.transfer, with the options of docs/reproduction.md",
    "rules_gains": "suite run linbp.rules, with the options of docs/findings/linbp-rules.md",
    "rules_ranking": "the same run",
}
"""Image -> the run that it is a figure of; half a minute to hours, some with data or weights of one's own."""


def main(names: list[str]) -> None:
    """Writes the images of the names, or all that are cheap."""
    makers: dict[str, Callable[[str], bytes]] = {**dict.fromkeys(FIGURES, figure), **dict.fromkeys(REPORTS, screenshot)}
    for name in names or makers:
        if name not in makers:
            sys.exit(f"{name}: {EXPENSIVE.get(name, 'no such image')}")
        (IMAGES / f"{name}.png").write_bytes(makers[name](name))


def figure(name: str) -> bytes:
    """The PNG of a run's figure."""
    study, shown = FIGURES[name]
    return suite.run(study).figure(shown).png.read_bytes()


def screenshot(name: str) -> bytes:
    """The top of a report as Chromium shows it."""
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options, driver = webdriver.ChromeOptions(), Service(shutil.which("chromedriver"))
    for argument in ("--headless=new", "--no-sandbox", "--hide-scrollbars"):
        options.add_argument(argument)
    options.binary_location = shutil.which("chromium") or sys.exit(
        "no Chromium: apt-get install chromium chromium-driver"
    )
    width, height = REPORTS[name]
    with tempfile.TemporaryDirectory() as folder, webdriver.Chrome(options, driver) as browser:
        page = Path(folder) / "report.html"
        run = str(suite.run("linbp.attack").path)
        subprocess.run([sys.executable, "-m", "suite", "report", run, "--out", str(page)], check=True)
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        browser.get(page.as_uri())
        time.sleep(1)  # what the page's script lays out
        png: bytes = browser.get_screenshot_as_png()
        return png


if __name__ == "__main__":
    main(sys.argv[1:])
