"""Lanes as the interface gives them."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Self

import shapely
from pydantic import Field

from gridsvc.answers import Answer, Geometry, Next
from gridsvc.registry.lanes.model import Keeper, KeeperRole, Kept, Near
from gridsvc.registry.lanes.models import LanePatrol, LaneStretch


class KeeperAnswer(Answer):
    """A chief or a warden."""

    staff_code: str
    name: str
    role: KeeperRole
    valid_from: dt.date
    valid_to: dt.date | None = Field(description="The first day on which they no longer are.")

    @classmethod
    def told(cls, one: Keeper) -> Self:
        """Somebody who keeps a segment."""
        return cls.of(one)


class LaneAnswer(Answer):
    """A segment of a lane, who keeps it, and how it is patrolled."""

    district_code: str
    code: str
    name: str
    street_code: str = Field(description="The street that keeps it.")
    beside: list[str] = Field(description="The streets beside it; both, where it is their border.")
    length_m: float
    chief: KeeperAnswer | None
    wardens: list[KeeperAnswer]
    patrolled_m: float = Field(description="Walked by at least one patrol in the last days.")
    patrolled_percent: float
    last_patrolled: dt.date | None
    days_since: int | None = Field(description="Null: never.")
    geometry: Geometry

    @classmethod
    def told(cls, one: Kept, day: dt.date) -> Self:
        """A segment on a day."""
        wardens = [it for it in one.keepers if it.role is KeeperRole.WARDEN]
        return cls.of(
            one,
            beside=list(one.beside),
            length_m=round(one.length_m, 2),
            chief=one.chief and KeeperAnswer.told(one.chief),
            wardens=[KeeperAnswer.told(it) for it in wardens],
            patrolled_m=round(one.patrolled_m, 2),
            patrolled_percent=round(100 * one.share, 1),
            days_since=one.days_since(day),
            geometry=shapely.geometry.mapping(one.geometry),
        )


class LanePage(Answer):
    """Segments in the order of their codes."""

    day: dt.date
    days: int = Field(description="In which patrols count for `patrolled_m`.")
    lanes: list[LaneAnswer]
    next: Next


class LaneNear(Answer):
    """A segment near a place."""

    district_code: str
    code: str
    name: str
    street_code: str
    metres: float = Field(description="On the ellipsoid, to the nearest point of the line.")
    chief: KeeperAnswer | None

    @classmethod
    def told(cls, one: Near) -> Self:
        """A segment with its distance, to a hundredth of a millimetre and no further."""
        return cls.of(
            one, metres=round(one.metres, 5), chief=one.chief and KeeperAnswer.told(one.chief)
        )


class LanesNear(Answer):
    """The segments within reach of a place, the nearest first."""

    reach_m: float
    lanes: list[LaneNear]


class WalkedAnswer(Answer):
    """Where along a segment a patrol went, in metres from its beginning."""

    district_code: str
    segment_code: str
    from_m: float
    to_m: float

    @classmethod
    def told(cls, one: LaneStretch) -> Self:
        """A stretch."""
        return cls.of(one, from_m=round(one.from_m, 2), to_m=round(one.to_m, 2))


class PatrolAnswer(Answer):
    """A patrol that was entered; its track is not kept."""

    id: uuid.UUID
    district_code: str
    staff_code: str
    started_at: dt.datetime
    ended_at: dt.datetime
    walked_m: float = Field(description="On lanes and elsewhere.")
    stretches: list[WalkedAnswer]

    @classmethod
    def told(cls, patrol: LanePatrol, stretches: list[LaneStretch]) -> Self:
        """A patrol with what it walked of each segment."""
        return cls.of(
            patrol,
            walked_m=round(patrol.walked_m, 2),
            stretches=[WalkedAnswer.told(one) for one in stretches],
        )


class PatrolPage(Answer):
    """Patrols in the order in which they were entered."""

    patrols: list[PatrolAnswer]
    next: Next


class LaneKeeperAnswer(Answer):
    """Who keeps a segment from when to when."""

    district_code: str
    segment_code: str
    staff_code: str
    role: KeeperRole
    valid_from: dt.date
    valid_to: dt.date | None


class LaneReportAnswer(Answer):
    """A report that went to the chief."""

    segment_code: str
    report_id: uuid.UUID
    case_district: str
    case_id: uuid.UUID
    kind: str
    class_code: str
    metres: float
    told_at: dt.datetime
    place: tuple[float, float] = Field(description="Longitude and latitude, WGS84.")


class OwnLanes(Answer):
    """The segments that somebody keeps, and the reports near those whose chief they are."""

    day: dt.date
    lanes: list[LaneAnswer]
    reports: list[LaneReportAnswer] = Field(description="The newest first.")
