"""The queries of the register of staff."""

from __future__ import annotations

import datetime as dt
import uuid
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import ColumnElement, and_, delete, exists, or_, select, text, tuple_
from sqlalchemy.orm import Session

from gridsvc.registry.areas.models import Area
from gridsvc.registry.grids.models import UnitGrid
from gridsvc.registry.in_force import holds
from gridsvc.registry.social_grids.models import SocialGrid
from gridsvc.registry.staff.model import Place, StaffRole, Where
from gridsvc.registry.staff.models import Posting, StaffMember, StaffPlace


def lock_register(session: Session, district: str) -> None:
    """Let nobody else change the staff of a district until the end of this transaction."""
    session.execute(
        text("select pg_advisory_xact_lock(hashtext('gridsvc staff ' || :district))"),
        {"district": district},
    )


def known_places(session: Session, district: str, codes: Collection[str]) -> dict[str, list[Place]]:
    """What each of these codes stands for in a district: areas, unit grids, social grids."""
    found: dict[str, list[Place]] = defaultdict(list)
    wanted = list(codes)
    inside = Area.code.startswith(district)
    for code in session.scalars(select(Area.code).where(Area.code.in_(wanted), inside).distinct()):
        found[code].append(Place("area", code, code))
    cells = select(UnitGrid.code, UnitGrid.community_code).where(
        UnitGrid.district_code == district, UnitGrid.code.in_(wanted), UnitGrid.state == "valid"
    )
    grids = select(SocialGrid.code, SocialGrid.area_code).where(
        SocialGrid.district_code == district, SocialGrid.code.in_(wanted)
    )
    for kind, query in (("unit_grid", cells), ("social_grid", grids)):
        for code, area in session.execute(query):
            found[code].append(Place(kind, code, area))
    return dict(found)


def periods_of(
    session: Session, district: str, codes: Collection[str]
) -> dict[str, list[StaffMember]]:
    """The rows of each of these people in a district, the first one first."""
    rows = session.scalars(
        select(StaffMember)
        .where(StaffMember.district_code == district, StaffMember.code.in_(list(codes)))
        .order_by(StaffMember.valid_from)
    )
    found: dict[str, list[StaffMember]] = defaultdict(list)
    for row in rows:
        found[row.code].append(row)
    return dict(found)


def postings_of(
    session: Session, district: str, codes: Collection[str]
) -> Mapping[str, list[Posting]]:
    """The postings of each of these people, the first one first."""
    rows = session.scalars(
        select(Posting)
        .where(Posting.district_code == district, Posting.staff_code.in_(list(codes)))
        .order_by(Posting.valid_from, Posting.id)
    )
    found: dict[str, list[Posting]] = defaultdict(list)
    for row in rows:
        found[row.staff_code].append(row)
    return found


def member_on(session: Session, district: str, code: str, day: dt.date) -> StaffMember | None:
    """Who serves in a district under a code on a day."""
    query = select(StaffMember).where(
        StaffMember.district_code == district,
        StaffMember.code == code,
        holds(StaffMember.valid_from, StaffMember.valid_to, day),
    )
    return session.scalar(query)


def member_by_id(session: Session, id: uuid.UUID) -> StaffMember | None:
    """One row of the register."""
    return session.scalar(select(StaffMember).where(StaffMember.id == id))


def members_of_subject(session: Session, subject: str, day: dt.date) -> list[StaffMember]:
    """As whom the holder of a token stands in the register on a day."""
    query = select(StaffMember).where(
        StaffMember.subject == subject, holds(StaffMember.valid_from, StaffMember.valid_to, day)
    )
    return list(session.scalars(query.order_by(StaffMember.district_code, StaffMember.id)))


def places_of(session: Session, members: Sequence[StaffMember]) -> Mapping[uuid.UUID, list[Place]]:
    """Where each of these people serves."""
    keys = [(one.district_code, one.id) for one in members]
    rows = session.execute(
        select(StaffPlace.staff_id, StaffPlace.kind, StaffPlace.code, StaffPlace.area_code)
        .where(tuple_(StaffPlace.district_code, StaffPlace.staff_id).in_(keys))
        .order_by(StaffPlace.kind, StaffPlace.code)
    )
    found: dict[uuid.UUID, list[Place]] = defaultdict(list)
    for staff_id, kind, code, area in rows:
        found[staff_id].append(Place(kind, code, area))
    return found


