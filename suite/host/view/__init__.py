"""The store in a browser: all runs and experiments, what is running, verdicts, comparisons and reports; read-only."""
