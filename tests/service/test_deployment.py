"""The files of ``deploy``: nginx runs before a real service, and systemd takes the units."""

from __future__ import annotations

import datetime as dt
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from gridsvc.callers import Role
from tests.service import joint_city as city
from tests.service.conftest import token_of
from tests.waiting import PATIENCE_S, Command, wait_until

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
NGINX = shutil.which("nginx") or "/usr/sbin/nginx"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def make_certificate(folder: Path) -> Path:
    """A certificate for 127.0.0.1 and its key, signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "gridsvc.example")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=2))
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    plain = serialization.NoEncryption()
    form = serialization.PrivateFormat.PKCS8
    (folder / "fullchain.pem").write_bytes(certificate.public_bytes(pem))
    (folder / "privkey.pem").write_bytes(key.private_bytes(pem, form, plain))
    return folder


@pytest.fixture
def proxied(client: httpx.Client, tmp_path: Path) -> Iterator[dict[str, str]]:
    """The addresses of nginx before the service: ``http`` and ``https``."""
    ports = {"80": free_port(), "443": free_port(), "8000": client.base_url.port}
    written = (DEPLOY / "nginx.conf").read_text()
    written = written.replace("listen 80;", f"listen 127.0.0.1:{ports['80']};")
    written = written.replace("listen 443 ssl;", f"listen 127.0.0.1:{ports['443']} ssl;")
    written = written.replace("127.0.0.1:8000", f"127.0.0.1:{ports['8000']}")
    written = written.replace("/etc/ssl/gridsvc", str(make_certificate(tmp_path)))
    (tmp_path / "gridsvc.conf").write_text(written)
    temporary = "\n".join(
        f"{kind}_temp_path {tmp_path}/{kind};"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (tmp_path / "nginx.conf").write_text(
        f"daemon off; pid {tmp_path}/pid; error_log stderr; worker_processes 1;\n"
        "events { worker_connections 64; }\n"
        f"http {{ access_log off; {temporary} include {tmp_path}/gridsvc.conf; }}\n"
    )
    nginx = Command([NGINX, "-p", tmp_path, "-c", tmp_path / "nginx.conf"])
    try:
        wait_until(lambda: nginx.process.poll() is not None or (tmp_path / "pid").exists())
        assert nginx.process.poll() is None, nginx.said
        yield {
            "http": f"http://127.0.0.1:{ports['80']}",
            "https": f"https://127.0.0.1:{ports['443']}",
        }
    finally:
        nginx.process.terminate()
        nginx.wait()
        nginx.kill()


def test_behind_nginx_the_service_answers_by_tls_alone_and_keeps_its_figures(proxied):
    with httpx.Client(verify=False, timeout=PATIENCE_S) as browser:
        plain = browser.get(f"{proxied['http']}/v1/locate?lon=116.3&lat=39.8")
        assert plain.status_code == 308
        assert plain.headers["Location"].startswith("https://127.0.0.1")
        answer = browser.get(f"{proxied['https']}/v1/locate?lon=116.3&lat=39.8")
        assert answer.status_code == 200
        assert answer.headers["Strict-Transport-Security"].startswith("max-age=")
        assert re.fullmatch("[0-9a-f]{32}", answer.headers["X-Request-ID"])
        keeper = {"Authorization": f"Bearer {token_of(Role.ADMIN)}"}
        assert browser.get(f"{proxied['https']}/metrics", headers=keeper).status_code == 404


def test_behind_nginx_events_come_when_they_happen(proxied, citizen, as_):
    lead = as_(Role.STREET, city.LEAD)
    url = f"{proxied['https']}/v1/bodies/{city.LEAD}/events"
    with (
        httpx.Client(verify=False, timeout=PATIENCE_S) as phone,
        phone.stream("GET", url, headers=lead.headers) as events,
    ):
        assert events.status_code == 200
        filed = citizen.report(-300)
        line = next(line for line in events.iter_lines() if line.startswith("data:"))
        assert filed["case_id"] in line


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze")
def test_systemd_takes_the_units(tmp_path):
    command = Path(sys.executable).with_name("gridsvc")
    for unit in sorted(DEPLOY.glob("*.service")):
        written = unit.read_text().replace("/opt/gridsvc/.venv/bin/gridsvc", str(command))
        (tmp_path / unit.name).write_text(written)
        done = subprocess.run(
            ["systemd-analyze", "verify", "--man=no", tmp_path / unit.name],
            capture_output=True,
            text=True,
            check=False,
        )
        ours = [line for line in done.stderr.splitlines() if unit.name in line]
        assert ours == [], done.stderr
