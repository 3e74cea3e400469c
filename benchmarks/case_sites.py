"""Where the made-up cases happen, and who answers there: asked of the service itself.

Sites are drawn inside the registered districts and placed by the service, so that every stored
placement is a true answer; bodies come from the registered duty lists by the service's own rule,
progress from its own engine.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from sqlalchemy.orm import Session

from gridsvc.cases.core.engine import SUPERVISION, go_back, take
from gridsvc.cases.core.opening import take_seats
from gridsvc.cases.core.progress import Progress, begin, carried_over, skip_system
from gridsvc.city import City
from gridsvc.city.classes import STANDARD, ClassKey
from gridsvc.city.procedures.model import Actor, Library, Requirement
from gridsvc.registry.bodies.repository import Responsibility
from gridsvc.registry.bodies.service import find_responsible
from gridsvc.registry.placement.model import AreaRef, Placement
from gridsvc.registry.placement.service import place
from gridsvc.registry.placement.store import Atlas

__all__ = [
    "CLASSES",
    "JOINT_STEPS",
    "REPORTER",
    "Answering",
    "Dispatch",
    "Site",
    "draw_sites",
    "subject_of",
    "weights",
]

#: What is reported in a city, most of it event classes, and how often.
CLASSES: tuple[tuple[ClassKey, float], ...] = tuple(
    (ClassKey(STANDARD, kind, code), weight)
    for kind, code, weight in (
        ("event", "06010", 12.0),
        ("event", "06013", 9.0),
        ("event", "06028", 9.0),
        ("event", "09009", 9.0),
        ("event", "06036", 8.0),
        ("event", "09006", 7.0),
        ("event", "06027", 6.0),
        ("event", "08001", 6.0),
        ("event", "07001", 5.0),
        ("event", "06001", 5.0),
        ("event", "09012", 4.0),
        ("event", "01001", 4.0),
        ("event", "06025", 3.0),
        ("part", "01037", 4.0),
        ("part", "02012", 3.0),
        ("part", "03005", 3.0),
        ("part", "04013", 3.0),
    )
)

#: The token that filed them all.
REPORTER = "0190d3a0-0000-7000-8000-000000000001"
_ACCURACY_M = 10.0
_CHANNEL = "12345"
_EVERYTHING_MET = tuple(Requirement)
#: A report is at most this far from its site, and never over a border.
_SCATTER_M = 20.0


@dataclass(frozen=True, slots=True)
class Site:
    """A place in the city: its areas, and the stored placement around a point's coordinates.

    ``scatter_m`` is how far from it a report has the same answer; ``across`` the nearest street
    of another district, empty where none is within reach.
    """

    lon: float
    lat: float
    district: str
    street: str
    community: str | None
    across: str
    scatter_m: float
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Dispatch:
    """Who answers for a class in a street, and what a case keeps of it at every stage."""

    lead: str
    assist: tuple[str, ...]
    limit_hours: float
    grade: str
    responsibility: str
    stages: dict[str, str]


@dataclass(slots=True)
class Answering:
    """Finds who answers, once for each street and class."""

    session: Session
    city: City
    day: dt.date
    known: dict[tuple[str, str, int], Dispatch] = field(default_factory=dict)

    def of(self, site: Site, chosen: int, *, joint: bool = False) -> Dispatch:
        """The dispatch of the class with that number in :data:`CLASSES`."""
        key = (site.street, site.across if joint else "", chosen)
        found = self.known.get(key)
        if found is None:
            found = self.known[key] = self._find(site, CLASSES[chosen][0], key[1])
        return found

    def _find(self, site: Site, key: ClassKey, other: str) -> Dispatch:
        placement = _areas_only(site)
        found = find_responsible(self.session, placement, key=key, asset=None, day=self.day)
        rule = self.city.procedures.rule_for(_CHANNEL, key)
        limit = self.city.procedures.grades[rule.grade].limit
        return Dispatch(
            lead=found.lead.code,
            assist=tuple(body.code for body in found.assist),
            limit_hours=limit.hours,
            grade=rule.grade,
            responsibility=_canonical(found.to_json()),
            stages=_joint(self.city.procedures, found, site.street, other)
            if other
            else _stages(self.city.procedures, found, site.street),
        )


def subject_of(body: str) -> str:
    """The subject of the token by which a body acts."""
    return f"street:{body}" if len(body) == 9 else f"department:{body}"


def draw_sites(
    atlas: Atlas, count: int, seed: int, box: tuple[float, float, float, float]
) -> tuple[Site, ...]:
    """So many sites in the districts, dense in the middle of the box (degrees, WGS84)."""
    rng = np.random.default_rng([seed, 0])
    west, south, east, north = box
    middle = np.array([(west + east) / 2, (south + north) / 2])
    spread = np.array([(east - west) / 5, (north - south) / 5])
    sites: list[Site] = []
    while len(sites) < count:
        for lon, lat in np.round(middle + rng.standard_normal((count, 2)) * spread, 6).tolist():
            if west < lon < east and south < lat < north:
                site = _site(place(atlas, lon, lat, _ACCURACY_M))
                if site is not None:
                    sites.append(site)
    return tuple(sites[:count])


def weights() -> npt.NDArray[np.float64]:
    """How often each class is reported, shape (classes,), summing to 1."""
    every = np.array([weight for _, weight in CLASSES])
    shares: npt.NDArray[np.float64] = every / every.sum()
    return shares


def _site(placement: Placement) -> Site | None:
    if placement.district is None or placement.street is None or placement.conflict is not None:
        return None
    if not placement.street.code.startswith(placement.district.code):
        return None
    near = placement.border.neighbours if placement.border else ()
    across = [n.code for n in near if n.level == "street" and n.code[:6] != placement.district.code]
    distance_m = 0.0 if placement.border is None else placement.border.distance_m
    text = json.dumps(placement.to_json(), ensure_ascii=False)
    before, _, rest = text.partition('"coordinates": [')
    return Site(
        lon=placement.lon,
        lat=placement.lat,
        district=placement.district.code,
        street=placement.street.code,
        community=None if placement.community is None else placement.community.code,
        across=across[0] if across else "",
        scatter_m=min(_SCATTER_M, distance_m / 4),
        before=before + '"coordinates": [',
        after="]" + rest.partition("]")[2],
    )


def _areas_only(site: Site) -> Placement:
    """A placement with what the duty lists look at: the point and its areas."""
    here = json.loads(f"{site.before}0, 0{site.after}")
    district, street, community = (
        None if here[level] is None else AreaRef(here[level]["code"], here[level]["name"])
        for level in ("district", "street", "community")
    )
    return Placement(
        lon=site.lon,
        lat=site.lat,
        accuracy_m=_ACCURACY_M,
        district=district,
        street=street,
        community=community,
        unit_grid=None,
        claims=(),
        conflict=None,
        border=None,
        editions=(),
    )


def _canonical(value: Any) -> str:
    """JSON as the trace hashes it."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def _opened(procedures: Library, responsibility: Responsibility, street: str) -> Progress:
    procedure = procedures.newest("ordinary")
    progress = begin(procedure, lead=responsibility.lead.code)
    assist = tuple(body.code for body in responsibility.assist)
    progress = replace(progress, reporter=REPORTER, assistants=assist)
    return take_seats(procedure, progress.seated(Actor.TERRITORY, street))


