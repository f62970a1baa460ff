"""Temporary credentials sign messages until they expire."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from kumoi.doorway import Principal
from kumoi.services.appsync.kept import Kept
from kumoi.services.appsync.realtime.signed import signable, signer


class Identity:
    """Knows one secret, whose token expires at 100."""

    verifies = True

    async def secret(self, *_: object, **__: object) -> str:
        return "secret"

    def claims(self, *_: object) -> Any:
        return SimpleNamespace(expires=100.0)

    async def principal(self, access_key: str, _: object) -> Any:
        return SimpleNamespace(access_key=access_key)


@pytest.mark.parametrize(("now", "known"), [(99.0, True), (101.0, False)])
def test_a_token_that_has_expired(now: float, known: bool) -> None:
    request = AWSRequest("POST", "https://localhost/graphql", data="{}", headers={"host": "localhost"})
    SigV4Auth(Credentials("ASIAEXAMPLE", "secret", "token"), "appsync", "us-east-1").add_auth(request)
    headers = {name.lower(): value for name, value in request.headers.items()}
    kept = Kept()
    call: Any = SimpleNamespace(doorway=SimpleNamespace(identity=Identity()), http=None, now=now, part=lambda _: kept)
    found: Principal = asyncio.run(signer(call, headers, signable("/graphql", "a"), "{}"))
    assert (found.access_key == "ASIAEXAMPLE") is known
