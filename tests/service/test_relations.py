"""Relations of two layers: PostGIS by brute force, shares that sum to 1, limits, bad questions."""

from __future__ import annotations

import itertools
import json
import random
import time
from pathlib import Path
from typing import Any

import pytest
import shapely
from pyproj import Geod
from sqlalchemy import text
from sqlalchemy.orm import Session

from gridsvc.errors import BadCode, BadInput, GridsvcError, NotFound, QueryTooBroad
from gridsvc.layers.relations.model import (
    LayerName,
    LayerSide,
    Relation,
    UploadSide,
)
from gridsvc.layers.relations.schemas import RelationsAnswer
from gridsvc.layers.relations.service import relate
from gridsvc.spatial.ellipsoid import area_m2
from gridsvc.spatial.reading import SentFeature
from tests import cities
from tests.service import areas_world as world
from tests.waiting import slowness

STREETS = LayerSide(LayerName.STREETS)
DISTRICTS = LayerSide(LayerName.DISTRICTS)
PARTS = LayerSide(LayerName.PARTS)
COMMUNITIES = LayerSide(LayerName.COMMUNITIES)
PREDICATES = ["touches", "overlaps", "covers", "within", "intersects"]


def upload(*shapes: Any) -> UploadSide:
    return UploadSide(tuple(SentFeature(n, None, None, shape) for n, shape in enumerate(shapes, 1)))


def below(code: str) -> LayerSide:
    return LayerSide(LayerName.STREETS, (code,))


def drawn_by(edition: str) -> LayerSide:
    return LayerSide(LayerName.STREETS, edition=edition)


def ask(session: Session, relation: str, a: Any, b: Any, **more: Any) -> RelationsAnswer:
    return relate(
        session,
        Relation(relation),
        a,
        b,
        **({"city": cities.city(), "now": cities.now(), "timeout_s": 30.0} | more),
    )


def keys(page: RelationsAnswer) -> list[tuple[Any, Any]]:
    def key(member: Any) -> Any:
        return member.feature if member.feature is not None else member.code

    return [(key(pair.a), None if pair.b is None else key(pair.b)) for pair in page.pairs]


def every_page(session: Session, relation: str, a: Any, b: Any, limit: int) -> list[Any]:
    found, cursor = [], None
    while True:
        page = ask(session, relation, a, b, limit=limit, cursor=cursor)
        assert len(page.pairs) <= limit
        found += keys(page)
        cursor = page.next
        if cursor is None:
            return found


def random_shapes(seed: int, count: int) -> list[Any]:
    """Shapes on a raster of tenths of a box, so that they often touch, cover and equal."""
    dice = random.Random(seed)
    shapes: list[Any] = []
    while len(shapes) < count:
        x, y = dice.randrange(12) / 3, dice.randrange(12) / 3
        w, h = dice.randrange(1, 6) / 3, dice.randrange(1, 6) / 3
        box = world.box(x, y, w, h)
        kind = dice.randrange(8)
        if kind == 0:
            shape: Any = shapely.Point(box.exterior.coords[0])
        elif kind == 1:
            shape = shapely.LineString(box.exterior.coords[:3])
        elif kind == 2:
            shape = shapely.Polygon(box.exterior.coords[:3])
        elif kind == 3:
            shape = shapely.MultiPolygon([box, world.box(x + w + 1, y, w, h)])
        else:
            shape = box
        shapes.append(shape)
    return shapes


def brute_force(session: Session, relation: str, a: list[Any], b: list[Any]) -> list[Any]:
    """PostGIS on every pair, without any index."""
    predicate = (
        {
            "touches": "select st_touches(:p, :q)",
            "overlaps": "select st_overlaps(:p, :q)",
            "covers": "select st_covers(:p, :q)",
            "within": "select st_within(:p, :q)",
            "intersects": "select st_intersects(:p, :q)",
        }[relation]
        .replace(":p", "cast(:p as geometry)")
        .replace(":q", "cast(:q as geometry)")
    )
    pairs = itertools.product(enumerate(a, 1), enumerate(b, 1))
    return [
        (one, other)
        for (one, p), (other, q) in pairs
        if session.scalar(text(predicate), {"p": p.wkt, "q": q.wkt})
    ]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("relation", PREDICATES)
