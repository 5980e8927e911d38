"""Templates to files: the whole package or nothing."""

import os
import shutil
from pathlib import Path

import suite
from suite.errors import SuiteError

_TEMPLATES = Path(__file__).parent / "templates"
_RENAMED = {"gitignore": ".gitignore"}  # packages leave dot files out


def write_package(name: str, folder: Path) -> list[Path]:
    """Writes the package of that name below `folder`, as `folder/NAME`; returns its files.

    Raises:
        SuiteError: there is something in the way, or the folder cannot be written; nothing is left behind.
    """
    target = folder / name
    if target.exists() and not (target.is_dir() and not any(target.iterdir())):
        raise SuiteError(f"{target} exists", "choose another name, or another folder with --dir")
    texts = render(name)
    temporary = folder / f".{name}.{os.getpid()}.tmp"
    try:
        for path, text in texts.items():
            (temporary / path).parent.mkdir(parents=True, exist_ok=True)
            (temporary / path).write_text(text, encoding="utf-8")
        temporary.replace(target)
    except OSError as error:
        shutil.rmtree(temporary, ignore_errors=True)
        raise SuiteError(f"--dir: cannot write {target}: {error.strerror}", "choose another folder") from error
    return [target / path for path in texts]


def render(name: str) -> dict[Path, str]:
    """The files of the package, by their path in it."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES), undefined=StrictUndefined, keep_trailing_newline=True, autoescape=False
    )
    paths = sorted(path.relative_to(_TEMPLATES) for path in _TEMPLATES.rglob("*.jinja"))
    return {
        _place(path, name): environment.get_template(path.as_posix()).render(name=name, version=suite.__version__)
        for path in paths
    }


def _place(template: Path, name: str) -> Path:
    """`package/flip.py.jinja` becomes `NAME/flip.py`."""
    plain = template.with_suffix("")
    parts = [name if part == "package" else part for part in plain.parts[:-1]]
    return Path(*parts, _RENAMED.get(plain.name, plain.name))
