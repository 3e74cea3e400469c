"""Faults of a set of areas: what is wrong, how large, how wide, between whom, and where to look.

The ways in are :func:`audit_areas` and :func:`audit_against`. The kinds of faults are defined in
``model``; how they are found, in ``net`` (overlaps and gaps), ``inlets``, ``parents``, ``borders``.
"""

from gridsvc.spatial.audit.auditing import INLET_WIDTH_M, SLIVER_M, audit_against, audit_areas
from gridsvc.spatial.audit.model import (
    AreaFault,
    Audit,
    AuditFault,
    FaultKind,
    ParentShare,
    Totals,
    name_members,
    totals_of,
)
from gridsvc.spatial.audit.projected import ProjectedOverlaps, overlaps_when_projected

__all__ = [
    "INLET_WIDTH_M",
    "SLIVER_M",
    "AreaFault",
    "Audit",
    "AuditFault",
    "FaultKind",
    "ParentShare",
    "ProjectedOverlaps",
    "Totals",
    "audit_against",
    "audit_areas",
    "name_members",
    "overlaps_when_projected",
    "totals_of",
]
