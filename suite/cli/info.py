"""`suite info STUDY`: a study and all its options, with where each comes from."""

import click

from suite.cli.fields import config_fields, text_of
from suite.cli.options import registry


@click.command(name="info")
@click.argument("study")
@click.pass_context
def command(ctx: click.Context, study: str) -> None:
    """Show a study's paper, options and presets."""
    known = registry(ctx)
    entry, module, config = known.study(study), known.module_of(study), known.config(study)
    click.echo(f"{study}: {entry.summary}\npaper: {module.paper}\n\noptions (suite run {study} ...)")
    for field in config_fields(config):
        click.echo(f"  {field.flag} {'' if field.is_flag else field.kind}".rstrip())
        click.echo(f"      {field.help}")
        click.echo(f"      default {field.default or '(empty)'}, environment {field.variable}")
    for name, values in entry.presets.items():
        settings = ", ".join(f"{field}={text_of(value)}" for field, value in values.items())
        click.echo(f"\npreset {name}: {settings or 'the defaults'}")
