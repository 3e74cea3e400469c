"""How much of a file is taken."""

from __future__ import annotations

from dataclasses import dataclass

from gridsvc.settings import Settings

__all__ = ["ReadLimits"]


@dataclass(frozen=True, slots=True)
class ReadLimits:
    """The most that is taken of one file, also once it is unpacked.

    ``geometry_bytes`` is of one geometry, ``text_chars`` of one cell. ``features_setting`` is the
    variable by which an operator raises ``features``.
    """

    file_bytes: int
    zip_ratio: float
    features: int
    vertices: int
    geometry_bytes: int
    features_setting: str = "GRIDSVC_IMPORT_MAX_FEATURES"
    text_chars: int = 1_000

    @classmethod
    def of(cls, settings: Settings) -> ReadLimits:
        """The limits of a file of areas, roads, buildings or other ground."""
        return cls(
            settings.import_max_bytes,
            settings.import_max_zip_ratio,
            settings.import_max_features,
            settings.import_max_vertices,
            settings.import_max_geometry_bytes,
        )
