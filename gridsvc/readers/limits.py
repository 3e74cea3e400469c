"""How a file is read, and how much of it is taken."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from gridsvc.errors import TooLarge
from gridsvc.settings import Settings


@dataclass(frozen=True, slots=True)
class ReadLimits:
    """The most that is taken of one file, also once it is unpacked.

    ``geometry_bytes`` is of one geometry, ``text_chars`` of one cell. ``features_setting`` is the
    end of the variable by which an operator raises ``features``.
    """

    file_bytes: int
    zip_ratio: float
    features: int
    vertices: int
    geometry_bytes: int
    features_setting: str = "FEATURES"
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


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """Within which limits a vector file is read, which layer of it, and by which encoding.

    ``layer`` None: the only one with geometries. ``encoding`` None: UTF-8, or what the texts of a
    shapefile tell, by ``known_names`` where they hold such.
    """

    limits: ReadLimits
    layer: str | None = None
    encoding: str | None = None
    known_names: Collection[str] = ()


def above(words: str, setting: str) -> TooLarge:
    """What is said of a file that is above a limit, and of the variable (its end) that raises it.

    ``words`` name what there is and what is taken.
    """
    return TooLarge(
        f"{words} that are accepted; split it, or raise GRIDSVC_IMPORT_MAX_{setting} if there is"
        " memory for it.",
        field="path",
    )
