"""The confidence interval of a counted efficiency."""

from __future__ import annotations

import math

# One standard deviation of the normal distribution to both sides.
_Z = 1.0
CONFIDENCE = math.erf(_Z / math.sqrt(2))


def wilson(accepted: float, events: float, z: float = _Z) -> tuple[float, float]:
    """Return the Wilson score interval of a binomial efficiency.

    Its coverage is about right for few events too, and its length is not zero if no or all events are
    accepted: its ends are then 0 and z²/(n + z²), or n/(n + z²) and 1.

    Args:
        accepted: Accepted events.
        events: All events, at least 1; with weights the effective number, (sum of weights)^2 / sum of squared weights.
        z: Standard deviations to both sides; 1 is 68.27 %.

    Source: E. B. Wilson, J. Am. Stat. Assoc. 22 (1927) 209; recommended for small numbers by L. D. Brown, T. T. Cai,
    A. DasGupta, Stat. Sci. 16 (2001) 101.

    >>> wilson(0, 3)
    (0.0, 0.25)
    """
    share = accepted / events
    scale = 1 + z * z / events
    centre = (share + z * z / (2 * events)) / scale
    half = z / scale * math.sqrt(share * (1 - share) / events + z * z / (4 * events * events))
    low = 0.0 if accepted == 0 else max(0.0, centre - half)
    high = 1.0 if accepted == events else min(1.0, centre + half)
    return low, high
