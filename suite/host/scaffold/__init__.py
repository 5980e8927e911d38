"""`suite new`: a working plugin package, to be made one's own."""

from suite.host.scaffold.names import check_name
from suite.host.scaffold.package import write_package

__all__ = ["check_name", "write_package"]
