"""What a token's role and area prefix allow."""

from __future__ import annotations

import datetime as dt
import uuid

import pytest

from gridsvc.callers import Caller, Role
from gridsvc.errors import BadInput, Unavailable
from gridsvc.registry.access.keys import secret_key
from gridsvc.registry.access.service import issue_token

STREET, DEPARTMENT = "110102020", "110102-CGJ"
NOW = dt.datetime(2026, 11, 22, tzinfo=dt.UTC)


def caller(role, area="", body=None):
    return Caller("somebody", role, area, body, uuid.UUID(int=1))


def test_a_prefix_covers_what_begins_with_it():
    district = caller(Role.DISTRICT, "110102")
    assert district.covers("110102020")
    assert district.covers("110102")
    assert not district.covers("110106002")
    assert not district.covers("1101")
    assert caller(Role.CITY).covers("110106002")


@pytest.mark.parametrize("role", list(Role))
def test_only_supervisors_supervise_and_only_in_their_area(role):
    supervises = role in {Role.DISTRICT, Role.CITY, Role.ADMIN}
    assert caller(role, "110102").supervises("110102") is supervises
    assert caller(role, "110106").supervises("110102") is False
    assert caller(role, STREET).supervises("110102") is False


@pytest.mark.parametrize("role", list(Role))
def test_who_acts_for_a_street_office(role):
    acts = role in {Role.DISTRICT, Role.CITY, Role.ADMIN}
    assert caller(role, "110102").acts_for(STREET, STREET) is acts
    assert caller(role, "110106").acts_for(STREET, STREET) is False
    own = role in {Role.STREET, Role.DISTRICT, Role.CITY, Role.ADMIN}
    assert caller(role, STREET).acts_for(STREET, STREET) is own


def test_a_department_acts_for_itself_alone():
    department = caller(Role.DEPARTMENT, "110102", DEPARTMENT)
    assert department.acts_for(DEPARTMENT, "110102")
    assert not department.acts_for("110102-GZ", "110102")
    assert not caller(Role.DEPARTMENT, DEPARTMENT).acts_for(DEPARTMENT, "110102")


@pytest.mark.parametrize(
    ("role", "area", "field"),
    [
        (Role.STREET, "110102", "area"),
        (Role.STREET, "", "area"),
        (Role.DEPARTMENT, "110102", "body"),
        (Role.CITY, "1101-02", "area"),
        (Role.CITY, "1101020200011", "area"),
    ],
)
def test_a_token_that_could_do_nothing_is_not_issued(role, area, field):
    with pytest.raises(BadInput) as refused:
        issue_token(b"k" * 32, role=role, area=area, valid_for=dt.timedelta(1), now=NOW)
    assert refused.value.field == field


def test_a_key_is_made_once_and_is_its_owners_alone(tmp_path):
    made = secret_key(tmp_path / "keys", "token", None)
    assert len(made) == 32
    assert secret_key(tmp_path / "keys", "token", None) == made
    assert secret_key(tmp_path / "keys", "reporter", None) != made
    path = tmp_path / "keys" / "token.key"
    assert path.stat().st_mode & 0o077 == 0
    assert [file.name for file in path.parent.iterdir() if file.name.startswith(".")] == []


def test_a_key_that_is_given_wins_and_must_have_64_digits(tmp_path):
    assert secret_key(tmp_path, "token", "ab" * 32) == b"\xab" * 32
    for wrong in ("", "ab" * 31, "xy" * 32):
        with pytest.raises(Unavailable, match="GRIDSVC_TOKEN_KEY"):
            secret_key(tmp_path, "token", wrong)
