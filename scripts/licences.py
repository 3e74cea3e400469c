"""Lists the licences of what the service needs, from an SBOM: ``licences.py SBOM PAGE``."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

#: A longer name is the licence's own text.
_LONGEST = 80

_HEAD = """[gridsvc](../README.md) · [All pages](index.md)

# Licences

What `requirements.lock` brings to a running service, as each package declares it (written by
`make wheel`, which also makes the CycloneDX SBOM `dist/gridsvc.cdx.json`). gridsvc itself is under
the MIT licence; names, codes and boundaries have [their own list](../data/boundaries/README.md).

| package | version | licence |
|---|---|---|
"""


def _licence(component: dict[str, Any]) -> str:
    """What a component declares: an expression or an identifier, else its words."""
    declared = component.get("licenses", [])
    short = [one.get("expression") or one.get("license", {}).get("id") for one in declared]
    words = [one.get("license", {}).get("name", "").rpartition(":: ")[2] for one in declared]
    brief = [text for text in words if text and len(text) < _LONGEST]
    return "; ".join(dict.fromkeys([text for text in short if text] or brief)) or "see the package"


def main(sbom: Path, page: Path) -> None:
    """Write the page of an SBOM's components."""
    components = json.loads(sbom.read_text(encoding="utf-8"))["components"]
    rows = sorted(
        (c["name"].lower().replace("_", "-"), c["version"], _licence(c)) for c in components
    )
    skipped = {"gridsvc", "pip", "setuptools"}
    lines = [f"| {' | '.join(row)} |" for row in rows if row[0] not in skipped]
    page.write_text(_HEAD + "\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
