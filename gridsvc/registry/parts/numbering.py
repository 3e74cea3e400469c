"""Gives parts their 8-digit codes and national ids; a number is never used again."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from gridsvc.codes import Thing, next_local_code
from gridsvc.errors import CodesExhausted
from gridsvc.registry.parts import repository

_FIRST, _LAST = 10_000, 99_999
_LAST_SERIAL = 999_999


def number_codes(
    session: Session,
    district: str,
    street_codes: NDArray[np.str_],
    given: NDArray[np.object_],
) -> NDArray[np.object_]:
    """The 8-digit codes of n parts: ``given``, and new ones, by street, where that is ''.

    ``street_codes`` (9 digits) must be there where a code is wanted. New numbers count on from the
    highest of the street; where imported codes have used that up, the free ones are taken in
    order. Raises CodesExhausted when a street does not have enough.
    """
    codes = given.copy()
    wanted = given == ""
    for street in np.unique(street_codes[wanted]).tolist():
        rows = np.flatnonzero(wanted & (street_codes == street))
        numbers = _numbers(session, district, street, given, len(rows))
        prefix = street[6:]
        codes[rows] = [f"{prefix}{number:05d}" for number in numbers.tolist()]
    return codes


def number_ids(
    session: Session,
    district: str,
    class_codes: NDArray[np.object_],
    given: NDArray[np.object_],
    given_2013: NDArray[np.object_],
) -> tuple[NDArray[np.object_], NDArray[np.object_]]:
    """The national ids of n parts, of 17 and of 16 digits: those given, and new ones for ''.

    A new serial counts on from the highest of its class in the district, in both generations of
    ids. An id of 17 digits that was given has its own of 16. A class whose minor number is
    above 99 has no id of 16 digits (''). Raises CodesExhausted beyond serial 999,999.
    """
    ids, ids_2013 = given.copy(), given_2013.copy()
    series = pd.Series(class_codes)
    has_2013 = (series.str[2] == "0").to_numpy(dtype=bool)
    prefix = (district + series).to_numpy(dtype=object)
    prefix_2013 = (district + series.str[:2] + series.str[3:]).to_numpy(dtype=object)
    highest = repository.highest_serials(
        session, sorted({*prefix.tolist(), *prefix_2013[has_2013].tolist()})
    )
    for values, width in ((given, 11), (given_2013, 10)):
        brought = pd.Series(values[values != ""])
        serials = brought.str[width:].astype("int64").groupby(brought.str[:width]).max()
        for key, serial in serials.items():
            highest[key] = max(highest.get(key, 0), int(serial))
    wanted = given == ""
    serial = np.zeros(len(given), dtype=np.int64)
    for class_code in sorted(set(class_codes[wanted].tolist())):
        rows = np.flatnonzero(wanted & (class_codes == class_code))
        first = 1 + max(
            highest.get(prefix[rows[0]], 0),
            highest.get(prefix_2013[rows[0]], 0) if has_2013[rows[0]] else 0,
        )
        if first + len(rows) - 1 > _LAST_SERIAL:
            raise CodesExhausted(
                f"Class {class_code} does not have {len(rows):,} serials left in district"
                f" {district}; they end at {_LAST_SERIAL:,} and none is used again."
            )
        serial[rows] = first + np.arange(len(rows))
    tail = pd.Series(serial).astype(str).str.zfill(6).to_numpy(dtype=object)
    ids[wanted] = (prefix + tail)[wanted]
    tail[~wanted] = pd.Series(given[~wanted]).str[11:].to_numpy(dtype=object)
    made = (given_2013 == "") & has_2013
    ids_2013[made] = (prefix_2013 + tail)[made]
    return ids, ids_2013


def _numbers(
    session: Session, district: str, street: str, given: NDArray[np.object_], count: int
) -> NDArray[np.int64]:
    prefix = street[6:]
    own = [
        int(code[3:]) for code in given.tolist() if code[:3] == prefix and int(code[3:]) >= _FIRST
    ]
    highest = max([repository.highest_number(session, district, prefix) or _FIRST - 1, *own])
    if highest + count <= _LAST:
        first = next_local_code(street, Thing.PART, highest if highest >= _FIRST else None).number
        return first + np.arange(count, dtype=np.int64)
    used = np.union1d(
        repository.numbers_in_use(session, district, prefix), np.array(own, dtype=np.int64)
    )
    free = np.setdiff1d(np.arange(_FIRST, _LAST + 1), used)
    if len(free) < count:
        raise CodesExhausted(
            f"Street {street} has {len(free):,} part numbers left, but {count:,} are needed, and"
            " none is used again; import your own 8-digit codes that are new in the district."
        )
    return np.asarray(free[:count], dtype=np.int64)
