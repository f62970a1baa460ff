"""Who may use a route: tokens of a local issuer, functions that decide, signatures."""

from __future__ import annotations

import asyncio
import base64
import http.server
import json
import threading
import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any, cast

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from kumoi.doorway import Call
from kumoi.http_api import jwt
from kumoi.http_api.authorizers import BadAuthorizer, verdict


def encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def number(value: int) -> str:
    return encoded(value.to_bytes((value.bit_length() + 7) // 8, "big"))


class Issuer:
    """An issuer of tokens on this machine."""

    def __init__(self) -> None:
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.url = ""
        numbers = self.key.public_key().public_numbers()
        self.keys = {"keys": [{"kty": "RSA", "kid": "k1", "n": number(numbers.n), "e": number(numbers.e)}]}

    def token(self, kid: str = "k1", key: Any = None, **claims: Any) -> str:
        said = {"iss": self.url, "aud": "me", "exp": int(time.time()) + 10_000_000, "sub": "ada", **claims}
        head = encoded(json.dumps({"alg": "RS256", "kid": kid}).encode())
        signed = f"{head}.{encoded(json.dumps(said).encode())}"
        signature = (key or self.key).sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
        return f"{signed}.{encoded(signature)}"


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    made = Issuer()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            configuration = {"issuer": made.url, "jwks_uri": f"{made.url}/keys"}
            content = json.dumps(configuration if self.path.endswith("openid-configuration") else made.keys).encode()
            self.send_response(200)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        made.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield made
        server.shutdown()
        thread.join()


@pytest.fixture
def guarded(client: Any, serve: Any, function: Any) -> Callable[..., str]:
    """An API whose route GET /a has an authorizer; answers its id."""

    def make(authorizer: dict[str, Any], kind: str, **route: Any) -> str:
        api_id = serve({"GET /a": function("return event['requestContext']['authorizer']")})
        made = client.create_authorizer(ApiId=api_id, Name="guard", **authorizer)
        found = client.get_routes(ApiId=api_id)["Items"][0]
        client.update_route(
            ApiId=api_id,
            RouteId=found["RouteId"],
            AuthorizationType=kind,
            AuthorizerId=made["AuthorizerId"],
            **route,
        )
        return str(api_id)

    return make


def jwt_authorizer(issuer: Issuer) -> dict[str, Any]:
    return {
        "AuthorizerType": "JWT",
        "IdentitySource": ["$request.header.Authorization"],
        "JwtConfiguration": {"Issuer": issuer.url, "Audience": ["me"]},
    }


def test_a_token_of_the_issuer_passes(guarded: Any, ask: Any, issuer: Issuer) -> None:
    api_id = guarded(jwt_authorizer(issuer), "JWT", AuthorizationScopes=["read", "all"])
    missing = ask(api_id, path="/a")
    assert (missing.status, missing.json()) == (401, {"message": "Unauthorized"})
    assert missing.headers["www-authenticate"] == "Bearer"

    def get(token: str) -> Any:
        return ask(api_id, path="/a", headers={"Authorization": f"Bearer {token}"})

    passed = get(issuer.token(scope="read write", admin=True, groups=["a", "b"]))
    assert passed.status == 200
    said = passed.json()["jwt"]
    assert (said["claims"]["sub"], said["claims"]["admin"], said["claims"]["groups"]) == ("ada", "true", "[a b]")
    assert said["scopes"] == ["read"]
    assert get(issuer.token(scope="write")).status == 403
    stranger = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    for token in (
        issuer.token(scope="read", aud="you"),
        issuer.token(scope="read", exp=1),
        issuer.token(scope="read", iss="http://else.example"),
        issuer.token(scope="read", kid="k2"),
        issuer.token(scope="read", key=stranger),
        "nonsense",
        "a.b.c",
    ):
        assert get(token).status == 401, token


def test_keys_are_fetched_once_for_all_who_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    async def fetch(_call: Any, issuer: str, location: str) -> dict[str, Any]:
        asked.append(location or issuer)
        await asyncio.sleep(0)
        if len(asked) == 1:
            raise jwt.InvalidToken("not now")
        return {"k": {"kid": "k"}}

    monkeypatch.setattr(jwt, "_fetch", fetch)
    keys, call = jwt.IssuerKeys(), cast(Call, SimpleNamespace(now=0.0))

    async def five() -> list[Any]:
        return await asyncio.gather(*(keys.find(call, "i", "k") for _ in range(5)), return_exceptions=True)

    async def twice() -> None:
        failed = await five()
        assert (len(asked), {str(one) for one in failed}) == (1, {"not now"})
        assert (await five(), len(asked)) == ([{"kid": "k"}] * 5, 2)
        assert await keys.find(call, "i", "k", "elsewhere") == {"kid": "k"}
        assert asked == ["i", "i", "elsewhere"]

    asyncio.run(twice())


def test_an_elliptic_signature_is_verified() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    head = encoded(json.dumps({"alg": "ES256"}).encode())
    signed = f"{head}.{encoded(b'{}')}"
    r, s = decode_dss_signature(key.sign(signed.encode(), ec.ECDSA(hashes.SHA256())))
    signature = r.to_bytes(32, "big") + s.to_bytes(32, "big")
    numbers = key.public_key().public_numbers()
    public = {"crv": "P-256", "x": encoded(numbers.x.to_bytes(32, "big")), "y": encoded(numbers.y.to_bytes(32, "big"))}
    jwt.verify(jwt.read(f"{signed}.{encoded(signature)}"), public)
    with pytest.raises(jwt.InvalidToken):
        jwt.verify(jwt.read(f"{signed}.{encoded(signature[::-1])}"), public)


@pytest.mark.parametrize("algorithm", ["none", "HS256", "", "RS1"])
def test_an_algorithm_that_proves_nothing_is_refused(algorithm: str) -> None:
    head = encoded(json.dumps({"alg": algorithm}).encode())
    with pytest.raises(jwt.InvalidToken):
        jwt.verify(jwt.read(f"{head}.{encoded(b'{}')}."), {"n": "AQAB", "e": "AQAB"})


SIMPLE = (
    "return {'isAuthorized': event['headers'].get('x-key') == 'right',"
    " 'context': {'who': event['identitySource'][0], 'version': event['version'], 'n': time.time_ns()}}"
)


def test_a_function_decides_and_is_remembered(client: Any, guarded: Any, function: Any, ask: Any) -> None:
    arn = function(SIMPLE, name="guard")
    authorizer = {
        "AuthorizerType": "REQUEST",
        "AuthorizerUri": f"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{arn}/invocations",
        "AuthorizerPayloadFormatVersion": "2.0",
        "EnableSimpleResponses": True,
        "IdentitySource": ["$request.header.x-key"],
        "AuthorizerResultTtlInSeconds": 3600,
    }
    api_id = guarded(authorizer, "CUSTOM")
    assert ask(api_id, path="/a").status == 401
    denied = ask(api_id, path="/a", headers={"X-Key": "wrong"})
    assert (denied.status, denied.json()) == (403, {"message": "Forbidden"})
    first, second = (ask(api_id, path="/a", headers={"X-Key": "right"}).json()["lambda"] for _ in range(2))
    assert (first["who"], first["version"]) == ("right", "2.0")
    assert first["n"] == second["n"]
    client.reset_authorizers_cache(ApiId=api_id, StageName="$default")
    assert ask(api_id, path="/a", headers={"X-Key": "right"}).json()["lambda"]["n"] != first["n"]


POLICY = (
    "return {'principalId': 'ada', 'context': {'a': 'b'}, 'policyDocument': {'Version': '2012-10-17', 'Statement':"
    " [{'Effect': 'Allow' if event['headers']['x-key'] == 'right' else 'Deny',"
    " 'Action': 'execute-api:Invoke', 'Resource': event['methodArn']}]}}"
)


def test_a_function_may_answer_a_policy(guarded: Any, function: Any, ask: Any) -> None:
    authorizer = {
        "AuthorizerType": "REQUEST",
        "AuthorizerUri": function(POLICY, name="guard"),
        "AuthorizerPayloadFormatVersion": "1.0",
        "IdentitySource": ["$request.header.x-key"],
    }
    api_id = guarded(authorizer, "CUSTOM")
    assert ask(api_id, path="/a", headers={"X-Key": "right"}).json() == {"lambda": {"a": "b"}}
    assert ask(api_id, path="/a", headers={"X-Key": "wrong"}).status == 403


def test_an_authorizer_that_fails_is_a_500(guarded: Any, function: Any, ask: Any) -> None:
    authorizer = {
        "AuthorizerType": "REQUEST",
        "AuthorizerUri": function("return 'yes'", name="guard"),
        "AuthorizerPayloadFormatVersion": "2.0",
        "EnableSimpleResponses": True,
        "IdentitySource": [],
    }
    answer = ask(guarded(authorizer, "CUSTOM"), path="/a")
    assert (answer.status, answer.json()) == (500, {"message": "Internal Server Error"})


@pytest.mark.parametrize(
    "payload", [b"", b"7", b"{}", b'{"isAuthorized": "yes"}', b'{"policyDocument": {"Statement": 7}}']
)
def test_an_answer_that_says_neither_is_refused(payload: bytes) -> None:
    for simple in (True, False):
        with pytest.raises(BadAuthorizer):
            verdict(payload, simple=simple)


def test_a_route_with_iam_wants_a_signature(kumoi: Any, client: Any, serve: Any, function: Any, ask: Any) -> None:
    arn = function("return event['requestContext']['authorizer']['iam']")
    api_id = serve({"GET /a": {"uri": arn, "AuthorizationType": "AWS_IAM"}})
    assert (ask(api_id, path="/a").status, ask(api_id, path="/a").json()) == (403, {"message": "Forbidden"})
    host = f"{api_id}.execute-api.us-east-1.amazonaws.com"
    signed = AWSRequest("GET", f"http://{host}/a", headers={"Host": host})
    SigV4Auth(Credentials(kumoi.account, "test"), "execute-api", "us-east-1").add_auth(signed)
    assert ask(api_id, path="/a", headers=dict(signed.headers)).json()["accountId"] == kumoi.account
