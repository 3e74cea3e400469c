"""Scans the borders for cases that go worse than inside of both sides."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from gridsvc.cases.systems.no_mans_land import repository
from gridsvc.cases.systems.no_mans_land.model import (
    FalseAlarms,
    GroupOutcome,
    Scan,
    Stretch,
    StretchSide,
    Terms,
)
from gridsvc.cases.systems.no_mans_land.repository import CaseColumns
from gridsvc.cases.systems.no_mans_land.statistics import (
    OutcomeSums,
    false_discovery_rates,
    longer_p,
    median_duration,
    more_often_p,
    outlasting,
    tally,
)
from gridsvc.city import City
from gridsvc.errors import BadInput, NotFound
from gridsvc.registry.areas import repository as areas
from gridsvc.registry.placement.store import AreaLevel, Atlas
from gridsvc.spatial.borderland import Stretches, stretches_of
from gridsvc.spatial.plane import MetricPlane

Floats = NDArray[np.float64]
# Borders closer than this are one; an edition's accuracy counts within these bounds, in metres.
_SEAM_M = (1.0, 10.0)


@dataclass(frozen=True, slots=True, eq=False)
class _Comparison:
    """The cases and where they lie; ``group`` is a stretch, or an area behind the stretches.

    ``tested`` are the stretches with cases enough.
    """

    cases: CaseColumns
    group: NDArray[np.int64]
    stretches: Stretches
    areas: int
    tested: NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class _Answer:
    """The chances of the tested stretches, each float64 (tested,)."""

    refused: Floats
    slow: Floats
    p: Floats
    q: Floats


def scan(
    session: Session,
    city: City,
    atlas: Atlas,
    terms: Terms,
    *,
    since: dt.datetime,
    until: dt.datetime,
    now: dt.datetime,
    shuffles: int = 0,
    seed: int = 0,
    progress: Callable[[str], None] | None = None,
) -> Scan:
    """Compare the cases near each stretch of border with those inside of both its sides.

    Cases are those opened from ``since`` until before ``until``, in the areas of ``atlas``. A
    stretch is listed when its cases are refused or returned more often than inside *each* side
    (exact test), or take longer (rank test, open cases counted as not yet ended), both class by
    class; the two chances are joined by Simes, all stretches corrected by Benjamini and Hochberg.
    ``shuffles``: so often the same is done with shuffled outcomes, from ``seed`` on.

    Raises BadInput for terms that cannot be, NotFound when no such borders are in force.
    """
    tell = progress or (lambda _: None)
    level = _level(atlas, terms, since, until)
    band_m = terms.band_m or city.settings.report_accuracy_m + level.edition.accuracy_m
    tell("Reading cases.")
    returns = [
        (of.name, of.version, back.name)
        for of in city.procedures.procedures.values()
        for back in of.returns
    ]
    cases = repository.cases_opened(session, since=since, until=until, now=now, returns=returns)
    tell(f"Comparing {len(cases.lon):,} cases along the borders of {len(level.refs):,} areas.")
    compared = _compare(session, level, terms, cases, band_m, city.plane)
    score = outlasting(cases.days, cases.closed, cases.case_class)
    answer = _test(compared, cases.refused, score)
    listed = np.flatnonzero(answer.q <= terms.max_fdr)
    listed = listed[np.argsort(answer.p[listed], kind="stable")]
    alarms = None
    if shuffles:
        tell(f"Shuffling {shuffles:,} times.")
        alarms = _false_alarms(compared, score, terms.max_fdr, shuffles, seed)
    return Scan(
        terms=replace(terms, band_m=band_m),
        band_m=band_m,
        edition_id=level.edition.id,
        approximate=level.edition.approximate,
        since=since,
        until=until,
        cases=len(cases.lon),
        cases_near=int(
            ((compared.group >= 0) & (compared.group < len(compared.stretches.lines))).sum()
        ),
        stretches=len(compared.stretches.lines),
        tested=len(compared.tested),
        listed=tuple(_stretch(compared, level, answer, k) for k in listed.tolist()),
        false_alarms=alarms,
    )


def _level(atlas: Atlas, terms: Terms, since: dt.datetime, until: dt.datetime) -> AreaLevel:
    if since >= until:
        raise BadInput(
            f"The period ends on {until.isoformat()}, but begins on {since.isoformat()}; swap the"
            " two.",
            field="until",
        )
    if terms.level not in ("district", "street"):
        raise BadInput(
            f"Borders of level '{terms.level}' do not separate bodies; use district or street.",
            field="level",
        )
    for name, value in (("band_m", terms.band_m), ("stretch_m", terms.stretch_m)):
        if value is not None and not 1.0 <= value <= 100_000.0:
            raise BadInput(f"{name} is {value:g} m; give 1 to 100,000 metres.", field=name)
    if not 0.0 < terms.max_fdr < 1.0:
        raise BadInput(
            f"listed_q is {terms.max_fdr:g}; give a share of false alarms between 0 and 1, such as"
            " 0.05.",
            field="listed_q",
        )
    level = atlas.areas.get(terms.level)
    if level is None or level.borders is None:
        raise NotFound(
            f"No {terms.level} boundaries are in force; load an edition with 'gridsvc import"
            " areas'.",
            field="level",
        )
    return level


def _compare(
    session: Session,
    level: AreaLevel,
    terms: Terms,
    cases: CaseColumns,
    band_m: float,
    plane: MetricPlane,
) -> _Comparison:
    _, shapes = areas.geometries_in(session, level.edition.id)
    seam_m = min(max(level.edition.accuracy_m, _SEAM_M[0]), _SEAM_M[1])
    stretches = stretches_of(list(shapes), plane=plane, longest_m=terms.stretch_m, seam_m=seam_m)
    own = level.locator.locate(cases.lon, cases.lat)
    assert level.borders is not None
    border_m, _ = level.borders.distance(cases.lon, cases.lat, own)
    inside = (own >= 0) & (border_m > band_m)
    group = np.where(inside, len(stretches.lines) + own.astype(np.int64), -1)
    near = np.flatnonzero(border_m <= band_m)
    group[near] = stretches.nearest(cases.lon[near], cases.lat[near], own[near], band_m + seam_m)
    made = _Comparison(cases, group, stretches, len(level.refs), np.empty(0, np.int64))
    counted = _tally(made, np.zeros(len(group), dtype=bool), np.zeros(len(group)))
    every = np.arange(len(stretches.lines))
    of_near = counted.cases[every]
    enough = of_near.sum(axis=1) >= terms.fewest_near
    for side in (0, 1):
        of_side = counted.cases[len(every) + stretches.sides[:, side]]
        enough &= np.where(of_near > 0, of_side, 0).sum(axis=1) >= terms.fewest_inside
    return replace(made, tested=np.flatnonzero(enough))


def _tally(compared: _Comparison, refused: NDArray[np.bool_], score: Floats) -> OutcomeSums:
    return tally(
        compared.group,
        compared.cases.case_class,
        refused,
        score,
        groups=len(compared.stretches.lines) + compared.areas,
        classes=max(compared.cases.classes, 1),
    )


def _test(compared: _Comparison, refused: NDArray[np.bool_], score: Floats) -> _Answer:
    """Both tests against both sides; a side that is no better keeps a stretch from the list."""
    counted = _tally(compared, refused, score)
    near = counted.of(compared.tested)
    more_often, slow = np.zeros(len(compared.tested)), np.zeros(len(compared.tested))
    for side in (0, 1):
        which = len(compared.stretches.lines) + compared.stretches.sides[compared.tested, side]
        inside = counted.of(which)
        more_often = np.maximum(more_often, more_often_p(near, inside))
        slow = np.maximum(slow, longer_p(near, inside))
    p = np.minimum(2.0 * np.minimum(more_often, slow), np.maximum(more_often, slow))
    return _Answer(more_often, slow, p, false_discovery_rates(p))


def _false_alarms(
    compared: _Comparison, score: Floats, max_fdr: float, shuffles: int, seed: int
) -> FalseAlarms:
    """The scan of outcomes that are shuffled among the cases of each class."""
    rng = np.random.default_rng(seed)
    case_class, refused = compared.cases.case_class, compared.cases.refused
    by_class = np.argsort(case_class, kind="stable")
    with_alarm = 0
    below = np.zeros(2)
    for _ in range(shuffles):
        dealt = np.empty(len(case_class), dtype=np.int64)
        dealt[by_class] = np.lexsort((rng.random(len(case_class)), case_class))
        answer = _test(compared, refused[dealt], score[dealt])
        with_alarm += bool((answer.q <= max_fdr).any())
        below += (answer.p <= 0.05).sum(), (answer.p <= 0.01).sum()
    tests = shuffles * len(compared.tested)
    shares = below / max(tests, 1)
    return FalseAlarms(shuffles, with_alarm, tests, (float(shares[0]), float(shares[1])))


def _stretch(compared: _Comparison, level: AreaLevel, answer: _Answer, k: int) -> Stretch:
    stretch = int(compared.tested[k])
    one, other = (
        StretchSide(
            level.refs[index].code,
            level.refs[index].name,
            _outcome(compared, len(compared.stretches.lines) + index),
        )
        for index in compared.stretches.sides[stretch].tolist()
    )
    return Stretch(
        sides=(one, other),
        near=_outcome(compared, stretch),
        line=compared.stretches.lines[stretch],
        metres=float(compared.stretches.metres[stretch]),
        p_refused=float(answer.refused[k]),
        p_slow=float(answer.slow[k]),
        p=float(answer.p[k]),
        q=float(answer.q[k]),
    )


def _outcome(compared: _Comparison, group: int) -> GroupOutcome:
    members = compared.group == group
    closed = compared.cases.closed[members]
    return GroupOutcome(
        cases=int(members.sum()),
        refused_or_returned=int(compared.cases.refused[members].sum()),
        still_open=int((~closed).sum()),
        median_days=median_duration(compared.cases.days[members], closed),
    )
