"""The sign-in page and the OAuth endpoints, visited as a browser and asked as a program would."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
import urllib.error
import urllib.request
from http.cookiejar import CookieJar
from typing import Any
from urllib.parse import parse_qs, urlencode, urljoin, urlsplit

import pytest
from botocore.exceptions import ClientError

PASSWORD = "Correct-horse-1"
BACK = "https://shop.example/back"
VERIFIER = "v" * 50
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode().rstrip("=")


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


class Browser:
    """Visits pages and remembers cookies; redirects are followed within the pages alone."""

    def __init__(self, base: str) -> None:
        self.base = base
        self.jar = CookieJar()
        self._opener = urllib.request.build_opener(_Stay, urllib.request.HTTPCookieProcessor(self.jar))

    def ask(self, path: str, form: dict[str, str] | None = None, **headers: str) -> tuple[int, str, dict[str, str]]:
        """(status, body, headers) of one request."""
        data = None if form is None else urlencode(form).encode()
        url = urljoin(f"{self.base}/", path)
        request = urllib.request.Request(url, data, {key.replace("_", "-"): value for key, value in headers.items()})
        try:
            with self._opener.open(request) as answer:
                return answer.status, answer.read().decode(), dict(answer.headers)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode(), dict(error.headers)

    def visit(self, path: str, form: dict[str, str] | None = None) -> tuple[str, str]:
        """(URL, body) of where a visit ends: at a page, or at a URL that is the client's."""
        url = urljoin(f"{self.base}/", path)
        status, body, headers = self.ask(url, form)
        while status == 302:
            url = urljoin(url, headers["Location"])
            if not url.startswith(self.base):
                return url, ""
            status, body, headers = self.ask(url)
        return url, body


def hidden(body: str) -> dict[str, str]:
    return {
        name: html.unescape(value) for name, value in re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', body)
    }


def told(url: str) -> dict[str, str]:
    parts = urlsplit(url)
    return {name: values[0] for name, values in parse_qs(parts.query or parts.fragment).items()}


class Shop:
    """A pool with a domain, and a client that may ask for codes, tokens, and its own credentials."""

    def __init__(self, source: Any, make_pool: Any, domain: str, **client: Any) -> None:
        given = {
            "AllowedOAuthFlowsUserPoolClient": True,
            "AllowedOAuthFlows": ["code", "implicit"],
            "AllowedOAuthScopes": ["openid", "email", "aws.cognito.signin.user.admin"],
            "CallbackURLs": [BACK],
            "LogoutURLs": ["https://shop.example/bye"],
            **client,
        }
        self.pool = make_pool(source, given)
        self.pool.admin.create_user_pool_domain(Domain=domain, UserPoolId=self.pool.id)
        self.browser = Browser(f"{source.url}/_kumoi/cognito-hosted-ui/{domain}")
        self.app = self.pool.app

    def address(self, **more: str) -> str:
        given = {"response_type": "code", "client_id": self.app, "redirect_uri": BACK, "state": "s t", **more}
        return f"oauth2/authorize?{urlencode(given)}"

    def sign_in(self, name: str = "ann", password: str = PASSWORD, **more: str) -> tuple[str, str]:
        url, body = self.browser.visit(self.address(**more))
        return self.browser.visit(url, {**hidden(body), "username": name, "password": password})

    def token(self, form: dict[str, str], **headers: str) -> tuple[int, Any]:
        status, body, _ = self.browser.ask("oauth2/token", {"client_id": self.app, **form}, **headers)
        return status, json.loads(body)


@pytest.fixture
def shop(kumoi: Any, make_pool: Any) -> Shop:
    made = Shop(kumoi, make_pool, f"shop-{kumoi.account}")
    made.pool.user(email="ann@example.com", email_verified="true", nickname="A")
    return made


def claims(token: str) -> dict[str, Any]:
    body = token.split(".")[1]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    return found