def test_a_relation_holds_for_the_pairs_that_postgis_and_geos_find_by_brute_force(
    session: Session, relation: str, seed: int
) -> None:
    a, b = random_shapes(seed, 24), random_shapes(seed + 100, 24)

    found = every_page(session, relation, upload(*a), upload(*b), limit=7)

    assert found == brute_force(session, relation, a, b)
    geos = getattr(shapely, relation)
    assert found == [(i, j) for i, p in enumerate(a, 1) for j, q in enumerate(b, 1) if geos(p, q)]
    assert found


def test_many_members_are_gone_through_in_steps_without_losing_a_pair(session: Session) -> None:
    # More than one step of members; the squares of one row touch or equal those of the other.
    row = [world.box(n / 100, 0, 1 / 100, 1 / 100) for n in range(150)]

    found = every_page(session, "intersects", upload(*row), upload(*row), limit=40)

    assert found == [(i, j) for i in range(1, 151) for j in range(i - 1, i + 2) if 1 <= j <= 150]


def test_neighbours_of_one_layer_touch_with_the_metres_of_their_border(session: Session) -> None:
    world.make_city(session)

    page = ask(session, "touches", STREETS, STREETS)

    assert keys(page) == [
        ("110102007", "110102020"),
        ("110102007", "110106002"),
        ("110102020", "110102007"),
        ("110102020", "110106002"),
        ("110106002", "110102007"),
        ("110106002", "110102020"),
    ]
    # Two boxes of 0.01 degree side by side, by hand: cos(39.89°) times 6,386.9 km, 0.02°.
    assert page.pairs[0].shared_m == pytest.approx(1710.6, abs=0.2)
    assert page.pairs[1].shared_m == pytest.approx(1110.3, abs=0.5)
    assert {pair.shared_m2 for pair in page.pairs} == {0.0}
    related = {"layer": "streets", "edition": "streets", "codes": [], "members": 3}
    assert page.a.model_dump(exclude_unset=True) == related


def test_layers_of_two_levels_cover_and_lie_within(session: Session) -> None:
    world.make_city(session)

    covers = ask(session, "covers", DISTRICTS, COMMUNITIES)
    within = ask(session, "within", COMMUNITIES, DISTRICTS)

    assert keys(covers) == [(b, a) for a, b in sorted(keys(within), key=lambda it: it[::-1])]
    assert len(covers.pairs) == 4
    assert [pair.share_of_b for pair in covers.pairs] == pytest.approx([1.0] * 4)
    assert sum(pair.share_of_a or 0 for pair in covers.pairs[:3]) == pytest.approx(1, abs=1e-9)


def test_codes_keep_what_lies_in_these_areas(session: Session) -> None:
    world.make_city(session)

    page = ask(
        session, "within", LayerSide(LayerName.COMMUNITIES, ("110102020", "110106")), STREETS
    )

    assert [a for a, _ in keys(page)] == ["110102020001", "110102020002", "110106002001"]


def test_an_older_edition_is_related_to_the_present_one(session: Session) -> None:
    world.make_city(session)
    moved = [
        world.area("110102020", world.box(0, 0, 2, 0.9)),
        world.area("110102007", world.box(0, 0.9, 2, 1.1)),
        world.area("110106002", world.box(2, 0, 2, 2)),
    ]
    world.put_in_force(session, "streets-2024", "street", moved, effective_from=world.NEW)
    before = LayerSide(LayerName.STREETS, as_of=world.OLD)

    page = ask(session, "overlaps", before, STREETS)
    same = ask(session, "covers", LayerSide(LayerName.STREETS, edition="streets"), before)

    # What was given to the north: a tenth of the southern street of old.
    assert keys(page) == [("110102020", "110102007")]
    assert page.pairs[0].share_of_a == pytest.approx(0.1, abs=1e-4)
    assert (page.a.edition, page.b.edition) == ("streets", "streets-2024")
    # One edition named in two ways is one layer: nothing is paired with itself.
    assert keys(same) == []


