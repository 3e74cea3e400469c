"""Tokens of a city's own identity provider: a small issuer on this machine."""

from __future__ import annotations

import datetime as dt
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from fastapi import FastAPI

from gridsvc.callers import Role
from tests.service import joint_city as city
from tests.service.conftest import Person, refusal, token_of

HOUR = dt.timedelta(hours=1)


class Issuer:
    """Publishes its keys, counts how often they are asked for, and signs what it is told."""

    def __init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.asked = 0
        self.silent = False
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if issuer.silent:
                    self.send_error(503)
                    return
                if self.path.endswith("/keys"):
                    issuer.asked += 1
                    answer = {"keys": [issuer.published()]}
                else:
                    answer = {"issuer": issuer.address, "jwks_uri": f"{issuer.address}/keys"}
                self.send_response(200)
                self.end_headers()
                self.wfile.write(json.dumps(answer).encode())

            def log_message(self, *_: Any) -> None:
                """Nothing is logged."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server.server_port}"

    def published(self) -> dict[str, Any]:
        algorithm = jwt.algorithms.ECAlgorithm(jwt.algorithms.ECAlgorithm.SHA256)
        return {**algorithm.to_jwk(self.key.public_key(), as_dict=True), "kid": "one", "use": "sig"}

    def token(
        self, *, key: Any = None, algorithm: str = "ES256", kid: str = "one", **claims: Any
    ) -> str:
        now = dt.datetime.now(dt.UTC)
        sound = {
            "iss": self.address,
            "aud": "gridsvc",
            "sub": "wang.wei",
            "exp": now + HOUR,
            "iat": now,
            "gridsvc_role": "street",
            "gridsvc_area": city.LEAD,
        }
        said = {name: it for name, it in (sound | claims).items() if it is not None}
        return jwt.encode(
            said,
            self.key if key is None else key or None,
            algorithm=algorithm,
            headers={"kid": kid},
        )


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    made = Issuer()
    thread = threading.Thread(target=made.server.serve_forever)
    thread.start()
    yield made
    made.server.shutdown()
    thread.join()
    made.server.server_close()


@pytest.fixture
def served(serve: Callable[..., httpx.Client], issuer: Issuer) -> httpx.Client:
    return serve(oidc_issuer=issuer.address)


def test_a_token_of_the_provider_opens_what_its_claims_say(
    served: httpx.Client, issuer: Issuer
) -> None:
    street = Person(served, issuer.token())
    street.get(f"/v1/bodies/{city.LEAD}/inbox")
    refusal(street.send("GET", f"/v1/bodies/{city.OTHER}/inbox"), 403)
    refusal(street.send("GET", "/v1/tokens"), 403)
    refusal(street.send("POST", "/v1/tokens/renewal"), 409)
    Person(served, token_of(Role.STREET, city.LEAD)).get("/v1/cases")
    assert issuer.asked == 1


WRONG: dict[str, Callable[[Issuer], str]] = {
    "another issuer": lambda it: it.token(iss="https://elsewhere.example"),
    "another audience": lambda it: it.token(aud="another service"),
    "no audience": lambda it: it.token(aud=None),
    "expired": lambda it: it.token(exp=dt.datetime.now(dt.UTC) - HOUR),
    "no expiry": lambda it: it.token(exp=None),
    "not yet valid": lambda it: it.token(nbf=dt.datetime.now(dt.UTC) + HOUR),
    "no subject": lambda it: it.token(sub=None),
    "no role": lambda it: it.token(gridsvc_role=None),
    "an unknown role": lambda it: it.token(gridsvc_role="king"),
    "a department without area": lambda it: it.token(
        gridsvc_role="department", gridsvc_area=None, gridsvc_body="X"
    ),
    "a key of another": lambda it: it.token(key=it.other, algorithm="RS256"),
    "a key that is not published": lambda it: it.token(kid="two"),
    "the public key as a secret": lambda it: it.token(
        key=it.published()["x"].encode(), algorithm="HS256"
    ),
    "no signature": lambda it: it.token(key="", algorithm="none"),
}


@pytest.mark.parametrize("fault", WRONG)
def test_a_token_that_the_provider_would_not_stand_for_is_refused(
    served: httpx.Client, issuer: Issuer, fault: str
) -> None:
    refusal(Person(served, WRONG[fault](issuer)).send("GET", "/v1/cases"), 401)


def test_unknown_keys_do_not_make_the_service_ask_again_and_again(
    served: httpx.Client, issuer: Issuer
) -> None:
    for n in range(20):
        refusal(Person(served, issuer.token(kid=f"made up {n}")).send("GET", "/v1/cases"), 401)
    assert issuer.asked == 1


def test_a_holder_who_was_shut_out_stays_out_with_the_next_token(
    serve: Callable[..., httpx.Client], issuer: Issuer
) -> None:
    apps: list[FastAPI] = []
    client = serve(apps.append, oidc_issuer=issuer.address)
    Person(client, issuer.token()).get("/v1/cases")
    apps[0].state.service.uses.write()
    admin = Person(client, token_of(Role.ADMIN))
    (known,) = [it for it in admin.get("/v1/tokens")["tokens"] if it["subject"] == "wang.wei"]
    assert (known["role"], known["area"], known["made_by"]) == ("street", city.LEAD, None)
    assert admin.send("DELETE", f"/v1/tokens/{known['id']}").status_code == 204
    for token in (issuer.token(), issuer.token(jti="the next")):
        refusal(Person(client, token).send("GET", "/v1/cases"), 401)
    Person(client, issuer.token(sub="li.na")).get("/v1/cases")


def test_without_its_keys_the_service_says_so_and_takes_its_own_tokens(
    served: httpx.Client, issuer: Issuer
) -> None:
    issuer.silent = True
    problem = refusal(Person(served, issuer.token()).send("GET", "/v1/cases"), 503)
    assert "identity provider" in problem["detail"]
    Person(served, token_of(Role.STREET, city.LEAD)).get("/v1/cases")


def test_where_no_provider_is_set_its_tokens_are_refused(
    client: httpx.Client, issuer: Issuer
) -> None:
    refusal(Person(client, issuer.token()).send("GET", "/v1/cases"), 401)
    assert issuer.asked == 0
