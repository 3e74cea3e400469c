"""Disputes over HTTP: lists, both sides' words, evidence, dossiers, what-if."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyogrio
import pytest
import shapely
from sqlalchemy import Engine, text

from gridsvc.callers import Role
from gridsvc.db import session_factory
from tests.service import disputed_city as disputed
from tests.service import joint_city as city
from tests.service.conftest import Person, refusal

LAMP_EAST = "00210099"


@pytest.fixture
def ids(city_engine: Engine) -> dict[str, str]:
    """The disputes of the city by their kind; a part lies in the conflict, and where no street
    is drawn the eastern district answers."""
    with session_factory(city_engine).begin() as session:
        disputed.draw(session)
        part = city.part(city.EAST, LAMP_EAST, None)
        part.geometry = f"SRID=4326;{inside('CONFLICT').wkt}"
        session.add(part)
        session.add(city.body(f"{city.EAST}-CGW", "丰台区城市管理委员会", "department", city.EAST))
        found = disputed.by_kind(session, disputed.find(session))
        return {kind: str(dispute.id) for kind, dispute in found.items()}


def inside(fault: str) -> shapely.Point:
    return disputed.strip(getattr(disputed, fault)).centroid


def at(fault: str, **more: Any) -> dict[str, Any]:
    """The body of a report in the middle of a fault."""
    place = inside(fault)
    location = {"lon": place.x, "lat": place.y, "accuracy_m": 5.0}
    return {"class": city.BUILDING, "description": "secret words", "location": location} | more


@pytest.fixture
def west(ids: dict[str, str], as_: Callable[..., Person]) -> Person:
    return as_(Role.DISTRICT, city.WEST, subject="Li Lei")


@pytest.fixture
def east(ids: dict[str, str], as_: Callable[..., Person]) -> Person:
    return as_(Role.DISTRICT, city.EAST)


def test_disputes_are_listed_by_state_area_and_box_page_by_page(
    ids: dict[str, str], west: Person, citizen: Person
) -> None:
    def listed(**query: Any) -> set[str]:
        return {it["id"] for it in citizen.get("/v1/disputes", **query)["disputes"]}

    assert listed() == set(ids.values())
    assert (
        listed(area=city.EAST) == listed(area=city.LEAD) == listed(area="11") == set(ids.values())
    )
    assert listed(area="110105") == listed(area=city.LEAD_NORTH) == set()
    assert listed(state="settled") == set()
    box = ",".join(map(str, disputed.strip(disputed.GAP).bounds))
    assert listed(bbox=box) == {ids["gap"]}

    west.post(f"/v1/disputes/{ids['gap']}/state", {"state": "under_negotiation", "why": "now"})
    assert listed(state="under_negotiation") == {ids["gap"]}

    pages = [citizen.get("/v1/disputes", limit=2)]
    pages.append(citizen.get("/v1/disputes", limit=2, cursor=pages[0]["next"]))
    assert [len(page["disputes"]) for page in pages] == [2, 1]
    assert pages[1]["next"] is None


def test_the_city_has_an_edition_looked_through_for_disputes(
    as_: Callable[..., Person], city_engine: Engine
) -> None:
    with session_factory(city_engine).begin() as session:
        disputed.draw(session)
    first, again = (
        as_(Role.CITY).post("/v1/disputes/find", {"edition": "street-2026"}) for _ in range(2)
    )
    assert len(first["new"]) == 3
    assert (again["new"], set(again["again"])) == ([], set(first["new"]))
    as_(Role.CITY).refused("/v1/disputes/find", {"edition": "street-1999"}, status=404)
    as_(Role.DISTRICT, city.WEST).refused(
        "/v1/disputes/find", {"edition": "street-2026"}, status=403
    )


def test_a_dispute_tells_its_sides_bodies_measures_and_what_lies_inside(
    ids: dict[str, str], citizen: Person
) -> None:
    citizen.post("/v1/reports", at("CONFLICT"))

    shown = citizen.get(f"/v1/disputes/{ids['conflict']}")

    assert {side["body"]["code"] for side in shown["sides"]} == {city.LEAD, city.OTHER}
    assert {side["name"] for side in shown["sides"]} == {"广安门外街道", "太平桥街道"}
    assert shown["area_m2"] == pytest.approx(5000, rel=0.01)
    assert shown["geometry"]["type"] == "MultiPolygon"
    assert [part["code"] for part in shown["inside"]["parts"]["listed"]] == [LAMP_EAST]
    (report,) = shown["inside"]["reports"]["listed"]
    assert report["case_state"] == "open"
    assert "receipt" not in report
    assert "secret words" not in str(shown)


def test_a_report_in_a_dispute_calls_both_sides_by_itself(
    ids: dict[str, str], citizen: Person
) -> None:
    routed = citizen.post("/v1/reports", at("GAP"))

    assert routed["joint_whistle_id"] is not None
    whistle = citizen.get(f"/v1/whistles/{routed['joint_whistle_id']}")
    assert whistle["ground"] == "conflict"
    assert set(whistle["areas"]) == {city.LEAD, city.OTHER}


def test_a_report_in_a_settled_dispute_goes_to_who_was_agreed_on(
    ids: dict[str, str], west: Person, east: Person, citizen: Person
) -> None:
    path = f"/v1/disputes/{ids['overlap']}/state"
    west.post(path, {"state": "under_negotiation", "why": "a meeting"})
    west.post(path, {"state": "agreed", "why": "minutes 3", "agreement": disputed.draft()})
    assert east.post(path, {"state": "agreed", "why": "minutes 3"})["state"] == "agreed"
    settled = east.post(path, {"state": "settled", "why": "signed"})

    assert settled["agreement"]["duties"][0]["body"] == f"{city.EAST}-CGJ"
    routed = citizen.post("/v1/reports", at("OVERLAP"))
    assert routed["responsibility"]["ground"] == "agreement"
    assert routed["responsibility"]["lead"]["code"] == f"{city.EAST}-CGJ"


def test_names_of_persons_are_told_to_the_sides_only(
    ids: dict[str, str], west: Person, east: Person, citizen: Person, as_: Callable[..., Person]
) -> None:
    path = f"/v1/disputes/{ids['gap']}"
    west.post(f"{path}/notes", {"note": "界桩已移动"})

    assert east.get(path)["history"][-1]["actor"] == "Li Lei"
    assert east.get(path)["evidence"][0]["note"] == "界桩已移动"
    for stranger in (citizen, as_(Role.DISTRICT, "110105")):
        assert "Li Lei" not in str(stranger.get(path))
    assert "Li Lei" not in citizen.send("GET", f"{path}/dossier.html").text


def test_a_file_is_kept_with_its_hash_and_read_by_staff_of_the_sides(
    ids: dict[str, str], west: Person, lead: Person, citizen: Person, as_: Callable[..., Person]
) -> None:
    path = f"/v1/disputes/{ids['gap']}/evidence"
    scan = b"%PDF-1.7 a survey"
    headers = {"Content-Type": "application/pdf"}
    answer = west.send("POST", path, params={"name": "测量.pdf"}, content=scan, headers=headers)
    assert answer.status_code == 201, answer.text
    kept = answer.json()

    assert kept["sha256"] == hashlib.sha256(scan).hexdigest()
    read = lead.send("GET", f"{path}/{kept['id']}")
    assert (read.content, read.headers["content-type"]) == (scan, "application/pdf")
    assert read.headers["content-disposition"] == "attachment"
    for stranger in (citizen, as_(Role.DISTRICT, "110105")):
        refusal(stranger.send("GET", f"{path}/{kept['id']}"), 403)
    twice = west.send("POST", path, params={"name": "b.pdf"}, content=scan, headers=headers)
    assert "is already kept" in refusal(twice, 409)["detail"]


@pytest.mark.parametrize(
    ("name", "content", "kind", "status", "words"),
    [
        ("a.pdf", b"", "application/pdf", 422, "is empty"),
        ("", b"x", "application/pdf", 422, "needs a 'name'"),
        ("../a.pdf", b"x", "application/pdf", 422, "without slashes"),
        ("a.pdf", b"x", "no type", 422, "not a media type"),
        ("a.pdf", b"x" * 101, "application/pdf", 413, "has 101 bytes"),
    ],
)
def test_evidence_that_cannot_be_kept_is_refused_with_what_to_do(
    ids: dict[str, str],
    serve: Callable[..., Any],
    west: Person,
    name: str,
    content: bytes,
    kind: str,
    status: int,
    words: str,
) -> None:
    west.client = serve(max_evidence_bytes=100)
    answer = west.send(
        "POST",
        f"/v1/disputes/{ids['gap']}/evidence",
        params={"name": name},
        content=content,
        headers={"Content-Type": kind},
    )
    assert words in refusal(answer, status)["detail"]


def test_others_bring_no_evidence_and_unknown_disputes_are_not_found(
    ids: dict[str, str], lead: Person, west: Person, as_: Callable[..., Person]
) -> None:
    note = {"note": "x"}
    lead.refused(f"/v1/disputes/{ids['gap']}/notes", note, status=403)
    stranger = as_(Role.DISTRICT, "110105")
    stranger.refused(f"/v1/disputes/{ids['gap']}/notes", note, status=403, type="not-allowed")
    west.refused(f"/v1/disputes/{ids['gap']}/notes", {"note": "  "}, status=422)
    nowhere = "/v1/disputes/00000000-0000-0000-0000-000000000000"
    west.refused(f"{nowhere}/notes", note, status=404, type="not-found")
    for path in (nowhere, f"{nowhere}/dossier.html", f"{nowhere}/dossier.gpkg"):
        refusal(west.send("GET", path), 404)
    refusal(west.send("GET", "/v1/disputes", params={"area": "x"}), 422)
    refusal(west.send("GET", "/v1/disputes", params={"states": "open"}), 400)


def test_an_earlier_placement_of_a_moved_report_stands_in_the_dispute(
    ids: dict[str, str], lead: Person, citizen: Person, city_engine: Engine
) -> None:
    routed = citizen.post("/v1/reports", {**at("GAP"), "location": city.beside_border(-300.0)})
    place = inside("GAP")
    to = {"location": {"lon": place.x, "lat": place.y, "accuracy_m": 5.0}, "reason": "misplaced"}
    lead.post(f"/v1/reports/{routed['id']}/move", to)

    seen = citizen.get(f"/v1/disputes/{ids['gap']}")["inside"]
    assert "reason" not in seen["placements"]["listed"][1]
    assert "point" not in seen["reports"]["listed"][0]
    inside_gap = lead.get(f"/v1/disputes/{ids['gap']}")["inside"]
    assert inside_gap["reports"]["listed"][0]["point"] == pytest.approx([place.x, place.y])
    placements = inside_gap["placements"]["listed"]

    assert [(it["n"], it["street_code"], it["reason"]) for it in placements] == [
        (1, city.LEAD, "as reported"),
        (2, None, "misplaced"),
    ]


def test_the_dossier_is_one_page_that_asks_nothing_of_any_host(
    ids: dict[str, str], west: Person, citizen: Person
) -> None:
    citizen.post("/v1/reports", at("OVERLAP"))
    west.post(f"/v1/disputes/{ids['overlap']}/notes", {"note": "<b>`${1}`</script>"})

    page = citizen.send("GET", f"/v1/disputes/{ids['overlap']}/dossier.html")

    assert page.headers["content-security-policy"].startswith("default-src 'none'")
    for words in ("广安门外街道", "太平桥街道", "重复管辖", "街道/乡镇", "note added", "SHA-256"):
        assert words in page.text
    # Two sides and the lead of the report, by name and code.
    assert len(re.findall(r"<td>[^<]+ <small>1101\d{2}[\w-]+</small></td>", page.text)) == 3
    assert "http://" not in page.text.replace("http://www.w3.org", "")
    assert "<b>`" not in page.text
    assert "secret words" not in page.text


def test_what_the_sides_say_is_told_to_the_sides(
    ids: dict[str, str], west: Person, citizen: Person, as_: Callable[..., Person]
) -> None:
    where = f"/v1/disputes/{ids['overlap']}"
    west.post(f"{where}/notes", {"note": "marked words"})
    west.post(f"{where}/state", {"state": "under_negotiation", "why": "a marked reason"})
    sent = west.send(
        "POST", f"{where}/evidence", params={"name": "marked.pdf"}, content=b"a survey"
    )
    assert sent.status_code == 201
    strangers = (citizen, as_(Role.DISTRICT, "110105"), as_(Role.STREET, city.LEAD_NORTH))
    for page in (where, f"{where}/dossier.html"):
        for stranger in strangers:
            assert "marked" not in stranger.send("GET", page).text
        assert "marked" not in citizen.client.get(page).text
        told = west.send("GET", page).text
        assert all(words in told for words in ("marked words", "a marked reason", "marked.pdf"))


def geopackage(citizen: Person, dispute_id: str, folder: Path) -> Path:
    """The GeoPackage of a dispute as a file: GDAL knows it by its ending."""
    answer = citizen.send("GET", f"/v1/disputes/{dispute_id}/dossier.gpkg")
    assert answer.status_code == 200, answer.text
    file = folder / "dossier.gpkg"
    file.write_bytes(answer.content)
    return file


def test_gdal_reads_every_layer_of_the_geopackage(
    ids: dict[str, str], west: Person, citizen: Person, tmp_path: Path
) -> None:
    citizen.post("/v1/reports", at("CONFLICT"))
    west.post(f"/v1/disputes/{ids['conflict']}/notes", {"note": "x"})

    told = geopackage(citizen, ids["conflict"], tmp_path)
    assert pyogrio.read_dataframe(told, layer="evidence")["note"].isna().all()
    assert pyogrio.read_dataframe(told, layer="reports").geometry.isna().all()

    file = geopackage(west, ids["conflict"], tmp_path)
    layers = {str(name): kind for name, kind in pyogrio.list_layers(file)}

    assert layers == {
        "dispute": "MultiPolygon",
        "sides": "MultiPolygon",
        "reports": "Point",
        "parts": "Point",
        "placements": None,
        "evidence": None,
        "history": None,
    }
    frames = {name: pyogrio.read_dataframe(file, layer=name) for name in layers}
    assert {name: len(frame) for name, frame in frames.items()} == {
        "dispute": 1,
        "sides": 2,
        "reports": 1,
        "parts": 1,
        "placements": 1,
        "evidence": 1,
        "history": 2,
    }
    note = hashlib.sha256(b"x").hexdigest()
    assert frames["evidence"][["kind", "note", "sha256"]].values.tolist() == [["note", "x", note]]
    assert frames["placements"]["street_code"].tolist() == [city.LEAD]
    ground = disputed.strip(disputed.CONFLICT)
    shown = frames["dispute"].geometry[0]
    assert shown.symmetric_difference(ground).area < 1e-6 * ground.area
    assert frames["dispute"].crs.to_epsg() == 4326
    assert "actor" not in frames["history"]
    assert "secret words" not in str(frames["reports"].to_dict())


def test_a_geopackage_without_reports_has_the_layer_all_the_same(
    ids: dict[str, str], citizen: Person, tmp_path: Path
) -> None:
    file = geopackage(citizen, ids["gap"], tmp_path)
    reports = pyogrio.read_dataframe(file, layer="reports")
    assert (len(reports), "case_state" in reports) == (0, True)


def test_nothing_in_a_dispute_is_deleted_by_a_repeated_state(
    ids: dict[str, str], west: Person, city_engine: Engine
) -> None:
    path = f"/v1/disputes/{ids['gap']}/state"
    wish = {"state": "under_negotiation", "why": "now"}
    first, second = west.post(path, wish, key="k1"), west.post(path, wish, key="k1")
    assert first == second
    with city_engine.connect() as connection:
        count = connection.scalar(
            text("select count(*) from dispute_entry where dispute_id = :id"), {"id": ids["gap"]}
        )
    assert count == 2
