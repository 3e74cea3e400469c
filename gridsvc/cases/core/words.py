"""What people write, apart from what the trace is chained by, so that it can be erased.

The content of an entry holds ``{"sha256": ...}`` where somebody's words were, the entry's ``words``
hold the words with a salt. Erasing takes words and salt away: the chain stays whole, and nobody can
guess from the hash what was said.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Mapping
from typing import Any

from gridsvc.db.chain import canonical, plain

#: Always words, whatever they look like; any other text that is not a code or a time is too.
_WORDS = frozenset(
    {
        *("note", "reason", "reasons", "minutes", "answer", "public_answer", "text"),
        *("demand", "plan", "money"),
        *("person", "who", "reported_to", "confirmed_by", "approved_by"),
    }
)
_CODE = re.compile(r"[A-Za-z0-9_.:+/-]{0,64}")


def apart(content: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """A content with hashes for words, and the words with their salt; None where it has none."""
    said = {name: value for name, value in content.items() if value and _is_words(name, value)}
    if not said:
        return dict(content), None
    salt = secrets.token_hex(16)
    hashes = {name: {"sha256": digest(salt, name, value)} for name, value in said.items()}
    return {**content, **hashes}, {"salt": salt, "said": said}


def together(content: Mapping[str, Any], words: Mapping[str, Any] | None) -> dict[str, Any]:
    """The content as it was said; words that were erased are left out."""
    if words:
        return {**content, **words["said"]}
    return {name: value for name, value in content.items() if not is_hash(value)}


def unchanged(content: Mapping[str, Any], words: Mapping[str, Any] | None) -> bool:
    """Whether the words, where they are still there, are those that the content holds hashes of."""
    if not words:
        return True
    hashed = {name for name, value in content.items() if is_hash(value)}
    return hashed == words["said"].keys() and all(
        content[name]["sha256"] == digest(words["salt"], name, value)
        for name, value in words["said"].items()
    )


def is_hash(value: object) -> bool:
    """Whether a content holds this in the place of words."""
    return isinstance(value, Mapping) and value.keys() == {"sha256"}


def digest(salt: str, name: str, value: Any) -> str:
    """SHA-256 of ``[salt, name, value]`` as canonical JSON."""
    return hashlib.sha256(canonical([salt, name, plain(value)])).hexdigest()


def _is_words(name: str, value: object) -> bool:
    if name in _WORDS:
        return True
    return isinstance(value, str) and _CODE.fullmatch(value) is None
