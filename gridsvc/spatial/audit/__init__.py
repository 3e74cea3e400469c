"""Faults of a set of areas: what is wrong, how large, how wide, between whom, and where to look.

:func:`audit_areas` is the way in; the definitions stand in :mod:`~gridsvc.spatial.audit.model`
(kinds of faults), ``net`` (overlaps and gaps), ``inlets``, ``parents`` and ``borders``.
"""

from gridsvc.spatial.audit.auditing import INLET_WIDTH_M, SLIVER_M, audit_areas
from gridsvc.spatial.audit.model import (
    AreaFault,
    Audit,
    Fault,
    FaultKind,
    ParentShare,
    Totals,
    name_members,
)

__all__ = [
    "INLET_WIDTH_M",
    "SLIVER_M",
    "AreaFault",
    "Audit",
    "Fault",
    "FaultKind",
    "ParentShare",
    "Totals",
    "audit_areas",
    "name_members",
]
