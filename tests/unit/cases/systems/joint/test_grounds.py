"""The grounds of a joint whistle, as rules over what placement knows."""

from __future__ import annotations

import uuid

import pytest

from gridsvc.cases.systems.joint.blowing import JointGround
from gridsvc.cases.systems.joint.triggers import (
    trigger_for_conflict,
    trigger_for_crowd,
    trigger_for_dispute,
    trigger_for_footprint,
    trigger_for_near,
)
from gridsvc.registry.bodies.rule import Ground
from gridsvc.registry.disputes.model import DisputeAt
from gridsvc.registry.placement.model import AreaRef, Border, Conflict, Neighbour, Placement

WEST, EAST = "110102", "110106"
LEAD, LEAD_NORTH, OTHER = "110102020", "110102007", "110106002"


def neighbour(code, distance_m, level="street"):
    return Neighbour(level, code, code, distance_m)


def placement(
    *, district=WEST, streets=(LEAD,), neighbours=(), near_levels=(), conflict=None
) -> Placement:
    return Placement(
        lon=116.32,
        lat=39.885,
        accuracy_m=10.0,
        district=AreaRef(district, district) if district else None,
        street=AreaRef(streets[0], streets[0]) if streets else None,
        community=None,
        unit_grid=None,
        claims=(("street", tuple(AreaRef(code, code) for code in streets)),),
        conflict=conflict,
        border=Border(8.0, "district", tuple(near_levels), tuple(neighbours)),
        editions=(),
    )


NEAR = placement(
    neighbours=(neighbour(EAST, 8.0, "district"), neighbour(OTHER, 8.0)),
    near_levels=("district", "street"),
)


def test_near_another_district_its_street_is_the_other_side():
    call = trigger_for_near(NEAR, Ground.DUTY)
    assert (call.ground, call.lead, call.other) == (JointGround.NEAR, LEAD, OTHER)
    assert call.facts["distance_m"] == 8.0


@pytest.mark.parametrize("ground", list(Ground))
def test_an_asset_owner_answers_on_both_sides(ground):
    assert (trigger_for_near(NEAR, ground) is None) == (ground is Ground.ASSET_OWNER)
    counts = {WEST: 2, EAST: 1}
    assert (trigger_for_crowd(NEAR, ground, counts, least=3) is None) == (
        ground is Ground.ASSET_OWNER
    )


def test_a_near_border_of_two_streets_of_one_district_asks_nobody():
    inner = placement(neighbours=(neighbour(LEAD_NORTH, 3.0),), near_levels=("street",))
    assert trigger_for_near(inner, Ground.DUTY) is None


def test_the_outside_of_the_city_is_no_side():
    edge = placement(neighbours=(), near_levels=("district",))
    assert trigger_for_near(edge, Ground.DUTY) is None


def test_the_nearest_street_across_is_called_not_a_nearer_one_of_the_own_district():
    both = placement(
        neighbours=(neighbour(LEAD_NORTH, 2.0), neighbour(OTHER, 8.0), neighbour("110106001", 9.0)),
        near_levels=("district",),
    )
    assert trigger_for_near(both, Ground.DUTY).other == OTHER


@pytest.mark.parametrize(
    ("counts", "called"),
    [
        ({WEST: 2, EAST: 1}, True),
        ({WEST: 1, EAST: 2}, True),
        ({WEST: 1, EAST: 1}, False),
        ({WEST: 5}, False),
        ({}, False),
    ],
)
def test_a_crowd_is_three_on_both_sides(counts, called):
    call = trigger_for_crowd(NEAR, Ground.DUTY, counts, least=3)
    assert (call is not None) == called
    if call is not None:
        assert (call.ground, call.facts["reports"]) == (JointGround.CROWD, counts)


def test_two_streets_that_claim_a_point_are_in_conflict():
    call = trigger_for_conflict(placement(streets=(LEAD, OTHER)))
    assert (call.ground, call.lead, call.other) == (JointGround.CONFLICT, LEAD, OTHER)


def test_where_street_and_district_disagree_the_districts_own_nearest_street_is_the_rival():
    conflict = Conflict((("district", EAST), ("street", LEAD)), "The levels contradict each other.")
    disputed = placement(
        district=EAST, conflict=conflict, neighbours=(neighbour(OTHER, 3.0),), near_levels=()
    )
    call = trigger_for_conflict(disputed)
    assert (call.lead, call.other) == (LEAD, OTHER)
    assert call.facts["explanation"] == "The levels contradict each other."


def test_a_conflict_with_nobody_else_in_reach_calls_nobody():
    conflict = Conflict((("district", EAST), ("street", LEAD)), "They contradict each other.")
    assert trigger_for_conflict(placement(district=EAST, conflict=conflict)) is None


def test_a_place_that_is_clear_calls_nobody():
    assert trigger_for_conflict(placement()) is None
    assert trigger_for_footprint(placement(), None) is None


def dispute(*sides):
    return DisputeAt(uuid.UUID(int=1), "overlap", "open", sides)


def test_in_a_dispute_the_own_street_leads_and_the_other_side_is_called():
    call = trigger_for_dispute(placement(), [dispute(OTHER, LEAD)])
    assert (call.ground, call.lead, call.other) == (JointGround.CONFLICT, LEAD, OTHER)
    assert call.facts["dispute_id"] == str(uuid.UUID(int=1))


def test_where_no_street_is_drawn_the_first_side_leads():
    call = trigger_for_dispute(placement(streets=()), [dispute(OTHER, LEAD)])
    assert (call.lead, call.other) == (OTHER, LEAD)


def test_a_district_on_a_side_stands_for_its_nearest_street():
    call = trigger_for_dispute(NEAR, [dispute(LEAD, EAST)])
    assert (call.lead, call.other) == (LEAD, OTHER)


def test_communities_on_both_sides_call_their_streets():
    call = trigger_for_dispute(placement(), [dispute(f"{LEAD}001", f"{OTHER}003")])
    assert (call.lead, call.other) == (LEAD, OTHER)


@pytest.mark.parametrize("sides", [(LEAD,), (f"{LEAD}001", f"{LEAD}002"), (LEAD, "110105")])
def test_a_dispute_without_a_second_street_calls_nobody(sides):
    assert trigger_for_dispute(placement(), [dispute(*sides)]) is None
