"""Actions that authenticate people before a request is forwarded: by an OpenID Connect provider, or a Cognito pool.

Who comes without a session is sent to the provider, and comes back to `/oauth2/idpresponse` with a code, for which the
load balancer gets tokens and asks who it is. What it learns is the session: sealed in cookies, so that nothing is kept
here, and for their name: a rule with a name of its own lets in nobody whom only another rule's provider knows. Targets
get three header fields, of which `x-amzn-oidc-data` is signed (`signing.py`). Source: "Authenticate users using an
Application Load Balancer".
"""

from __future__ import annotations

import base64
import logging
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import parse_qs, quote, urlencode

import msgspec
import orjson

from kumoi.doorway import Principal
from kumoi.http_api.endpoints import send
from kumoi.http_client import Unreachable
from kumoi.services.elbv2.actions import CONFIGS, secret_context
from kumoi.services.elbv2.answers import page
from kumoi.services.elbv2.choosing import cookies_of
from kumoi.services.elbv2.signing import signed_claims
from kumoi.wire.errors import AwsError
from kumoi.wire.http import HeaderList, Response

if TYPE_CHECKING:
    from kumoi.services.elbv2.plane import Exchange
    from kumoi.services.elbv2.records import Rule

logger = logging.getLogger(__name__)

ANSWERED = "/oauth2/idpresponse"
COOKIE = "AWSELBAuthSessionCookie"
NONCE = "AWSALBAuthNonce"
PIECE = 3_800
"""Characters of a session in one cookie: browsers take 4 KB."""
MOST_PIECES = 4
SIGN_IN_SECONDS = 900.0
"""How long somebody may take to sign in."""
SESSION_SECONDS = 604_800
_SECONDS = 15.0
_AUTHENTICATION_FAILED = 561


class Session(msgspec.Struct, frozen=True):
    """Who somebody is: what the provider said, its tokens, when the access token and the session end."""

    claims: dict[str, Any]
    access_token: str
    access_ends: float
    ends: float
    refresh_token: str = ""


class Provider(NamedTuple):
    """Where and as whom to ask."""

    issuer: str
    authorize: str
    token: str
    user_info: str
    client: str
    secret: str


class Failed(Exception):
    """The provider could not be asked, or did not say who it is."""


async def authenticate(exchange: Exchange, rule: Rule) -> Response | HeaderList:
    """The header fields that the target gets; or the response, where somebody has to sign in first or may not come."""
    action = authentication_of(rule)
    if action is None:
        return []
    config = action[CONFIGS[action["Type"]]]
    now = exchange.call.now
    session = _session_of(exchange, config)
    try:
        if session is not None and session.access_ends <= now:
            session = await _renewed(exchange, rule, config, session)
        if session is not None:
            provider = await _provider(exchange, action["Type"], config)
            return [
                ("x-amzn-oidc-accesstoken", session.access_token),
                ("x-amzn-oidc-identity", str(session.claims.get("sub", ""))),
                ("x-amzn-oidc-data", await signed_claims(exchange.call, exchange.balancer.arn, provider, session)),
            ]
        behaviour = config.get("OnUnauthenticatedRequest", "authenticate")
        if behaviour == "allow":
            return []
        if behaviour == "deny":
            return page(401, reason="nobody has signed in, and the rule denies such requests")
        return await _to_provider(exchange, rule, action["Type"], config)
    except Failed as failure:
        return _failure(exchange, failure)


def authentication_of(rule: Rule) -> Mapping[str, Any] | None:
    """The action of a rule that authenticates, if it has one."""
    return next((one for one in rule.actions if one["Type"] in CONFIGS), None)


async def answered(exchange: Exchange) -> Response | None:
    """What somebody gets who comes back from the provider; None where the listener authenticates nobody."""
    rules = {rule.id: rule for rule in exchange.listener.rules if authentication_of(rule) is not None}
    if exchange.path != ANSWERED or not rules:
        return None
    query = {name: values[-1] for name, values in parse_qs(exchange.request.query).items()}
    state = _opened(exchange, query.get("state", ""), "state")
    nonce = cookies_of(exchange.request.headers.items).get(NONCE)
    if state is None or state["until"] <= exchange.call.now or state["nonce"] != nonce or state["rule"] not in rules:
        return page(401, reason="the state of the answer is none that this load balancer gave this browser")
    action = authentication_of(rules[state["rule"]])
    assert action is not None
    config = action[CONFIGS[action["Type"]]]
    try:
        if "code" not in query:
            raise Failed(f"the provider answered {query.get('error', 'no code')}: {query.get('error_description', '')}")
        provider = await _provider(exchange, action["Type"], config)
        form = {"grant_type": "authorization_code", "code": query["code"], "redirect_uri": _own(exchange, ANSWERED)}
        tokens = await _tokens(exchange, provider, form)
        session = await _identified(exchange, provider, config, tokens)
    except Failed as failure:
        return _failure(exchange, failure)
    return page(302, ("Location", state["url"]), *_cookies(exchange, config, session))


