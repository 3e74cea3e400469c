"""The routes of parts and codes over HTTP."""

from __future__ import annotations

import asyncio
import datetime as dt

import httpx
import pyproj
import pytest
from fastapi import Depends, FastAPI
from sqlalchemy import text

from gridsvc.api import problems, rules
from gridsvc.api.app import make_service
from gridsvc.api.v1 import codes, parts
from gridsvc.callers import Role
from gridsvc.registry.access.service import issue_token
from gridsvc.registry.parts.importer import import_parts
from gridsvc.registry.parts.reading import parts_of_table
from gridsvc.settings import Settings
from gridsvc.spatial.crs import from_wgs84
from tests import cities
from tests.service import parts_world as world

pytestmark = pytest.mark.system(2)


@pytest.fixture
def app(database, session, tmp_path):
    world.build(session)
    lon, lat = world.inside()
    import_parts(
        session,
        parts_of_table(world.rows(3, lon=lon, lat=lat)),
        district=world.DISTRICT,
        city=cities.city(),
        now=cities.now(),
    )
    session.commit()
    app = FastAPI(dependencies=[Depends(rules.follow)])
    app.state.service = make_service(Settings(DATABASE_URL=database, var_dir=tmp_path))
    problems.install(app)
    for module in (parts, codes):
        app.include_router(module.router)
    yield app
    app.state.service.engine.dispose()


@pytest.fixture
def call(app):
    async def fetch(method, path, **options):
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://gridsvc") as client:
            return await client.request(method, path, **options)

    return lambda method, path, **options: asyncio.run(fetch(method, path, **options))


@pytest.fixture
def token(app):
    def issue(role=Role.DISTRICT, area=world.DISTRICT):
        made = issue_token(
            app.state.service.tokens.key,
            role=role,
            area=area,
            body="110101-CGW" if role is Role.DEPARTMENT else None,
            valid_for=dt.timedelta(hours=1),
            now=dt.datetime.now(dt.UTC),
        )
        return {"Authorization": f"Bearer {made}"}

    return issue


def new_part(**fields):
    lon, lat = world.inside(2.5, 0.5)
    return {
        "class": "03005",
        "geometry": {"type": "Point", "coordinates": [lon, lat]},
        "competent_body": "110101-HW",
    } | fields


def test_parts_near_a_point_come_in_pages_with_metres(call):
    lon, lat = world.inside()
    near = {"near": f"{lon + 0.0001},{lat}", "class": "01037", "limit": 2}
    first = call("GET", "/v1/parts", params=near).json()
    assert [part["code"] for part in first["parts"]] == ["00110000", "00110001"]
    metres = pyproj.Geod(ellps="WGS84").inv(lon, lat, lon + 0.0001, lat)[2]
    assert first["parts"][0]["distance_m"] == pytest.approx(metres, abs=0.001)
    assert first["parts"][0]["geometry"] == {"type": "Point", "coordinates": [lon, lat]}
    second = call("GET", "/v1/parts", params=near | {"cursor": first["next"]}).json()
    assert [part["code"] for part in second["parts"]] == ["00110002"]
    assert second["next"] is None


def test_a_phones_coordinates_find_the_same_parts(call):
    x, y = from_wgs84(*world.inside(), "gcj02")
    found = call("GET", "/v1/parts", params={"near": f"{x},{y}", "crs": "gcj02", "radius_m": 1})
    assert [part["distance_m"] for part in found.json()["parts"]] == [0.0, 0.0, 0.0]


@pytest.mark.parametrize(
    ("params", "status", "field"),
    [
        ({"near": "116.4"}, 422, "near"),
        ({"near": "a,b"}, 422, "near"),
        ({"near": "39.9,116.4"}, 422, "near"),
        ({"near": "nan,39.9"}, 422, "near.lon"),
        ({"near": "116.4,39.9", "radius_m": 0}, 422, "radius_m"),
        ({"near": "116.4,39.9", "class": "1"}, 422, "class"),
        ({"near": "116.4,39.9", "crs": "mars"}, 422, "crs"),
        ({"near": "116.4,39.9", "cursor": "no"}, 422, "cursor"),
        ({"near": "116.4,39.9", "radius": 5}, 400, "radius"),
        ({}, 422, "near"),
    ],
)
def test_a_bad_question_for_parts_names_the_parameter(call, params, status, field):
    answer = call("GET", "/v1/parts", params=params)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["field"] == field


def test_a_part_has_an_address_and_its_code_leads_to_it(call):
    part = call("GET", "/v1/parts/110101/00110001").json()
    assert (part["class_code"], part["grid_code"]) == ("01037", "00100011")
    for path in (
        "/v1/codes/00110001",
        f"/v1/codes/{part['national_id']}",
        f"/v1/codes/{part['national_id_2013']}",
        "/v1/districts/110101/codes/00110001",
    ):
        assert call("GET", path).json()["matches"] == [part | {"kind": "part"}]
    grid = call("GET", "/v1/codes/00100011").json()["matches"][0]
    assert (grid["kind"], grid["community_code"]) == ("unit_grid", "110101001001")


