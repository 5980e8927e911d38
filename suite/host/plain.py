"""Values as JSON knows them."""

import math
from collections.abc import Mapping
from typing import Any


def plain(value: Any) -> Any:
    """The value as JSON knows it: numpy and torch scalars as numbers, NaN and infinities as null, texts that encode."""
    if isinstance(value, str):
        return value if value.isascii() else value.encode(errors="replace").decode()  # a file's name need not be text
    if isinstance(value, Mapping):
        return {plain(str(key)): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if hasattr(value, "item"):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value
