"""A net with its initial weights."""

from gated.gate import pass_gate
from gated.nets.config import NetsConfig
from suite.measuring import Run


def measure(config: NetsConfig, run: Run) -> None:
    """Saves a net with its initial weights."""
    pass_gate(f"net-{run.seed}")
    run.save_model("net", run.architecture(config.architecture).initial(run.seed, run.device))
