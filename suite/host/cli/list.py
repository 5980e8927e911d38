"""`suite list`: what the installed plugins offer."""

import click

from suite.host.cli.options import registry


@click.command(name="list")
@click.pass_context
def command(ctx: click.Context) -> None:
    """List the studies and gradient rules of all installed modules."""
    known = registry(ctx)
    width = max(map(len, [*known.studies, *known.gradients]))
    for module in known.modules.values():
        click.echo(f"{module.name}: {module.summary}")
        for short, study in known.studies_of(module.name).items():
            click.echo(f"  {module.name + '.' + short:<{width}}  {study.question}")
        click.echo()
    click.echo("gradient rules")
    for name, rule in known.gradients.items():
        click.echo(f"  {name:<{width}}  {rule.summary}")
