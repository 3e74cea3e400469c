"""Writes docs/benchmarks-cases.md: what was measured with two million cases, against its bounds."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import NAVIGATION
from benchmarks.filing import CLIENTS, Filed

__all__ = ["Measured", "write"]

_ROOT = Path(__file__).resolve().parent.parent
_PAGE = _ROOT / "docs" / "benchmarks-cases.md"
_NOTES = Path(__file__).with_name("cases_notes.md")


@dataclass(frozen=True, slots=True)
class Measured:
    """Intake and bare inserts by database, open lists in milliseconds, assessments in seconds."""

    intake: Mapping[str, Filed]
    bare: Mapping[str, float]
    most_ms: list[float]
    every_ms: list[float]
    assessed_s: Mapping[str, float]
    versions: str


def write(measured: Measured, filled: Mapping[str, Any]) -> None:
    """Write the page; what dominates stands in cases_notes.md and is kept by hand."""
    cpu = re.search(r"model name\s*: (.+)", Path("/proc/cpuinfo").read_text())
    rows = filled["rows"]
    packages = ", ".join(f"{name} {version(name)}" for name in ("fastapi", "sqlalchemy"))
    lines = [
        NAVIGATION,
        "",
        "# Cases: ten million reports",
        "",
        f"Measured on {datetime.now(UTC):%Y-%m-%d} with `python -m benchmarks.cases_at_scale`:"
        f" {cpu[1] if cpu else 'unknown processor'}, {os.cpu_count()} cores, Python"
        f" {sys.version.split()[0]}, {packages}, {measured.versions}, with the settings of the"
        " private cluster (`fsync` and `synchronous_commit` on). Clients, service"
        " (`gridsvc serve --workers 2`) and database share the machine.",
        "",
        f"The city is made up from a seed: {rows['report']:,} reports, {rows['case_file']:,} cases,"
        f" {rows['trace']:,} entries of traces with valid chains, {rows['message']:,} messages,"
        f" {rows['hand_in']:,} hand-ins, {rows['callback']:,} callbacks, over 24 months and the 16"
        f" districts; {filled['bytes'] / 1e9:.0f} GB. {_made(filled)}",
        "",
        "| what | bound | measured |",
        "|---|---|---|",
        *(_intake(name, measured) for name in measured.intake),
        f"| a body's open list by urgency, the body with most open cases | 50 ms |"
        f" {np.median(measured.most_ms):.1f} ms, at most {max(measured.most_ms):.1f} ms |",
        f"| the same, each of {len(measured.every_ms)} bodies | 50 ms |"
        f" p50 {np.median(measured.every_ms):.1f} ms,"
        f" p99 {np.percentile(measured.every_ms, 99):.1f} ms |",
        *(
            f"| last month of the city assessed: {name} | 30 s | {took:.1f} s |"
            for name, took in measured.assessed_s.items()
        ),
        "",
        _NOTES.read_text(),
    ]
    _PAGE.write_text("\n".join(lines))


def _made(filled: Mapping[str, Any]) -> str:
    if not filled.get("loading_s"):
        return str(filled["note"])
    return (
        f"COPY took {filled['loading_s'] / 60:.1f} minutes, keys and indexes"
        f" {filled['indexing_s'] / 60:.1f}."
    )


def _intake(name: str, measured: Measured) -> str:
    filed, bare = measured.intake[name], measured.bare[name]
    where = "10 million reports" if name == "gridsvc" else "an empty city"
    return (
        f"| intake, {CLIENTS} clients, {where} | 300 reports/s, half of a bare INSERT |"
        f" **{filed.rate:,.0f} reports/s**, p50 {filed.p50_ms:.0f} ms, p99 {filed.p99_ms:.0f} ms;"
        f" bare INSERT of the report's row {bare:,.0f}/s: {filed.rate / bare:.2f} |"
    )
