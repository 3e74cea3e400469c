"""Finds classes by code, name, pinyin and the initials of it."""

from __future__ import annotations

import re
from functools import lru_cache

from sqlalchemy.orm import Session

from gridsvc.errors import BadInput
from gridsvc.registry.classes import repository
from gridsvc.registry.classes.models import ListedClass
from gridsvc.registry.classes.schemas import ClassAnswer, ClassPage

#: What is written between syllables, and not always: bao lu la ji, xi'an, (qiao mu).
_BETWEEN = re.compile(r"[\s'’·（）()/、，,-]+")
_CURSOR = re.compile(r"(part|event)\.([0-9]{5})")


def list_classes(
    session: Session,
    standard: str,
    *,
    kind: str | None,
    words: str | None,
    limit: int,
    cursor: str | None,
) -> ClassPage:
    """A page of a class list, by kind and code; ``words`` as :func:`matches` takes them.

    Raises BadInput for a cursor that no page gave.
    """
    after = ("", "")
    if cursor is not None:
        known = _CURSOR.fullmatch(cursor)
        if known is None:
            raise BadInput("Invalid cursor; pass `next` of the previous page.", field="cursor")
        after = (known[1], known[2])
    found = [
        one
        for one in repository.classes_after(session, standard, kind=kind, after=after)
        if words is None or matches(one, words)
    ]
    listed = [ClassAnswer.of(one, pinyin=" ".join(_syllables(one.name))) for one in found[:limit]]
    last = listed[-1] if len(found) > limit else None
    return ClassPage(classes=listed, next=last and f"{last.kind}.{last.code}")


def matches(listed: ListedClass, words: str) -> bool:
    """Whether a class is meant by the first digits of its code, or a piece of its name.

    The name as it is written, in pinyin (with or without blanks, its last syllable perhaps begun
    only), or by the first letters of its pinyin. For ü there may be v or u.
    """
    words = words.strip()
    if listed.code.startswith(words) or words in listed.name:
        return True
    typed = _plain(_BETWEEN.sub("", words))
    syllables = [_plain(syllable) for syllable in _syllables(listed.name)]
    if not typed:
        return False
    spelt = ("".join(syllables[begin:]) for begin in range(len(syllables)))
    initials = "".join(syllable[0] for syllable in syllables)
    return typed in initials or any(rest.startswith(typed) for rest in spelt)


def _plain(spelt: str) -> str:
    return spelt.lower().replace("ü", "u").replace("v", "u")


@lru_cache(maxsize=4096)
def _syllables(name: str) -> tuple[str, ...]:
    """The pinyin of a name without tones, letters and digits of its own among it."""
    from pypinyin import lazy_pinyin  # its dictionaries take a fifth of a second

    return tuple(lazy_pinyin(_BETWEEN.sub("", name)))
