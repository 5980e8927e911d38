"""`python -m suite`: the command line."""

from suite.host.cli import main

main(prog_name="suite")
