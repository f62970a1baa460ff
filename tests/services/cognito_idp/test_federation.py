"""People sign in at identity providers with a browser: at a provider of the test's, another pool, stand-ins."""

from __future__ import annotations

import base64
import html
import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urljoin, urlsplit

import pytest
from botocore.exceptions import ClientError
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from kumoi.http_api import jwt

PASSWORD = "Correct-horse-1"
BACK = "https://shop.example/back"
KEY = rsa.generate_private_key(public_exponent=65_537, key_size=2048)


def b64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def claims(token: str) -> dict[str, Any]:
    body = token.split(".")[1]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    return found


def told(url: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


def hidden(body: str) -> dict[str, str]:
    found = re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', body)
    return {name: html.unescape(value) for name, value in found}


class Provider(ThreadingHTTPServer):
    """An OpenID Connect provider, to which somebody is signed in: `says` goes into its tokens, `told` into userInfo."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Pages)
        self.says: dict[str, Any] = {}
        self.told: dict[str, Any] = {"sub": "42", "email": "ann@example.com", "email_verified": True}
        self.asked: dict[str, str] = {}
        self.forms: list[dict[str, str]] = []
        self.refuses: str | None = None
        self.nonces = True
        self.knows_secret = True

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def token(self) -> str:
        now = int(time.time())
        nonce = {"nonce": self.asked["nonce"]} if self.nonces and "nonce" in self.asked else {}
        said = {"iss": self.url, "aud": self.asked["client_id"], "sub": "42", "iat": now, "exp": now + 300}
        parts = ({"alg": "RS256", "kid": "k"}, {**said, **nonce, **self.says})
        signed = ".".join(b64(json.dumps(part).encode()) for part in parts)
        return f"{signed}.{b64(KEY.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256()))}"


class _Pages(BaseHTTPRequestHandler):
    server: Provider

    def log_message(self, *_: Any) -> None:
        pass

    def do_GET(self) -> None:
        provider, parts = self.server, urlsplit(self.path)
        if parts.path == "/authorize":
            provider.asked = told(self.path)
            state = {"state": provider.asked["state"]}
            what = {"error": provider.refuses} if provider.refuses else {"code": "the-code"}
            self.answer({}, 302, f"{provider.asked['redirect_uri']}?{urlencode({**what, **state})}")
        elif parts.path == "/.well-known/openid-configuration":
            names = {"authorization": "authorize", "token": "token", "userinfo": "userinfo"}
            ends = {f"{name}_endpoint": f"{provider.url}/{path}" for name, path in names.items()}
            self.answer({"issuer": provider.url, "jwks_uri": f"{provider.url}/keys", **ends})
        elif parts.path == "/keys":
            numbers = KEY.public_key().public_numbers()
            key = {
                "kty": "RSA",
                "kid": "k",
                "e": b64(numbers.e.to_bytes(3, "big")),
                "n": b64(numbers.n.to_bytes(256, "big")),
            }
            self.answer({"keys": [key]})
        elif parts.path == "/userinfo" and self.headers["Authorization"] == "Bearer the-access-token":
            self.answer(provider.told)
        elif parts.path == "/facebook-token":
            provider.forms.append(told(self.path))
            self.answer({"access_token": "the-access-token"})
        else:
            self.answer({"error": "not_found"}, 404)

    def do_POST(self) -> None:
        sent = self.rfile.read(int(self.headers["Content-Length"])).decode()
        form = {name: values[0] for name, values in parse_qs(sent).items()}
        self.server.forms.append(form)
        known = form.get("client_secret") == "the-secret" or not self.server.knows_secret
        if self.path != "/token" or form.get("code") != "the-code" or not known:
            return self.answer({"error": "invalid_grant"}, 400)
        return self.answer(
            {"access_token": "the-access-token", "id_token": self.server.token(), "token_type": "Bearer"}
        )

    def answer(self, content: Any, status: int = 200, location: str = "") -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        if location:
            self.send_header("Location", location)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def provider() -> Iterator[Provider]:
    server = Provider()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


MAPPING = {"email": "email", "email_verified": "email_verified", "name": "name"}
MakeShop = Callable[..., Any]


def oidc(provider: Provider) -> dict[str, str]:
    return {
        "client_id": "the-client",
        "client_secret": "the-secret",
        "authorize_scopes": "openid email",
        "attributes_request_method": "GET",
        "oidc_issuer": provider.url,
    }


@pytest.fixture
def shop(make_shop: MakeShop, provider: Provider) -> Any:
    return make_shop("work", "OIDC", oidc(provider), MAPPING)


def test_somebody_signs_in_at_a_provider(shop: Any, provider: Provider) -> None:
    url = shop.arrive(nonce="n1", login_hint="ann@example.com", scope="openid email")
    assert told(url)["state"] == "s t"
    assert provider.asked["redirect_uri"] == f"{shop.base}/oauth2/idpresponse"
    assert (provider.asked["scope"], provider.asked["login_hint"]) == ("openid email", "ann@example.com")
    assert provider.forms[0]["redirect_uri"] == provider.asked["redirect_uri"]
    tokens = shop.tokens(url)
    identity, access = claims(tokens["id_token"]), claims(tokens["access_token"])
    group = f"{shop.pool.id}_work"
    assert (identity["cognito:username"], identity["email"], identity["email_verified"], identity["nonce"]) == (
        *("work_42", "ann@example.com", True),
        "n1",
    )
    assert (identity["cognito:groups"], access["cognito:groups"], access["username"]) == ([group], [group], "work_42")
    (known,) = identity["identities"]
    assert {**known, "dateCreated": known["dateCreated"].isdigit()} == {
        "userId": "42", "providerName": "work", "providerType": "OIDC", "issuer": None, "primary": "true",
        "dateCreated": True,
    }  # fmt: skip
    user = shop.user("work_42")
    (stored,) = json.loads(user["attributes"]["identities"])
    assert (user["UserStatus"], stored["userId"], stored["primary"]) == ("EXTERNAL_PROVIDER", "42", True)
    assert "code=" in shop.browser.visit(shop.address())[0], "the browser is known now"
    form = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"], "client_id": shop.pool.app}
    _, body, _ = shop.browser.ask(f"{shop.base}/oauth2/token", form)
    fresh = json.loads(body)
    assert claims(fresh["id_token"])["identities"] == identity["identities"]
    with pytest.raises(ClientError, match="cannot be reset in the current state"):
        shop.admin.admin_reset_user_password(UserPoolId=shop.pool.id, Username="work_42")
    shop.admin.admin_set_user_password(UserPoolId=shop.pool.id, Username="work_42", Password=PASSWORD, Permanent=True)
    assert shop.user("work_42")["UserStatus"] == "CONFIRMED"
    assert shop.pool.sign_in("work_42")
    assert claims(shop.tokens(shop.arrive())["id_token"])["cognito:username"] == "work_42"


def test_what_a_provider_says_anew_is_taken_over(shop: Any, provider: Provider) -> None:
    first = claims(shop.tokens(shop.arrive())["id_token"])
    provider.told |= {"email": "ann@new.example", "email_verified": False, "name": "Ann"}
    again = claims(shop.tokens(shop.arrive())["id_token"])
    assert (again["sub"], again["email"], again["email_verified"]) == (first["sub"], "ann@new.example", False)
    provider.told = {"sub": "42"}
    assert shop.tokens(shop.arrive())
    assert shop.user("work_42")["attributes"]["name"] == "Ann"


def test_ways_to_a_provider(shop: Any) -> None:
    assert "code" in told(shop.browser.visit(shop.address(idp_identifier="example.com"))[0])
    shop.browser.jar.clear()
    url, body = shop.browser.visit(shop.address())
    link = re.search(r'href="([^"]*)">Continue with work<', body)
    assert link is not None and 'name="password"' in body
    assert "code" in told(shop.browser.visit(urljoin(url, html.unescape(link[1])))[0])
    shop.browser.jar.clear()
    shop.offer(["work"])
    assert "code" in told(shop.browser.visit(shop.address())[0])
    url, body = shop.browser.visit(shop.address().replace("/oauth2/authorize", "/login"))
    assert 'name="password"' not in body and "Continue with work" in body
    shop.offer(["COGNITO"])
    assert told(shop.arrive())["error"] == "invalid_request"
    assert "Continue with" not in shop.browser.visit(shop.address(identity_provider="COGNITO", prompt="login"))[1]


@pytest.mark.parametrize(
    ("says", "told_why"),
    [
        ({"nonce": "another"}, "nonce"),
        ({"aud": "another"}, "audience"),
        ({"iss": "https://evil.example"}, "issuer"),
        ({"exp": 1}, "expired"),
        ({"sub": "43"}, "somebody else"),
    ],
)
def test_tokens_that_do_not_count(shop: Any, provider: Provider, says: dict[str, Any], told_why: str) -> None:
    provider.says = says
    found = told(shop.arrive())
    assert (found["error"], found["state"]) == ("invalid_request", "s t")
    assert told_why in found["error_description"]
    assert shop.admin.list_users(UserPoolId=shop.pool.id)["Users"] == []


def test_a_provider_that_knows_no_nonces(shop: Any, provider: Provider) -> None:
    provider.nonces = False
    assert "code" in told(shop.arrive())


def test_a_provider_that_refuses_or_fails(shop: Any, provider: Provider) -> None:
    provider.refuses = "access_denied"
    assert told(shop.arrive())["error"] == "access_denied"
    provider.refuses = None
    details = {**oidc(provider), "client_secret": "wrong"}
    shop.admin.update_identity_provider(UserPoolId=shop.pool.id, ProviderName="work", ProviderDetails=details)
    found = told(shop.arrive())
    assert found["error_description"] == "work Error - 400 error getting token: invalid_grant"
    gone = {**oidc(provider), "oidc_issuer": f"{provider.url}/nowhere"}
    shop.admin.update_identity_provider(UserPoolId=shop.pool.id, ProviderName="work", ProviderDetails=gone)
    assert "well-known" in told(shop.arrive())["error_description"]
    named = {"authorize_url": "authorize", "token_url": "token", "attributes_url": "userinfo", "jwks_uri": "keys"}
    given = {**oidc(provider), **{name: f"{provider.url}/{path}" for name, path in named.items()}}
    shop.admin.update_identity_provider(UserPoolId=shop.pool.id, ProviderName="work", ProviderDetails=given)
    assert "code" in told(shop.arrive())


def test_an_answer_is_for_the_browser_that_left_and_counts_once(shop: Any, provider: Provider) -> None:
    _, _, headers = shop.browser.ask(shop.address(identity_provider="work"))
    _, _, headers = shop.browser.ask(headers["Location"])
    back = headers["Location"]
    assert "/error?" in shop.stranger().visit(back)[0], "another browser"
    assert "/error?" in shop.browser.visit(back.replace("state=", "state=x"))[0]
    assert "code" in told(shop.browser.visit(back)[0])
    url, body = shop.browser.visit(back)
    assert "/error?" in url and "begin again" in body


@pytest.mark.kumoi_clock
def test_an_answer_that_comes_too_late(shop: Any, kumoi: Any) -> None:
    _, _, headers = shop.browser.ask(shop.address(identity_provider="work"))
    _, _, headers = shop.browser.ask(headers["Location"])
    kumoi.advance(301)
    assert "/error?" in shop.browser.visit(headers["Location"])[0]


def test_an_answer_that_comes_as_a_form(shop: Any) -> None:
    _, _, headers = shop.browser.ask(shop.address(identity_provider="work"))
    _, _, headers = shop.browser.ask(headers["Location"])
    sent = told(headers["Location"])
    status, _, headers = shop.browser.ask(f"{shop.base}/oauth2/idpresponse", sent)
    assert status == 303
    assert "code" in told(shop.browser.visit(headers["Location"])[0])


def test_what_the_pool_requires_has_to_be_mapped(make_shop: MakeShop, provider: Provider) -> None:
    required = [{"Name": "family_name", "Required": True, "Mutable": True, "AttributeDataType": "String"}]
    shop = make_shop("work", "OIDC", oidc(provider), {**MAPPING, "family_name": "family_name"}, Schema=required)
    assert told(shop.arrive())["error_description"] == "attributes required: [family_name]"
    provider.told["family_name"] = "Doe"
    assert "code" in told(shop.arrive())


def test_somebody_who_is_linked(shop: Any, provider: Provider) -> None:
    shop.pool.user()
    source = {"ProviderName": "work", "ProviderAttributeName": "email", "ProviderAttributeValue": "ann@example.com"}
    shop.admin.admin_link_provider_for_user(
        UserPoolId=shop.pool.id,
        DestinationUser={"ProviderName": "Cognito", "ProviderAttributeValue": "ann"},
        SourceUser=source,
    )
    identity = claims(shop.tokens(shop.arrive())["id_token"])
    assert (identity["cognito:username"], identity.get("cognito:groups")) == ("ann", None)
    assert [(one["userId"], one["primary"]) for one in identity["identities"]] == [("42", "false")]
    assert shop.pool.sign_in("ann")
    gone = {"ProviderName": "work", "ProviderAttributeName": "Cognito_Subject", "ProviderAttributeValue": "42"}
    shop.admin.admin_disable_provider_for_user(UserPoolId=shop.pool.id, User=gone)
    assert claims(shop.tokens(shop.arrive())["id_token"])["cognito:username"] == "work_42"
    shop.admin.admin_disable_provider_for_user(UserPoolId=shop.pool.id, User=gone)
    assert told(shop.arrive())["error_description"] == "User is disabled."


TRIGGERS = """
import json, os, boto3

def handler(event, context):
    client = boto3.client("cognito-idp")
    boto3.client("dynamodb").put_item(TableName="seen", Item={
        "at": {"N": str(len(boto3.client("dynamodb").scan(TableName="seen")["Items"]))},
        "what": {"S": json.dumps([event["triggerSource"], event["userName"], event["request"]["userAttributes"]])},
    })
    email = event["request"]["userAttributes"].get("email")
    if event["triggerSource"] == "PreSignUp_ExternalProvider" and email == "linked@example.com":
        provider, _, subject = event["userName"].partition("_")
        client.admin_link_provider_for_user(
            UserPoolId=event["userPoolId"],
            DestinationUser={"ProviderName": "Cognito", "ProviderAttributeValue": "ann"},
            SourceUser={
                "ProviderName": provider, "ProviderAttributeName": "Cognito_Subject",
                "ProviderAttributeValue": subject,
            },
        )
    if email == "bad@example.com":
        raise Exception("not you")
    return event
"""


def test_the_pools_functions(kumoi: Any, make_shop: MakeShop, provider: Provider, zipped: Any) -> None:
    kumoi.client("dynamodb").create_table(
        TableName="seen",
        KeySchema=[{"AttributeName": "at", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "at", "AttributeType": "N"}],
        BillingMode="PAY_PER_REQUEST",
    )
    function = kumoi.client("lambda").create_function(
        FunctionName="triggers", Runtime="python3.11", Handler="app.handler",
        Code={"ZipFile": zipped({"app.py": TRIGGERS})}, Role=f"arn:aws:iam::{kumoi.account}:role/any", Timeout=10,
    )["FunctionArn"]  # fmt: skip
    names = ("PreSignUp", "PostConfirmation", "PreAuthentication", "PostAuthentication", "PreTokenGeneration")
    shop = make_shop("work", "OIDC", oidc(provider), MAPPING, LambdaConfig=dict.fromkeys(names, function))

    def seen() -> list[Any]:
        items = kumoi.client("dynamodb").scan(TableName="seen")["Items"]
        for one in items:
            kumoi.client("dynamodb").delete_item(TableName="seen", Key={"at": one["at"]})
        return [json.loads(one["what"]["S"]) for one in sorted(items, key=lambda one: int(one["at"]["N"]))]

    shop.tokens(shop.arrive())
    first = seen()
    assert [(source, name) for source, name, _ in first] == [
        ("PreSignUp_ExternalProvider", "work_42"),
        ("PostConfirmation_ConfirmSignUp", "work_42"),
        ("TokenGeneration_HostedAuth", "work_42"),
    ]
    assert first[0][2]["email"] == "ann@example.com"
    assert json.loads(first[1][2]["identities"])[0]["userId"] == "42"
    assert first[1][2]["cognito:user_status"] == "EXTERNAL_PROVIDER"
    shop.tokens(shop.arrive())
    assert [source for source, _, _ in seen()] == [
        "PreAuthentication_Authentication",
        "PostAuthentication_Authentication",
        "TokenGeneration_HostedAuth",
    ]
    provider.says, provider.told = {"sub": "43"}, {"email": "bad@example.com"}
    found = told(shop.arrive())
    assert found["error"] == "invalid_request"
    assert "PreSignUp failed with error not you" in found["error_description"]
    shop.pool.user()
    provider.says, provider.told = {"sub": "44"}, {"email": "linked@example.com"}
    assert claims(shop.tokens(shop.arrive())["id_token"])["cognito:username"] == "ann"


def test_another_pool_as_the_provider(kumoi: Any, make_shop: MakeShop, make_pool: Any) -> None:
    given = {
        "AllowedOAuthFlowsUserPoolClient": True, "AllowedOAuthFlows": ["code"], "GenerateSecret": True,
        "AllowedOAuthScopes": ["openid", "email"],
        "CallbackURLs": [f"{kumoi.url}/_kumoi/cognito-hosted-ui/shop-{kumoi.account}/oauth2/idpresponse"],
    }  # fmt: skip
    staff = make_pool(kumoi, given)
    staff.user(email="ann@example.com", email_verified="true")
    staff.admin.create_user_pool_domain(Domain=f"staff-{kumoi.account}", UserPoolId=staff.id)
    details = {
        "client_id": staff.app,
        "client_secret": staff.client["ClientSecret"],
        "authorize_scopes": "openid email",
        "attributes_request_method": "GET",
        "oidc_issuer": f"https://cognito-idp.us-east-1.amazonaws.com/{staff.id}",
    }
    shop = make_shop("Staff", "OIDC", details, {"email": "email", "email_verified": "email_verified"})
    url, body = shop.browser.visit(shop.address(identity_provider="Staff"))
    assert f"staff-{kumoi.account}/login" in url
    url, _ = shop.browser.visit(url, {**hidden(body), "username": "ann", "password": PASSWORD})
    identity = claims(shop.tokens(url)["id_token"])
    sub = staff.admin.admin_get_user(UserPoolId=staff.id, Username="ann")["UserAttributes"]
    subject = next(one["Value"] for one in sub if one["Name"] == "sub")
    assert (identity["cognito:username"], identity["email_verified"]) == (f"staff_{subject}", True)


GOOGLE = {"client_id": "g", "client_secret": "the-secret", "authorize_scopes": "openid email profile"}


def test_the_page_that_stands_in_for_google(make_shop: MakeShop) -> None:
    shop = make_shop("Google", "Google", GOOGLE, MAPPING)
    url, body = shop.browser.visit(shop.address(identity_provider="Google"))
    assert url.startswith(f"{shop.base}/standIn?") and "Kumoi stands in for Google" in body
    form = {**hidden(body), "email": "ann@example.com", "email_verified": "true", "name": '"><script>'}
    _, again = shop.browser.visit(url, {**form, "more": "{"})
    assert "no JSON" in again and "<script>" not in again
    assert shop.browser.ask(url, {**form, "_csrf": "0" * 32})[0] == 403
    assert "/error?" in shop.stranger().visit(url, form)[0]
    back, _ = shop.browser.visit(url, form)
    identity = claims(shop.tokens(back)["id_token"])
    (known,) = identity["identities"]
    assert identity["cognito:username"] == f"google_{known['userId']}"
    assert (identity["email_verified"], known["providerType"], len(known["userId"])) == (True, "Google", 21)
    assert "/error?" in shop.browser.visit(url, form)[0], "once"
    url, body = shop.browser.visit(shop.address(identity_provider="Google"))
    refused, _ = shop.browser.visit(url, {**hidden(body), "again": "1"})
    assert told(refused)["error"] == "access_denied"


def test_nothing_stands_in_for_a_provider_that_is_asked(shop: Any, provider: Provider) -> None:
    shop.browser.ask(shop.address(identity_provider="work"))
    _, _, headers = shop.browser.ask(shop.address(identity_provider="work"))
    state = told(headers["Location"])["state"]
    assert "/error?" in shop.browser.visit(f"{shop.base}/standIn?state={state}")[0]


def test_no_answer_of_a_provider_counts_where_a_page_stands_in(make_shop: MakeShop) -> None:
    shop = make_shop("Google", "Google", GOOGLE, MAPPING)
    url, _ = shop.browser.visit(shop.address(identity_provider="Google"))
    forged = f"{shop.base}/oauth2/idpresponse?{urlencode({'state': told(url)['state'], 'code': 'x'})}"
    assert "/error?" in shop.browser.visit(forged)[0]


def test_the_real_ones_where_the_pool_wants_them(make_shop: MakeShop, provider: Provider) -> None:
    where = {
        "oidc_issuer": provider.url,
        "authorize_url": f"{provider.url}/authorize",
        "token_url": f"{provider.url}/token",
    }
    tags = {"kumoi:identity-providers": "real"}
    shop = make_shop("Google", "Google", {**GOOGLE, **where}, MAPPING, UserPoolTags=tags)
    provider.says = {"email": "ann@gmail.example"}
    assert claims(shop.tokens(shop.arrive())["id_token"])["email"] == "ann@gmail.example"


def test_facebook_has_no_id_tokens(make_shop: MakeShop, provider: Provider) -> None:
    where = {
        "authorize_url": f"{provider.url}/authorize",
        "token_url": f"{provider.url}/facebook-token",
        "attributes_url": f"{provider.url}/userinfo?fields=",
    }
    tags = {"kumoi:identity-providers": "real"}
    shop = make_shop("Facebook", "Facebook", {**GOOGLE, **where}, {"email": "email"}, UserPoolTags=tags)
    provider.told = {"id": "77", "email": "ann@example.com"}
    assert claims(shop.tokens(shop.arrive())["id_token"])["cognito:username"] == "facebook_77"
    assert "nonce" not in provider.asked
    assert provider.forms[0]["client_secret"] == "the-secret"


def test_login_with_amazon_has_none_either(make_shop: MakeShop, provider: Provider) -> None:
    where = {"authorize_url": "authorize", "token_url": "token", "attributes_url": "userinfo"}
    details = {**GOOGLE, **{name: f"{provider.url}/{path}" for name, path in where.items()}}
    tags = {"kumoi:identity-providers": "real"}
    shop = make_shop("LoginWithAmazon", "LoginWithAmazon", details, {"email": "email"}, UserPoolTags=tags)
    provider.told = {"user_id": "amzn1.account.X", "email": "ann@example.com"}
    assert claims(shop.tokens(shop.arrive())["id_token"])["cognito:username"] == "loginwithamazon_amzn1.account.x"


def test_apple_sends_a_form_and_takes_a_signed_secret(make_shop: MakeShop, provider: Provider) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    details = {
        "client_id": "com.example.shop", "team_id": "the-team", "key_id": "the-key", "authorize_scopes": "email name",
        "private_key": key.private_bytes(*form).decode(), "oidc_issuer": provider.url,
        "authorize_url": f"{provider.url}/authorize", "token_url": f"{provider.url}/token",
    }  # fmt: skip
    tags = {"kumoi:identity-providers": "real"}
    mapping = {"email": "email", "given_name": "firstName", "name": "name"}
    shop = make_shop("SignInWithApple", "SignInWithApple", details, mapping, UserPoolTags=tags)
    described = shop.admin.describe_identity_provider(UserPoolId=shop.pool.id, ProviderName="SignInWithApple")
    assert "private_key" not in described["IdentityProvider"]["ProviderDetails"]
    provider.knows_secret, provider.says = False, {"email": "ann@example.com"}
    _, _, headers = shop.browser.ask(shop.address(identity_provider="SignInWithApple"))
    _, _, headers = shop.browser.ask(headers["Location"])
    assert provider.asked["response_mode"] == "form_post"
    name = {"name": {"firstName": "Ann", "lastName": "Doe"}, "email": "ann@example.com"}
    sent = {**told(headers["Location"]), "user": json.dumps(name)}
    url, _ = shop.browser.visit(f"{shop.base}/oauth2/idpresponse", sent)
    identity = claims(shop.tokens(url)["id_token"])
    assert (identity["email"], identity["given_name"], identity["name"]) == ("ann@example.com", "Ann", "Ann Doe")
    secret = jwt.read(provider.forms[0]["client_secret"])
    numbers = key.public_key().public_numbers()
    public = {"crv": "P-256", "x": b64(numbers.x.to_bytes(32, "big")), "y": b64(numbers.y.to_bytes(32, "big"))}
    jwt.verify(secret, public)
    assert (secret.header["kid"], secret.claims["iss"], secret.claims["sub"], secret.claims["aud"]) == (
        "the-key", "the-team", "com.example.shop", provider.url
    )  # fmt: skip


def test_signing_out_of_the_pool(shop: Any) -> None:
    shop.arrive()
    leaving = urlencode({"client_id": shop.pool.app, "logout_uri": f"{BACK}/bye"})
    assert shop.browser.visit(f"{shop.base}/logout?{leaving}")[0] == f"{BACK}/bye"
    assert "/login?" in shop.browser.visit(shop.address())[0]
