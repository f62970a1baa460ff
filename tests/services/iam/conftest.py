"""A platform that enforces policies, and what tests say to it."""

from __future__ import annotations

import base64
import http.server
import json
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

ACCOUNT, OTHER, REGION = "311111111111", "322222222222", "us-east-1"
Connect = Callable[..., Any]


def _document(action: Any, resource: Any = "*", effect: str = "Allow", **more: Any) -> str:
    statement = {"Effect": effect, "Action": action, "Resource": resource, **more}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def _trust(principal: Any, action: str = "sts:AssumeRole", **more: Any) -> str:
    statement = {"Effect": "Allow", "Principal": principal, "Action": action, **more}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def _new_user(connect: Connect, name: str, policy: str | None = None) -> dict[str, str]:
    """The access key of a new user."""
    iam = connect("iam")
    iam.create_user(UserName=name)
    if policy is not None:
        iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=policy)
    key: dict[str, str] = iam.create_access_key(UserName=name)["AccessKey"]
    return key


def _refusal(call: Callable[..., Any], **params: Any) -> tuple[str, str]:
    """(code, message) that a call is refused with."""
    with pytest.raises(ClientError) as refused:
        call(**params)
    error = refused.value.response
    assert error["ResponseMetadata"]["HTTPStatusCode"] == 403
    return error["Error"]["Code"], error["Error"]["Message"]


def _eventually(condition: Callable[[], Any]) -> Any:
    """What `condition` answers once it is true."""
    deadline = time.monotonic() + 60
    while not (found := condition()):
        assert time.monotonic() < deadline, "it did not happen"
    return found


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The data directory of a platform that enforces policies."""
    data = str(tmp_path_factory.mktemp("enforce"))
    kumoi = [sys.executable, "-m", "kumoi"]
    up = [*kumoi, "up", "-d", "--ephemeral", "--port", "0", "--auth", "enforce", "--data", data]
    subprocess.run(up, check=True, stdout=subprocess.DEVNULL)
    yield data
    subprocess.run([*kumoi, "down", "--data", data], check=True, stdout=subprocess.DEVNULL)


@pytest.fixture(scope="session")
def enforcing(data: str) -> str:
    """Its URL."""
    return str(json.loads((Path(data) / "platform.json").read_text())["url"])


@pytest.fixture(scope="session")
def ruling(data: str) -> Callable[..., Any]:
    """Ask `/_kumoi/` with the platform's token."""
    found = json.loads((Path(data) / "platform.json").read_text())

    def ask(path: str, body: Any = None) -> Any:
        content = None if body is None else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {found['token']}"}
        with urllib.request.urlopen(
            urllib.request.Request(f"{found['url']}/_kumoi/{path}", content, headers)
        ) as answer:
            return json.load(answer)

    return ask


@pytest.fixture
def connect(enforcing: str) -> Iterator[Connect]:
    """Make clients: of an account's root, or of given credentials."""
    made = []

    def make(service: str, given: dict[str, str] | None = None, account: str = ACCOUNT) -> Any:
        given = given or {"AccessKeyId": account, "SecretAccessKey": "test"}
        client = boto3.client(
            service,
            endpoint_url=enforcing,
            region_name=REGION,
            aws_access_key_id=given["AccessKeyId"],
            aws_secret_access_key=given["SecretAccessKey"],
            aws_session_token=given.get("SessionToken"),
            config=Config(retries={"total_max_attempts": 1}),
        )
        made.append(client)
        return client

    yield make
    for client in made:
        client.close()


@pytest.fixture
def issuer() -> Iterator[tuple[str, Callable[..., str]]]:
    """(URL, how to make a token) of an OpenID Connect provider on this machine."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    numbers = key.public_key().public_numbers()

    def encoded(content: bytes) -> str:
        return base64.urlsafe_b64encode(content).rstrip(b"=").decode()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            one = {"kid": "k", "kty": "RSA", "n": encoded(numbers.n.to_bytes(256, "big")), "e": "AQAB"}
            found = {"keys": [one]} if self.path == "/keys" else {"jwks_uri": f"{url}/keys"}
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(found).encode())

        def log_message(self, *_: Any) -> None:
            pass

    def token(**claims: Any) -> str:
        said = {"iss": url, "sub": "ada", "aud": "shop", "exp": int(time.time()) + 10_000_000, **claims}
        text = f"{encoded(json.dumps({'alg': 'RS256', 'kid': 'k'}).encode())}.{encoded(json.dumps(said).encode())}"
        return f"{text}.{encoded(key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256()))}"

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield url, token
        server.shutdown()
        thread.join()


@pytest.fixture(scope="session")
def document() -> Callable[..., Any]:
    """A policy of one statement, as JSON."""
    return _document


@pytest.fixture(scope="session")
def trust() -> Callable[..., Any]:
    """A trust policy of one statement, as JSON."""
    return _trust


@pytest.fixture(scope="session")
def new_user() -> Callable[..., Any]:
    """Make a user; its access key."""
    return _new_user


@pytest.fixture(scope="session")
def refusal() -> Callable[..., Any]:
    """(code, message) that a call is refused with."""
    return _refusal


@pytest.fixture(scope="session")
def eventually() -> Callable[..., Any]:
    """What a condition answers once it is true."""
    return _eventually
