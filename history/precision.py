"""Values rounded to what their metric can tell. Pure.

Rounding is binary: a value keeps so many significant bits, so its last mantissa bits are zero, which
the column's codec stores for nothing, and sums of rounded values stay short and exact. The largest
relative error is ``2 ** -bits``: with 10 bits 0.098 %, less than the third digit a screen shows.
"""

import math

import numpy as np
from numpy.typing import NDArray

from probes.catalogue import EXACT_BITS as EXACT


def rounded(value: float, bits: int) -> float:
    """`value` to the nearest number of `bits` significant bits; half to even.

    >>> rounded(0.0123456, 10), rounded(1000.0, 10), rounded(1001.0, 9)
    (0.0123443603515625, 1000.0, 1000.0)
    """
    if bits >= EXACT or not math.isfinite(value):
        return value
    mantissa, exponent = math.frexp(value)
    return math.ldexp(round(math.ldexp(mantissa, bits)), exponent - bits)


def rounded_column(values: NDArray[np.float64], bits: int) -> NDArray[np.float64]:
    """`rounded` for a whole column."""
    if bits >= EXACT:
        return values
    mantissa, exponent = np.frexp(values)
    kept: NDArray[np.float64] = np.ldexp(np.rint(np.ldexp(mantissa, bits)), exponent - bits)
    return kept


def largest_error(bits: int) -> float:
    """The largest error of `rounded`, as a share of the value.

    >>> largest_error(10)
    0.0009765625
    """
    return 0.0 if bits >= EXACT else 2.0**-bits