def test_a_draft_is_related_only_where_drafts_are_allowed(session: Session) -> None:
    world.make_city(session)
    world.load(session, "draft", "street", world.STREETS, effective_from=world.NEW)
    draft = LayerSide(LayerName.STREETS, edition="draft")

    assert len(ask(session, "covers", draft, STREETS, drafts=True).pairs) == 3
    with pytest.raises(NotFound, match="never in force"):
        ask(session, "covers", draft, STREETS)


def test_shares_sum_to_one_with_what_nobody_covers(session: Session) -> None:
    world.make_city(session)
    # Half of it lies east of everything; the rest straddles both districts.
    site = world.box(1.5, 0.5, 5, 1)

    page = ask(session, "shares", upload(site), DISTRICTS)

    assert keys(page) == [(1, None), (1, "110102"), (1, "110106")]
    assert [pair.share_of_a for pair in page.pairs] == pytest.approx([0.5, 0.1, 0.4], abs=1e-3)
    assert sum(pair.share_of_a or 0 for pair in page.pairs) == pytest.approx(1, abs=1e-12)
    whole = float(area_m2(site))
    assert sum(pair.shared_m2 for pair in page.pairs) == pytest.approx(whole, rel=1e-10)


@pytest.mark.parametrize("seed", range(4))
def test_shares_of_overlapping_areas_are_those_of_the_faces(session: Session, seed: int) -> None:
    b = [s for s in random_shapes(seed, 40) if s.geom_type == "Polygon"][:12]
    a = [world.box(0.35, 0.41, 3.1, 2.7), world.box(1, 1, 1, 1)]

    rows = ask(session, "shares", upload(*a), upload(*b), limit=1000).pairs

    for number, whole in enumerate(a, 1):
        own = [pair for pair in rows if pair.a.feature == number]
        assert sum(pair.share_of_a or 0 for pair in own) == pytest.approx(1, abs=1e-9)
        for pair in own:
            if pair.b is None:
                left = shapely.difference(whole, shapely.union_all(b))
            else:
                assert pair.b.feature is not None
                left = shapely.intersection(whole, b[pair.b.feature - 1])
            assert pair.shared_m2 == pytest.approx(float(area_m2(left)), abs=1e-3)


def test_shares_are_paged_inside_one_area_too(session: Session) -> None:
    world.make_city(session)

    whole = keys(ask(session, "shares", DISTRICTS, COMMUNITIES))

    assert every_page(session, "shares", DISTRICTS, COMMUNITIES, limit=2) == whole
    assert len(whole) == 6


def test_a_border_drawn_with_other_vertices_makes_no_sliver(session: Session) -> None:
    # The western side of a slanting border has a vertex on it that the eastern one has not.
    p, q = (116.30, 39.90), (116.3123, 39.9077)
    on = (p[0] + (q[0] - p[0]) / 3, p[1] + (q[1] - p[1]) / 3)
    left = shapely.Polygon([p, on, q, (116.29, 39.91)])
    right = shapely.Polygon([p, (116.32, 39.90), q])

    (pair,) = ask(session, "intersects", upload(left), upload(right)).pairs

    assert pair.shared_m2 < 1e-6
    metres = Geod(ellps="WGS84").inv(*p, *q)[2]
    assert pair.shared_m == pytest.approx(metres, abs=0.3)


def test_a_line_shares_metres_and_a_point_nothing(session: Session) -> None:
    world.make_city(session)
    road = shapely.LineString([(116.30, 39.885), (116.33, 39.885)])
    tree = shapely.Point(116.305, 39.885)

    line, other, point = ask(session, "intersects", upload(road, tree), DISTRICTS).pairs

    assert line.shared_m == pytest.approx(1710, abs=1)
    assert (line.share_of_a, other.share_of_a) == pytest.approx((2 / 3, 1 / 3), abs=1e-4)
    assert (line.shared_m2, point.shared_m, point.share_of_a) == (0.0, 0.0, None)


