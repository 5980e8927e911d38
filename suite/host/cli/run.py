"""`suite run STUDY`: one sub-command a study, its options made from the study's config."""

from contextlib import nullcontext
from pathlib import Path
from typing import Any

import click

from suite.errors import WorkFailed
from suite.host.cli.fields import ConfigField, config_fields
from suite.host.cli.helping import StudyCommand
from suite.host.cli.options import device_option, executor_options, json_option, option, registry, runs_option
from suite.host.cli.tracking import track_option, tracking, tracking_uri_option
from suite.paths import runs_at
from suite.plugin import Study


class _Studies(click.Group):
    """The studies as commands, each built when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(registry(ctx).studies)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        return None if name.startswith("-") else _study_command(ctx, name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Studies"):
            formatter.write_dl([(name, study.question) for name, study in registry(ctx).studies.items()])


@click.group(name="run", cls=_Studies, no_args_is_help=False, subcommand_metavar="STUDY [OPTIONS]")
def command() -> None:
    """Run a study, or continue or return the run that the same command made before.

    `suite run STUDY --help` shows the study's options. An option wins over its environment variable, that
    over the file of --config, that over --preset, that over the default.
    """


def _study_command(ctx: click.Context, name: str) -> click.Command:
    config_class, study = registry(ctx).config(name), registry(ctx).study(name)
    fields = {field.name: field for field in config_fields(config_class)}

    @click.pass_context
    def run(
        ctx: click.Context,
        /,
        config: Path | None,
        preset: str | None,
        device: str,
        runs: Path,
        fresh: bool,
        as_json: bool,
        jobs: int | None = None,
        executor: str = "local",
        ray_address: str | None = None,
        track: str | None = None,
        tracking_uri: str | None = None,
        **values: Any,
    ) -> None:
        from suite.host.cli import results
        from suite.host.completion import complete
        from suite.host.executors import spreading
        from suite.host.preparing import prepare
        from suite.host.settings import build_config
        from suite.host.store import Busy

        typed = {key: (value, _label(ctx, fields[key])) for key, value in values.items() if value is not None}
        settings = build_config(config_class, study, typed, config, preset)
        ctx.with_resource(runs_at(runs))  # where `run:RUN/NAME` is looked up
        with tracking(track, tracking_uri) as note:
            while True:
                execution = prepare(name, settings, registry(ctx), root=runs, device=device)
                directory = execution.directory
                try:
                    spread = study.parallel and (fresh or directory.status() != "finished")
                    with spreading(execution, executor, jobs, ray_address) if spread else nullcontext():
                        done = complete(execution, registry(ctx), fresh=fresh)
                    if done != "measured":
                        again = "analysed anew" if done == "analysed" else "already finished"
                        click.echo(f"{again}; --fresh measures it again", err=True)
                    break
                except Busy as busy:
                    click.echo(f"{busy.what}: waiting for it", err=True)
                    directory.wait()
                except WorkFailed:
                    note(name, directory.path)
                    raise
            note(name, directory.path)
        if as_json:
            click.echo(results.as_json(directory))
        else:
            results.print_results(directory, study.next)

    for decorate in reversed(_host_options(study)):
        decorate(run)
    made = click.command(name=name, cls=StudyCommand, help=study.question, short_help=study.question)(run)
    made.presets = study.presets
    made.params = [*(_option(field) for field in fields.values()), *made.params]
    return made


def _host_options(study: Study) -> list[Any]:
    """The options that a study has beside its config."""
    path, presets = click.Path(path_type=Path), list(study.presets)
    return [
        option("--config", type=path, metavar="FILE.toml", help="Values for options, by field name."),
        option(
            "--preset",
            metavar="NAME",
            help=f"Named set of values: {', '.join(presets) or 'this study has none'}; with --help they are shown.",
        ),
        device_option(),
        runs_option(),
        *([executor_options("parts of the run")] if study.parallel else []),
        option("--fresh", is_flag=True, help="Start over instead of continuing or returning an earlier run."),
        track_option(),
        tracking_uri_option(),
        json_option(),
    ]


def _option(field: ConfigField) -> click.Option:
    """Passes text through; the config alone parses and validates."""
    common: dict[str, Any] = {
        "default": None,
        "show_default": field.default or "empty",
        "envvar": field.variable,
        "show_envvar": True,
        "help": field.help,
    }
    if field.is_flag:
        return click.Option([field.flag, field.name], **common)
    return click.Option([field.flag, field.name], type=str, metavar=field.kind, **common)


def _label(ctx: click.Context, field: ConfigField) -> str:
    from_environment = ctx.get_parameter_source(field.name) is click.core.ParameterSource.ENVIRONMENT
    return field.variable if from_environment else field.flag.partition("/")[0]
