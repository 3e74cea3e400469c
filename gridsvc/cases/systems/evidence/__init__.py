"""Evidence of a case: photos, checked, kept under their hash, published without their metadata."""

from gridsvc.cases.systems.evidence.models import Evidence
from gridsvc.cases.systems.evidence.service import (
    PUBLISHED,
    checked_photo,
    keep_photo,
    photo_or_refuse,
    photos_of,
    photos_of_report,
)
from gridsvc.cases.systems.evidence.store import EvidenceStore

__all__ = [
    "PUBLISHED",
    "Evidence",
    "EvidenceStore",
    "checked_photo",
    "keep_photo",
    "photo_or_refuse",
    "photos_of",
    "photos_of_report",
]