@pytest.mark.parametrize(
    ("path", "status", "kind"),
    [
        ("/v1/parts/110101/00999999", 404, "not-found"),
        ("/v1/parts/110101/1", 422, "bad-code"),
        ("/v1/parts/11/00110001", 422, "bad-code"),
        ("/v1/codes/00999999", 404, "not-found"),
        ("/v1/codes/abc", 422, "bad-code"),
        ("/v1/districts/110105/codes/00110001", 404, "not-found"),
        ("/v1/districts/1/codes/00110001", 422, "bad-code"),
    ],
)
def test_an_unknown_code_is_404_and_a_wrong_form_422(call, path, status, kind):
    answer = call("GET", path)
    assert answer.status_code == status
    assert answer.json()["type"] == f"urn:gridsvc:problem:{kind}"


def test_a_registered_part_is_kept_and_a_repeated_request_makes_no_second(call, token):
    headers = token() | {"Idempotency-Key": "one"}
    first = call("POST", "/v1/parts", json=new_part(), headers=headers)
    again = call("POST", "/v1/parts", json=new_part(), headers=headers)
    assert first.status_code == again.status_code == 201
    assert first.json() == again.json()
    assert (first.json()["code"], first.json()["grid_code"]) == ("00210000", "00200011")
    kept = call("GET", "/v1/parts/110101/00210000", headers=token(Role.STREET, "110101001"))
    assert kept.json() == first.json()
    assert call("GET", "/v1/parts/110101/00210001").status_code == 404


FOR_STAFF = {"owner_body", "maintainer_body", "note"}


@pytest.mark.parametrize(
    "path",
    [
        "/v1/parts/110101/00110001",
        "/v1/codes/00110001",
        "/v1/districts/110101/codes/00110001",
    ],
)
def test_owners_and_notes_of_parts_are_told_to_staff_alone(call, token, app, path):
    change = {"note": "behind the gate", "owner_body": "110101-CGW"}
    changed = call("PATCH", "/v1/parts/110101/00110001", json=change, headers=token())
    assert changed.status_code == 200, changed.text
    for headers in ({}, token(Role.CITIZEN, "")):
        public = call("GET", path, headers=headers)
        assert public.status_code == 200
        assert not any(f'"{name}"' in public.text for name in FOR_STAFF)
    told = call("GET", path, headers=token(Role.STREET, "110101001")).text
    assert "behind the gate" in told
    assert all(f'"{name}"' in told for name in FOR_STAFF)
    app.state.service.settings.open_parts = True
    assert "behind the gate" in call("GET", path).text


def test_a_change_is_kept_and_dated(call, token):
    change = {"state": "missing", "note": "gone since Monday"}
    changed = call("PATCH", "/v1/parts/110101/00110001", json=change, headers=token())
    assert changed.status_code == 200
    kept = call("GET", "/v1/parts/110101/00110001", headers=token()).json()
    assert kept == changed.json()
    assert (kept["state"], kept["note"]) == ("missing", "gone since Monday")
    assert kept["change_date"] is not None
    assert kept["code"] == "00110001"


def test_a_code_cannot_be_changed(call, token):
    answer = call("PATCH", "/v1/parts/110101/00110001", json={"code": "1"}, headers=token())
    assert (answer.status_code, answer.json()["field"]) == (422, "code")


@pytest.mark.parametrize(
    ("role", "area"),
    [
        (Role.CITIZEN, ""),
        (Role.ANALYST, ""),
        (Role.GRID_WORKER, "110101"),
        (Role.STREET, "110101001"),
        (Role.DEPARTMENT, "110101"),
        (Role.DISTRICT, "110105"),
    ],
)
def test_who_does_not_keep_the_register_of_the_district_may_not_write_it(
    call, token, session, role, area
):
    headers = token(role, area)
    assert call("POST", "/v1/parts", json=new_part(), headers=headers).status_code == 403
    change = {"state": "missing"}
    path = "/v1/parts/110101/00110001"
    assert call("PATCH", path, json=change, headers=headers).status_code == 403
    assert session.scalar(text("select count(*) from part where state = 'intact'")) == 3
    assert session.scalar(text("select count(*) from part")) == 3


def test_writing_without_a_token_is_401(call):
    assert call("POST", "/v1/parts", json=new_part()).status_code == 401
    assert call("PATCH", "/v1/parts/110101/00110001", json={"note": "x"}).status_code == 401


@pytest.mark.parametrize(
    ("fields", "status", "kind"),
    [
        ({"class": "99999"}, 422, "bad-input"),
        ({"code": "00110001"}, 409, "conflict"),
        ({"geometry": {"type": "Point", "coordinates": [10.0, 10.0]}}, 422, "outside-city"),
        ({"geometry": {"type": "Point", "coordinates": [39.9, 116.4]}}, 422, "bad-coordinate"),
        ({"geometry": {"type": "Point", "coordinates": ["a", 1]}}, 422, "bad-coordinate"),
        ({"geometry": {"type": "Nothing"}}, 422, "bad-geometry"),
        ({"district": "110105"}, 403, "not-allowed"),
        ({"colour": "red"}, 422, "bad-input"),
        ({"name": "x" * 31}, 422, "bad-input"),
        ({"crs": "mars"}, 422, "unknown-crs"),
    ],
)
def test_a_part_that_cannot_be_registered_leaves_nothing_behind(
    call, token, session, fields, status, kind
):
    answer = call("POST", "/v1/parts", json=new_part(**fields), headers=token())
    assert (answer.status_code, answer.json()["type"]) == (status, f"urn:gridsvc:problem:{kind}")
    assert session.scalar(text("select count(*) from part")) == 3
    assert session.scalar(text("select count(*) from national_id where kind = 'part'")) == 6
