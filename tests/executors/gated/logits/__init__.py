"""A study that asks models: of earlier runs, and of the zoo."""

from suite.plugin import Study

study = Study("What nets say.", ".config:LogitsConfig", results=None, figures=None)
