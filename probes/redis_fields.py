"""Values out of Redis's replies, whatever is in them: a field that is no number is as good as none. Pure."""

import math
from collections.abc import Mapping
from typing import Any

from probes.result import utc

LATEST_S = 4_102_444_800
"""The year 2100: a later time is no time."""


def number(fields: Mapping[str, Any], name: str) -> float | None:
    """A field as a number; None when this version does not tell it, or tells something else.

    >>> number({"port": "6379"}, "port"), number({"port": "none"}, "port"), number({}, "port")
    (6379.0, None, None)
    """
    try:
        value = float(fields[name])
    except (KeyError, ValueError, TypeError, OverflowError):
        return None
    return value if math.isfinite(value) else None


def amount(fields: Mapping[str, Any], name: str) -> float:
    """A field as a number, 0 when there is none."""
    return number(fields, name) or 0.0


def text(value: object) -> str:
    """What Redis sent as text, with nothing in it that a terminal or a page would act on."""
    decoded = value.decode(errors="replace") if isinstance(value, bytes) else str(value)
    return "".join(c if c.isprintable() else "·" for c in decoded)


def moment(epoch_s: float) -> str:
    """An epoch second in ISO 8601; empty when it is none."""
    return utc(epoch_s).isoformat() if 0 <= epoch_s < LATEST_S else ""
