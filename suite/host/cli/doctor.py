"""`suite doctor`: is this machine ready?"""

import json
import os
import platform
from collections.abc import Callable

import click

from suite.errors import SuiteError, one_line
from suite.host.cli.options import json_option, registry
from suite.host.registry import Registry
from suite.host.store import check_writable
from suite.host.text import counted
from suite.paths import cache_root, data_root, runs_root


@click.command(name="doctor")
@json_option()
@click.pass_context
def command(ctx: click.Context, as_json: bool) -> None:
    """Check Python, torch, the GPU, the folders and the plugins; exit code 1 when something is broken."""
    checks: list[tuple[str, Callable[[], str]]] = [
        ("python", platform.python_version),
        ("torch", _torch),
        ("torchvision", _torchvision),
        ("data", lambda: f"{data_root()} ({'there' if data_root().is_dir() else 'absent'})"),
        ("cache", lambda: _writable("cache")),
        ("runs", lambda: _writable("runs")),
        ("plugins", lambda: _plugins(registry(ctx))),
    ]
    outcomes = []
    for name, look in checks:
        fine, found = _check(look)
        outcomes.append({"check": name, "ok": fine, "found": found})
        if not as_json:
            click.echo(f"{'ok ' if fine else 'BAD'}  {name:<12} {found}")
    fine = all(outcome["ok"] for outcome in outcomes)
    if as_json:
        click.echo(json.dumps({"ok": fine, "checks": outcomes}))
    ctx.exit(0 if fine else 1)


def _check(look: Callable[[], str]) -> tuple[bool, str]:
    try:
        return True, look()
    except Exception as error:
        return False, str(error) if isinstance(error, SuiteError) else one_line(error)


def _torch() -> str:
    import torch

    names = [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]
    threads = f"{counted(torch.get_num_threads(), 'thread')} on {counted(os.cpu_count() or 1, 'core')}"
    return f"{torch.__version__}, {threads}, GPUs: {', '.join(names) or 'none'}"


def _torchvision() -> str:
    import torchvision

    return str(torchvision.__version__)


def _writable(name: str) -> str:
    root = {"cache": cache_root, "runs": runs_root}[name]()
    check_writable(root)
    return f"{root} (writable{'' if root.is_dir() else ', made when needed'})"


def _plugins(known: Registry) -> str:
    if known.broken:
        raise SuiteError("; ".join(known.broken), "mend or uninstall")
    return ", ".join(known.modules)
