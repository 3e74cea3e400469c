"""Bad input at every door: a problem document with a sentence that helps, and nothing kept."""

from __future__ import annotations

import json
import re

import pytest

from gridsvc.callers import Role
from tests.service import joint_city as city
from tests.service.conftest import refusal, report

BIG = 50_000_000


def at(lon, lat, **more):
    return report(location={"lon": lon, "lat": lat, **more})


def ring(n):
    """A star of n vertices around a place in the west."""
    centre = city.beside_border(-300)
    step = 1e-9
    return [[centre["lon"] + i % 7 * step, centre["lat"] + i * step] for i in range(n)]


def closed(places):
    return {"type": "Polygon", "coordinates": [[*places, places[0]]]}


#: Body, status, kind, what the sentence must say.
BAD_REPORTS = {
    "swapped": (at(39.89, 116.3), "bad-coordinate", "swapped"),
    "out of range": (at(500, 39.89), "bad-coordinate", "500"),
    "outside the city": (at(100.0, 30.0), "outside-city", "30.0"),
    "unknown CRS": (at(116.31, 39.885, crs="mars"), "unknown-crs", "mars"),
    "a ballpark CRS": (at(116.31, 39.885, crs="EPSG:4214"), "unknown-crs", "ballpark"),
    "text for a number": (at("east", 39.885), "bad-input", "location.lon"),
    "null": (at(None, 39.885), "bad-input", "location.lon"),
    "a list": (at([116.31], 39.885), "bad-input", "location.lon"),
    "negative accuracy": (at(116.31, 39.885, accuracy_m=-1), "bad-input", "accuracy_m"),
    "no place": (report(), "bad-input", "location"),
    "no class": ({"location": city.beside_border(-300)}, "bad-input", "class"),
    "unknown class": (report(-300, **{"class": "99999"}), "unknown-class", "99999"),
    "a misspelt field": (report(-300, descripton="x"), "bad-input", "descripton"),
    "a misspelt field inside": (at(116.31, 39.885, acuracy=1), "bad-input", "location.acuracy"),
    "a channel too long": (report(-300, channel="x" * 21), "bad-input", "channel"),
    "a point as footprint": (
        report(footprint={"type": "Point", "coordinates": [116.31, 39.885]}),
        "bad-geometry",
        "Polygon",
    ),
    "an empty footprint": (
        report(footprint={"type": "Polygon", "coordinates": []}),
        "bad-geometry",
        "empty",
    ),
    "no footprint in it": (report(footprint={}), "bad-geometry", "Polygon"),
    "a footprint of no area": (
        report(footprint=closed([[116.31, 39.885], [116.311, 39.885], [116.312, 39.885]])),
        "bad-geometry",
        "no ground",
    ),
    "an open ring": (
        report(footprint={"type": "Polygon", "coordinates": [ring(4)]}),
        "bad-geometry",
        "repeat its first position",
    ),
    "over the 180th meridian": (
        report(footprint=closed([[179.9, 39], [-179.9, 39], [-179.9, 40], [179.9, 40]])),
        "bad-geometry",
        "180th meridian",
    ),
    "a footprint of text": (
        report(footprint=closed([["a", "b"], ["c", "d"], ["e", "f"]])),
        "bad-coordinate",
        "number",
    ),
    "a swapped footprint": (
        report(footprint=closed([[39.88, 116.31], [39.88, 116.32], [39.89, 116.31]])),
        "bad-coordinate",
        "swapped",
    ),
    "a NUL in a text": (report(-300, description="a\0b"), "bad-input", "description"),
    "a NUL in a contact": (report(-300, reporter={"name": "\0"}), "bad-input", "reporter.name"),
    "half a character": (report(-300, description="\ud800"), "bad-input", "description"),
}


@pytest.mark.parametrize("fault", BAD_REPORTS)
def test_a_bad_report_is_refused_with_a_sentence_that_helps_and_leaves_nothing(
    citizen, city_session, fault
):
    body, kind, says = BAD_REPORTS[fault]
    answer = citizen.send(
        "POST",
        "/v1/reports",
        content=json.dumps(body).encode(),
        headers={"Content-Type": "application/json"},
    )
    problem = refusal(answer, 422)
    assert problem["type"] == f"urn:gridsvc:problem:{kind}"
    assert says in problem["detail"] + str(problem.get("field"))
    assert not any(city.counts(city_session).values())


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (b'{"location": {"lon": NaN, "lat": 39.885}, "class": "06001"}', "lon"),
        (b'{"location": {"lon": 116.31, "lat": Infinity}, "class": "06001"}', "lat"),
        (b'{"location": {"lon": 116.31, "lat": -1e999}, "class": "06001"}', "lat"),
        (b'{"class": "06001"', "JSON"),
        (b"\xff\xfe", ""),
        (b"", "missing"),
        (b"[]", ""),
        (b"[" * 100_000, ""),
    ],
)
def test_a_body_that_is_no_sound_json_is_refused(citizen, city_session, text, says):
    answer = citizen.send(
        "POST", "/v1/reports", content=text, headers={"Content-Type": "application/json"}
    )
    assert answer.status_code in (400, 422)
    assert says in refusal(answer, answer.status_code)["detail"]
    assert not any(city.counts(city_session).values())


