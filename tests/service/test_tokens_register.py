"""The register of tokens: who holds which, renewed and revoked by id; and the audit log."""

from __future__ import annotations

import datetime as dt
import json
import uuid
from collections.abc import Callable
from typing import Any

import httpx
import jwt
import pytest
from fastapi import FastAPI
from sqlalchemy import Engine, text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.orm import Session
from typer.testing import CliRunner

from gridsvc.api.app import create_app
from gridsvc.callers import Caller, Role
from gridsvc.cli.app import app as command
from gridsvc.db import create_engine
from gridsvc.db.columns import SERVICE_ROLE
from gridsvc.registry.access.audit import verify_audit
from gridsvc.registry.access.register import Life, make_token, renew_token
from gridsvc.settings import Settings, get_settings
from tests.service import joint_city as city
from tests.service.conftest import REPORTER_KEY, TOKEN_KEY, Person, refusal, served, token_of

KEY = bytes.fromhex(TOKEN_KEY)
DAY = dt.timedelta(days=1)
NOW = dt.datetime(2026, 11, 22, tzinfo=dt.UTC)


@pytest.fixture
def admin(as_: Callable[..., Person]) -> Person:
    return as_(Role.ADMIN, subject="Li Na")


def exists(person: Person, token_id: str) -> dict[str, Any]:
    (found,) = [it for it in person.get("/v1/tokens")["tokens"] if it["id"] == token_id]
    return dict(found)


def test_a_token_is_made_listed_and_revoked_by_its_id_over_http(
    client: httpx.Client, admin: Person
) -> None:
    wish = {"role": "street", "area": city.LEAD, "subject": "Wang Wei"}
    made = admin.post("/v1/tokens", wish)
    holder = Person(client, made["token"])
    assert holder.get("/v1/cases")["cases"] == []

    shown = exists(admin, made["id"])
    assert (shown["subject"], shown["role"], shown["area"]) == ("Wang Wei", "street", city.LEAD)
    assert (shown["made_by"], shown["revoked_at"]) == ("Li Na", None)
    assert shown["expires_at"] == made["expires_at"]
    assert "token" not in shown

    assert admin.send("DELETE", f"/v1/tokens/{made['id']}").status_code == 204
    assert "revoked" in refusal(holder.send("GET", "/v1/cases"), 401)["detail"]
    assert exists(admin, made["id"])["revoked_at"] is not None
    refusal(admin.send("DELETE", f"/v1/tokens/{made['id']}"), 409)
    refusal(admin.send("DELETE", f"/v1/tokens/{uuid.uuid4()}"), 404)


def test_a_token_is_short_lived_and_its_holder_renews_it_under_the_same_id(
    client: httpx.Client, admin: Person
) -> None:
    made = admin.post("/v1/tokens", {"role": "district", "area": city.WEST})
    life = jwt.decode(made["token"], KEY, algorithms=["HS256"])
    assert life["exp"] - life["iat"] == 24 * 3600
    renewed = Person(client, made["token"]).post("/v1/tokens/renewal")
    assert renewed["id"] == made["id"]
    assert renewed["expires_at"] >= made["expires_at"]
    assert renewed["renewable_until"] == made["renewable_until"]
    Person(client, renewed["token"]).send("DELETE", f"/v1/tokens/{made['id']}")
    for token in (made["token"], renewed["token"]):
        refusal(Person(client, token).send("GET", "/v1/cases"), 401)


def test_a_token_is_renewed_to_the_end_of_its_time_and_no_further(city_session: Session) -> None:
    def renew(now: dt.datetime) -> dt.datetime:
        caller = Caller("x", Role.CITY, "", None, made.entry.id)
        return renew_token(city_session, KEY, caller, valid_for=DAY, now=now).entry.expires_at

    made = make_token(
        city_session, KEY, role=Role.CITY, life=Life(DAY, 3 * DAY), made_by="a test", now=NOW
    )
    assert made.entry.expires_at == NOW + DAY
    assert renew(NOW + 0.5 * DAY) == NOW + 1.5 * DAY
    assert renew(NOW + 2.5 * DAY) == NOW + 3 * DAY
    with pytest.raises(Exception, match="no longer be renewed"):
        renew(NOW + 3 * DAY)


