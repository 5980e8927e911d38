"""The package `modules` that comes with this one, also where a folder of that name is in the working directory."""

import sys
from importlib.machinery import PathFinder
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

OWN = Path(__file__).resolve().parents[1] / "modules"


def find_own_modules() -> None:
    """Makes `modules.linbp` and the like those that lie beside this package.

    Where `modules` is another package, ours takes its name in this process: what that one has imported so far stays
    reachable by name, and files in its folder are found after ours. What its `__init__.py` would define is not there
    if it was not imported before.
    """
    loaded = sys.modules.get("modules")
    spec = loaded.__spec__ if loaded else PathFinder.find_spec("modules")
    if spec and spec.origin and Path(spec.origin).resolve() == OWN / "__init__.py":
        return
    folders = [str(OWN), *((spec and spec.submodule_search_locations) or ())]
    own = spec_from_file_location("modules", OWN / "__init__.py", submodule_search_locations=folders)
    assert own and own.loader
    module = module_from_spec(own)
    own.loader.exec_module(module)
    if loaded:
        vars(module).update({name: value for name, value in vars(loaded).items() if name not in vars(module)})
    sys.modules["modules"] = module
