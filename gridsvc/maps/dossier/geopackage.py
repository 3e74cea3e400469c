"""A dossier as a GeoPackage: dispute, sides, reports, parts (WGS84), and three tables."""

from __future__ import annotations

import json
import tempfile
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import geopandas
import pandas
import pyogrio
import shapely

from gridsvc.maps.dossier.page import Dossier

_REPORT = ("id", "district_code", "channel", "kind", "class_code", "created_at", "case_id")
_REPORT_CASE = ("case_state", "lead_body")
_PART = ("district_code", "code", "class_code", "name", "state", "street_code")
_HISTORY = ("n", "at", "action", "state", "by", "why")
_PLACEMENT = ("report_id", "n", "placed_at", "district_code", "street_code", "lead_body", "reason")
_EVIDENCE = ("id", "kind", "name", "media_type", "size_bytes", "sha256", "note", "added_at", "by")


def dossier_geopackage(dossier: Dossier) -> bytes:
    """The bytes of the GeoPackage; nothing in it is personal."""
    shown = dossier.dispute
    with tempfile.TemporaryDirectory(prefix="gridsvc-dossier-") as folder:
        file = Path(folder) / "dossier.gpkg"
        _layer(file, "dispute", "MultiPolygon", [_dispute_row(shown)], [_multi(dossier.ground)])
        sides = [side for side in dossier.sides if side.geometry is not None]
        _layer(
            file,
            "sides",
            "MultiPolygon",
            [
                {
                    "code": side.code,
                    "name": side.name,
                    "body_code": side.body_code,
                    "body_name": side.body_name,
                    "claimed_m2": side.claimed_m2,
                }
                for side in sides
            ],
            [_multi(side.geometry) for side in sides],
            ("code", "name", "body_code", "body_name", "claimed_m2"),
        )
        for name, fields in (("reports", _REPORT + _REPORT_CASE), ("parts", _PART)):
            rows = dossier.inside[name]["listed"]
            # Where a report lies is only told to the sides.
            points = [shapely.Point(row["point"]) if "point" in row else None for row in rows]
            _layer(file, name, "Point", [_picked(row, fields) for row in rows], points, fields)
        placements = [_picked(row, _PLACEMENT) for row in dossier.inside["placements"]["listed"]]
        _table(file, "placements", placements, _PLACEMENT)
        _table(file, "evidence", [_picked(it, _EVIDENCE) for it in shown["evidence"]], _EVIDENCE)
        history = [
            {**_picked(entry, _HISTORY), "content": _json(entry.get("content"))}
            for entry in shown["history"]
        ]
        _table(file, "history", history, (*_HISTORY, "content"))
        return file.read_bytes()


def _dispute_row(shown: Any) -> dict[str, Any]:
    fields = ("id", "kind", "level", "state", "area_m2", "width_m", "accuracy_m", "edition")
    return {
        **_picked(shown, (*fields, "parent_edition", "found_at", "changed_at")),
        "sides": ",".join(side["code"] for side in shown["sides"]),
        "settled_by_edition": shown["settled_by_edition"],
        "terms": _json(shown["terms"]),
        "agreement": _json(shown["agreement"]),
    }


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)


def _table(file: Path, name: str, rows: Sequence[dict[str, Any]], columns: Sequence[str]) -> None:
    """Write a table without geometry; without rows it is there all the same."""
    frame = pandas.DataFrame(list(rows), columns=list(columns))
    pyogrio.write_dataframe(frame, file, layer=name, driver="GPKG")


def _layer(
    file: Path,
    name: str,
    kind: str,
    rows: Sequence[dict[str, Any]],
    shapes: Sequence[Any],
    columns: Sequence[str] | None = None,
) -> None:
    """Write a layer; without rows it is there all the same, with its columns."""
    table = pandas.DataFrame(list(rows), columns=columns)
    frame = geopandas.GeoDataFrame(table, geometry=list(shapes), crs="EPSG:4326")
    pyogrio.write_dataframe(frame, file, layer=name, driver="GPKG", geometry_type=kind)


def _picked(row: Any, fields: Sequence[str]) -> dict[str, Any]:
    """These fields of a row; ids as text, which a GeoPackage can hold."""
    picked = {field: row.get(field) for field in fields}
    return {name: str(it) if isinstance(it, uuid.UUID) else it for name, it in picked.items()}


def _multi(geometry: Any) -> Any:
    if geometry.geom_type == "MultiPolygon":
        return geometry
    return shapely.MultiPolygon([geometry])
