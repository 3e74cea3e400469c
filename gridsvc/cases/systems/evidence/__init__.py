"""Evidence of a case: photos, checked, kept under their hash, published without their metadata."""

from gridsvc.cases.systems.evidence.models import Evidence
from gridsvc.cases.systems.evidence.service import PUBLISHED, photo_or_refuse, photos_of

__all__ = ["PUBLISHED", "Evidence", "photo_or_refuse", "photos_of"]