def _stages(procedures: Library, responsibility: Responsibility, street: str) -> dict[str, str]:
    """Progress at each step of the ordinary case, and closed; after a refusal, with ``refused``."""
    procedure = procedures.newest("ordinary")
    kept = {}
    for prefix in ("", "refused "):
        progress = _opened(procedures, responsibility, street)
        if prefix:
            evidence = {"note": "not ours", "responsible_now": street, "clause": "not_listed"}
            lead = progress.lead
            progress = go_back(
                procedure, progress, "refuse", party=lead, evidence=evidence, actor=subject_of(lead)
            )
            progress = skip_system(procedure, replace(progress, lead=street, returned=False))
        kept[f"{prefix}handle"] = _canonical(progress.to_json())
        for step, then in _WAY:
            by_lead = step in ("handle", "feed_back")
            progress = take(
                procedure,
                progress,
                step,
                party=progress.lead if by_lead else SUPERVISION,
                evidence={"note": "done"} if step != "assess" else {"score": 90},
                actor=subject_of(progress.lead) if by_lead else f"district:{street[:6]}",
            )
            kept[prefix + then] = _canonical(progress.to_json())
    return kept


_WAY = (
    ("handle", "feed_back"),
    ("feed_back", "verify"),
    ("verify", "assess"),
    ("assess", "closed"),
)

_PLAN = {"plan": {"time": "later", "place": "there", "division": "both"}}
#: The steps of a joint whistle, the sides that take each, and what they carry.
JOINT_STEPS: tuple[tuple[str, Sequence[str], dict[str, Any]], ...] = (
    ("receiving_meeting", ("lead",), {"minutes": "met"}),
    ("whistle_other_side", ("lead",), {"demand": {"task": "come"}}),
    ("bring_departments", ("other",), {"departments": ["later"]}),
    (
        "agree_plan",
        ("lead", "other"),
        _PLAN,
    ),
    ("joint_action", ("lead",), {"note": "acted"}),
    ("close", ("lead", "other"), {"note": "closed"}),
)


def _joint(
    procedures: Library, responsibility: Responsibility, street: str, other: str
) -> dict[str, str]:
    """Progress of a joint case that both sides have closed."""
    procedure = procedures.newest("joint")
    progress = begin(procedure, lead=street, other=other)
    progress = carried_over(progress, _opened(procedures, responsibility, street))
    for step, sides, evidence in JOINT_STEPS:
        for side in sides:
            body = street if side == "lead" else other
            progress = take(
                procedure,
                progress,
                step,
                party=body,
                evidence=evidence,
                met=_EVERYTHING_MET,
                actor=subject_of(body),
            )
    return {"closed": _canonical(progress.to_json())}
