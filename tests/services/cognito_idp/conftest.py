from __future__ import annotations

import json
import urllib.request
from typing import Any

import pytest
from botocore import UNSIGNED

from kumoi.pytest_plugin import KumoiAccount

PASSWORD = "Correct-horse-1"
FLOWS = [
    "ALLOW_USER_PASSWORD_AUTH",
    "ALLOW_USER_SRP_AUTH",
    "ALLOW_REFRESH_TOKEN_AUTH",
    "ALLOW_ADMIN_USER_PASSWORD_AUTH",
]


class Pool:
    """A pool with one client, and short ways to use it. Public calls are not signed, as SDKs send them."""

    def __init__(self, source: Any, client: dict[str, Any] | None = None, **given: Any) -> None:
        self.source = source
        self.admin = source.client("cognito-idp")
        self.public = source.client("cognito-idp", signature_version=UNSIGNED) if client is not None else self.admin
        made = self.admin.create_user_pool(PoolName="pool", AutoVerifiedAttributes=["email"], **given)
        self.id = made["UserPool"]["Id"]
        options = {"ExplicitAuthFlows": FLOWS, **(client or {})}
        self.client = self.admin.create_user_pool_client(UserPoolId=self.id, ClientName="app", **options)[
            "UserPoolClient"
        ]
        self.app = self.client["ClientId"]

    def user(self, name: str = "ann", **attributes: str) -> None:
        """A confirmed user."""
        given = [{"Name": key, "Value": value} for key, value in attributes.items()]
        self.admin.admin_create_user(UserPoolId=self.id, Username=name, UserAttributes=given, MessageAction="SUPPRESS")
        self.admin.admin_set_user_password(UserPoolId=self.id, Username=name, Password=PASSWORD, Permanent=True)

    def sign_in(self, name: str = "ann", password: str = PASSWORD) -> dict[str, Any]:
        parameters = {"USERNAME": name, "PASSWORD": password}
        answer = self.public.initiate_auth(ClientId=self.app, AuthFlow="USER_PASSWORD_AUTH", AuthParameters=parameters)
        result: dict[str, Any] = answer["AuthenticationResult"]
        return result

    def code(self) -> str:
        """The code that a user was last sent."""
        logs = self.source.client("logs")
        events = logs.filter_log_events(logGroupName=f"/kumoi/cognito/{self.id}")["events"]
        return str(json.loads(events[-1]["message"])["code"])

    def public_keys(self) -> list[dict[str, Any]]:
        with urllib.request.urlopen(f"{self.source.url}/{self.id}/.well-known/jwks.json") as answer:
            found: list[dict[str, Any]] = json.load(answer)["keys"]
        return found


@pytest.fixture
def make_pool() -> type[Pool]:
    """`make_pool(source, client, **given)`: a pool of a platform's or account's."""
    return Pool


@pytest.fixture
def pool(kumoi: KumoiAccount) -> Pool:
    return Pool(kumoi)
