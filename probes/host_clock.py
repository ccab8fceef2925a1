"""How far this machine's clock is off, as its kernel knows from whatever keeps it in time.

``adjtimex`` with modes 0 only reads and needs no rights (https://man7.org/linux/man-pages/man2/adjtimex.2.html).
"""

import ctypes
from dataclasses import dataclass

from probes.result import Reading

UNSYNCHRONISED = 0x0040  # STA_UNSYNC
NANOSECONDS = 0x2000  # STA_NANO: the offset is in nanoseconds


class Timex(ctypes.Structure):
    """The beginning of ``struct timex``, and room for the rest of it."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_char * 512),
    )


@dataclass(frozen=True, slots=True)
class Discipline:
    """What the kernel knows of its clock.

    Attributes:
        offset_s: what is still to be corrected.
        most_s: how far off the clock may be at most; grows while nothing corrects it.
    """

    synchronised: bool
    offset_s: float
    most_s: float


def discipline(status: int, offset: int, maxerror_us: int) -> Discipline:
    """What the fields of ``struct timex`` mean.

    >>> discipline(0x2001, -1_500_000, 20_000)
    Discipline(synchronised=True, offset_s=-0.0015, most_s=0.02)
    """
    unit_s = 1e-9 if status & NANOSECONDS else 1e-6
    return Discipline(not status & UNSYNCHRONISED, offset * unit_s, maxerror_us / 1e6)


def readings(clock: Discipline | None) -> tuple[list[Reading], list[str]]:
    """Readings of the clock, and what is not known of it."""
    if clock is None:
        return [], ["clock offset (this system does not tell)"]
    found = [Reading("host_clock_synchronized", float(clock.synchronised))]
    if not clock.synchronised:
        return found, ["clock offset (nothing tells this machine's kernel the time: no chrony, ntpd or timesyncd)"]
    return [
        *found,
        Reading("host_clock_offset_seconds", abs(clock.offset_s)),
        Reading("host_clock_error_bound_seconds", clock.most_s),
    ], []


def read() -> Discipline | None:
    """What this kernel says; None where it cannot or may not be asked."""
    buffer = Timex()
    try:
        state = ctypes.CDLL(None).adjtimex(ctypes.byref(buffer))
    except (AttributeError, OSError, TypeError):  # macOS and Windows have no such call
        return None
    return None if state < 0 else discipline(buffer.status, buffer.offset, buffer.maxerror)
