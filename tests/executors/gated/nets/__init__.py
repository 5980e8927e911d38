"""A study that makes a model."""

from suite.plugin import Study

study = Study("A net with its initial weights.", ".config:NetsConfig", results=None, figures=None)