async def _to_provider(exchange: Exchange, rule: Rule, kind: str, config: Mapping[str, Any]) -> Response:
    """To the provider's page, with a state that leads back to what was asked for."""
    provider = await _provider(exchange, kind, config)
    request, nonce = exchange.request, secrets.token_urlsafe(16)
    url = _own(exchange, exchange.path) + (f"?{request.query}" if request.query else "")
    until = exchange.call.now + SIGN_IN_SECONDS
    state = _sealed(exchange, {"rule": rule.id, "url": url, "nonce": nonce, "until": until}, "state")
    asked = {
        **(config.get("AuthenticationRequestExtraParams") or {}),
        "client_id": provider.client,
        "redirect_uri": _own(exchange, ANSWERED),
        "response_type": "code",
        "scope": config.get("Scope") or "openid",
        "state": state,
    }
    mark = "&" if "?" in provider.authorize else "?"
    cookie = _cookie(exchange, NONCE, nonce, exchange.call.now + SIGN_IN_SECONDS)
    return page(302, ("Location", f"{provider.authorize}{mark}{urlencode(asked)}"), cookie)


async def _provider(exchange: Exchange, kind: str, config: Mapping[str, Any]) -> Provider:
    if kind == "authenticate-oidc":
        secret = exchange.call.doorway.identity.sealer.open(
            base64.b64decode(config["ClientSecret"]), secret_context(config["ClientId"])
        )
        return Provider(
            config["Issuer"],
            config["AuthorizationEndpoint"],
            config["TokenEndpoint"],
            config["UserInfoEndpoint"],
            config["ClientId"],
            secret.decode(),
        )
    pool = str(config["UserPoolArn"]).rpartition("/")[2]
    region = str(config["UserPoolArn"]).split(":")[3]
    caller = Principal.of_service(exchange.call.account, "elasticloadbalancing.amazonaws.com", exchange.call.node)
    asked = {"UserPoolId": pool, "ClientId": config["UserPoolClientId"]}
    try:
        found = await exchange.call.doorway.ask("cognito-idp", "DescribeUserPoolClient", asked, caller, region)
    except AwsError as error:
        raise Failed(f"the pool's client cannot be read: {error.message}") from None
    base = f"{exchange.call.doorway.endpoint}/_kumoi/cognito-hosted-ui/{config['UserPoolDomain']}"
    return Provider(
        f"https://cognito-idp.{region}.amazonaws.com/{pool}",
        f"{base}/oauth2/authorize",
        f"{base}/oauth2/token",
        f"{base}/oauth2/userInfo",
        config["UserPoolClientId"],
        str(found["UserPoolClient"].get("ClientSecret", "")),
    )


async def _tokens(exchange: Exchange, provider: Provider, form: Mapping[str, str]) -> dict[str, Any]:
    proof = base64.b64encode(f"{quote(provider.client, safe='')}:{quote(provider.secret, safe='')}".encode()).decode()
    fields = [("Content-Type", "application/x-www-form-urlencoded"), ("Authorization", f"Basic {proof}")]
    return await _asked(exchange, "POST", provider.token, fields, urlencode(form).encode())


async def _identified(
    exchange: Exchange, provider: Provider, config: Mapping[str, Any], tokens: Mapping[str, Any], ends: float = 0.0
) -> Session:
    """The session that tokens are worth: what the provider tells of whom they are."""
    token = tokens.get("access_token")
    if not isinstance(token, str):
        raise Failed("the provider gave no access token")
    fields = [("Authorization", f"Bearer {token}"), ("Accept", "application/json")]
    claims = await _asked(exchange, "GET", provider.user_info, fields, b"")
    if "sub" not in claims:
        raise Failed("the provider does not say who it is (sub)")
    lasting = tokens.get("expires_in")
    now = exchange.call.now
    return Session(
        claims,
        token,
        now + (float(lasting) if isinstance(lasting, int | float) else 3_600.0),
        ends or now + float(config.get("SessionTimeout") or SESSION_SECONDS),
        str(tokens.get("refresh_token") or ""),
    )


