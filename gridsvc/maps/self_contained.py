"""Pages that are one HTML file and ask nothing of any host."""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import jinja2

#: The page loads nothing at all; what it needs is in it.
CONTENT_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:"
)


def render_plain(template: str, **content: Any) -> str:
    """A page of the templates' folder as one self-contained HTML text, without a map."""
    return _templates().get_template(template).render(**content)


@cache
def _templates() -> jinja2.Environment:
    folder = Path(__file__).parent / "templates"
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["moment"] = _moment
    return environment


@jinja2.pass_context
def _moment(page: jinja2.runtime.Context, value: Any) -> str:
    """A time as the clocks of the page's ``calendar`` show it; a dash for none."""
    return "–" if value is None else f"{page['calendar'].local(value):%Y-%m-%d %H:%M}"


def installed(package: str) -> Path:
    """The folder of a package, found without importing it; an empty path where there is none."""
    spec = find_spec(package)
    places = list(spec.submodule_search_locations or ()) if spec is not None else []
    return Path(places[0] if places else "")
