from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Callable
from http.cookiejar import CookieJar
from typing import Any
from urllib.parse import parse_qs, urlencode, urljoin, urlsplit

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


BACK = "https://shop.example/back"
"""The client's own URL."""


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


class Browser:
    """Visits pages of any host with its cookies, and follows redirects until the client's own URL."""

    def __init__(self) -> None:
        self.jar = CookieJar()
        self.visited: list[str] = []
        self._opener = urllib.request.build_opener(_Stay, urllib.request.HTTPCookieProcessor(self.jar))

    def ask(self, url: str, form: dict[str, str] | None = None) -> tuple[int, str, dict[str, str]]:
        """(status, body, headers) of one request."""
        self.visited.append(url)
        data = None if form is None else urlencode(form).encode()
        try:
            with self._opener.open(urllib.request.Request(url, data)) as answer:
                return answer.status, answer.read().decode(), dict(answer.headers)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode(), dict(error.headers)

    def visit(self, url: str, form: dict[str, str] | None = None) -> tuple[str, str]:
        """(URL, body) of where a visit ends."""
        status, body, headers = self.ask(url, form)
        while status in (302, 303):
            url = urljoin(url, headers["Location"])
            if url.startswith(BACK):
                return url, ""
            status, body, headers = self.ask(url)
        return url, body


class Shop:
    """A pool with a domain, an identity provider, and a client that offers it; `browser` visits its pages."""

    def __init__(
        self, source: Any, make_pool: Any, name: str, kind: str, details: dict[str, str], mapping: dict[str, str],
        domain: str = "shop", **pool: Any,
    ) -> None:  # fmt: skip
        flows = {
            "AllowedOAuthFlowsUserPoolClient": True,
            "AllowedOAuthFlows": ["code", "implicit"],
            "AllowedOAuthScopes": ["openid", "email", "profile", "aws.cognito.signin.user.admin"],
            "CallbackURLs": [BACK],
            "LogoutURLs": [f"{BACK}/bye"],
        }
        self.pool = make_pool(source, flows, **pool)
        self.admin, self.name, self.browser = self.pool.admin, name, Browser()
        self.admin.create_identity_provider(
            UserPoolId=self.pool.id, ProviderName=name, ProviderType=kind, ProviderDetails=details,
            AttributeMapping=mapping, IdpIdentifiers=["example.com"],
        )  # fmt: skip
        given = {**flows, "ExplicitAuthFlows": ["ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"]}
        self.offer = lambda names: self.admin.update_user_pool_client(
            UserPoolId=self.pool.id, ClientId=self.pool.app, SupportedIdentityProviders=names, **given
        )
        self.offer(["COGNITO", name])
        host = f"{domain}-{source.account}"
        self.admin.create_user_pool_domain(Domain=host, UserPoolId=self.pool.id)
        self.base = f"{source.url}/_kumoi/cognito-hosted-ui/{host}"

    def address(self, **more: str) -> str:
        given = {"response_type": "code", "client_id": self.pool.app, "redirect_uri": BACK, "state": "s t", **more}
        return f"{self.base}/oauth2/authorize?{urlencode(given)}"

    def arrive(self, **more: str) -> str:
        """The client's URL that going to the provider ends at."""
        return self.browser.visit(self.address(identity_provider=self.name, **more))[0]

    def tokens(self, url: str) -> dict[str, Any]:
        form = {
            "grant_type": "authorization_code",
            "code": parse_qs(urlsplit(url).query)["code"][0],
            "redirect_uri": BACK,
        }
        status, body, _ = self.browser.ask(f"{self.base}/oauth2/token", {"client_id": self.pool.app, **form})
        found: dict[str, Any] = json.loads(body)
        assert status == 200, found
        return found

    def stranger(self) -> Browser:
        """Another browser."""
        return Browser()

    def user(self, name: str) -> dict[str, Any]:
        found = self.admin.admin_get_user(UserPoolId=self.pool.id, Username=name)
        return {**found, "attributes": {one["Name"]: one["Value"] for one in found["UserAttributes"]}}


@pytest.fixture
def make_pool() -> type[Pool]:
    """`make_pool(source, client, **given)`: a pool of a platform's or account's."""
    return Pool


@pytest.fixture
def pool(kumoi: KumoiAccount) -> Pool:
    return Pool(kumoi)


@pytest.fixture
def make_shop(kumoi: KumoiAccount) -> Callable[..., Shop]:
    """`make_shop(name, kind, details, mapping, **pool)`: a shop with an identity provider."""
    return lambda *given, **more: Shop(kumoi, Pool, *given, **more)