async def _renewed(exchange: Exchange, rule: Rule, config: Mapping[str, Any], session: Session) -> Session | None:
    """A session whose access token has ended, by its refresh token; None where that is missing or worth nothing."""
    if not session.refresh_token:
        return None
    action = authentication_of(rule)
    assert action is not None
    provider = await _provider(exchange, action["Type"], config)
    form = {"grant_type": "refresh_token", "refresh_token": session.refresh_token}
    try:
        tokens = await _tokens(exchange, provider, form)
        renewed = await _identified(
            exchange, provider, config, {"refresh_token": session.refresh_token, **tokens}, session.ends
        )
    except Failed as failure:
        logger.info("load balancer %s: a session is over: %s", exchange.balancer.name, failure)
        return None
    exchange.given.extend(_cookies(exchange, config, renewed))
    return renewed


async def _asked(exchange: Exchange, method: str, url: str, fields: HeaderList, body: bytes) -> dict[str, Any]:
    try:
        answer = await send(exchange.call, method, url, fields, body, seconds=_SECONDS)
    except Unreachable as problem:
        raise Failed(f"{url}: {problem}") from None
    try:
        found = orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        found = None
    if answer.status != 200 or not isinstance(found, dict):
        said = answer.body[:200].decode("utf-8", "replace")
        raise Failed(f"{url} answered {answer.status}: {said}")
    return found


# Cookies, and what they hold


def _session_of(exchange: Exchange, config: Mapping[str, Any]) -> Session | None:
    name = config.get("SessionCookieName") or COOKIE
    cookies = cookies_of(exchange.request.headers.items)
    text = "".join(cookies.get(f"{name}-{number}", "") for number in range(MOST_PIECES))
    found = _opened(exchange, text, f"session/{name}") if text else None
    if found is None:
        return None
    session = msgspec.convert(found, Session)
    return None if session.ends <= exchange.call.now else session


def _cookies(exchange: Exchange, config: Mapping[str, Any], session: Session) -> HeaderList:
    name = config.get("SessionCookieName") or COOKIE
    text = _sealed(exchange, msgspec.to_builtins(session), f"session/{name}")
    pieces = [text[at : at + PIECE] for at in range(0, len(text), PIECE)]
    if len(pieces) > MOST_PIECES:
        raise Failed("the session is larger than 16 KB")
    gone = [_cookie(exchange, f"{name}-{number}", "", 0.0) for number in range(len(pieces), MOST_PIECES)]
    return [_cookie(exchange, f"{name}-{at}", one, session.ends) for at, one in enumerate(pieces)] + gone


def _cookie(exchange: Exchange, name: str, value: str, until: float) -> tuple[str, str]:
    expires = datetime.fromtimestamp(until, UTC).strftime("%a, %d %b %Y %H:%M:%S GMT")
    secure = "; Secure" if exchange.request.scheme == "https" else ""
    return "Set-Cookie", f"{name}={value}; Expires={expires}; Path=/; HttpOnly; SameSite=Lax{secure}"


def _sealed(exchange: Exchange, content: Mapping[str, Any], purpose: str) -> str:
    sealed = exchange.call.doorway.identity.sealer.seal(orjson.dumps(content), _context(exchange, purpose))
    return base64.urlsafe_b64encode(sealed).decode()


def _opened(exchange: Exchange, text: str, purpose: str) -> dict[str, Any] | None:
    """What was sealed here for this listener; None for anything else."""
    try:
        sealed = base64.urlsafe_b64decode(text)
        found: dict[str, Any] = orjson.loads(
            exchange.call.doorway.identity.sealer.open(sealed, _context(exchange, purpose))
        )
    except ValueError:
        return None
    return found


def _context(exchange: Exchange, purpose: str) -> str:
    return f"elbv2/{exchange.listener.arn}/{purpose}"


def _own(exchange: Exchange, path: str) -> str:
    """The load balancer's own address of a path, as the browser knows it."""
    request = exchange.request
    before = request.path.removesuffix(exchange.path) if request.path != exchange.path else ""
    return f"{request.scheme}://{request.host}{before}{path}"


def _failure(exchange: Exchange, failure: Failed) -> Response:
    logger.warning("load balancer %s could not authenticate somebody: %s", exchange.balancer.name, failure)
    return page(_AUTHENTICATION_FAILED, reason=str(failure))
