"""Which features of a file are areas that can be loaded, and why the others cannot.

An area without a code is refused, also when its name would tell the code, because names repeat.
When several features bear one code they are all refused, because either one of them has the wrong
code or they are parts of one area, and the file does not say which; an operator who knows that they
are parts allows joining. A broken geometry is repaired where its rings can be read in one way only.
"""

from __future__ import annotations

import dataclasses
import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely

from gridsvc.codes import Level, level_of, parent_of
from gridsvc.errors import BadCode, BadGeometry
from gridsvc.readers.vector_file import Feature, VectorFile
from gridsvc.registry.areas.coverage_check import place_of
from gridsvc.registry.areas.report import Outcome
from gridsvc.spatial.coverage import mend
from gridsvc.spatial.ellipsoid import area_m2

# Two parts of one area may overlap by a drawn line's width, not by more; and two ways to read
# broken rings may differ by as much.
_SAME_M2 = 1.0


@dataclass(frozen=True, slots=True)
class Candidate:
    """An area on its way in: the features it comes from, and how it was repaired so far."""

    features: tuple[int, ...]
    code: str
    name: str
    geometry: Any
    how: tuple[str, ...]
    changed_m2: float
    place: tuple[float | None, float | None]

    def outcome(self, words: str) -> Outcome:
        """What became of it, in these words."""
        return Outcome(self.features, self.code, self.name, words, self.changed_m2, *self.place)


@dataclass(frozen=True, slots=True)
class Known:
    """What the areas are held against (WGS84).

    Names by code, the city, the areas in force of the same level (where they are well known) and
    those above, by code; and the codes of all that are in force at this level.
    """

    names: Mapping[str, str]
    city: Any
    own: Mapping[str, Any]
    parents: Mapping[str, Any]
    new_codes: bool
    in_force: frozenset[str]


class _Refused(Exception):
    """One feature cannot be loaded; the message says why."""


def screen(
    file: VectorFile, level: Level, columns: Mapping[str, str], known: Known
) -> tuple[list[Candidate], list[Outcome]]:
    """Part the features into those that can be loaded, repaired where needed, and the refused."""
    candidates: list[Candidate] = []
    refused: list[Outcome] = []
    for feature in file.features:
        texts = {role: feature.texts[column] for role, column in columns.items()}
        try:
            candidates.append(_candidate(feature, texts, level, known))
        except _Refused as reason:
            lon, lat = _anywhere(feature.geometry)
            refused.append(
                Outcome(
                    (feature.number,),
                    texts["code"],
                    texts.get("name"),
                    str(reason),
                    0.0,
                    lon,
                    lat,
                )
            )
    return candidates, refused


def one_per_code(
    candidates: list[Candidate], refused: list[Outcome], *, join_parts: bool
) -> list[Candidate]:
    """One area for each code, in code order; what must not be guessed goes to ``refused``."""
    bearers: dict[str, list[Candidate]] = defaultdict(list)
    for candidate in candidates:
        bearers[candidate.code].append(candidate)
    kept: list[Candidate] = []
    for code, group in sorted(bearers.items()):
        if len(group) == 1:
            kept += group
            continue
        parts = _are_parts(group)
        if parts and join_parts:
            kept.append(_joined(group))
            continue
        for candidate in group:
            others = ", ".join(str(it.features[0]) for it in group if it is not candidate)
            words = f"the code {code} is also that of feature {others}"
            words += (
                "; same name and no overlap: if they are parts of one area, allow joining"
                " (--join-parts)"
                if parts
                else ": correct one of them"
            )
            refused.append(candidate.outcome(words))
    return kept


def _candidate(
    feature: Feature, texts: Mapping[str, str | None], level: Level, known: Known
) -> Candidate:
    if feature.trouble is not None:
        raise _Refused(feature.trouble)
    code, how = _code(texts["code"], level)
    if code not in known.names and not known.new_codes:
        raise _Refused(
            f"the code {code} is in no list of divisions and no edition in force: correct it, or "
            "allow new codes (--new-codes)"
        )
    given, above = texts.get("parent"), parent_of(code)
    if given is not None and above is not None and given.ljust(12, "0") != above.ljust(12, "0"):
        raise _Refused(f"the code {code} does not begin with the parent that it names, {given}")
    if not _on_earth(feature.geometry):
        raise _Refused(_outside(feature.geometry, known.city))
    how += feature.how
    _check_rings(feature.geometry)
    try:
        mended = mend(feature.geometry)
    except BadGeometry as error:
        raise _Refused(error.detail) from None
    if not shapely.intersects(known.city, mended.geometry):
        raise _Refused(_outside(mended.geometry, known.city))
    name = texts.get("name")
    if name is None:
        name = known.names.get(code, "")
        if "name" in texts and name:
            how.append(f"no name: took {name} from the list of divisions")
    place = _broken_place(feature.geometry) or place_of(mended.geometry)
    return Candidate(
        (feature.number,),
        code,
        name,
        mended.geometry,
        (*how, *mended.how),
        round(mended.changed_m2, 6),
        place,
    )