def _comb(teeth: int, shift: float) -> Any:
    """A comb whose teeth cross those of a shifted one: many crossings for one pair."""
    xs = [116.0 + shift + n * 1e-5 for n in range(teeth)]
    top = [(x, 40.0 if n % 2 else 39.0 + shift) for n, x in enumerate(xs)]
    return shapely.Polygon([(xs[0], 38.9), *top, (xs[-1], 38.9)])


@pytest.mark.alone
def test_a_question_that_takes_too_long_is_stopped_and_says_how_to_narrow_it(
    session: Session,
) -> None:
    side = upload(*(_comb(2_000, n * 3e-6) for n in range(60)))
    began = time.monotonic()

    with pytest.raises(QueryTooBroad) as refused:
        ask(session, "overlaps", side, side, timeout_s=0.5)

    # Half a second of work, two for the count of the pairs, and the way there.
    assert time.monotonic() - began < 6 * slowness()
    problem = refused.value.problem()
    assert (problem["members_a"], problem["members_b"], problem["pairs"]) == (60, 60, 3600)
    assert "codes" in problem["detail"]
    assert "60 uploaded features" in problem["detail"]
    # The transaction lives on, with the limit that it had.
    assert session.scalar(text("show statement_timeout")) == "30s"


@pytest.mark.alone
def test_one_pair_alone_is_stopped_too(session: Session) -> None:
    began = time.monotonic()

    with pytest.raises(QueryTooBroad):
        ask(session, "shares", upload(_comb(30_000, 0)), upload(_comb(30_000, 3e-6)), timeout_s=0.3)

    assert time.monotonic() - began < 6 * slowness()


@pytest.mark.parametrize(
    ("relation", "a", "b", "more", "error", "field"),
    [
        ("shares", STREETS, PARTS, {}, NotFound, "b.layer"),
        ("shares", upload(shapely.Point(116.3, 39.9)), STREETS, {}, BadInput, "a.geojson"),
        ("touches", STREETS, below("11010"), {}, BadCode, "b.codes"),
        ("touches", below("110199"), STREETS, {}, NotFound, "a.codes"),
        ("touches", STREETS, drawn_by("x"), {}, NotFound, "b.edition"),
        ("touches", drawn_by("districts"), STREETS, {}, NotFound, "a.edition"),
        ("touches", LayerSide(LayerName.PARTS, edition="x"), STREETS, {}, BadInput, "a.edition"),
        ("touches", STREETS, STREETS, {"limit": 0}, BadInput, "limit"),
        ("touches", STREETS, STREETS, {"cursor": "nonsense"}, BadInput, "cursor"),
        ("touches", STREETS, STREETS, {"cursor": "WyJhIiwgImIiXQ"}, BadInput, "cursor"),
    ],
)
def test_a_bad_question_names_the_field(
    session: Session,
    relation: str,
    a: Any,
    b: Any,
    more: dict[str, Any],
    error: type[GridsvcError],
    field: str,
) -> None:
    world.make_city(session)

    with pytest.raises(error) as refused:
        ask(session, relation, a, b, **more)

    assert refused.value.field == field


def test_real_streets_are_related_as_geos_relates_them(session: Session, shared_data: Path) -> None:
    document = json.loads((shared_data / "streets_inner_beijing.geojson").read_text())
    shapes = [shapely.geometry.shape(it["geometry"]) for it in document["features"]]
    sound = [shape for shape in shapes if shapely.is_valid(shape)]
    side = upload(*sound)

    for relation in ("touches", "overlaps"):
        found = every_page(session, relation, side, side, limit=1000)
        geos = getattr(shapely, relation)
        assert set(found) == {
            (i, j)
            for (i, p), (j, q) in itertools.product(enumerate(sound, 1), repeat=2)
            if geos(p, q)
        }
