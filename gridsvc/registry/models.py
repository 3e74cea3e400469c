"""Every table of the registry, in one place for migrations and tests."""

from gridsvc.registry.access.models import AuditEntry, RevokedToken, Token
from gridsvc.registry.areas.models import Area
from gridsvc.registry.banned_demands.models import BannedDemand, Demand
from gridsvc.registry.bodies.models import Agreement, AgreementDuty, Body, Duty, DutyGap
from gridsvc.registry.classes.models import ListedClass
from gridsvc.registry.contact_points.models import ContactPoint
from gridsvc.registry.disputes.models import Dispute, DisputeEntry, DisputeEvidence
from gridsvc.registry.editions.models import Edition, EditionEvent
from gridsvc.registry.funds.models import Fund, Spending
from gridsvc.registry.grids.models import (
    FormerGrid,
    GriddedCommunity,
    GridSuccessor,
    NationalId,
    UnitGrid,
)
from gridsvc.registry.groups.models import ChatGroup
from gridsvc.registry.lanes.models import LaneKeeper, LanePatrol, LaneSegment, LaneStretch
from gridsvc.registry.members.models import (
    Member,
    MemberService,
    TeamMember,
    VolunteerTeam,
)
from gridsvc.registry.parts.models import Part
from gridsvc.registry.postings.models import PostingJudgement, PostingProposal, Replacement
from gridsvc.registry.powers.models import Delegation, Power
from gridsvc.registry.repairs.models import Repair, RepairArea
from gridsvc.registry.residents.models import BirthCount, CarePlace, ResidentCount, ResidentMove
from gridsvc.registry.social_grids.models import SocialGrid
from gridsvc.registry.staff.models import Posting, StaffMember, StaffPlace

__all__ = [
    "Agreement",
    "AgreementDuty",
    "Area",
    "AuditEntry",
    "BannedDemand",
    "BirthCount",
    "Body",
    "CarePlace",
    "ChatGroup",
    "ContactPoint",
    "Delegation",
    "Demand",
    "Dispute",
    "DisputeEntry",
    "DisputeEvidence",
    "Duty",
    "DutyGap",
    "Edition",
    "EditionEvent",
    "FormerGrid",
    "Fund",
    "GridSuccessor",
    "GriddedCommunity",
    "LaneKeeper",
    "LanePatrol",
    "LaneSegment",
    "LaneStretch",
    "ListedClass",
    "Member",
    "MemberService",
    "NationalId",
    "Part",
    "Posting",
    "PostingJudgement",
    "PostingProposal",
    "Power",
    "Repair",
    "RepairArea",
    "Replacement",
    "ResidentCount",
    "ResidentMove",
    "RevokedToken",
    "SocialGrid",
    "Spending",
    "StaffMember",
    "StaffPlace",
    "TeamMember",
    "Token",
    "UnitGrid",
    "VolunteerTeam",
]
