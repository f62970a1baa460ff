"""Rules that have people sign in: at a Cognito pool, or at whatever speaks OpenID Connect."""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit

import pytest
import urllib3
from botocore.exceptions import ClientError
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import load_pem_public_key

pytestmark = pytest.mark.kumoi_clock

PASSWORD = "Correct-horse-1"
CERTIFICATE = [{"CertificateArn": "arn:aws:acm:us-east-1:000000000000:certificate/a"}]
HTTPS = {"Protocol": "HTTPS", "Port": 443, "Certificates": CERTIFICATE}
DOMAIN = "people"


class Browser:
    """Keeps cookies by host name, which it sends to the platform; follows no redirects."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.cookies: dict[str, dict[str, str]] = {}
        self._pool = urllib3.PoolManager(retries=False, cert_reqs="CERT_NONE", assert_hostname=False)

    def ask(self, url: str, form: dict[str, str] | None = None, **headers: str) -> Any:
        parts = urlsplit(url)
        own = urlsplit(self.url)
        kept = self.cookies.setdefault(parts.netloc, {})
        fields = {
            "Host": parts.netloc,
            "Cookie": "; ".join(f"{name}={value}" for name, value in kept.items()),
            **headers,
        }
        target = parts._replace(netloc=own.netloc).geturl()
        method = "GET" if form is None else "POST"
        answer = (
            self._pool.request_encode_body(
                method, target, fields=form, headers=fields, redirect=False, encode_multipart=False
            )
            if form is not None
            else self._pool.request(method, target, headers=fields, redirect=False)
        )
        for one in answer.headers.getlist("set-cookie"):
            name, _, value = one.partition(";")[0].partition("=")
            kept[name] = value
        return answer

    def close(self) -> None:
        self._pool.clear()


@pytest.fixture
def browser(kumoi: Any) -> Iterator[Browser]:
    with pytest.warns(urllib3.exceptions.InsecureRequestWarning):
        made = Browser(kumoi.url)
        yield made
        made.close()


@pytest.fixture
def pool(kumoi: Any) -> dict[str, str]:
    """A Cognito pool with a domain, and one who may sign in."""
    cognito = kumoi.client("cognito-idp")
    pool = cognito.create_user_pool(PoolName="people")["UserPool"]
    domain = f"{DOMAIN}-{kumoi.account}"
    cognito.create_user_pool_domain(Domain=domain, UserPoolId=pool["Id"])
    cognito.admin_create_user(UserPoolId=pool["Id"], Username="ann", MessageAction="SUPPRESS")
    cognito.admin_set_user_password(UserPoolId=pool["Id"], Username="ann", Password=PASSWORD, Permanent=True)
    return {"id": pool["Id"], "arn": pool["Arn"], "domain": domain}


@pytest.fixture
def web(client: Any, kumoi: Any, pool: dict[str, str], server: Any, group: Any, forward: Any) -> Callable[..., Any]:
    """A load balancer that has people sign in before it forwards to a server: (its address, the server)."""

    def make(kind: str, **config: Any) -> str:
        balancer = client.create_load_balancer(Name="web", Subnets=["subnet-1", "subnet-2"])["LoadBalancers"][0]
        address = f"https://{balancer['DNSName']}"
        app = kumoi.client("cognito-idp").create_user_pool_client(
            UserPoolId=pool["id"],
            ClientName="web",
            GenerateSecret=True,
            AllowedOAuthFlowsUserPoolClient=True,
            AllowedOAuthFlows=["code"],
            AllowedOAuthScopes=["openid", "email"],
            CallbackURLs=[f"{address}/oauth2/idpresponse"],
        )["UserPoolClient"]
        base = f"{kumoi.url}/_kumoi/cognito-hosted-ui/{pool['domain']}/oauth2"
        given: dict[str, Any] = {
            "UserPoolArn": pool["arn"],
            "UserPoolClientId": app["ClientId"],
            "UserPoolDomain": pool["domain"],
        }
        member = "AuthenticateCognitoConfig"
        if kind == "authenticate-oidc":
            member = "AuthenticateOidcConfig"
            given = {
                "Issuer": "https://people.example",
                "AuthorizationEndpoint": f"{base}/authorize",
                "TokenEndpoint": f"{base}/token",
                "UserInfoEndpoint": f"{base}/userInfo",
                "ClientId": app["ClientId"],
                "ClientSecret": app["ClientSecret"],
            }
        actions = [
            {"Type": kind, "Order": 1, member: {**given, **config}},
            {**forward(group(server("a")))[0], "Order": 2},
        ]
        client.create_listener(LoadBalancerArn=balancer["LoadBalancerArn"], DefaultActions=actions, **HTTPS)
        return address

    return make


def sign_in(browser: Browser, where: str) -> str:
    """Sign in at the page that a redirect leads to; where that sends the browser."""
    url = where
    answer = browser.ask(url)
    while answer.status == 302:
        url = urljoin(url, answer.headers["Location"])
        answer = browser.ask(url)
    page = answer.data.decode()
    hidden = re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page)
    form = {name: html.unescape(value) for name, value in hidden}
    answer = browser.ask(url, {**form, "username": "ann", "password": PASSWORD})
    assert answer.status == 302, answer.data
    return urljoin(url, answer.headers["Location"])


def headers_at(answer: Any) -> dict[str, str]:
    """The header fields that the server got."""
    return {name.lower(): value for name, value in json.loads(answer.data)["headers"].items()}


@pytest.mark.parametrize("kind", ["authenticate-cognito", "authenticate-oidc"])
def test_people_sign_in_and_targets_know_who_they_are(kumoi: Any, browser: Browser, web: Any, kind: str) -> None:
    address = web(kind)
    first = browser.ask(f"{address}/cart?x=1")
    assert first.status == 302
    asked = {name: values[0] for name, values in parse_qs(urlsplit(first.headers["Location"]).query).items()}
    assert (asked["response_type"], asked["scope"]) == ("code", "openid")
    assert asked["redirect_uri"] == f"{address}/oauth2/idpresponse"
    back = sign_in(browser, first.headers["Location"])
    assert back.startswith(f"{address}/oauth2/idpresponse?")
    signed_in = browser.ask(back)
    assert (signed_in.status, signed_in.headers["Location"]) == (302, f"{address}/cart?x=1")
    found = browser.ask(f"{address}/cart?x=1")
    assert found.status == 200
    known = headers_at(found)
    head, claims, signature = (known["x-amzn-oidc-data"].split(".")[at].encode() for at in range(3))
    said = json.loads(base64.urlsafe_b64decode(head))
    told = json.loads(base64.urlsafe_b64decode(claims))
    assert told["username"] == "ann"
    assert told["sub"] == known["x-amzn-oidc-identity"]
    assert (said["alg"], ":loadbalancer/app/web/" in said["signer"]) == ("ES256", True)
    key = load_pem_public_key(browser.ask(f"{kumoi.url}/_kumoi/elb-public-keys/{said['kid']}").data)
    assert isinstance(key, ec.EllipticCurvePublicKey)
    raw = base64.urlsafe_b64decode(signature)
    signature = encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
    key.verify(signature, head + b"." + claims, ec.ECDSA(hashes.SHA256()))

    kumoi.advance(3_700)
    renewed = headers_at(browser.ask(f"{address}/cart"))
    assert renewed["x-amzn-oidc-identity"] == known["x-amzn-oidc-identity"]
    assert renewed["x-amzn-oidc-accesstoken"] != known["x-amzn-oidc-accesstoken"]
    host = urlsplit(address).netloc
    browser.cookies[host]["AWSELBAuthSessionCookie-0"] = "made-up"
    assert browser.ask(f"{address}/cart").status == 302
    browser.cookies[host].clear()
    assert browser.ask(back).status == 401, "the answer was for another browser"


def test_who_has_not_signed_in_may_be_let_in_or_refused(browser: Browser, web: Any, client: Any) -> None:
    address = web("authenticate-cognito", OnUnauthenticatedRequest="allow")
    answer = browser.ask(f"{address}/", **{"X-Amzn-Oidc-Identity": "somebody"})
    assert answer.status == 200
    assert "x-amzn-oidc-identity" not in headers_at(answer)
    (balancer,) = client.describe_load_balancers()["LoadBalancers"]
    (listener,) = client.describe_listeners(LoadBalancerArn=balancer["LoadBalancerArn"])["Listeners"]
    actions = listener["DefaultActions"]
    actions[0]["AuthenticateCognitoConfig"]["OnUnauthenticatedRequest"] = "deny"
    client.modify_listener(ListenerArn=listener["ListenerArn"], DefaultActions=actions)
    assert browser.ask(f"{address}/").status == 401


def test_an_answer_is_for_one_browser_and_all_of_it_ends(kumoi: Any, browser: Browser, web: Any) -> None:
    address = web("authenticate-cognito", SessionTimeout=60)
    back = sign_in(browser, browser.ask(f"{address}/").headers["Location"])
    cookies = browser.cookies[urlsplit(address).netloc]
    own = cookies.pop("AWSALBAuthNonce")
    assert browser.ask(back).status == 401
    cookies["AWSALBAuthNonce"] = f"{own}x"
    assert browser.ask(back).status == 401
    cookies["AWSALBAuthNonce"] = own
    assert browser.ask(back).status == 302
    assert browser.ask(f"{address}/").status == 200
    kumoi.advance(61)
    again = browser.ask(f"{address}/")
    assert again.status == 302, "the session is over"
    browser.cookies.pop(urlsplit(again.headers["Location"]).netloc)
    back = sign_in(browser, again.headers["Location"])
    kumoi.advance(901)
    assert browser.ask(back).status == 401, "nobody takes so long to sign in"


def test_a_session_counts_for_its_listener_and_the_cookies_of_its_name_alone(
    browser: Browser, web: Any, client: Any
) -> None:
    address = web("authenticate-cognito", SessionCookieName="Everybody")
    browser.ask(sign_in(browser, browser.ask(f"{address}/").headers["Location"]))
    assert browser.ask(f"{address}/").status == 200
    (balancer,) = client.describe_load_balancers()["LoadBalancers"]
    (listener,) = client.describe_listeners(LoadBalancerArn=balancer["LoadBalancerArn"])["Listeners"]
    actions = listener["DefaultActions"]
    other = {**HTTPS, "Port": 8443, "DefaultActions": actions}
    client.create_listener(LoadBalancerArn=balancer["LoadBalancerArn"], **other)
    browser.cookies[f"{urlsplit(address).netloc}:8443"] = dict(browser.cookies[urlsplit(address).netloc])
    assert browser.ask(f"{address}:8443/").status == 302
    actions[0]["AuthenticateCognitoConfig"]["SessionCookieName"] = "Staff"
    client.modify_listener(ListenerArn=listener["ListenerArn"], DefaultActions=actions)
    kept = browser.cookies[urlsplit(address).netloc]
    kept.update({name.replace("Everybody", "Staff"): value for name, value in kept.items()})
    assert browser.ask(f"{address}/").status == 302


def test_a_provider_that_fails_is_told(browser: Browser, web: Any, server: Any, client: Any) -> None:
    broken = server("broken")
    address = web("authenticate-oidc", TokenEndpoint=f"http://127.0.0.1:{broken.port}/token")
    back = sign_in(browser, browser.ask(f"{address}/").headers["Location"])
    answer = browser.ask(back)
    assert (answer.status, "access token" in answer.headers["x-kumoi-reason"]) == (561, True)
    assert browser.ask(f"{address}/oauth2/idpresponse?state=x&code=y").status == 401
    (balancer,) = client.describe_load_balancers()["LoadBalancers"]
    (listener,) = client.describe_listeners(LoadBalancerArn=balancer["LoadBalancerArn"])["Listeners"]
    config = listener["DefaultActions"][0]["AuthenticateOidcConfig"]
    assert "ClientSecret" not in config
    config["UseExistingClientSecret"] = True
    kept = client.modify_listener(ListenerArn=listener["ListenerArn"], DefaultActions=listener["DefaultActions"])
    assert kept["Listeners"][0]["DefaultActions"][0]["AuthenticateOidcConfig"]["ClientId"] == config["ClientId"]
    config["ClientId"] = "another"
    with pytest.raises(ClientError, match="no existing client secret"):
        client.modify_listener(ListenerArn=listener["ListenerArn"], DefaultActions=listener["DefaultActions"])


FIXED = {"Type": "fixed-response", "Order": 2, "FixedResponseConfig": {"StatusCode": "200"}}
COGNITO = {"UserPoolArn": "arn:aws:cognito-idp:us-east-1:0:userpool/p", "UserPoolClientId": "c", "UserPoolDomain": "d"}
AUTHENTICATE = {"Type": "authenticate-cognito", "Order": 1, "AuthenticateCognitoConfig": COGNITO}


@pytest.mark.parametrize(
    ("actions", "listener", "told"),
    [
        ([AUTHENTICATE, FIXED], {}, "supported only on HTTPS listeners"),
        ([{**AUTHENTICATE, "Order": 3}, FIXED], HTTPS, "must be the lowest"),
        ([AUTHENTICATE, {**AUTHENTICATE, "Order": 2}, {**FIXED, "Order": 3}], HTTPS, "at most one authentication"),
        ([AUTHENTICATE], HTTPS, "Actions must end with"),
        ([{"Type": "authenticate-oidc", "Order": 1}, FIXED], HTTPS, "Issuer must be specified"),
        ([{**AUTHENTICATE, "Type": "authenticate-oidc"}, FIXED], HTTPS, "is not for actions of type"),
    ],
)
def test_actions_that_are_refused(balancer: Any, actions: Any, listener: dict[str, Any], told: str) -> None:
    with pytest.raises(ClientError, match=told):
        balancer(actions, **listener)
