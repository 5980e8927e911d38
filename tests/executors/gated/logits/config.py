"""Whom to ask."""

from suite.plugin import DatasetRef, ModelRefs, StudyConfig, option


class LogitsConfig(StudyConfig):
    """Whom to ask."""

    models: ModelRefs = option(("digits-cnn",), "models")
    dataset: DatasetRef = option("digits", "data set")
