"""Spoilt inputs for one reader: what breaks it is the last that was tried, and stays in a file."""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from tests.fuzz.mutations import mutations
from tests.fuzz.readers import READERS, refused, sound_input

KEPT = Path(__file__).parent / "kept"
TRIED = "last-tried"


def fuzz(name: str, seconds: float, seed: int, folder: Path) -> None:
    """Spoil inputs of one reader; what breaks it stays in ``folder`` as the last that was tried."""
    until = time.monotonic() + seconds
    tried = folder / TRIED
    for body in mutations(sound_input(name), seed):
        if time.monotonic() > until:
            break
        tried.write_bytes(body)
        refused(READERS[name], body)
    tried.unlink(missing_ok=True)


def fuzz_guided(name: str, seconds: float, seed: int, folder: Path) -> None:
    """The same with inputs that atheris chooses by what they reach."""
    import atheris  # only where `make fuzz` could install it

    def one(body: bytes) -> None:
        (folder / TRIED).write_bytes(body)
        refused(READERS[name], body)

    corpus = Path(tempfile.mkdtemp(prefix="gridsvc-fuzz-"))
    (corpus / "sound").write_bytes(sound_input(name))
    options = [f"-max_total_time={max(1, round(seconds))}", f"-seed={seed}", "-verbosity=0"]
    atheris.instrument_all()
    atheris.Setup([sys.argv[0], *options, str(corpus)], one)
    atheris.Fuzz()
