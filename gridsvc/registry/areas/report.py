"""What an import of areas did, as values, and the rows of a table that a person reads."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from gridsvc.registry.areas.datum import Shift

# An audit is kept in the edition's row: long enough to act on, short enough to send.
_KEPT_FAULTS = 200


class FaultKind(StrEnum):
    """What can be wrong between areas that are sound in themselves."""

    OVERLAP = "overlap"
    GAP = "gap"
    SLIVER = "sliver"
    DUPLICATE = "same shape"
    OUTSIDE_PARENT = "outside its parent"
    NO_PARENT = "parent not in force"
    SAME_NAME = "same name"
    OTHER_NAME = "name differs from the list"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one area: of one feature, or of several that were joined.

    ``features`` are numbers in the file, from 1. ``words`` say how it was repaired or why it was
    refused. ``changed_m2`` is what repairing added (or, below 0, took). ``lon`` and ``lat`` (WGS84)
    are a place to look at, None when there is none.
    """

    features: tuple[int, ...]
    code: str | None
    name: str | None
    words: str
    changed_m2: float
    lon: float | None
    lat: float | None


@dataclass(frozen=True, slots=True)
class ImportFault:
    """Something wrong between areas: which, how many m², where, and a sentence.

    ``area_m2`` is 0 for what has no size (names); ``lon`` and ``lat`` are WGS84.
    """

    kind: FaultKind
    codes: tuple[str, ...]
    area_m2: float
    words: str
    lon: float | None
    lat: float | None


@dataclass(frozen=True, slots=True)
class DrawnFeature:
    """The geometry (WGS84) of an area as it was kept, or of a refused feature as it came."""

    features: tuple[int, ...]
    geometry: Any


@dataclass(frozen=True, slots=True)
class AreaImport:
    """Every feature of a file is in one of three lists; the faults are left as they are.

    ``loaded`` went in as drawn, ``mended`` after repair, ``refused`` not at all. ``faults`` are
    sorted by m², the worst first. ``remarks`` concern the file as a whole; ``shift`` is told when
    the areas lie where another datum would put them. ``drawn`` is for the map.
    """

    edition_id: str
    level: str
    crs: str
    loaded: tuple[Outcome, ...]
    mended: tuple[Outcome, ...]
    refused: tuple[Outcome, ...]
    faults: tuple[ImportFault, ...]
    remarks: tuple[str, ...]
    shift: Shift | None = None
    drawn: tuple[DrawnFeature, ...] = ()


@dataclass(frozen=True, slots=True)
class ReportRow:
    """A line of the table: what happened, to which area, how large, where, in words."""

    what: str
    features: str
    code: str
    name: str
    area_m2: float
    place: str
    words: str


def summary(result: AreaImport) -> dict[str, Any]:
    """The counts of an import and its worst faults, ready for JSON; kept as an edition's audit.

    ``features`` counts rows of the file; ``loaded``, ``mended`` and ``refused`` count areas.
    """
    groups = {"loaded": result.loaded, "mended": result.mended, "refused": result.refused}
    return {
        "features": sum(len(it.features) for group in groups.values() for it in group),
        **{name: len(group) for name, group in groups.items()},
        "faults": dict(Counter(fault.kind.value for fault in result.faults)),
        "overlapping_m2": round(_total(result, FaultKind.OVERLAP), 3),
        "outside_parent_m2": round(_total(result, FaultKind.OUTSIDE_PARENT), 3),
        "mended_areas": [asdict(outcome) for outcome in result.mended],
        "refused_areas": [asdict(outcome) for outcome in result.refused],
        "worst_faults": [asdict(fault) for fault in result.faults[:_KEPT_FAULTS]],
        "remarks": list(result.remarks),
        "shift": None if result.shift is None else asdict(result.shift),
    }


def full_report(result: AreaImport) -> dict[str, Any]:
    """All that an import found, area by area and fault by fault, ready for JSON.

    ``areas`` are in the order of the file, each with ``what`` (loaded, repaired, refused), its
    ``features``, ``code``, ``name``, ``words`` (how it was repaired, why it was refused),
    ``changed_m2``, ``lon`` and ``lat``.
    """
    groups = {"loaded": result.loaded, "mended": result.mended, "refused": result.refused}
    counted = summary(result)
    outcomes = [(it.features, what, it) for what, group in groups.items() for it in group]
    return {
        "edition": result.edition_id,
        "level": result.level,
        "crs": result.crs,
        **{key: counted[key] for key in ("features", *groups, "overlapping_m2")},
        "outside_parent_m2": counted["outside_parent_m2"],
        "remarks": counted["remarks"],
        "shift": counted["shift"],
        "areas": [
            {"what": what, **asdict(outcome)}
            for _, what, outcome in sorted(outcomes, key=lambda it: it[0])
        ],
        "faults": [asdict(fault) for fault in result.faults],
    }


def report_rows(result: AreaImport, *, worst: int = 20) -> list[ReportRow]:
    """All refused and repaired areas, then the ``worst`` faults of each kind, the largest first."""
    rows = [
        ReportRow(
            what,
            ", ".join(str(number) for number in outcome.features),
            outcome.code or "",
            outcome.name or "",
            outcome.changed_m2,
            _place(outcome.lon, outcome.lat),
            outcome.words,
        )
        for what, group in (("refused", result.refused), ("mended", result.mended))
        for outcome in sorted(group, key=lambda it: (-abs(it.changed_m2), it.features))
    ]
    for kind in FaultKind:
        faults = [fault for fault in result.faults if fault.kind is kind]
        rows += [
            ReportRow(
                kind.value,
                "",
                ", ".join(fault.codes),
                "",
                fault.area_m2,
                _place(fault.lon, fault.lat),
                fault.words,
            )
            for fault in faults[:worst]
        ]
    return rows


def _total(result: AreaImport, kind: FaultKind) -> float:
    return sum(fault.area_m2 for fault in result.faults if fault.kind is kind)


def _place(lon: float | None, lat: float | None) -> str:
    return "" if lon is None or lat is None else f"{lon:.6f} {lat:.6f}"
