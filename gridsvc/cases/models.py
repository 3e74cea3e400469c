"""Every table of the cases, in one place for migrations and tests."""

from gridsvc.cases.callbacks.models import Callback
from gridsvc.cases.evidence.models import Evidence
from gridsvc.cases.files.models import Appeal, CaseFile, HandIn
from gridsvc.cases.messages.models import Message
from gridsvc.cases.reports.models import (
    IdempotencyKey,
    Receipt,
    Report,
    Reporter,
    ReportPlacement,
)
from gridsvc.cases.trace.models import TraceEntry
from gridsvc.cases.whistles.models import CalledBody, Whistle

__all__ = [
    "Appeal",
    "Callback",
    "CalledBody",
    "CaseFile",
    "Evidence",
    "HandIn",
    "IdempotencyKey",
    "Message",
    "Receipt",
    "Report",
    "ReportPlacement",
    "Reporter",
    "TraceEntry",
    "Whistle",
]
