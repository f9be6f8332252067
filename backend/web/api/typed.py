"""`TypedDict`: below Python 3.12 pydantic refuses the standard one, from there on Quart-Schema refuses any other."""

from __future__ import annotations

import sys

if sys.version_info >= (3, 12):
    from typing import TypedDict
else:
    from typing_extensions import TypedDict

__all__ = ["TypedDict"]