def _code(text: str | None, level: Level) -> tuple[str, list[str]]:
    """The code of a cell, and what was done to it."""
    if text is None:
        raise _Refused("it has no code")
    digits = level.digits
    if len(text) == 12 and digits < 12 and text[digits:].strip("0") == "":
        return _code(text[:digits], level)[0], [f"wrote the code {text} as {text[:digits]}"]
    try:
        found = level_of(text)
    except BadCode as error:
        raise _Refused(error.detail) from None
    if found is not level:
        raise _Refused(f"{text} is the code of a {found}, not of a {level}")
    return text, []


def _on_earth(geometry: Any) -> bool:
    """Whether all coordinates can be longitudes and latitudes."""
    return bool((np.abs(shapely.get_coordinates(geometry)) <= (180.0, 90.0)).all())


def _outside(geometry: Any, city: Any) -> str:
    lon, lat = shapely.get_coordinates(geometry)[0].tolist()
    if shapely.intersects(city, shapely.Point(lat, lon)):
        return f"it lies outside the city, at {lon:.5f} {lat:.5f}: lon and lat seem to be swapped"
    return f"it lies outside the city, at {lon:.5f} {lat:.5f}: is the declared CRS right?"


def _check_rings(geometry: Any) -> None:
    """Refuse broken rings that can be read in two ways, one with more land than the other.

    GEOS repairs by the lines, where what is enclosed twice is outside, or by the structure, where
    shells are united and holes taken from them. A ring that crosses itself means the same to both;
    a hole outside its shell, or polygons of one area that overlap, do not.
    """
    if geometry is None or shapely.is_empty(geometry) or shapely.is_valid(geometry):
        return
    reason = shapely.is_valid_reason(geometry)
    if reason.startswith("Hole lies outside shell"):
        raise _Refused(f"a hole lies outside its shell ({reason}): correct either of them")
    flat = shapely.force_2d(geometry)
    by_lines = float(area_m2(shapely.make_valid(flat)))
    by_structure = float(
        area_m2(shapely.make_valid(flat, method="structure", keep_collapsed=False))
    )
    if abs(by_lines - by_structure) > _SAME_M2:
        raise _Refused(
            f"its rings are broken ({reason}) and can be read in two ways, as {by_lines:,.0f} or "
            f"as {by_structure:,.0f} m²: draw it anew there"
        )


def _are_parts(group: list[Candidate]) -> bool:
    if len({candidate.name for candidate in group}) > 1:
        return False
    shapes = [candidate.geometry for candidate in group]
    excess = float(area_m2(shapes).sum()) - float(area_m2(shapely.union_all(shapes)))
    return excess <= _SAME_M2


def _joined(group: list[Candidate]) -> Candidate:
    numbers = tuple(number for candidate in group for number in candidate.features)
    whole = shapely.union_all([candidate.geometry for candidate in group])
    how = "joined features " + " and ".join(str(number) for number in numbers)
    return dataclasses.replace(
        group[0],
        features=numbers,
        geometry=whole,
        how=(how, *(words for candidate in group for words in candidate.how)),
        changed_m2=sum(candidate.changed_m2 for candidate in group),
    )


def _broken_place(geometry: Any) -> tuple[float, float] | None:
    """Where GEOS sees a ring break."""
    found = re.search(r"\[(\S+) ([^\s\]]+)", shapely.is_valid_reason(geometry))
    return None if found is None else (float(found[1]), float(found[2]))


def _anywhere(geometry: Any) -> tuple[float | None, float | None]:
    """A place to look at for a geometry that may be broken: its first vertex."""
    if geometry is None or geometry.is_empty:
        return None, None
    lon, lat = shapely.get_coordinates(geometry)[0].tolist()
    return lon, lat