def test_a_token_that_nobody_entered_is_known_once_it_was_used(
    serve: Callable[..., httpx.Client], city_engine: Engine
) -> None:
    apps: list[FastAPI] = []
    client = serve(apps.append)
    foreign = token_of(Role.CITY, subject="of before")
    renewal = Person(client, foreign).send("POST", "/v1/tokens/renewal")
    refusal(renewal, 409)
    apps[0].state.service.uses.write()
    token_id = jwt.decode(foreign, KEY, algorithms=["HS256"])["jti"]
    shown = exists(Person(client, token_of(Role.ADMIN)), token_id)
    assert (shown["subject"], shown["made_by"]) == ("of before", None)
    assert shown["last_used_at"] is not None


def test_uses_are_written_together_not_one_a_request(
    serve: Callable[..., httpx.Client], city_engine: Engine
) -> None:
    apps: list[FastAPI] = []
    client = serve(apps.append)
    people = [Person(client, token_of(Role.CITY)) for _ in range(3)]
    for person in people * 4:
        person.get("/v1/cases")
    with city_engine.connect() as connection:
        assert connection.scalar(text("select count(*) from token")) == 0
        apps[0].state.service.uses.write()
        assert connection.scalar(text("select count(last_used_at) from token")) == 3


WRONG = {
    "a department without area": ({"role": "department", "body": f"{city.WEST}-CGJ"}, "area"),
    "a grid worker without area": ({"role": "grid_worker"}, "area"),
    "a district without area": ({"role": "district"}, "area"),
    "a district wider than one": ({"role": "district", "area": "1101"}, "area"),
    "a street that is none": ({"role": "street", "area": "110102"}, "area"),
    "an unknown area": ({"role": "street", "area": "110102999"}, "area"),
    "an unknown body": ({"role": "department", "area": city.WEST, "body": "X"}, "body"),
    "a body of elsewhere": (
        {"role": "department", "area": city.EAST, "body": f"{city.WEST}-CGJ"},
        "area",
    ),
    "a citizen with a body": ({"role": "citizen", "body": f"{city.WEST}-CGJ"}, "body"),
    "a city with a body": ({"role": "city", "body": f"{city.WEST}-CGJ"}, "body"),
    "an analyst of one street": ({"role": "analyst", "area": city.LEAD}, "area"),
}


@pytest.mark.parametrize("fault", WRONG)
def test_a_token_that_reaches_too_far_or_nowhere_is_not_made(admin: Person, fault: str) -> None:
    wish, field = WRONG[fault]
    problem = refusal(admin.send("POST", "/v1/tokens", json=wish), 422)
    assert problem["field"] == field


def test_a_token_of_before_that_reaches_too_far_is_refused(client: httpx.Client) -> None:
    sound = jwt.decode(token_of(Role.CITY), KEY, algorithms=["HS256"])
    wide = jwt.encode(sound | {"role": "department", "body": "X"}, KEY, algorithm="HS256")
    problem = refusal(Person(client, wide).send("GET", "/v1/cases"), 401)
    assert "area" in problem["detail"]


def test_an_admin_of_a_district_sees_makes_and_revokes_only_its_tokens(
    as_: Callable[..., Person], admin: Person
) -> None:
    west = as_(Role.ADMIN, city.WEST)
    east = admin.post("/v1/tokens", {"role": "street", "area": city.OTHER})
    assert east["id"] not in {it["id"] for it in west.get("/v1/tokens")["tokens"]}
    refusal(west.send("DELETE", f"/v1/tokens/{east['id']}"), 403)
    refusal(west.send("POST", "/v1/tokens", json={"role": "street", "area": city.OTHER}), 403)
    refusal(west.send("POST", "/v1/tokens", json={"role": "city"}), 403)
    west.post("/v1/tokens", {"role": "street", "area": city.LEAD})


def test_reads_of_personal_data_and_administrative_acts_are_entered_and_refusals_are_not(
    as_: Callable[..., Person], admin: Person, citizen: Person, city_session: Session
) -> None:
    case = citizen.report(-300)["case_id"]
    as_(Role.STREET, city.LEAD).get(f"/v1/cases/{case}/reports")
    refusal(as_(Role.STREET, city.OTHER).send("GET", f"/v1/cases/{case}/reports"), 403)
    admin.post("/v1/tokens", {"role": "street", "area": city.LEAD})
    entries = admin.get("/v1/audit")["entries"]
    assert [(it["n"], it["who"], it["act"]) for it in entries] == [
        (2, "Li Na", "POST /v1/tokens"),
        (1, f"street:{city.LEAD}", "GET /v1/cases/{case_id}/reports"),
    ]
    assert entries[1]["subject"] == f"/v1/cases/{case}/reports"
    assert entries[0]["previous"] == entries[1]["hash"]
    assert admin.get("/v1/audit/verification")["intact"] is True
    refusal(as_(Role.ADMIN, city.WEST).send("GET", "/v1/audit"), 403)


