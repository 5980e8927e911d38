"""A study whose files are missing."""

from suite.plugin import Study

study = Study("Its file is missing.", ".nowhere:Config", presets={"quick": {}})
