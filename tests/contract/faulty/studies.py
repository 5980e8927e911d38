"""Studies that square numbers; each but the first breaks one rule of the contract."""

from collections.abc import Callable
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator

from suite.measuring import Run
from suite.plugin import Steps, StudyConfig, option

MEMORY: list[int] = []  # of this process: what a study must not depend on


class SoundConfig(StudyConfig):
    """Numbers to square (Nobody 2026, Eq. 1)."""

    numbers: Steps = option((1, 2, 3), "numbers to square")
    shift: float = option(0.5, "what is added", ge=0, le=2)
    batch_size: int = option(8, "numbers at once", in_key=False, gt=0)


def sound(config: SoundConfig, run: Run) -> None:
    """Squares (Nobody 2026, Eq. 1)."""
    squares(config, run, lambda number: number**2 + config.shift)


def squares(config: SoundConfig, run: Run, square: Callable[[int], float]) -> None:
    """The study of all configs here."""
    assert config.batch_size > 0
    for number in config.numbers:
        rows = run.once(f"square of {number}", lambda n=number: {"number": [n], "square": [square(n)]})
        run.table("squares").extend(rows)


class SourcelessConfig(SoundConfig):
    """Numbers to square."""


def sourceless(config: SoundConfig, run: Run) -> None:
    """Squares."""
    sound(config, run)


class UndescribedConfig(SoundConfig):
    """Eq. 1."""

    more: int = option(1, " ", gt=0)


def undescribed(config: UndescribedConfig, run: Run) -> None:
    """Eq. 1."""
    squares(config, run, lambda number: number + config.shift + config.more)


class HidingConfig(SoundConfig):
    """Eq. 1."""

    jobs: int = option(1, "an option that every study has", gt=0)


def hiding(config: HidingConfig, run: Run) -> None:
    """Eq. 1."""
    squares(config, run, lambda number: number + config.shift + config.jobs)


class UnstableConfig(SoundConfig):
    """Eq. 1."""

    how: Annotated[str, AfterValidator(lambda text: f"{text}!")] = option("loud", "louder whenever it is read")


def unstable(config: UnstableConfig, run: Run) -> None:
    """Eq. 1."""
    squares(config, run, lambda number: number + config.shift + len(config.how))


class MislabelledConfig(SoundConfig):
    """Eq. 1."""

    shift: float = option(0.5, "said not to change a result", ge=0, le=2, in_key=False)


mislabelled = sound


class DeafConfig(SoundConfig):
    """Eq. 1."""

    unheard: int = option(1, "nobody asks for it", gt=0)


deaf = sound


class LenientConfig(SoundConfig):
    """Eq. 1."""

    shift: float = option(0.5, "any number, and NaN")


lenient = sound


class CrashingConfig(SoundConfig):
    """Eq. 1."""

    shift: Annotated[float, BeforeValidator(lambda value: value + 0)] = option(0.5, "a number, or else", ge=0, le=2)


crashing = sound


class BareConfig(StudyConfig):
    """Eq. 1."""

    numbers: Steps = option((1, 2, 3), "numbers to square")


def bare(config: BareConfig, run: Run) -> None:
    """Eq. 1."""
    for number in config.numbers:
        run.table("squares").add(square=number**2)


BatchwiseConfig = DriftingConfig = WanderingConfig = SpeechlessConfig = GarrulousConfig = SoundConfig

wandering = speechless = garrulous = sound


def batchwise(config: SoundConfig, run: Run) -> None:
    """Eq. 1."""
    squares(config, run, lambda number: number + config.batch_size + config.shift)


def drifting(config: SoundConfig, run: Run) -> None:
    """Eq. 1."""

    def counted(number: int) -> Any:
        MEMORY.append(number)
        return number + config.shift + len(MEMORY)

    squares(config, run, counted)
