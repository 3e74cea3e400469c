"""The page that lists the interface, with a policy that lets nothing of another host in."""

from __future__ import annotations

import base64
import hashlib
import re

from fastapi import APIRouter, Request
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import HTMLResponse

router = APIRouter()

_FILES = "/static-offline-docs"
_OWN_SCRIPT = re.compile("<script>(.*?)</script>", re.DOTALL)


@router.get("/docs", include_in_schema=False)
async def docs(request: Request) -> HTMLResponse:
    """Every route, its parameters and answers, to be tried."""
    page = get_swagger_ui_html(
        openapi_url="openapi.json",
        title=request.app.title,
        swagger_js_url=f".{_FILES}/swagger-ui-bundle.js",
        swagger_css_url=f".{_FILES}/swagger-ui.css",
        swagger_favicon_url=f".{_FILES}/favicon.png",
        # Its badge would send the document's address to a service of the makers of the page.
        swagger_ui_parameters={"validatorUrl": None},
    )
    scripts = _OWN_SCRIPT.findall(bytes(page.body).decode())
    digests = (hashlib.sha256(one.encode()).digest() for one in scripts)
    hashes = (f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests)
    page.headers["Content-Security-Policy"] = (
        "default-src 'none'; connect-src 'self'; img-src 'self' data:;"
        f" script-src 'self' {' '.join(hashes)};"
        " style-src 'self' 'unsafe-inline'; base-uri 'none'; form-action 'none';"
        " frame-ancestors 'none'"
    )
    return page
