from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest

from gridsvc.cases.log.checkpoint import Checkpoint, public_key, read_notes, sign
from gridsvc.errors import BadFile

KEY, OTHER = b"\x01" * 32, b"\x02" * 32
NOW = dt.datetime(2026, 11, 29, 20, 0, tzinfo=dt.UTC)
MADE = Checkpoint("city.example/log", 7, b"\x05" * 32, NOW, NOW - dt.timedelta(seconds=10))
VERIFIER = public_key(MADE.origin, KEY)


def test_a_checkpoint_is_read_as_it_was_signed() -> None:
    assert list(read_notes(sign(MADE, KEY), VERIFIER)) == [MADE]


def test_a_file_that_checkpoints_were_appended_to_has_all_of_them() -> None:
    later = replace(MADE, size=9)
    text = f"{sign(MADE, KEY)}\n{sign(later, KEY)}\n"
    assert list(read_notes(text, VERIFIER)) == [MADE, later]


@pytest.mark.parametrize(
    "change", [("\n7\n", "\n8\n"), ("made 2026", "made 2025"), ("city", "town"), ("BQUF", "AQUF")]
)
def test_an_altered_checkpoint_is_refused(change: tuple[str, str]) -> None:
    note = sign(MADE, KEY)
    assert change[0] in note
    with pytest.raises(BadFile, match="not signed by"):
        list(read_notes(note.replace(*change, 1), VERIFIER))


def test_a_checkpoint_of_another_key_is_refused() -> None:
    with pytest.raises(BadFile, match="not signed by"):
        list(read_notes(sign(MADE, OTHER), VERIFIER))


@pytest.mark.parametrize("text", ["", "something else", "a\nb\nc\n\n— a b\n"])
def test_a_text_without_a_checkpoint_is_refused(text: str) -> None:
    with pytest.raises(BadFile, match="checkpoint"):
        list(read_notes(text, VERIFIER))


@pytest.mark.parametrize("key", ["", "a+b", "a+b+c", "a+00000000+AAAA"])
def test_what_is_not_a_key_is_refused(key: str) -> None:
    with pytest.raises(BadFile, match="is not a public key"):
        list(read_notes(sign(MADE, KEY), key))
