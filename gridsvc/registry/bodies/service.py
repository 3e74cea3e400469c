"""Who answers: the asset's owner, an agreement, the duty list, the territory, in that order."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from pydantic import HttpUrl, TypeAdapter, ValidationError
from sqlalchemy.orm import Session

from gridsvc.city.classes import STANDARD, ClassKey
from gridsvc.db.base import uuid7
from gridsvc.errors import BadInput, NotFound
from gridsvc.registry.bodies import repository
from gridsvc.registry.bodies.repository import BodyRef, Responsibility
from gridsvc.registry.bodies.rule import (
    AssetOwner,
    Ground,
    ListedDuty,
    choose,
    speaking_areas,
    territory_of,
)
from gridsvc.registry.placement.model import Placement
from gridsvc.tables import table

_FOLDER = Path(__file__).parent
_HTTP_URL: TypeAdapter[HttpUrl] = TypeAdapter(HttpUrl)
_DUTY_COLUMNS = ["body", "kind", "class_prefix", "role", "clause"]
_SOURCE = "example list of gridsvc: real names, made-up division of duties"


def find_responsible(
    session: Session,
    placement: Placement,
    *,
    key: ClassKey,
    asset: AssetOwner | None,
    day: dt.date,
    drafted: Sequence[ListedDuty] = (),
) -> Responsibility:
    """The body that answers for a class at a place, with the ground and its clause.

    ``drafted`` are lines of an agreement that is not signed yet: who would answer then.
    Raises NotFound when not even the street office of the place is registered.
    """
    district, street, community = (
        None if area is None else area.code
        for area in (placement.district, placement.street, placement.community)
    )
    territory_code = territory_of(district, street)
    owners = (
        () if asset is None else (asset.owner_body, asset.maintainer_body, asset.competent_body)
    )
    drafted_bodies = (duty.body_code for duty in drafted)
    found = repository.answering(
        session,
        lon=placement.lon,
        lat=placement.lat,
        area_codes=speaking_areas((district, street, community)),
        key=key,
        day=day,
        more={territory_code, *drafted_bodies, *(code for code in owners if code)},
    )
    bodies = found.bodies
    chosen = choose(asset, [*drafted, *found.agreed], found.listed, territory_code)
    if chosen.lead not in bodies:
        raise NotFound(
            f"Nobody is registered as responsible here (body '{chosen.lead}' is unknown);"
            " import the bodies and duties of this district."
        )
    return Responsibility(
        lead=bodies[chosen.lead],
        assist=tuple(bodies[code] for code in chosen.assist if code in bodies),
        ground=chosen.ground,
        clause=chosen.clause,
        territory=bodies.get(territory_code),
        gap=chosen.ground is Ground.TERRITORY,
    )


def load_example_bodies(
    session: Session, streets: Mapping[str, str], districts: Mapping[str, str], *, day: dt.date
) -> tuple[int, int]:
    """Register street offices, departments, companies and an example duty list.

    ``streets`` and ``districts`` map codes to names. Gives the numbers of bodies and of duty
    lines; does nothing when a duty list is there already.
    """
    bodies = list(_bodies(streets, districts))
    repository.add_bodies(session, bodies)
    if repository.count_duties(session):
        return len(bodies), repository.count_duties(session)
    duties = list(_duties(streets, districts, day))
    repository.add_duties(session, duties)
    return len(bodies), len(duties)


def _bodies(
    streets: Mapping[str, str], districts: Mapping[str, str]
) -> Iterator[dict[str, object]]:
    common: dict[str, object] = {"webhook_url": None, "source": _SOURCE}
    for code, name in streets.items():
        office = f"{name}办事处" if name.endswith("街道") else f"{name}人民政府"
        yield {"code": code, "name": office, "kind": "street", "area_code": code, **common}
    for row in table(_FOLDER / "departments.csv", ["suffix", "name", "kind"]):
        for district, name in districts.items():
            yield {
                "code": f"{district}-{row['suffix']}",
                "name": name + row["name"],
                "kind": row["kind"],
                "area_code": district,
                **common,
            }
    for row in table(_FOLDER / "city_units.csv", ["code", "name", "kind"]):
        city = next(iter(districts))[:4]
        yield {**row, "area_code": city, **common}


def _duties(
    streets: Mapping[str, str], districts: Mapping[str, str], day: dt.date
) -> Iterator[dict[str, object]]:
    for row in table(_FOLDER / "duties.csv", _DUTY_COLUMNS):
        if row["body"] == "street":
            holders = [(code, code) for code in streets]
        else:
            holders = [(f"{district}-{row['body']}", district) for district in districts]
        for body, area in holders:
            yield {
                "id": uuid7(),
                "body_code": body,
                "area_code": area,
                "standard": STANDARD,
                "kind": row["kind"],
                "class_prefix": row["class_prefix"],
                "role": row["role"],
                "clause": row["clause"],
                "valid_from": day,
                "valid_to": None,
            }


def body_or_refuse(session: Session, code: str, *, field: str) -> BodyRef:
    """The body of a code. Raises NotFound, naming the field."""
    body = repository.bodies_by_code(session, [code]).get(code)
    if body is None:
        raise NotFound(f"No body has the code '{code}'.", field=field)
    return body


def keep_gap(
    session: Session,
    district_code: str,
    street_code: str,
    key: ClassKey,
    *,
    case_id: uuid.UUID,
    now: dt.datetime,
) -> None:
    """Keep that nobody is listed for a class in a street, once, with the first case of it."""
    repository.add_gap(
        session,
        {
            "district_code": district_code,
            "street_code": street_code,
            "standard": key.standard,
            "kind": key.kind,
            "class_code": key.code,
            "first_seen_at": now,
            "case_id": case_id,
        },
    )


def set_webhook(session: Session, code: str, url: str | None) -> str | None:
    """Set the address at which a body is called, None for the inbox only; gives it as kept.

    Raises NotFound for an unknown body, BadInput for anything but an http or https address.
    """
    body_or_refuse(session, code, field="body")
    kept = None if url is None else http_url(url)
    repository.set_webhook(session, code, kept)
    return kept


def http_url(url: str, *, field: str = "webhook_url") -> str:
    """The address of a webhook as it is kept. Raises BadInput for one that cannot be called."""
    try:
        parsed = _HTTP_URL.validate_python(url.strip())
    except ValidationError as error:
        reason = error.errors()[0]["msg"]
        raise BadInput(
            f"The webhook '{url[:100]}' cannot be called ({reason});"
            " write https://host/path or http://host/path.",
            field=field,
        ) from None
    if parsed.username or parsed.password:
        raise BadInput(
            "The webhook carries a user name or password; leave it out. Every call is signed, and"
            " the receiver checks that.",
            field=field,
        )
    return str(parsed)
