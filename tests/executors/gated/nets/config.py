"""Which net."""

from suite.plugin import ArchitectureRef, DatasetRef, StudyConfig, option


class NetsConfig(StudyConfig):
    """Which net."""

    architecture: ArchitectureRef = option("two-layer(width=4)", "architecture")
    dataset: DatasetRef = option("digits", "data set")
