"""The audit of an edition or a file: what is wrong with its areas, in m² and metres, and where."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from gridsvc.api.clock import utc_now
from gridsvc.cli.area_import import ROWS_LOOKED_AT, Columns, mapping_of
from gridsvc.cli.edition import Actor
from gridsvc.cli.runtime import AsJson, console, load_city, notes, print_json, session
from gridsvc.codes import Level
from gridsvc.errors import BadInput
from gridsvc.maps.audit import audit_page
from gridsvc.readers.limits import ReadLimits, ReadOptions
from gridsvc.readers.vector_file import read_columns
from gridsvc.registry.areas.columns import guess_columns
from gridsvc.registry.audits.file_audit import areas_of_file
from gridsvc.registry.audits.model import AuditReport, ProjectedCount
from gridsvc.registry.audits.service import (
    audit_edition,
    audit_listed,
    counted_projected,
    keep_audit,
    levels_above,
)
from gridsvc.registry.districts import divisions_of
from gridsvc.settings import get_settings
from gridsvc.spatial.audit import INLET_WIDTH_M, SLIVER_M, AreaFault, FaultKind


def audit(
    by: Actor,
    edition_id: Annotated[
        str | None, typer.Argument(help="The edition's id; 'gridsvc edition list'.")
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option(exists=True, help="Audit a file in place of an edition; nothing is kept."),
    ] = None,
    level: Annotated[
        Level | None, typer.Option(help="Of the areas of the file: district, street, community.")
    ] = None,
    column: Columns = [],  # noqa: B006 - typer reads the default, nobody changes it
    crs: Annotated[str | None, typer.Option(help="Of the file, else its own.")] = None,
    against: Annotated[
        list[str] | None,
        typer.Option(
            help="An edition of a level above; may be repeated. Else the one in force right above."
        ),
    ] = None,
    inlet_width_m: Annotated[
        float, typer.Option("--inlet-width", min=0, help="Longest mouth of an inlet, metres.")
    ] = INLET_WIDTH_M,
    accuracy_m: Annotated[
        float | None,
        typer.Option("--accuracy", min=0, help="How wide a sliver may be; else the edition's."),
    ] = None,
    projected: Annotated[
        str | None,
        typer.Option(
            help="Count overlaps as well as tools do that project each area first: EPSG:n of a"
            " plane in metres."
        ),
    ] = None,
    code: Annotated[
        list[str] | None,
        typer.Option(help="Show only faults that name this area; repeat for a pair."),
    ] = None,
    most: Annotated[int, typer.Option(min=1, help="Show so many of each kind.")] = 5,
    page: Annotated[Path | None, typer.Option(help="Write a page with a map: FILE.html.")] = None,
    as_json: AsJson = False,
) -> None:
    """Find what is wrong with an edition's areas, and keep it; a draft may then be activated."""
    if (edition_id is None) == (file is None):
        raise BadInput("Name an edition to audit, or a file with --file.", field="edition_id")
    notes.print(f"Auditing {edition_id or file}.", highlight=False)
    state = None
    if file is not None:
        report = _of_file(file, level, column, crs, against or [], accuracy_m, inlet_width_m)
        report = report if projected is None else counted_projected(report, projected)
    else:
        if level is not None or column or crs is not None:
            raise BadInput("--level, --column and --crs apply to a file only.", field="file")
        with session() as opened:
            report = audit_edition(
                opened,
                str(edition_id),
                plane=load_city().plane,
                against=against or (),
                accuracy_m=accuracy_m,
                inlet_width_m=inlet_width_m,
            )
            report = report if projected is None else counted_projected(report, projected)
            state = keep_audit(opened, report, by=by, at=utc_now()).state
    if page is not None:
        page.write_text(audit_page(report), encoding="utf-8")
    if as_json:
        print_json({**report.to_json(), "state": state})
        return
    _show(report, set(code or ()), most)
    if state is not None:
        console.print(f"{edition_id} is {state}.", highlight=False)
    if page is not None:
        console.print(f"The page is {page}.", highlight=False)


def _of_file(
    file: Path,
    level: Level | None,
    column: list[str],
    crs: str | None,
    against: list[str],
    accuracy_m: float | None,
    inlet_width_m: float,
) -> AuditReport:
    if level is None:
        raise BadInput("Say which level the areas of the file have: --level.", field="level")
    settings, columns = get_settings(), mapping_of(column)
    divisions = divisions_of(settings)
    names = {it.name for it in divisions}
    options = ReadOptions(ReadLimits.of(settings), known_names=names)
    if not columns:
        cells = read_columns(file, ROWS_LOOKED_AT, options)
        guesses = guess_columns(cells, level, divisions)
        columns = {it.role: it.column for it in guesses}
        notes.print(f"Columns: {', '.join(f'{a} = {b}' for a, b in columns.items())}.")
    read = areas_of_file(file, level, columns, options, crs=crs)
    for remark in read.remarks:
        notes.print(remark, highlight=False)
    with session() as opened:
        above = levels_above(opened, level, utc_now(), against)
    return audit_listed(
        file.name,
        level,
        read.areas,
        plane=load_city().plane,
        above=above,
        accuracy_m=SLIVER_M if accuracy_m is None else accuracy_m,
        inlet_width_m=inlet_width_m,
    )


def _show(report: AuditReport, codes: set[str], most: int) -> None:
    against = ", ".join(level.source for level in report.above) or "no other level"
    console.print(
        f"{len(report.areas.codes):,} areas against {against}; slivers are up to"
        f" {report.accuracy_m:g} m wide.",
        highlight=False,
    )
    if not report.faults:
        console.print("No faults.")
    else:
        _show_totals(report)
        _show_largest(report, codes, most)
    if report.projected is not None:
        _show_projected(report.projected, report.overlapping_pairs)


def _show_projected(count: ProjectedCount, noded: int) -> None:
    larger = ", ".join(f"{pairs:,} by more than {m2:g}" for m2, pairs in count.larger)
    console.print(
        f"Projected to {count.crs} before they are compared, as many tools do, {len(count.pairs):,}"
        f" pairs overlap by {count.area_m2:,.1f} m² ({larger} m²). Noded first they are {noded:,}"
        " pairs: straight sides with other vertices bend apart when each is projected by itself.",
        highlight=False,
    )


def _show_totals(report: AuditReport) -> None:
    totals = Table("faults", "how many", "m²", "slivers")
    for total in report.totals:
        totals.add_row(
            total.kind, f"{total.count:,}", f"{total.area_m2:,.1f}", f"{total.slivers:,}"
        )
    console.print(totals)


def _show_largest(report: AuditReport, codes: set[str], most: int) -> None:
    whose = f"of {' and '.join(sorted(codes))}" if codes else "the largest"
    table = Table(whose, "areas", "m²", "width m", "at most m", "look at")
    for total in report.totals:
        named = [fault for fault in report.of(total.kind) if codes <= set(fault.codes)]
        for fault in named[:most]:
            table.add_row(
                fault.kind,
                _between(fault),
                f"{fault.area_m2:,.2f}",
                f"{fault.width_m:,.2f}",
                f"{fault.max_width_m:,.2f}",
                f"{fault.place[0]:.6f} {fault.place[1]:.6f}",
            )
    console.print(table if table.row_count else f"No faults {whose}.")


def _between(fault: AreaFault) -> str:
    # Of borders side by side the parents follow from the codes.
    beyond = fault.parent_codes[1:] if fault.kind == FaultKind.OUTSIDE_PARENT else ()
    return " ".join((*fault.codes, *(f"in {code}" for code in beyond)))
