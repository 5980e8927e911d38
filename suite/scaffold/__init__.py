"""`suite new`: a working plugin package, to be made one's own."""

from suite.scaffold.names import check_name
from suite.scaffold.package import write_package

__all__ = ["check_name", "write_package"]
