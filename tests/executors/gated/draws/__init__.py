"""Random numbers, in parts."""

from suite.plugin import Study

study = Study("Random numbers, in parts.", ".config:DrawsConfig", figures=None, parallel=True)
