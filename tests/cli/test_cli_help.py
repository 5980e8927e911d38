"""Help as it is read: whole sentences, the values of a preset, and what a shell completes."""

import re

import pytest
from click.testing import CliRunner

from suite.host.cli import main


def shown(*typed: str, **environment: str) -> str:
    result = CliRunner().invoke(main, [*typed, "--help"], env=environment, terminal_width=80)
    assert result.exit_code == 0, result.output
    return " ".join(result.stdout.split())


@pytest.mark.parametrize("group", [(), ("runs",), ("models",), ("data",)])
def test_first_sentences_are_whole(group: tuple[str, ...]) -> None:
    assert "..." not in shown(*group).partition("Commands:")[2]


def test_a_presets_values_stand_in_the_help_wherever_it_is_typed() -> None:
    run = ("run", "linbp.attack")
    for text in (
        shown(*run, "--preset", "paper"),
        shown(*run, "--preset=paper"),
        " ".join(CliRunner().invoke(main, [*run, "--help", "--preset", "paper"]).stdout.split()),
        shown(*run, SUITE_PRESET="paper"),
    ):
        assert "[env var: SUITE_MODEL; default: (resnet50, preset paper)]" in text
        assert "2/255, preset paper" in text
    plain = shown(*run)
    assert "preset paper" not in plain and "(digits-resnet)" in plain
    assert shown(*run, "--preset", "no-such") == plain


@pytest.mark.parametrize(
    ("words", "completed"),
    [
        ("suite ru", {"run", "runs"}),
        ("suite run linbp.at", {"linbp.attack"}),
        ("suite run linbp.attack --step", {"--steps", "--step-size"}),
        ("suite runs l", {"list"}),
    ],
)
def test_a_shell_completes_commands_studies_and_options(words: str, completed: set[str]) -> None:
    """bash's protocol, which zsh and fish share but for the form of the answer."""
    environment = {"_SUITE_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}
    result = CliRunner().invoke(main, [], prog_name="suite", env=environment)
    assert set(re.findall(r"plain,(\S+)", result.stdout)) == completed


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_has_its_script(shell: str) -> None:
    result = CliRunner().invoke(main, [], prog_name="suite", env={"_SUITE_COMPLETE": f"{shell}_source"})
    assert result.exit_code == 0 and "_SUITE_COMPLETE" in result.stdout
