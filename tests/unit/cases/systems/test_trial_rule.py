"""When a trial's vote passes, and what a sealed ballot box gives away."""

from __future__ import annotations

import secrets
from fractions import Fraction
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridsvc.cases.systems.trials.ballot import empty_box, hash_of, new_code, open_box, put
from gridsvc.cases.systems.trials.households import Batch, check_batches, household_of
from gridsvc.cases.systems.trials.rule import (
    Choice,
    Content,
    Rule,
    Tally,
    Whole,
    passes,
    read_share,
)
from gridsvc.errors import BadInput, Unavailable

KEY = secrets.token_bytes(32)
TWO_THIRDS = Rule(Fraction(2, 3), Whole.HOUSEHOLDS, Fraction(0))


def tally(keep: int, stop: int = 0, abstain: int = 0) -> Tally:
    choices = {Choice.KEEP: keep, Choice.STOP: stop, Choice.ABSTAIN: abstain}
    contents = {Content.SATISFIED: keep, Content.FAIRLY: abstain, Content.DISSATISFIED: stop}
    return Tally(choices, contents)


@pytest.mark.system(25)
@pytest.mark.parametrize(
    ("keep", "households", "passed"),
    [
        (2, 3, True),  # 66.67 %
        (333, 500, False),  # 66.6 %
        (334, 500, True),
        (6_666, 10_000, False),
        (6_667, 10_000, True),
        (13_333, 20_000, False),  # 66.665 %, which rounds to 66.67 %
        (66_666, 100_000, False),  # 66.666 %, which rounds to 66.67 %
        (66_667, 100_000, True),
        (1, 3, False),
    ],
)
def test_two_thirds_are_exact(keep: int, households: int, passed: bool) -> None:
    assert passes(tally(keep, households - keep), households, TWO_THIRDS) is passed


@pytest.mark.system(25)
@given(st.integers(0, 10**6), st.integers(0, 10**6), st.integers(1, 999), st.integers(1, 999))
def test_a_share_is_compared_in_whole_numbers(keep: int, stop: int, top: int, below: int) -> None:
    part, whole = sorted((top, below))
    rule = Rule(Fraction(part, whole), Whole.HOUSEHOLDS, Fraction(0))
    enough = keep * whole >= part * (keep + stop) and keep + stop > 0
    assert passes(tally(keep, stop), keep + stop, rule) is enough


def test_silence_is_no_consent_unless_the_share_is_of_the_votes() -> None:
    of_votes = Rule(Fraction(2, 3), Whole.VOTES, Fraction(0))
    assert not passes(tally(4, 2), 9, TWO_THIRDS)
    assert passes(tally(4, 2), 9, of_votes)
    assert not passes(tally(4, 1, 2), 9, of_votes)
    assert not passes(tally(0), 9, of_votes)


def test_a_vote_below_its_quorum_fails_however_many_agree() -> None:
    rule = Rule(Fraction(2, 3), Whole.VOTES, Fraction(2, 3))
    assert not passes(tally(5), 9, rule)
    assert passes(tally(6), 9, rule)


@pytest.mark.parametrize("written", ["66.67%", "0.667", "3/2", "1/0", "-1/2", "2 / 3", "", "２/３"])
def test_a_share_is_written_as_a_fraction(written: str) -> None:
    with pytest.raises(BadInput):
        read_share(written, "share")


@pytest.mark.system(25)
def test_a_box_has_one_length_and_never_one_look_whatever_is_put_in() -> None:
    boxes = [
        put([KEY], "a vote", empty_box(KEY, "a vote"), choice, content)
        for choice, content in product(Choice, Content)
        for _ in range(20)
    ]
    assert len({len(box) for box in [*boxes, empty_box(KEY, "a vote")]}) == 1
    assert len(set(boxes)) == len(boxes)


def test_a_box_opens_for_its_vote_and_its_key_alone() -> None:
    box = put([KEY], "a vote", empty_box(KEY, "a vote"), Choice.STOP, Content.FAIRLY)
    opened = open_box([secrets.token_bytes(32), KEY], "a vote", box)
    assert (opened.votes, opened.choices[Choice.STOP], opened.contents[Content.FAIRLY]) == (1, 1, 1)
    for keys, of in (([KEY], "another vote"), ([secrets.token_bytes(32)], "a vote")):
        with pytest.raises(Unavailable):
            open_box(keys, of, box)


def test_satisfaction_is_an_exact_share_and_nothing_without_a_vote() -> None:
    assert tally(1, 1, 1).satisfied == Fraction(2, 3)
    assert tally(0).satisfied is None


def test_a_code_is_read_as_people_type_it() -> None:
    code = new_code()
    assert hash_of(f" {code[:4].lower()}-{code[4:8]} {code[8:]} ") == hash_of(code)
    assert hash_of(code) != hash_of(new_code())


@pytest.mark.system(25)
@pytest.mark.parametrize(
    "again",
    [
        "3-2-502",
        "３－２－５０２",
        "3号楼2单元502",
        "三號樓二單元 502室",
        "3栋2门502户",
        "03-02-502",
    ],
)
def test_one_household_has_one_vote_however_it_is_written(again: str) -> None:
    batch = Batch("110102001001", ("3号楼2单元502室", "3-2-503", again, "3-2-504"))
    with pytest.raises(BadInput, match="each has one vote"):
        check_batches([batch])


def test_neighbours_are_not_one_household() -> None:
    doors = ["3-2-502", "3-2-503", "32-502", "3-25-02", "3-2-502甲", "12号院3排5号", "12号院3排6号"]
    assert len({household_of(one) for one in doors}) == len(doors)


@pytest.mark.parametrize(
    ("batches", "told"),
    [
        ([], "1 to 50"),
        ([Batch("110102001", ("1", "2", "3")), Batch("110102001001", ("1", "2", "3"))], "lies in"),
        ([Batch("110102001001", ("1", "2"))], "at least 3"),
        ([Batch("110102001001", ("1", "2", "——"))], "is not an address"),
        ([Batch("110102001001", tuple("123")), Batch("110102001001", tuple("345"))], "one vote"),
    ],
)
def test_batches_that_give_two_votes_or_no_secret_are_refused(
    batches: list[Batch], told: str
) -> None:
    with pytest.raises(BadInput, match=told):
        check_batches(batches)