TAMPERED = {
    "changed": "update audit_entry set who = 'nobody' where n = 2",
    "removed": "delete from audit_entry where n = 2",
    "put before": "update audit_entry set n = 9 where n = 1",
}


@pytest.mark.parametrize("how", TAMPERED)
def test_a_changed_audit_log_is_noticed(admin: Person, city_session: Session, how: str) -> None:
    for _ in range(4):
        admin.get("/v1/tokens")
    assert verify_audit(city_session).entries == 4
    city_session.rollback()
    city_session.execute(text(TAMPERED[how]))
    city_session.expire_all()
    assert verify_audit(city_session).intact is False


def test_the_service_may_add_to_the_audit_log_and_not_change_it(
    admin: Person, city_database: str
) -> None:
    admin.get("/v1/tokens")
    engine = create_engine(city_database, role=SERVICE_ROLE)
    for act in ("update audit_entry set who = 'x'", "delete from audit_entry"):
        with engine.connect() as connection, pytest.raises(ProgrammingError, match="permission"):
            connection.execute(text(act))
    engine.dispose()


def test_the_key_of_tokens_is_rotated_while_the_service_goes_on(
    service_database: str,
    tmp_path: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "token.key").write_text(TOKEN_KEY)

    def rotate(*words: str) -> None:
        monkeypatch.setenv("DATABASE_URL", service_database)
        monkeypatch.setenv("GRIDSVC_VAR_DIR", str(tmp_path))
        get_settings.cache_clear()
        try:
            done = CliRunner().invoke(command, ["keys", "rotate-token", *words])
        finally:
            get_settings.cache_clear()
        assert done.exit_code == 0, (done.output, done.exception)

    settings = Settings(DATABASE_URL=service_database, var_dir=tmp_path, reporter_key=REPORTER_KEY)
    with served(create_app(settings)) as client:
        admin = Person(client, token_of(Role.ADMIN, subject="Li Na"))
        old = Person(client, admin.post("/v1/tokens", {"role": "admin"})["token"])
        rotate()
        renewed = old.post("/v1/tokens/renewal")["token"]
        with pytest.raises(jwt.InvalidSignatureError):
            jwt.decode(renewed, KEY, algorithms=["HS256"])
        old.get("/v1/tokens")
        rotate("--forget-old")
        refusal(old.send("GET", "/v1/tokens"), 401)
        new = Person(client, renewed)
        assert new.get("/v1/audit")["entries"][0]["act"] == "forget old key"


def test_tokens_are_made_listed_and_revoked_by_command(
    city_database: str,
    tmp_path: Any,
    monkeypatch: pytest.MonkeyPatch,
    city_session: Session,
    client: httpx.Client,
) -> None:
    monkeypatch.setenv("DATABASE_URL", city_database)
    monkeypatch.setenv("GRIDSVC_VAR_DIR", str(tmp_path))
    monkeypatch.setenv("GRIDSVC_TOKEN_KEY", TOKEN_KEY)
    get_settings.cache_clear()

    def run(*words: str, code: int = 0) -> str:
        done = CliRunner().invoke(command, ["token", *words])
        assert done.exit_code == code, (done.output, done.exception)
        return done.stdout

    try:
        token = run("create", "--role", "street", "--area", city.LEAD).strip()
        Person(client, token).get("/v1/cases")
        (listed,) = json.loads(run("list", "--json"))
        assert (listed["role"], listed["area"]) == ("street", city.LEAD)
        run("revoke", listed["id"])
        refusal(Person(client, token).send("GET", "/v1/cases"), 401)
        whole = token_of(Role.CITY)
        run("revoke", whole)
        refusal(Person(client, whole).send("GET", "/v1/cases"), 401)
    finally:
        get_settings.cache_clear()
    acts = city_session.scalars(text("select act from audit_entry order by n")).all()
    assert [act.split()[-2:] for act in acts] == [
        ["token", "create"],
        ["token", "revoke"],
        ["token", "revoke"],
    ]
