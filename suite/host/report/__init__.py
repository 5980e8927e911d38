"""Run directories -> one self-contained HTML page: readable on a phone and in print, without a network."""

from suite.host.report.pages import experiment_page, index_page, runs_page
from suite.host.report.settings import Described, Option

__all__ = ["Described", "Option", "experiment_page", "index_page", "runs_page"]