def test_a_code_becomes_tokens_once(shop: Shop) -> None:
    url, _ = shop.sign_in(nonce="n1", code_challenge=CHALLENGE, code_challenge_method="S256")
    assert url.startswith(BACK)
    assert told(url)["state"] == "s t"
    grant = {"grant_type": "authorization_code", "code": told(url)["code"], "redirect_uri": BACK}
    status, tokens = shop.token({**grant, "code_verifier": VERIFIER}, Origin="https://shop.example")
    assert (status, tokens["token_type"], tokens["expires_in"]) == (200, "Bearer", 3600)
    identity, access = claims(tokens["id_token"]), claims(tokens["access_token"])
    assert (identity["nonce"], identity["email"], identity.get("nickname")) == ("n1", "ann@example.com", None)
    assert set(access["scope"].split()) == {"openid", "email", "aws.cognito.signin.user.admin"}
    assert access["version"] == 2
    assert shop.token({**grant, "code_verifier": VERIFIER}) == (400, {"error": "invalid_grant"})
    _, body, _ = shop.browser.ask("oauth2/userInfo", Authorization=f"Bearer {tokens['access_token']}")
    assert json.loads(body) == {
        "sub": identity["sub"], "email": "ann@example.com", "email_verified": "true", "username": "ann"
    }  # fmt: skip
    status, fresh = shop.token({"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]})
    assert (status, claims(fresh["access_token"])["scope"]) == (200, access["scope"])
    assert "refresh_token" not in fresh
    assert shop.pool.admin.get_user(AccessToken=fresh["access_token"])["Username"] == "ann"
    revoked = {"client_id": shop.app, "token": tokens["refresh_token"]}
    assert shop.browser.ask("oauth2/revoke", revoked)[0] == 200
    assert shop.token({"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]})[0] == 400


@pytest.mark.parametrize(
    ("asked", "given"),
    [
        ({"code_challenge": CHALLENGE, "code_challenge_method": "S256"}, {}),
        ({"code_challenge": CHALLENGE, "code_challenge_method": "S256"}, {"code_verifier": "w" * 50}),
        ({}, {"code_verifier": VERIFIER}),
        ({}, {"redirect_uri": "https://shop.example/other"}),
        ({}, {"code": "made-up"}),
    ],
)
def test_a_code_is_for_whoever_asked_for_it(shop: Shop, asked: dict[str, str], given: dict[str, str]) -> None:
    url, _ = shop.sign_in(**asked)
    grant = {"grant_type": "authorization_code", "code": told(url)["code"], "redirect_uri": BACK, **given}
    assert shop.token(grant) == (400, {"error": "invalid_grant"})


def test_a_code_is_not_for_who_gets_the_name_later(shop: Shop) -> None:
    url, _ = shop.sign_in()
    shop.pool.admin.admin_delete_user(UserPoolId=shop.pool.id, Username="ann")
    shop.pool.user()
    grant = {"grant_type": "authorization_code", "code": told(url)["code"], "redirect_uri": BACK}
    assert shop.token(grant) == (400, {"error": "invalid_grant"})


def test_a_token_sees_and_changes_what_its_scopes_are_for(shop: Shop) -> None:
    url, _ = shop.sign_in(response_type="token", scope="openid email")
    token = told(url)["access_token"]
    assert shop.browser.ask("oauth2/userInfo", Authorization=f"Bearer {token}")[0] == 200
    for action in (shop.pool.public.get_user, shop.pool.public.delete_user, shop.pool.public.global_sign_out):
        with pytest.raises(ClientError) as refused:
            action(AccessToken=token)
        assert refused.value.response["Error"] == {
            "Code": "NotAuthorizedException",
            "Message": "Access Token does not have required scopes",
        }


def test_a_browser_is_known_until_it_signs_out(shop: Shop) -> None:
    shop.sign_in()
    url, _ = shop.browser.visit(shop.address(response_type="token", scope="openid"))
    assert (urlsplit(url).query, told(url)["token_type"], told(url)["state"]) == ("", "Bearer", "s t")
    assert claims(told(url)["id_token"])["nickname"] == "A"
    assert claims(told(url)["access_token"])["scope"] == "openid"
    leaving = urlencode({"client_id": shop.app, "logout_uri": "https://shop.example/bye"})
    assert shop.browser.visit(f"logout?{leaving}")[0] == "https://shop.example/bye"
    assert "/login?" in shop.browser.visit(shop.address())[0]


def test_wrong_passwords_and_foreign_forms_are_refused(shop: Shop) -> None:
    url, body = shop.sign_in(password="wrong")
    assert "Incorrect username or password." in body
    assert "/login?" in url
    shop.browser.jar.clear()
    status, _, _ = shop.browser.ask(url, {**hidden(body), "username": "ann", "password": PASSWORD})
    assert status == 403
    assert "&quot;&gt;&lt;script" in shop.sign_in(name='"><script>alert(1)</script>', password="x")[1]


def test_a_cookie_that_was_never_given_is_not_given_back(shop: Shop) -> None:
    url, _ = shop.browser.visit(shop.address())
    shop.browser.jar.clear()
    forged = '"a\\015\\012Set-Cookie: stolen=1"'
    status, body, headers = shop.browser.ask(url, Cookie=f"XSRF-TOKEN={forged}")
    assert (status, "stolen" in str(headers), "stolen" in body) == (200, False, False)


def test_a_temporary_password_is_changed_on_the_way(shop: Shop) -> None:
    shop.pool.admin.admin_create_user(
        UserPoolId=shop.pool.id, Username="bob", TemporaryPassword=PASSWORD, MessageAction="SUPPRESS"
    )
    url, body = shop.sign_in("bob")
    assert "choose a new password" in body
    url, body = shop.browser.visit(url, {**hidden(body), "new_password": "short"})
    assert "Password did not conform with policy" in html.unescape(body)
    url, _ = shop.browser.visit(url, {**hidden(body), "new_password": "Another-horse-2"})
    assert "code" in told(url)


def test_a_second_factor_is_asked_for_on_the_way(shop: Shop) -> None:
    pool = shop.pool
    offered = {"Message": "{####}", "Subject": "code"}
    pool.admin.set_user_pool_mfa_config(UserPoolId=pool.id, MfaConfiguration="OPTIONAL", EmailMfaConfiguration=offered)
    pool.admin.admin_set_user_mfa_preference(UserPoolId=pool.id, Username="ann", EmailMfaSettings={"Enabled": True})
    url, body = shop.sign_in()
    assert "enter your code" in body
    wrong = f"{(int(pool.code()) + 1) % 1_000_000:06}"
    url, body = shop.browser.visit(url, {**hidden(body), "code": wrong})
    assert "Invalid verification code" in body
    url, _ = shop.browser.visit(url, {**hidden(body), "code": pool.code()})
    assert "code" in told(url)


def test_a_session_of_a_first_factor_is_none_of_a_second(kumoi: Any, make_pool: Any) -> None:
    flows = ["ALLOW_USER_AUTH", "ALLOW_USER_PASSWORD_AUTH"]
    shop = Shop(kumoi, make_pool, f"first-{kumoi.account}", ExplicitAuthFlows=flows)
    pool = shop.pool
    policies = {"SignInPolicy": {"AllowedFirstAuthFactors": ["PASSWORD", "EMAIL_OTP"]}}
    pool.admin.update_user_pool(UserPoolId=pool.id, Policies=policies)
    pool.user(email="ann@example.com", email_verified="true")
    wanted = {"USERNAME": "ann", "PREFERRED_CHALLENGE": "EMAIL_OTP"}
    first = pool.public.initiate_auth(ClientId=pool.app, AuthFlow="USER_AUTH", AuthParameters=wanted)["Session"]
    offered = {"Message": "{####}", "Subject": "code"}
    pool.admin.set_user_pool_mfa_config(UserPoolId=pool.id, MfaConfiguration="OPTIONAL", EmailMfaConfiguration=offered)
    pool.admin.admin_set_user_mfa_preference(UserPoolId=pool.id, Username="ann", EmailMfaSettings={"Enabled": True})
    url, body = shop.sign_in()
    given = {**hidden(body), "session": first, "code": pool.code()}
    assert "Invalid session" in shop.browser.visit(url, given)[1]


@pytest.mark.parametrize(
    ("asked", "where", "error"),
    [
        ({"client_id": "nobody"}, "error", "invalid_client"),
        ({"redirect_uri": "https://evil.example"}, "error", "redirect_mismatch"),
        ({"response_type": "both"}, BACK, "unsupported_response_type"),
        ({"scope": "openid everything"}, BACK, "invalid_scope"),
        ({"code_challenge": "short", "code_challenge_method": "S256"}, BACK, "invalid_request"),
        ({"code_challenge": CHALLENGE, "code_challenge_method": "plain"}, BACK, "invalid_request"),
    ],
)
def test_what_cannot_be_authorized(shop: Shop, asked: dict[str, str], where: str, error: str) -> None:
    url, body = shop.browser.visit(shop.address(**asked))
    assert told(url)["error"] == error
    assert url.startswith(BACK) if where == BACK else "/error?" in url
    assert error in (body or url)


@pytest.mark.parametrize(
    ("form", "status", "error"),
    [
        ({}, 400, "invalid_request"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"grant_type": "client_credentials"}, 400, "unauthorized_client"),
        ({"grant_type": "refresh_token", "refresh_token": "x"}, 400, "invalid_grant"),
        ({"client_id": "nobody", "grant_type": "refresh_token"}, 400, "invalid_client"),
    ],
)
def test_what_gets_no_tokens(shop: Shop, form: dict[str, str], status: int, error: str) -> None:
    found, body = shop.token(form)
    assert (found, body["error"]) == (status, error)
    assert shop.browser.ask("oauth2/userInfo", Authorization="Bearer x.y.z")[0] == 401
    assert shop.browser.ask("nothing/here")[0] == 404


def test_pages_may_ask_for_tokens_with_what_amplify_sends(shop: Shop) -> None:
    asked = {"Origin": "https://shop.example", "Access-Control-Request-Method": "POST"}
    wanted = {"Access-Control-Request-Headers": "content-type,x-amz-user-agent"}
    request = urllib.request.Request(f"{shop.browser.base}/oauth2/token", headers={**asked, **wanted}, method="OPTIONS")
    with urllib.request.urlopen(request) as answer:
        allowed = answer.headers["Access-Control-Allow-Headers"].lower()
    assert {"content-type", "authorization", "x-amz-user-agent"} == set(allowed.split(", "))


def test_a_client_gets_tokens_for_itself(kumoi: Any, make_pool: Any) -> None:
    shop = Shop(kumoi, make_pool, f"machine-{kumoi.account}")
    scopes = [{"ScopeName": "read", "ScopeDescription": "r"}, {"ScopeName": "write", "ScopeDescription": "w"}]
    shop.pool.admin.create_resource_server(UserPoolId=shop.pool.id, Identifier="farm", Name="Farm", Scopes=scopes)
    made = shop.pool.admin.create_user_pool_client(
        UserPoolId=shop.pool.id, ClientName="machine", GenerateSecret=True, AllowedOAuthFlowsUserPoolClient=True,
        AllowedOAuthFlows=["client_credentials"], AllowedOAuthScopes=["farm/read"],
    )["UserPoolClient"]  # fmt: skip
    proof = base64.b64encode(f"{made['ClientId']}:{made['ClientSecret']}".encode()).decode()
    grant = {"client_id": made["ClientId"], "grant_type": "client_credentials"}
    status, found = shop.token(grant, Authorization=f"Basic {proof}")
    assert (status, sorted(found)) == (200, ["access_token", "expires_in", "token_type"])
    assert (claims(found["access_token"])["scope"], claims(found["access_token"])["sub"]) == (
        "farm/read", made["ClientId"]
    )  # fmt: skip
    with pytest.raises(shop.pool.public.exceptions.NotAuthorizedException):
        shop.pool.public.get_user(AccessToken=found["access_token"])
    assert shop.token({**grant, "client_secret": made["ClientSecret"], "scope": "farm/write"})[1]["error"] == (
        "invalid_scope"
    )
    assert shop.token({**grant, "client_secret": "wrong"})[1]["error"] == "invalid_client"
    listed = shop.pool.admin.list_resource_servers(UserPoolId=shop.pool.id)["ResourceServers"]
    assert [one["Identifier"] for one in listed] == ["farm"]


def test_domains_are_one_pools(shop: Shop, kumoi: Any) -> None:
    domain = f"shop-{kumoi.account}"
    described = shop.pool.admin.describe_user_pool_domain(Domain=domain)["DomainDescription"]
    assert (described["Status"], described["UserPoolId"]) == ("ACTIVE", shop.pool.id)
    assert shop.pool.admin.describe_user_pool(UserPoolId=shop.pool.id)["UserPool"]["Domain"] == domain
    assert shop.pool.admin.describe_user_pool_domain(Domain="free")["DomainDescription"] == {}
    for name in (domain, "other", "aws-shop", "Upper"):
        with pytest.raises(ClientError) as refused:
            shop.pool.admin.create_user_pool_domain(Domain=name, UserPoolId=shop.pool.id)
        assert refused.value.response["Error"]["Code"] == "InvalidParameterException"
    with pytest.raises(ClientError):
        shop.pool.admin.delete_user_pool(UserPoolId=shop.pool.id)
    own = "login.shop.example"
    shop.pool.admin.create_user_pool_domain(
        Domain=own,
        UserPoolId=shop.pool.id,
        CustomDomainConfig={
            "CertificateArn": f"arn:aws:acm:us-east-1:{kumoi.account}:certificate/12345678-1234-1234-1234-123456789012"
        },
    )
    browser = Browser(kumoi.url)
    assert browser.ask(shop.address(), Host=own)[2]["Location"].startswith("../login?")
    for name in (own, domain):
        shop.pool.admin.delete_user_pool_domain(Domain=name, UserPoolId=shop.pool.id)
    assert shop.browser.ask(shop.address())[0] == 404
    shop.pool.admin.delete_user_pool(UserPoolId=shop.pool.id)


class People(Shop):
    """A shop that anybody may sign up at, walked through page by page."""

    def __init__(self, source: Any, make_pool: Any, domain: str, *, secret: bool = False, **pool: Any) -> None:
        made = {"GenerateSecret": secret}
        super().__init__(source, lambda source, client: make_pool(source, client, **pool), domain, **made)

    def open(self, link: str) -> tuple[str, str]:
        """Follow a link of the page to sign in at."""
        url, body = self.browser.visit(self.address())
        found = re.search(rf'href="({link}[^"]*)"', body)
        assert found is not None, body
        return self.browser.visit(urljoin(url, html.unescape(found[1])))

    def send(self, url: str, body: str, **given: str) -> tuple[str, str]:
        """Send the form of a page."""
        to = re.search(r'<form method="post" action="([^"]*)"', body)
        where = urljoin(url, html.unescape(to[1])) if to else url
        return where, self.browser.ask(where, {**hidden(body), **given})[1]

    def arrive(self, url: str, body: str, **given: str) -> str:
        """Send the form to sign in with; the URL of the client's where that ends."""
        to = re.search(r'<form method="post" action="([^"]*)"', body)
        where = urljoin(url, html.unescape(to[1])) if to else url
        return self.browser.visit(where, {**hidden(body), **given})[0]


@pytest.fixture
def people(kumoi: Any, make_pool: Any) -> People:
    return People(kumoi, make_pool, f"people-{kumoi.account}")


def test_signing_up_at_the_page(people: People) -> None:
    url, body = people.open("signup")
    assert 'name="email" type="email"' in body
    _, refused = people.send(url, body, username="bob", email="bob@example.com", password="short")
    assert "Password did not conform with policy" in refused
    assert 'value="bob@example.com"' in refused
    url, body = people.send(url, refused, username="bob", email="bob@example.com", password=PASSWORD)
    assert "A code was sent to b***@e***" in body
    _, again = people.send(url, body, code="000000")
    assert "Invalid verification code provided" in again
    url, body = people.send(url, again, again="1")
    assert "A code was sent" in body
    url, body = people.send(url, body, code=people.pool.code())
    assert "Your account is confirmed." in body
    assert people.arrive(url, body, username="bob", password=PASSWORD).startswith(BACK)


def test_who_is_not_confirmed_is_asked_for_the_code_when_signing_in(people: People) -> None:
    url, body = people.open("signup")
    people.send(url, body, username="bob", email="bob@example.com", password=PASSWORD)
    url, body = people.browser.visit(people.address())
    url, body = people.send(url, body, username="bob", password=PASSWORD)
    assert "User is not confirmed." in body
    url, body = people.send(url, body, code=people.pool.code())
    assert people.arrive(url, body, username="bob", password=PASSWORD).startswith(BACK)


@pytest.mark.parametrize("secret", [False, True])
def test_a_forgotten_password_at_the_page(kumoi: Any, make_pool: Any, secret: bool) -> None:
    people = People(kumoi, make_pool, f"people-{kumoi.account}", secret=secret)
    people.pool.user(email="ann@example.com", email_verified="true")
    url, body = people.open("forgotPassword")
    url, body = people.send(url, body, username="ann")
    assert "A code was sent to a***@e***" in body
    _, refused = people.send(url, body, code="000000", password="Another-horse-2")
    assert "Invalid verification code provided" in refused
    url, body = people.send(url, refused, code=people.pool.code(), password="Another-horse-2")
    assert "Your password is changed." in body
    assert people.arrive(url, body, username="ann", password="Another-horse-2").startswith(BACK)


def test_a_pool_where_administrators_create_users(kumoi: Any, make_pool: Any) -> None:
    config = {"AllowAdminCreateUserOnly": True}
    closed = People(kumoi, make_pool, f"closed-{kumoi.account}", AdminCreateUserConfig=config)
    url, body = closed.browser.visit(closed.address())
    assert "signup" not in body and "forgotPassword" in body
    assert "SignUp is not permitted" in closed.browser.visit(url.replace("/login", "/signup"))[1]


@pytest.mark.parametrize("path", ["signup", "confirmUser", "forgotPassword", "confirmForgotPassword"])
def test_forms_of_others_and_garbage_are_refused(people: People, path: str) -> None:
    url, body = people.browser.visit(people.address())
    page = url.replace("/login", f"/{path}")
    assert people.browser.ask(page, {"username": "x", "password": "y", "code": "z"})[0] == 403
    for name in ("", "x" * 129, "\x00<script>"):
        status, told, _ = people.browser.ask(
            page, {**hidden(body), "username": name, "password": "y", "code": "z" * 3_000}
        )
        assert status == 400
        assert "<script>" not in told
