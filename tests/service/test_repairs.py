"""Repairs applied as drafts and taken back: nothing else moves, nothing is lost."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
import shapely
from sqlalchemy import text
from sqlalchemy.orm import Session

from gridsvc.errors import BadInput, Conflict, CoverageBroken, GridsvcError, NotFound
from gridsvc.registry.audits.service import audit_edition
from gridsvc.registry.editions import repository as edition_repository
from gridsvc.registry.editions.models import EditionState
from gridsvc.registry.repairs.model import CodedProposal, FaultProposals
from gridsvc.registry.repairs.proposals import preview, proposals_of
from gridsvc.registry.repairs.service import apply_repairs, list_repairs, undo_repairs
from gridsvc.spatial.audit import FaultKind
from tests.plane import PLANE
from tests.service import areas_world as world

AT = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
SOUTH, NORTH, EAST = "110102020", "110102007", "110106002"
#: The north's line against the south has a bulge of 22 m too little, that against the east one of
#: 17 m too much: a gap and an overlap.
BULGES = [
    (116.30, 39.89), (116.31, 39.8902), (116.32, 39.89), (116.32, 39.894), (116.3202, 39.8945),
    (116.32, 39.895), (116.32, 39.90), (116.30, 39.90),
]  # fmt: skip
STREETS = [
    world.area(SOUTH, world.box(0, 0, 2, 1), note="as surveyed"),
    world.area(NORTH, shapely.Polygon(BULGES)),
    world.area(EAST, world.box(2, 0, 2, 2)),
]


@pytest.fixture
def broken(session: Session) -> Session:
    world.make_city(session)
    world.load(session, "broken", "street", STREETS, effective_from=world.NEW, accuracy_m=20.0)
    session.commit()
    return session


def shapes(session: Session, edition: str) -> dict[str, bytes]:
    rows = session.execute(
        text("select code, st_asewkb(geometry), name, parent_code, note, area_m2 from area"
             " where edition_id = :e order by code"),
        {"e": edition},
    )  # fmt: skip
    return {row[0]: (bytes(row[1]), *row[2:]) for row in rows}


def of(session: Session, kind: FaultKind, edition: str = "broken") -> FaultProposals:
    found, _ = proposals_of(session, edition, plane=PLANE)
    (one,) = [it for it in found if it.fault.kind is kind]
    return one


def way(fault: FaultProposals, method: str, code: str | None = None) -> CodedProposal:
    (one,) = [
        it
        for it in fault.proposals
        if it.geometry.method == method and (code is None or it.chosen_code == code)
    ]
    return one


def apply(session: Session, *ids: str, edition: str = "broken", **more: Any) -> Any:
    fields: dict[str, Any] = {"by": "Li Na", "why": "agreed on 1 March", "at": AT}
    return apply_repairs(session, edition, ids, plane=PLANE, **(fields | more))


def undo(session: Session, edition: str, *ids: str, **more: Any) -> Any:
    fields: dict[str, Any] = {"by": "Wang", "why": "not agreed after all", "at": AT}
    return undo_repairs(session, edition, ids, **(fields | more))


def test_every_fault_of_an_edition_has_its_proposals(broken: Session) -> None:
    gap, overlap = of(broken, FaultKind.GAP), of(broken, FaultKind.OVERLAP)

    assert {it.id for it in overlap.proposals} == {
        f"{overlap.id}:give:{NORTH}",
        f"{overlap.id}:give:{EAST}",
        f"{overlap.id}:midline",
        f"{overlap.id}:snap:{NORTH}",
        f"{overlap.id}:snap:{EAST}",
    }
    first, *_ = gap.proposals
    assert (first.geometry.method, first.chosen_code) == ("give", NORTH)
    # A triangle of 1,710.6 by 22.2 m, by hand; too wide to be snapped within 20 m.
    assert first.changes[0].gained_m2 == pytest.approx(18_990, rel=2e-3)
    assert [it.geometry.method for it in gap.proposals] == ["give", "give", "midline"]


def test_a_preview_sums_to_the_fault_and_stores_nothing(broken: Session) -> None:
    overlap = of(broken, FaultKind.OVERLAP)

    shown = preview(broken, "broken", [way(overlap, "midline").id], PLANE)

    (north, east) = shown.to_json()["areas"]
    assert (north["code"], east["code"]) == (NORTH, EAST)
    assert north["lost_m2"] + east["lost_m2"] == pytest.approx(overlap.fault.area_m2, rel=1e-9)
    roles = [it["properties"]["role"] for it in shown.to_geojson()["features"]]
    assert roles == ["fault", "before", "after", "before", "after"]
    assert not broken.new
    assert {it.id for it in edition_repository.editions(broken, "street")} == {"streets", "broken"}


def test_a_repair_makes_a_draft_without_the_fault_and_leaves_all_else_bit_by_bit(
    broken: Session,
) -> None:
    before = shapes(broken, "broken")
    gap = of(broken, FaultKind.GAP)

    made, (repair,) = apply(broken, way(gap, "give", NORTH).id)

    assert (made.id, made.state, made.reason) == ("broken.r1", "draft", "agreed on 1 March")
    after = shapes(broken, made.id)
    assert (after[SOUTH], after[EAST]) == (before[SOUTH], before[EAST])
    assert after[NORTH] != before[NORTH]
    assert shapes(broken, "broken") == before
    kinds = [it.kind for it in audit_edition(broken, made.id, plane=PLANE).faults]
    assert FaultKind.GAP not in kinds
    assert kinds.count(FaultKind.OVERLAP) == 1
    assert (repair.by, repair.why, repair.action) == ("Li Na", "agreed on 1 March", "applied")
    assert repair.changes == ((NORTH, pytest.approx(gap.fault.area_m2), 0.0),)
    assert [it.id for it in list_repairs(broken, "broken")] == [repair.id]


def test_several_repairs_make_one_draft_and_are_taken_back_to_the_last_bit(broken: Session) -> None:
    before = shapes(broken, "broken")
    gap, overlap = of(broken, FaultKind.GAP), of(broken, FaultKind.OVERLAP)
    ids = [way(gap, "midline").id, way(overlap, "snap", NORTH).id]

    made, repairs = apply(broken, *ids)
    one, _ = undo(broken, made.id, str(repairs[1].id))
    none, undone = undo(broken, made.id, *(str(it.id) for it in repairs))

    kinds = {it.kind for it in audit_edition(broken, made.id, plane=PLANE).faults}
    assert not kinds & {FaultKind.GAP, FaultKind.OVERLAP}
    assert shapes(broken, one.id)[EAST] == before[EAST]
    assert of(broken, FaultKind.OVERLAP, one.id).id == overlap.id
    assert shapes(broken, none.id) == before
    assert none.state == EditionState.DRAFT
    assert [it.undoes for it in undone] == [it.id for it in reversed(repairs)]
    assert [it.by for it in undone] == ["Wang", "Wang"]


def test_a_repair_survives_the_commit_and_a_second_one_follows_it(broken: Session) -> None:
    gap = of(broken, FaultKind.GAP)
    made, _ = apply(broken, way(gap, "give", NORTH).id)
    broken.commit()

    overlap = of(broken, FaultKind.OVERLAP, made.id)
    second, _ = apply(broken, way(overlap, "give", EAST).id, edition=made.id)

    assert second.id == "broken.r2"
    assert not [
        it for it in audit_edition(broken, second.id, plane=PLANE).faults if it.kind == "overlap"
    ]


def test_a_repair_under_a_later_one_is_not_taken_back_alone(broken: Session) -> None:
    made, (first,) = apply(broken, way(of(broken, FaultKind.GAP), "give", NORTH).id)
    overlap = of(broken, FaultKind.OVERLAP, made.id)
    second, (later,) = apply(broken, way(overlap, "give", EAST).id, edition=made.id)

    with pytest.raises(Conflict, match="changed again after the repair"):
        undo(broken, second.id, str(first.id))
    with pytest.raises(Conflict, match="is not in 'broken'"):
        undo(broken, "broken", str(first.id))
    whole, _ = undo(broken, second.id, str(first.id), str(later.id))
    assert shapes(broken, whole.id) == shapes(broken, "broken")


def test_a_fault_that_is_gone_or_was_never_there_is_told_apart(broken: Session) -> None:
    proposal = way(of(broken, FaultKind.GAP), "give", NORTH).id
    made, _ = apply(broken, proposal)

    with pytest.raises(Conflict, match="a repair has fixed it"):
        apply(broken, proposal, edition=made.id)
    with pytest.raises(NotFound, match="has no fault '0123456789ab'"):
        apply(broken, "0123456789ab:midline")


def test_a_fault_is_another_when_the_boundaries_have_changed(broken: Session) -> None:
    proposal = way(of(broken, FaultKind.GAP), "give", NORTH).id
    broken.execute(
        text("update area set geometry = st_multi(st_translate(geometry, 0, 0.00005))"
             " where edition_id = 'broken' and code = :code"),
        {"code": NORTH},
    )  # fmt: skip

    with pytest.raises(NotFound, match="may have changed"):
        apply(broken, proposal)


@pytest.mark.parametrize(
    ("more", "error", "word"),
    [
        ({"by": " "}, BadInput, "who does it"),
        ({"by": "x" * 101}, BadInput, "100 characters"),
        ({"why": ""}, BadInput, "Say why"),
        ({"new_id": "streets"}, Conflict, "already exists"),
        ({"edition": "nowhere"}, NotFound, "no edition"),
    ],
)
def test_a_repair_needs_who_why_and_an_edition(
    broken: Session, more: dict[str, Any], error: type[GridsvcError], word: str
) -> None:
    proposal = way(of(broken, FaultKind.GAP), "give", NORTH).id

    with pytest.raises(error, match=word):
        apply(broken, proposal, **more)


def test_proposals_that_cannot_be_are_refused(broken: Session) -> None:
    gap = of(broken, FaultKind.GAP)
    give = way(gap, "give", NORTH).id

    with pytest.raises(BadInput, match="is not a proposal"):
        apply(broken, "mend it all")
    with pytest.raises(BadInput, match="at least one"):
        apply(broken)
    with pytest.raises(Conflict, match="the same fault"):
        apply(broken, give, way(gap, "midline").id)
    with pytest.raises(NotFound, match="there are"):
        apply(broken, f"{gap.id}:give:110106002")
    with pytest.raises(BadInput, match="not the id of a repair"):
        undo(broken, "broken", "first")
    with pytest.raises(NotFound, match="no applied repair"):
        undo(broken, "broken", "0195a5a0-0000-7000-8000-000000000000")


def test_two_repairs_that_touch_the_same_place_are_refused(session: Session) -> None:
    # A gap and an overlap that meet in the point where the two lines cross.
    world.make_city(session)
    line = [(116.30, 39.89), (116.305, 39.8901), (116.315, 39.8899), (116.32, 39.89)]
    crossed = [
        world.area(SOUTH, world.box(0, 0, 2, 1)),
        world.area(NORTH, shapely.Polygon([*line, (116.32, 39.90), (116.30, 39.90)])),
        world.area(EAST, world.box(2, 0, 2, 2)),
    ]
    world.load(session, "crossed", "street", crossed, effective_from=world.NEW, accuracy_m=20.0)
    gap, overlap = of(session, FaultKind.GAP, "crossed"), of(session, FaultKind.OVERLAP, "crossed")
    both = [way(gap, "give", NORTH).id, way(overlap, "give", SOUTH).id]

    with pytest.raises(Conflict, match="touch each other"):
        apply(session, *both, edition="crossed")
    first, _ = apply(session, both[0], edition="crossed")
    second, _ = apply(session, both[1], edition=first.id)
    assert not audit_edition(session, second.id, plane=PLANE).faults


def test_ground_outside_the_own_parent_is_given_only_when_that_is_allowed(session: Session) -> None:
    # The gap lies in the western district; the eastern street is its longest neighbour.
    world.make_city(session)
    drawn = [
        world.area(SOUTH, world.box(0, 0, 2, 1)),
        world.area(NORTH, world.box(0, 1, 2, 1).difference(world.box(1.99, 1.2, 0.01, 0.6))),
        world.area(EAST, world.box(2, 0, 2, 2)),
    ]
    world.load(session, "notched", "street", drawn, effective_from=world.NEW)
    east = way(of(session, FaultKind.GAP, "notched"), "give", EAST)

    assert east.changes[0].outside_parent_m2 == pytest.approx(east.changes[0].gained_m2)
    with pytest.raises(CoverageBroken, match="outside its own parent"):
        apply(session, east.id, edition="notched")
    made, _ = apply(session, east.id, edition="notched", outside_parent=True)
    assert made.id == "notched.r1"


def test_builds_of_unit_grids_are_not_mended(session: Session) -> None:
    world.make_city(session)
    session.execute(
        text("insert into edition (id, level, title, source, licence, accuracy_m, approximate,"
             " state, effective_from, loaded_at) values ('cells', 'unit_grid', '', '', '', 0,"
             " false, 'draft', now(), now())")
    )  # fmt: skip

    with pytest.raises(Conflict, match="build the grids again"):
        proposals_of(session, "cells", plane=PLANE)


def test_pages_of_faults_follow_each_other(broken: Session) -> None:
    whole, end = proposals_of(broken, "broken", plane=PLANE)
    first, cursor = proposals_of(broken, "broken", limit=1, plane=PLANE)
    rest, last = proposals_of(broken, "broken", after=cursor, limit=10, plane=PLANE)

    assert [it.id for it in [*first, *rest]] == [it.id for it in whole]
    assert (end, last, cursor) == (None, None, first[0].id)
    with pytest.raises(BadInput, match="cursor"):
        proposals_of(broken, "broken", after="x", plane=PLANE)


def test_the_service_may_not_change_what_was_repaired(broken: Session) -> None:
    apply(broken, way(of(broken, FaultKind.GAP), "give", NORTH).id)
    broken.commit()
    broken.execute(text("set role gridsvc_service"))

    for statement in ("update repair set actor = 'x'", "delete from repair_area"):
        with pytest.raises(Exception, match="permission denied"):
            broken.execute(text(statement))
        broken.rollback()
        broken.execute(text("set role gridsvc_service"))
