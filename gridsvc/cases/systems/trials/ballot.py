"""The ballot box: sums of ballots, sealed with a key that is not in the database.

A ballot is never a row. It is added to the sums of its box, which are sealed anew at each vote with
a fresh nonce and have the same length whatever is added. So neither rows, nor their order, nor the
transactions that wrote them, nor two backups beside each other tell what was on whose ballot.
"""

from __future__ import annotations

import hashlib
import secrets
import unicodedata
from collections.abc import Sequence

from gridsvc.cases.systems.trials.rule import Choice, Content, Tally
from gridsvc.errors import Unavailable
from gridsvc.registry.access.keys import seal, unseal

#: Without what is mistaken for another when it is read from paper.
_LETTERS = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
#: 78 bits: nobody who has the hashes can try all codes.
_CODE_LENGTH = 16
#: Every sum takes as many characters, so that the length of a box tells nothing.
_WIDTH = 7


def empty_box(key: bytes, of: str) -> bytes:
    """A box without a ballot; ``of`` names its vote, and no other vote opens it."""
    return _sealed(key, of, _NOTHING)


def put(keys: Sequence[bytes], of: str, box: bytes, choice: Choice, content: Content) -> bytes:
    """The box with one ballot more. Raises Unavailable for one that is not of this vote."""
    before = open_box(keys, of, box)
    choices = before.choices | {choice: before.choices[choice] + 1}
    contents = before.contents | {content: before.contents[content] + 1}
    return _sealed(keys[0], of, Tally(choices, contents))


def open_box(keys: Sequence[bytes], of: str, box: bytes) -> Tally:
    """What lies in a box. Raises Unavailable for one that is not of this vote."""
    held = unseal(keys[0], box, *keys[1:])
    if held.get("vote") != of:
        raise Unavailable("The ballot box is another vote's; restore the database from a backup.")
    sums = [int(one) for one in held["sums"].split()]
    return Tally(
        dict(zip(Choice, sums[: len(Choice)], strict=True)),
        dict(zip(Content, sums[len(Choice) :], strict=True)),
    )


def new_code() -> str:
    """The code of a voting slip."""
    return "".join(secrets.choice(_LETTERS) for _ in range(_CODE_LENGTH))


def hash_of(code: str) -> bytes:
    """By what a slip is found; case, width, blanks and hyphens of the code do not count."""
    plain = unicodedata.normalize("NFKC", code).upper()
    letters = "".join(one for one in plain if one.isalnum())
    return hashlib.sha256(letters.encode()).digest()


_NOTHING = Tally(dict.fromkeys(Choice, 0), dict.fromkeys(Content, 0))


def _sealed(key: bytes, of: str, tally: Tally) -> bytes:
    sums = (*tally.choices.values(), *tally.contents.values())
    return seal(key, {"vote": of, "sums": " ".join(f"{one:0{_WIDTH}}" for one in sums)})
