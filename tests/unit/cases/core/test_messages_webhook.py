from __future__ import annotations

import datetime as dt

from gridsvc.cases.core.messages.webhook import signature, webhook_secret


def test_a_signature_is_the_hmac_of_timestamp_and_payload() -> None:
    # printf '1700000000.{"id":1}' | openssl dgst -sha256 -hmac secret
    at = dt.datetime.fromtimestamp(1_700_000_000, dt.UTC)
    assert signature("secret", b'{"id":1}', at) == (
        "t=1700000000,v1=3dd1b9aef568d75f6790a84bd2e5dfa1f44409eef3cbdbd3f10b837376100c11"
    )


def test_every_body_has_a_secret_of_its_own() -> None:
    key = bytes(32)
    secrets = {webhook_secret(key, code) for code in ("110102020", "110106002")}
    assert len(secrets) == 2
    assert webhook_secret(key, "110102020") in secrets
    assert webhook_secret(bytes([1] * 32), "110102020") not in secrets
