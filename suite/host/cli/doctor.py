"""`suite doctor`: is this machine ready?"""

import json
import os
import platform
import shutil
from collections.abc import Callable
from tempfile import TemporaryFile

import click

from suite.errors import SuiteError, one_line
from suite.files import ELSEWHERE
from suite.host.cli.options import json_option, registry
from suite.host.registry import Registry
from suite.host.store import check_writable
from suite.host.text import counted
from suite.locks import keeps_out
from suite.paths import cache_root, data_root, runs_root

LEAST_FREE = 10**9  # bytes; a training's checkpoints and decoded data take hundreds of megabytes


@click.command(name="doctor")
@json_option()
@click.pass_context
def command(ctx: click.Context, as_json: bool) -> None:
    """Check Python, torch, the GPU, folders, disks and plugins; exit code 1 when something is broken."""
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
    there = next(folder for folder in [root, *root.absolute().parents] if folder.exists())
    free = shutil.disk_usage(there).free
    if free < LEAST_FREE:
        raise SuiteError(f"{root} has only {free / 1e9:.2f} GB of disk left", ELSEWHERE)
    with TemporaryFile(dir=there) as file:
        locks = "" if keeps_out(file) else "; no locks on this file system: let one process at a time work there"
    return f"{root} (writable{'' if root.is_dir() else ', made when needed'}, {free / 1e9:.0f} GB free{locks})"


def _plugins(known: Registry) -> str:
    if known.broken:
        raise SuiteError("; ".join(known.broken), "mend or uninstall")
    return ", ".join(known.modules)
