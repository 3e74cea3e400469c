"""The one list of the systems of the field, in the order in which they hear of things."""

from __future__ import annotations

from pathlib import Path

from gridsvc.cases.systems.whistles.facts import FACTS
from gridsvc.cases.systems.whistles.kinds import KINDS
from gridsvc.city.system import System

__all__ = ["SYSTEMS"]

_HERE = Path(__file__).parent

#: In this order they hear of what happens.
SYSTEMS = (
    System("ordinary", _HERE / "ordinary"),
    System("checked", _HERE / "checked"),
    System("whistles", _HERE / "whistles", tables=(KINDS, FACTS)),
    System("joint", _HERE / "joint"),
    System("city_whistle", _HERE / "city_whistle"),
    System("dual", _HERE / "dual"),
    System("post_48h", _HERE / "post_48h"),
    System("hazard", _HERE / "hazard"),
    System("mobile_desk", _HERE / "mobile_desk"),
    System("leaking_roofs", _HERE / "leaking_roofs"),
)