@pytest.mark.parametrize(
    "evidence",
    [
        '{"metres": NaN}',
        '{"deep": {"er": [Infinity]}}',
        '{"said": "\\u0000"}',
        '{"\\ud800": 1}',
        '{"deep": ' + "[" * 500 + "]" * 500 + "}",
    ],
)
def test_evidence_that_cannot_be_kept_is_refused(citizen, lead, city_session, evidence):
    filed = citizen.report(-300)
    before = city.counts(city_session)
    answer = lead.send(
        "POST",
        f"/v1/cases/{filed['case_id']}/steps",
        content=f'{{"step": "handle", "note": "x", "evidence": {evidence}}}'.encode(),
        headers={"Content-Type": "application/json"},
    )
    problem = refusal(answer, 422)
    assert "evidence" in problem["field"]
    assert city.counts(city_session) == before


def test_a_footprint_of_100_000_vertices_is_too_large(as_, city_session):
    problem = refusal(
        as_(Role.CITY).send("POST", "/v1/reports", json=report(footprint=closed(ring(100_000)))),
        413,
    )
    assert "10,000 vertices" in problem["detail"]
    assert not any(city.counts(city_session).values())


def test_an_announced_body_of_50_mb_is_refused_before_it_is_sent(as_):
    problem = refusal(as_(Role.CITY).send("POST", "/v1/reports", content=b"x" * BIG), 413)
    assert "10,000,000 bytes" in problem["detail"]


def test_a_chunked_body_of_50_mb_is_refused(citizen, city_session):
    sent = 0

    def chunks():
        nonlocal sent
        while sent < BIG:
            sent += 1_000_000
            yield b" " * 1_000_000

    problem = refusal(citizen.send("POST", "/v1/reports", content=chunks()), 413)
    assert problem["type"] == "urn:gridsvc:problem:too-large"
    assert not any(city.counts(city_session).values())


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/whistles"),
        ("GET", "/v1/cases"),
        ("GET", "/v1/reports/ABCD-2345"),
        ("GET", "/healthz"),
        ("GET", f"/v1/bodies/{city.LEAD}/inbox"),
        ("POST", "/v1/reports"),
    ],
)
def test_an_unknown_query_parameter_is_refused_by_name(lead, method, path):
    answer = lead.send(method, path, params={"colour": "red"}, json=report(-300))
    problem = refusal(answer, 400)
    assert problem["type"] == "urn:gridsvc:problem:unknown-parameter"
    assert problem["field"] == "colour"
    assert "'colour'" in problem["detail"]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nowhere", 404),
        ("GET", "/v1/nowhere", 404),
        ("GET", "/v1/reports/ABCD-2345", 404),
        ("GET", "/v1/reports/%00", 404),
        ("GET", "/v1/reports/%ED%A0%80", 404),
        ("GET", "/v1/whistles/0190b5a0-0000-7000-8000-000000000000", 404),
        ("GET", "/v1/cases/0190b5a0-0000-7000-8000-000000000000", 404),
        ("POST", "/v1/cases/0190b5a0-0000-7000-8000-000000000000/steps", 404),
        ("GET", "/v1/bodies/%00/inbox", 404),
        ("GET", "/v1/cases/seven", 422),
        ("GET", "/v1/cases?limit=0", 422),
        ("GET", "/v1/cases?cursor=7", 422),
        ("GET", "/v1/cases?state=asleep", 422),
        ("GET", "/v1/cases?body=%00", 422),
        ("GET", "/v1/whistles?district=%00", 422),
        ("DELETE", "/v1/reports", 405),
        ("PUT", "/v1/locate", 405),
    ],
)
def test_every_error_is_a_problem_document(lead, method, path, status):
    body = {"json": {"step": "handle"}} if method == "POST" else {}
    refusal(lead.send(method, path, **body), status)


def test_a_wrong_method_is_told_which_are_right(client):
    answer = client.delete("/v1/reports")
    refusal(answer, 405)
    assert answer.headers["allow"] == "POST"


def test_the_api_document_is_whole_and_tells_the_errors_as_they_are(client):
    document = client.get("/openapi.json").json()
    assert document["openapi"].startswith("3.")
    text = json.dumps(document)
    for name in set(re.findall(r'"#/components/schemas/([^"]+)"', text)):
        assert name in document["components"]["schemas"], name
    ids = [
        operation["operationId"]
        for path in document["paths"].values()
        for operation in path.values()
    ]
    assert len(ids) == len(set(ids))
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            for status, response in operation["responses"].items():
                if status.startswith(("4", "5")):
                    assert list(response["content"]) == ["application/problem+json"], (
                        method,
                        path,
                        status,
                    )
    expected = {
        ("/v1/reports", "post"): {"201", "401", "403", "404", "409", "413", "422"},
        ("/v1/cases/{case_id}/steps", "post"): {"200", "401", "403", "404", "409", "422"},
        ("/v1/whistles/{whistle_id}/bodies/{body}/score", "post"): {
            "200",
            "401",
            "403",
            "404",
            "409",
            "422",
        },
        ("/v1/cases", "get"): {"200", "401", "403", "422"},
    }
    for (path, method), statuses in expected.items():
        assert statuses <= set(document["paths"][path][method]["responses"]), path
