"""Options of the draws."""

from suite.plugin import Several, StudyConfig, option


class DrawsConfig(StudyConfig):
    """What to draw."""

    numbers: Several[int] = option((1, 2, 3, 4), "names of the draws; 13 fails")
    offset: float = option(0.0, "what is added to each")
