"""What is near a lane, what counts as a patrol, and when one is due: data of the city."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path

from gridsvc.city.table import Find, Table
from gridsvc.errors import BadFile
from gridsvc.spatial.track import Terms
from gridsvc.tables import table

_MOST = 10_000.0


@dataclass(frozen=True, slots=True)
class LaneRules:
    """Metres within which a report goes to the chief; how a track is matched; days until due."""

    reach_m: float
    match_m: float
    longest_gap_s: float
    fastest_kmh: float
    stale_days: float

    @property
    def terms(self) -> Terms:
        """How a track is matched."""
        return Terms(self.match_m, self.longest_gap_s, self.fastest_kmh)


def read_rules(find: Find) -> LaneRules:
    """Read ``lanes.csv``. Raises BadFile with file, line and reason."""
    path, found = find("lanes.csv"), dict[str, float]()
    known = [one.name for one in fields(LaneRules)]
    for row in table(path, ["rule", "value", "source"], key=["rule"]):
        if row["rule"] not in known:
            raise BadFile(f"{row.where}: '{row['rule'][:40]}' is not one of {', '.join(known)}.")
        try:
            value = float(row["value"])
        except ValueError:
            value = 0.0
        if not 1 <= value <= _MOST:
            raise BadFile(f"{row.where}: {row['rule']} must be a number from 1 to {_MOST:g}.")
        found[row["rule"]] = value
    if lacking := [name for name in known if name not in found]:
        raise BadFile(f"{path.name}, line 1: '{lacking[0]}' is missing.")
    return LaneRules(**found)


#: A city's own ``lanes.csv``, else the shipped one.
LANE_RULES = Table(Path(__file__).parent, read_rules)
