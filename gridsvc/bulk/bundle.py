"""A bundle: the indexes of an atlas in one folder, that can travel and is opened memory-mapped.

``bundle.json`` comes last and names every other file with its SHA-256; the rest are the levels'
locators, the arrays of the border indexes (NumPy), and the codes and names (Arrow).
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from gridsvc.errors import DamagedIndex
from gridsvc.registry.placement.model import AreaRef, EditionRef, GridRef
from gridsvc.registry.placement.store import AreaLevel, Atlas, GridLevel
from gridsvc.spatial.border import BorderIndex
from gridsvc.spatial.locator import Locator

_MANIFEST = "bundle.json"
_FORMAT = 2
_GRIDS = "unit_grid"
_BORDER_ARRAYS = ("boxes", "edges", "offsets", "areas")
_BLOCK_BYTES = 1 << 20


def save_bundle(atlas: Atlas, folder: Path) -> str:
    """Write an atlas into a folder, made if it is not there; gives the digest that names it.

    Two bundles of the same editions have the same digest.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / _MANIFEST).unlink(missing_ok=True)
    names: list[str] = []
    levels: dict[str, AreaLevel | GridLevel] = dict(atlas.areas)
    if atlas.grids is not None:
        levels[_GRIDS] = atlas.grids
    for level, index in levels.items():
        names += [f"{level}.refs.arrow", f"{level}.locator"]
        _save_refs(folder, level, [asdict(ref) for ref in index.refs])
        index.locator.save(folder / f"{level}.locator")
    for level, area in atlas.areas.items():
        if area.borders is not None:
            for name, array in zip(_BORDER_ARRAYS, area.borders.arrays, strict=True):
                names.append(f"{level}.{name}.npy")
                np.save(folder / names[-1], np.asarray(array))
    manifest = {
        "format": _FORMAT,
        "stamp": atlas.stamp,
        "editions": {level: _edition_to_json(a.edition) for level, a in atlas.areas.items()},
        "borders": [level for level, area in atlas.areas.items() if area.borders is not None],
        "grids": None if atlas.grids is None else atlas.grids.stamp,
        "grid_edition": _edition_to_json(atlas.grid_edition) if atlas.grid_edition else None,
        "files": {name: _sha256(folder / name) for name in sorted(names)},
    }
    text = json.dumps(manifest, ensure_ascii=False, indent=1, sort_keys=False)
    new = folder / (_MANIFEST + ".new")
    new.write_text(text, encoding="utf-8")
    new.replace(folder / _MANIFEST)
    return hashlib.sha256(text.encode()).hexdigest()


def open_bundle(folder: Path) -> Atlas:
    """Open a bundle: an atlas whose indexes are memory-mapped, so that processes share them.

    Raises DamagedIndex when a file is missing or is not as it was written.
    """
    manifest = _manifest(folder)
    for name, digest in manifest["files"].items():
        path = folder / name
        if not path.is_file() or _sha256(path) != digest:
            raise DamagedIndex(
                f"{path} is missing or was changed after it was written; save the bundle again.",
                path=str(path),
            )
    areas = {}
    for level, edition in manifest["editions"].items():
        borders, locator = None, Locator.open(folder / f"{level}.locator")
        if level in manifest["borders"]:
            arrays = [
                np.load(folder / f"{level}.{name}.npy", mmap_mode="r") for name in _BORDER_ARRAYS
            ]
            borders = BorderIndex(locator, *(np.asarray(array) for array in arrays))
        refs = tuple(AreaRef(**ref) for ref in _read_refs(folder, level))
        areas[level] = AreaLevel(_edition(edition), refs, locator, borders)
    grids = None
    if manifest["grids"] is not None:
        grid_refs = tuple(GridRef(**ref) for ref in _read_refs(folder, _GRIDS))
        locator = Locator.open(folder / f"{_GRIDS}.locator")
        grids = GridLevel(manifest["grids"], grid_refs, locator)
    return Atlas(
        stamp=manifest["stamp"],
        areas=areas,
        grids=grids,
        grid_edition=_edition(manifest["grid_edition"]) if manifest["grid_edition"] else None,
    )


def _manifest(folder: Path) -> dict[str, Any]:
    path = folder / _MANIFEST
    try:
        manifest: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        found = manifest["format"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DamagedIndex(
            f"{path} is not the list of a bundle ({error}); save the bundle again.", path=str(path)
        ) from None
    if found != _FORMAT:
        raise DamagedIndex(
            f"{path} has format {found}, but this service reads format {_FORMAT}; save the bundle"
            " again.",
            path=str(path),
        )
    return manifest


def _edition_to_json(edition: EditionRef) -> dict[str, Any]:
    return {**edition.to_json(), "level": edition.level}


def _edition(document: dict[str, Any]) -> EditionRef:
    since = dt.datetime.fromisoformat(document["effective_from"])
    return EditionRef(**{**document, "effective_from": since})


def _save_refs(folder: Path, level: str, refs: list[dict[str, Any]]) -> None:
    table = pa.Table.from_pylist(refs)
    with (
        pa.OSFile(str(folder / f"{level}.refs.arrow"), "wb") as sink,
        pa.ipc.new_file(sink, table.schema) as writer,
    ):
        writer.write_table(table)


def _read_refs(folder: Path, level: str) -> list[dict[str, Any]]:
    with pa.memory_map(str(folder / f"{level}.refs.arrow")) as source:
        rows: list[dict[str, Any]] = pa.ipc.open_file(source).read_all().to_pylist()
    return rows


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()
