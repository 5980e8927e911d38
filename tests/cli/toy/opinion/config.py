"""Options of the opinion."""

from suite.plugin import DatasetRef, Steps, StudyConfig, option


class OpinionConfig(StudyConfig):
    """What to judge."""

    numbers: Steps = option((1, 2, 3), "Numbers to square.")
    dataset: DatasetRef | None = option(None, "Not used, but to be there.")
