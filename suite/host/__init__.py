"""Everything that runs, stores, combines and shows studies; nothing outside it imports it but the front door."""

from suite.host.system import check_system
from suite.own_modules import find_own_modules

check_system()
find_own_modules()  # before anything loads a plugin, or unpickles what is defined in one
