"""How long a message rests between two tries."""

from __future__ import annotations

import datetime as dt

__all__ = ["LONGEST_S", "pause_after"]

#: No pause is longer than a day, whatever the settings say.
LONGEST_S = 86_400.0

_GROWTH = 4.0
_JITTER = 0.25
# A day is reached long before; beyond, the power would leave the range of a float.
_MOST_STEPS = 60


def pause_after(tries: int, *, base_s: float, chance: float) -> dt.timedelta:
    """The pause after ``tries`` failed tries: four times as long each time, at most a day.

    ``chance`` in [0, 1) spreads it by a quarter up or down, so that the messages of a receiver
    that was down do not all come back in one moment. With the default settings the seven pauses
    of eight tries add up to about 23 hours.
    """
    grown = base_s * _GROWTH ** min(tries - 1, _MOST_STEPS)
    spread = 1.0 - _JITTER + 2.0 * _JITTER * chance
    return dt.timedelta(seconds=min(grown * spread, LONGEST_S))
