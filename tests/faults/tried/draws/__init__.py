"""Random numbers, in parts; a net; tables."""

from suite.plugin import Study

study = Study("Random numbers, in parts.", ".config:DrawsConfig", figures=None, parallel=True)
