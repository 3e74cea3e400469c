"""Every table of the cases, in one place for migrations and tests."""

from gridsvc.cases.core.messages.models import Message
from gridsvc.cases.core.models import Case, StatedTime, Submission, TraceEntry
from gridsvc.cases.intake.models import (
    IdempotencyKey,
    Receipt,
    Report,
    Reporter,
    ReportPlacement,
)
from gridsvc.cases.log.models import LogCheckpoint, LogLeaf, LogNode
from gridsvc.cases.systems.appeals.models import Appeal
from gridsvc.cases.systems.callbacks.models import Callback
from gridsvc.cases.systems.campaigns.models import (
    Campaign,
    CampaignCase,
    CampaignChange,
    CampaignPost,
    CampaignTarget,
)
from gridsvc.cases.systems.evidence.models import Evidence
from gridsvc.cases.systems.extensions.models import ExtensionAsked
from gridsvc.cases.systems.following.models import Follow
from gridsvc.cases.systems.groups.models import GroupThread
from gridsvc.cases.systems.help_requests.models import HelpRelease, HelpRequest
from gridsvc.cases.systems.lanes.models import LaneReport
from gridsvc.cases.systems.leader_notes.models import LeaderNote
from gridsvc.cases.systems.looking_back.models import LookBack, RecurringList, RecurringPlace
from gridsvc.cases.systems.reminders.models import LimitNotice
from gridsvc.cases.systems.tasks.models import Task
from gridsvc.cases.systems.trials.models import (
    Trial,
    TrialBatch,
    TrialHousehold,
    TrialRound,
    TrialSlip,
)
from gridsvc.cases.systems.whistles.models import CalledBody, Whistle

__all__ = [
    "Appeal",
    "Callback",
    "CalledBody",
    "Campaign",
    "CampaignCase",
    "CampaignChange",
    "CampaignPost",
    "CampaignTarget",
    "Case",
    "Evidence",
    "ExtensionAsked",
    "Follow",
    "GroupThread",
    "HelpRelease",
    "HelpRequest",
    "IdempotencyKey",
    "LaneReport",
    "LeaderNote",
    "LimitNotice",
    "LogCheckpoint",
    "LogLeaf",
    "LogNode",
    "LookBack",
    "Message",
    "Receipt",
    "RecurringList",
    "RecurringPlace",
    "Report",
    "ReportPlacement",
    "Reporter",
    "StatedTime",
    "Submission",
    "Task",
    "TraceEntry",
    "Trial",
    "TrialBatch",
    "TrialHousehold",
    "TrialRound",
    "TrialSlip",
    "Whistle",
]
