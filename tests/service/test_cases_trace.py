"""The trace: whatever is changed, removed or swapped in it is found; the service cannot do it."""

from __future__ import annotations

import itertools

import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from gridsvc.db import create_engine
from gridsvc.db.roles import SERVICE_ROLE
from tests.service import joint_city as city


@pytest.fixture
def case(citizen, lead):
    """A case with five entries."""
    filed = citizen.report(-300)
    steps = f"/v1/cases/{filed['case_id']}/steps"
    lead.post(steps, {"step": "handle", "note": "gone there"})
    lead.post(steps, {"step": "feed_back", "note": "done"})
    citizen.report(-300)
    return filed["case_id"]


@pytest.fixture
def verify(lead, case):
    return lambda: lead.get(f"/v1/cases/{case}/trace/verify")


@pytest.fixture
def tamper(city_engine):
    """Do what only the owner of the database can."""

    def run(*statements: str) -> None:
        with city_engine.begin() as connection:
            for statement in statements:
                assert connection.execute(text(statement)).rowcount

    return run


def test_an_untouched_trace_is_intact_and_in_its_order(lead, case, verify):
    assert verify() == {
        "case_id": case,
        "intact": True,
        "entries": 5,
        "broken_at": None,
        "reason": None,
    }
    entries = lead.get(f"/v1/cases/{case}/trace")["entries"]
    assert [entry["n"] for entry in entries] == [1, 2, 3, 4, 5]
    assert [entry["action"] for entry in entries] == [
        "dispatch",
        "report_filed",
        "handle",
        "feed_back",
        "report_joined",
    ]
    for before, after in itertools.pairwise(entries):
        assert after["previous_hash"] == before["hash"]


@pytest.mark.parametrize(
    "change",
    [
        "content = jsonb_set(content, '{note}', '\"never went\"')",
        "actor = 'somebody else'",
        "body_code = '110102007'",
        "body_code = null",
        "at = at - interval '1 microsecond'",
        "written_at = written_at + interval '1 microsecond'",
        "action = 'close'",
        "hash = repeat('0', 64)",
    ],
)
def test_a_changed_entry_is_found(verify, tamper, change):
    tamper(f"update trace set {change} where n = 3")  # noqa: S608 - written in this file
    found = verify()
    assert (found["intact"], found["broken_at"]) == (False, 3)


def test_a_removed_entry_is_found(verify, tamper):
    tamper("delete from trace where n = 3")
    found = verify()
    assert (found["intact"], found["broken_at"], found["entries"]) == (False, 3, 4)
    assert "missing" in found["reason"]


def test_a_removed_entry_is_found_though_the_others_were_numbered_anew(verify, tamper):
    tamper("delete from trace where n = 3", "update trace set n = n - 1 where n > 3")
    found = verify()
    assert (found["intact"], found["broken_at"]) == (False, 3)


def test_a_trace_removed_whole_is_found(verify, tamper):
    tamper("delete from trace")
    found = verify()
    assert (found["intact"], found["broken_at"]) == (False, 1)


def test_two_swapped_entries_are_found(verify, tamper):
    tamper(
        "update trace set n = 99 where n = 3",
        "update trace set n = 3 where n = 4",
        "update trace set n = 4 where n = 99",
    )
    found = verify()
    assert (found["intact"], found["broken_at"]) == (False, 3)


def test_an_entry_of_another_case_does_not_fit(citizen, verify, tamper, case):
    citizen.report(-900)
    tamper(
        f"delete from trace where n = 2 and case_id = '{case}'",  # noqa: S608 - our own id
        f"update trace set case_id = '{case}'"  # noqa: S608 - our own id
        f" where n = 2 and case_id <> '{case}'",
    )
    assert verify()["broken_at"] == 2


@pytest.mark.parametrize("table", ["trace", "trace_default"])
@pytest.mark.parametrize(
    "statement", ["update {} set actor = 'nobody'", "delete from {}", "truncate {}"]
)
def test_the_service_may_not_change_its_trace(case, city_database, table, statement):
    engine = create_engine(city_database, role=SERVICE_ROLE)
    with (
        engine.connect() as connection,
        pytest.raises(ProgrammingError, match="permission denied"),
    ):
        connection.execute(text(statement.format(table)))
    engine.dispose()


@pytest.mark.parametrize(
    "number", ["1e16", "1e23", "1.5e300", "-0.0", "5e-324", "0.1", "1.0", "123456789012345678901"]
)
def test_evidence_with_any_number_is_still_whole_when_it_is_read_back(lead, citizen, number):
    filed = citizen.report(-300)
    steps = f"/v1/cases/{filed['case_id']}/steps"
    step = f'{{"step": "handle", "note": "x", "evidence": {{"measured": [{number}]}}}}'
    headers = {"Content-Type": "application/json"}
    assert lead.send("POST", steps, content=step.encode(), headers=headers).status_code == 200
    assert lead.get(f"/v1/cases/{filed['case_id']}/trace/verify")["intact"] is True


def test_what_happened_earlier_is_written_with_both_times(lead, citizen):
    filed = citizen.report(-300)
    handle = {"step": "handle", "note": "gone there", "at": filed["created_at"]}
    lead.post(f"/v1/cases/{filed['case_id']}/steps", handle)
    entry = lead.get(f"/v1/cases/{filed['case_id']}/trace")["entries"][-1]
    assert entry["at"] < entry["written_at"]
    assert entry["body_code"] == city.LEAD
    assert entry["actor"] == f"street:{city.LEAD}"