def replace_places(session: Session, member: StaffMember, places: Sequence[Place]) -> None:
    """Let somebody serve in these places and no others."""
    session.flush()
    session.execute(
        delete(StaffPlace).where(
            StaffPlace.district_code == member.district_code, StaffPlace.staff_id == member.id
        )
    )
    session.add_all(
        StaffPlace(
            district_code=member.district_code,
            staff_id=member.id,
            kind=place.kind,
            code=place.code,
            area_code=place.area_code,
        )
        for place in places
    )
    session.flush()


def members_under(
    session: Session,
    prefix: str,
    *,
    role: StaffRole | None,
    office: str | None,
    day: dt.date | None,
    after: tuple[str, uuid.UUID] | None,
    limit: int,
) -> list[StaffMember]:
    """Those who serve in areas whose codes begin so, by district and entry, behind a place."""
    district = StaffMember.district_code
    served = select(StaffPlace.staff_id).where(
        StaffPlace.district_code == district,
        StaffPlace.staff_id == StaffMember.id,
        StaffPlace.area_code.startswith(prefix, autoescape=True),
    )
    query = select(StaffMember).where(served.exists())
    query = query.where(
        district == prefix[:6] if len(prefix) >= 6 else district.startswith(prefix, autoescape=True)
    )
    if role is not None:
        query = query.where(StaffMember.role == role.value)
    if office is not None:
        query = query.where(StaffMember.body_code == office)
    if day is not None:
        query = query.where(holds(StaffMember.valid_from, StaffMember.valid_to, day))
    if after is not None:
        query = query.where(tuple_(district, StaffMember.id) > after)
    return list(session.scalars(query.order_by(district, StaffMember.id).limit(limit)))


def serving(
    session: Session, where: Where, day: dt.date, roles: Collection[StaffRole]
) -> list[tuple[StaffMember, Place]]:
    """Those who serve at a place on a day, each with every place that brings them there.

    A posted officer serves in the streets to which they are posted on that day, and nowhere else.
    """
    district = where.area[:6]
    query = (
        select(StaffMember, StaffPlace.kind, StaffPlace.code, StaffPlace.area_code)
        .join(
            StaffPlace,
            and_(
                StaffPlace.district_code == StaffMember.district_code,
                StaffPlace.staff_id == StaffMember.id,
            ),
        )
        .where(
            StaffPlace.district_code == district,
            _at(where),
            StaffMember.district_code == district,
            holds(StaffMember.valid_from, StaffMember.valid_to, day),
            or_(StaffMember.role != StaffRole.POSTED_OFFICER.value, _posted(where, day)),
        )
        .order_by(StaffMember.code, StaffMember.id, StaffPlace.kind, StaffPlace.code)
    )
    if roles:
        query = query.where(StaffMember.role.in_([role.value for role in roles]))
    return [
        (member, Place(kind, code, area)) for member, kind, code, area in session.execute(query)
    ]


def _at(where: Where) -> ColumnElement[bool]:
    """Places that hold what is asked for; in an area without a grid, also those inside it."""
    above = [where.area[:digits] for digits in (6, 9, 12) if digits <= len(where.area)]
    wider = and_(StaffPlace.area_code.in_(above), StaffPlace.kind == "area")
    grids = {"unit_grid": where.unit_grid, "social_grid": where.social_grid}
    asked = {kind: code for kind, code in grids.items() if code is not None}
    if not asked:
        return or_(wider, StaffPlace.area_code.startswith(where.area, autoescape=True))
    own = [and_(StaffPlace.kind == kind, StaffPlace.code == code) for kind, code in asked.items()]
    if where.social_grid is None:
        # Social grids have no outline: theirs is the community in which they lie.
        own.append(and_(StaffPlace.kind == "social_grid", StaffPlace.area_code.in_(above)))
    return or_(wider, *own)


def _posted(where: Where, day: dt.date) -> ColumnElement[bool]:
    """Whether a posting of the day brings somebody to the street that is asked about, or inside."""
    return exists().where(
        Posting.district_code == StaffMember.district_code,
        Posting.staff_code == StaffMember.code,
        Posting.kind == "posted",
        Posting.street_code.startswith(where.area[:9], autoescape=True),
        holds(Posting.valid_from, Posting.valid_to, day),
    )


def sealed_after(
    session: Session, after: tuple[str, uuid.UUID], *, limit: int
) -> Sequence[StaffMember]:
    """Those with a telephone behind a pair of district and id, kept for this transaction."""
    return session.scalars(
        select(StaffMember)
        .where(
            tuple_(StaffMember.district_code, StaffMember.id) > after,
            StaffMember.sealed.is_not(None),
        )
        .order_by(StaffMember.district_code, StaffMember.id)
        .limit(limit)
        .with_for_update()
    ).all()
