"""Signing in: the flows and challenges, the same for users and administrators.

A challenge's session is a sealed text, good for three minutes: nothing of an attempt is stored. A client with
PreventUserExistenceErrors does not tell whether a user exists.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from typing import Any

import orjson

from kumoi.doorway import Call
from kumoi.names import uuid
from kumoi.services.cognito_idp import changes, srp
from kumoi.services.cognito_idp.errors import invalid, no_user, not_authorized
from kumoi.services.cognito_idp.lookup import Scene, check_secret, maybe_user
from kumoi.services.cognito_idp.policies import attributes_of, check_password
from kumoi.services.cognito_idp.records import Client, RefreshToken, User, refresh_tokens, users
from kumoi.services.cognito_idp.srp import BadNumber, Offer
from kumoi.services.cognito_idp.tokens import claims_of, keyed, sign, validity
from kumoi.services.cognito_idp.triggers import attributes_for, trigger
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import AwsError, aws_error

_SESSION_SECONDS = 180.0
_FLOWS = {
    "USER_PASSWORD_AUTH": "ALLOW_USER_PASSWORD_AUTH",
    "USER_SRP_AUTH": "ALLOW_USER_SRP_AUTH",
    "REFRESH_TOKEN_AUTH": "ALLOW_REFRESH_TOKEN_AUTH",
    "REFRESH_TOKEN": "ALLOW_REFRESH_TOKEN_AUTH",
    "CUSTOM_AUTH": "ALLOW_CUSTOM_AUTH",
    "ADMIN_NO_SRP_AUTH": "ALLOW_ADMIN_USER_PASSWORD_AUTH",
    "ADMIN_USER_PASSWORD_AUTH": "ALLOW_ADMIN_USER_PASSWORD_AUTH",
}
_USUAL_FLOWS = ("ALLOW_USER_SRP_AUTH", "ALLOW_CUSTOM_AUTH", "ALLOW_REFRESH_TOKEN_AUTH")

Answer = dict[str, Any]


async def initiate(
    call: Call, scene: Scene, flow: str, given: Mapping[str, str], metadata: Mapping[str, str]
) -> Answer:
    """Begin a flow: tokens, or a challenge."""
    client = _client(scene)
    allowed = client.definition.get("ExplicitAuthFlows") or _USUAL_FLOWS
    wanted = _FLOWS.get(flow)
    if wanted is None:
        raise aws_error("NotImplemented", f"Kumoi's user pools have no flow {flow}: see docs/cognito.md.", status=501)
    if wanted not in allowed and flow not in allowed:
        raise invalid(f"{flow} flow not enabled for this client")
    if wanted == "ALLOW_REFRESH_TOKEN_AUTH":
        return await _refreshed(call, scene, given)
    name = given.get("USERNAME")
    if not name:
        raise invalid("Missing required parameter USERNAME")
    check_secret(client, name, given.get("SECRET_HASH"))
    user = await maybe_user(scene.state, scene.pool, name)
    if user is None and flow in ("USER_PASSWORD_AUTH", "ADMIN_USER_PASSWORD_AUTH", "ADMIN_NO_SRP_AUTH"):
        user = await _migrated(call, scene, name, given.get("PASSWORD", ""))
    await _before(call, scene, user, name, metadata)
    if flow == "USER_SRP_AUTH":
        return await _offered(call, scene, user, name, given)
    if flow == "CUSTOM_AUTH":
        return await _custom(call, scene, _known(scene, user), [], metadata)
    password = given.get("PASSWORD")
    if not password:
        raise invalid("Missing required parameter PASSWORD")
    found = await _with_password(call, scene, user, password)
    return await proceed(call, scene, found, metadata)


async def respond(
    call: Call,
    scene: Scene,
    challenge: str,
    session: str | None,
    given: Mapping[str, str],
    metadata: Mapping[str, str],
) -> Answer:
    """Take the answer to a challenge: tokens, or another challenge."""
    name = given.get("USERNAME", "")
    if not name:
        raise invalid("Missing required parameter USERNAME")
    check_secret(_client(scene), name, given.get("SECRET_HASH"))
    if challenge == "PASSWORD_VERIFIER":
        user = await _verified(call, scene, given)
        return await proceed(call, scene, user, metadata)
    if challenge == "NEW_PASSWORD_REQUIRED":
        state = _opened(call, scene, session, challenge)
        user = await _user_of(scene, state)
        password = given.get("NEW_PASSWORD")
        if not password:
            raise invalid("Missing required parameter NEW_PASSWORD")
        check_password(scene.pool, password)
        extra = [
            {"Name": key.removeprefix("userAttributes."), "Value": value}
            for key, value in given.items()
            if key.startswith("userAttributes.")
        ]
        wanted: dict[str, Any] = {"status": "CONFIRMED", "password_expires": None}
        if extra:
            wanted["attributes"] = {**user.attributes, **attributes_of(scene.pool, extra)}
        wanted |= await changes.verifier_of(scene.pool, user.name, password)
        return await proceed(call, scene, await changes.change(scene.state, scene.pool, user.key, wanted), metadata)
    if challenge == "CUSTOM_CHALLENGE":
        return await _custom_answer(call, scene, session, given, metadata)
    raise aws_error(
        "NotImplemented", f"Kumoi's user pools have no challenge {challenge}: see docs/cognito.md.", status=501
    )


async def proceed(call: Call, scene: Scene, user: User, metadata: Mapping[str, str]) -> Answer:
    """Go on with somebody who is who they say: a password to be changed first, or tokens."""
    if user.status == "UNCONFIRMED":
        raise aws_error("UserNotConfirmedException", "User is not confirmed.")
    if user.status == "RESET_REQUIRED":
        raise aws_error("PasswordResetRequiredException", "Password reset required for the user")
    if user.status == "FORCE_CHANGE_PASSWORD":
        if user.password_expires is not None and user.password_expires <= call.now:
            raise not_authorized("Temporary password has expired and must be reset by an administrator.")
        shown = {name: value for name, value in user.attributes.items() if name != "sub"}
        parameters = {
            "USER_ID_FOR_SRP": user.name,
            "requiredAttributes": "[]",
            "userAttributes": orjson.dumps(shown).decode(),
        }
        return _challenge(call, scene, "NEW_PASSWORD_REQUIRED", user, parameters, {})
    result = await issue(
        call, scene, user, call.now, uuid(), with_refresh=True, source="TokenGeneration_Authentication"
    )
    request = {"userAttributes": attributes_for(user), "newDeviceUsed": False, "clientMetadata": dict(metadata)}
    await trigger(call, scene, "PostAuthentication", "PostAuthentication_Authentication", user.name, request, {})
    return {"ChallengeParameters": {}, "AuthenticationResult": result}


async def issue(
    call: Call, scene: Scene, user: User, signed_in: float, origin: str, *, with_refresh: bool, source: str
) -> dict[str, Any]:
    """AuthenticationResult: fresh tokens of a user."""
    client = _client(scene)
    pool = await keyed(call, scene)
    identity, access = claims_of(scene, client, user, call.now, signed_in, origin)
    await _overridden(call, scene, user, identity, access, source)
    result: dict[str, Any] = {
        "AccessToken": await sign(call, pool, access, 1),
        "IdToken": await sign(call, pool, identity, 0),
        "ExpiresIn": int(validity(client, "AccessToken")),
        "TokenType": "Bearer",
    }
    if with_refresh:
        token = ".".join(secrets.token_urlsafe(length) for length in (60, 190, 12, 600, 16))
        await _keep_token(
            scene.state,
            RefreshToken(
                pool=pool.id,
                digest=hashlib.sha256(token.encode()).hexdigest(),
                user=user.key,
                client=client.id,
                origin=origin,
                signed_in=signed_in,
                expires=call.now + validity(client, "RefreshToken"),
            ),
        )
        result["RefreshToken"] = token
    return result


async def _overridden(
    call: Call, scene: Scene, user: User, identity: dict[str, Any], access: dict[str, Any], source: str
) -> None:
    """Let the pool's function change the claims."""
    config = (scene.pool.definition.get("LambdaConfig") or {}).get("PreTokenGenerationConfig") or {}
    second = config.get("LambdaVersion") in ("V2_0", "V3_0")
    groups = {"groupsToOverride": list(user.groups), "iamRolesToOverride": [], "preferredRole": None}
    request: dict[str, Any] = {"userAttributes": attributes_for(user), "groupConfiguration": groups}
    member = "claimsAndScopeOverrideDetails" if second else "claimsOverrideDetails"
    if second:
        request["scopes"] = access["scope"].split()
    answer = await trigger(
        call, scene, "PreTokenGeneration", source, user.name, request, {member: None}, version="2" if second else "1"
    )
    details = (answer or {}).get(member) or {}
    _apply(identity, details.get("idTokenGeneration") or {} if second else details)
    if second:
        change = details.get("accessTokenGeneration") or {}
        _apply(access, change)
        scopes = [one for one in access["scope"].split() if one not in (change.get("scopesToSuppress") or ())]
        access["scope"] = " ".join([*scopes, *(change.get("scopesToAdd") or ())])
    override = (details.get("groupOverrideDetails") or {}).get("groupsToOverride")
    if isinstance(override, list):
        identity["cognito:groups"] = access["cognito:groups"] = override


_KEPT_CLAIMS = frozenset(
    (
        "acr",
        "amr",
        "at_hash",
        "auth_time",
        "azp",
        "exp",
        "iat",
        "iss",
        "jti",
        "nbf",
        "nonce",
        "origin_jti",
        "sub",
        "token_use",
    )
)


def _apply(claims: dict[str, Any], change: Mapping[str, Any]) -> None:
    for name, value in (change.get("claimsToAddOrOverride") or {}).items():
        if name not in _KEPT_CLAIMS:
            claims[name] = value
    for name in change.get("claimsToSuppress") or ():
        if name not in _KEPT_CLAIMS:
            claims.pop(name, None)


async def _before(call: Call, scene: Scene, user: User | None, name: str, metadata: Mapping[str, str]) -> None:
    request = {
        "userAttributes": {} if user is None else attributes_for(user),
        "validationData": dict(metadata),
        "userNotFound": user is None,
    }
    shown = name if user is None else user.name
    await trigger(call, scene, "PreAuthentication", "PreAuthentication_Authentication", shown, request, {})


async def _with_password(call: Call, scene: Scene, user: User | None, password: str) -> User:
    found = _known(scene, user)
    await _check_open(call, found)
    if not found.verifier or not await asyncio.to_thread(
        srp.is_password, scene.pool.short_name, found.name, password, found.salt, found.verifier
    ):
        await changes.failed(scene.state, found)
        raise not_authorized()
    await changes.succeeded(scene.state, found)
    return found


async def _check_open(call: Call, user: User) -> None:
    if not user.enabled:
        raise not_authorized("User is disabled.")
    if user.locked > call.now:
        raise not_authorized("Password attempts exceeded")


def _known(scene: Scene, user: User | None) -> User:
    if user is not None:
        return user
    if _client(scene).definition.get("PreventUserExistenceErrors") == "ENABLED":
        raise not_authorized()
    raise no_user()


async def _migrated(call: Call, scene: Scene, name: str, password: str) -> User | None:
    """Let the pool's function bring a user over from elsewhere."""
    request = {"password": password, "validationData": None, "clientMetadata": None}
    response = {
        "userAttributes": None,
        "forceAliasCreation": None,
        "finalUserStatus": None,
        "messageAction": None,
        "desiredDeliveryMediums": None,
    }
    try:
        answer = await trigger(call, scene, "UserMigration", "UserMigration_Authentication", name, request, response)
    except AwsError:
        raise not_authorized() from None
    if not answer or not isinstance(answer.get("userAttributes"), dict):
        return None
    given = [{"Name": key, "Value": str(value)} for key, value in answer["userAttributes"].items() if key != "username"]
    key = name if scene.pool.case_sensitive else name.lower()
    confirmed = answer.get("finalUserStatus") == "CONFIRMED"
    user = User(
        pool=scene.pool.id,
        key=key,
        name=key,
        sub=uuid(),
        created=call.now,
        modified=call.now,
        status="CONFIRMED" if confirmed else "RESET_REQUIRED",
        attributes=attributes_of(scene.pool, given),
        **await changes.verifier_of(scene.pool, key, password),
    )
    await changes.add(scene.state, scene.pool, user, take_over=bool(answer.get("forceAliasCreation")))
    return user


async def _offered(call: Call, scene: Scene, user: User | None, name: str, given: Mapping[str, str]) -> Answer:
    """PASSWORD_VERIFIER: the server's numbers; for nobody, numbers that lead nowhere, always the same salt."""
    public = given.get("SRP_A")
    if not public:
        raise invalid("Missing required parameter SRP_A")
    try:
        srp.check_public(public)
    except BadNumber as error:
        raise invalid(str(error)) from None
    if user is None and _client(scene).definition.get("PreventUserExistenceErrors") != "ENABLED":
        raise no_user()
    if user is not None:
        await _check_open(call, user)
    sealer = call.doorway.identity.sealer
    if user is None or not user.verifier:
        salt = hmac.digest(scene.pool.id.encode(), name.encode(), hashlib.sha256)[:16].hex()
        _, verifier = await asyncio.to_thread(srp.new_verifier, scene.pool.short_name, name, secrets.token_hex(16))
        shown, key = name, ""
    else:
        salt, verifier, shown, key = user.salt, user.verifier, user.name, user.key
    ours = await asyncio.to_thread(srp.offer, verifier)
    state = {"user": key, "name": shown, "a": public, "b": ours.secret, "B": ours.public, "v": verifier, "at": call.now}
    block = sealer.seal(orjson.dumps(state), f"srp/{scene.pool.id}")
    return {
        "ChallengeName": "PASSWORD_VERIFIER",
        "ChallengeParameters": {
            "SALT": salt,
            "SRP_B": ours.public,
            "SECRET_BLOCK": base64.b64encode(block).decode(),
            "USERNAME": shown,
            "USER_ID_FOR_SRP": shown,
        },
    }


async def _verified(call: Call, scene: Scene, given: Mapping[str, str]) -> User:
    """The user who proved to know their password."""
    missing = [
        name for name in ("PASSWORD_CLAIM_SIGNATURE", "PASSWORD_CLAIM_SECRET_BLOCK", "TIMESTAMP") if not given.get(name)
    ]
    if missing:
        raise invalid(f"Missing required parameter {missing[0]}")
    try:
        block = base64.b64decode(given["PASSWORD_CLAIM_SECRET_BLOCK"], validate=True)
        claimed = base64.b64decode(given["PASSWORD_CLAIM_SIGNATURE"], validate=True)
        state = orjson.loads(call.doorway.identity.sealer.open(block, f"srp/{scene.pool.id}"))
    except (ValueError, binascii.Error):
        raise not_authorized() from None
    if state["at"] + _SESSION_SECONDS <= call.now:
        raise not_authorized("Invalid session for the user, session is expired.")
    expected = await asyncio.to_thread(
        srp.signature,
        scene.pool.short_name,
        state["name"],
        state["v"],
        state["a"],
        Offer(state["b"], state["B"]),
        block,
        given["TIMESTAMP"],
    )
    user = await _by_key(scene.state, scene.pool.id, state["user"]) if state["user"] else None
    if user is None or user.verifier != state["v"]:
        raise not_authorized()
    await _check_open(call, user)
    if not hmac.compare_digest(expected, claimed):
        await changes.failed(scene.state, user)
        raise not_authorized()
    await changes.succeeded(scene.state, user)
    return user


async def _refreshed(call: Call, scene: Scene, given: Mapping[str, str]) -> Answer:
    client, text = _client(scene), given.get("REFRESH_TOKEN")
    if not text:
        raise invalid("Missing required parameter REFRESH_TOKEN")
    digest = hashlib.sha256(text.encode()).hexdigest()
    token = await _token(scene.state, scene.pool.id, digest)
    if token is None or token.client != client.id:
        raise not_authorized("Invalid Refresh Token")
    user = await _by_key(scene.state, scene.pool.id, token.user)
    if user is not None:
        check_secret(client, user.name, given.get("SECRET_HASH"))
    if token.expires <= call.now:
        raise not_authorized("Refresh Token has expired")
    if user is None or token.signed_in < user.signed_out:
        raise not_authorized("Refresh Token has been revoked")
    if not user.enabled:
        raise not_authorized("User is disabled.")
    result = await issue(
        call, scene, user, token.signed_in, token.origin, with_refresh=False, source="TokenGeneration_RefreshTokens"
    )
    return {"ChallengeParameters": {}, "AuthenticationResult": result}


async def _custom(
    call: Call, scene: Scene, user: User, done: list[dict[str, Any]], metadata: Mapping[str, str]
) -> Answer:
    """Let the pool's functions say what is asked next, or that it is enough."""
    await _check_open(call, user)
    request = {
        "userAttributes": attributes_for(user),
        "session": done,
        "userNotFound": False,
        "clientMetadata": dict(metadata),
    }
    blank = {"challengeName": None, "issueTokens": None, "failAuthentication": None}
    answer = await trigger(
        call, scene, "DefineAuthChallenge", "DefineAuthChallenge_Authentication", user.name, request, blank
    )
    if answer is None:
        raise invalid("Custom auth lambda trigger is not configured for the user pool.")
    if answer.get("failAuthentication"):
        raise not_authorized()
    if answer.get("issueTokens"):
        return await proceed(call, scene, user, metadata)
    made = await trigger(
        call,
        scene,
        "CreateAuthChallenge",
        "CreateAuthChallenge_Authentication",
        user.name,
        {**request, "challengeName": answer.get("challengeName")},
        {"publicChallengeParameters": None, "privateChallengeParameters": None, "challengeMetadata": None},
    )
    made = made or {}
    public = {str(name): str(value) for name, value in (made.get("publicChallengeParameters") or {}).items()}
    state = {
        "done": done,
        "private": made.get("privateChallengeParameters") or {},
        "metadata": made.get("challengeMetadata"),
    }
    return _challenge(call, scene, "CUSTOM_CHALLENGE", user, {"USERNAME": user.name, **public}, state)


async def _custom_answer(
    call: Call, scene: Scene, session: str | None, given: Mapping[str, str], metadata: Mapping[str, str]
) -> Answer:
    state = _opened(call, scene, session, "CUSTOM_CHALLENGE")
    user = await _user_of(scene, state)
    request = {
        "userAttributes": attributes_for(user),
        "privateChallengeParameters": state["private"],
        "challengeAnswer": given.get("ANSWER"),
        "clientMetadata": dict(metadata),
    }
    answer = await trigger(
        call,
        scene,
        "VerifyAuthChallengeResponse",
        "VerifyAuthChallengeResponse_Authentication",
        user.name,
        request,
        {"answerCorrect": None},
    )
    right = bool((answer or {}).get("answerCorrect"))
    done = [
        *state["done"],
        {"challengeName": "CUSTOM_CHALLENGE", "challengeResult": right, "challengeMetadata": state["metadata"]},
    ]
    return await _custom(call, scene, user, done, metadata)


def _challenge(
    call: Call, scene: Scene, name: str, user: User, parameters: dict[str, str], state: dict[str, Any]
) -> Answer:
    content = orjson.dumps({**state, "user": user.key, "challenge": name, "at": call.now, "client": _client(scene).id})
    sealed = call.doorway.identity.sealer.seal(content, f"session/{scene.pool.id}")
    session = base64.urlsafe_b64encode(sealed).decode()
    return {"ChallengeName": name, "Session": session, "ChallengeParameters": parameters}


def _opened(call: Call, scene: Scene, session: str | None, challenge: str) -> dict[str, Any]:
    try:
        sealed = base64.urlsafe_b64decode(session or "")
        state: dict[str, Any] = orjson.loads(call.doorway.identity.sealer.open(sealed, f"session/{scene.pool.id}"))
    except (ValueError, binascii.Error):
        raise not_authorized("Invalid session for the user.") from None
    if state["challenge"] != challenge or state["client"] != _client(scene).id:
        raise not_authorized("Invalid session for the user.")
    if state["at"] + _SESSION_SECONDS <= call.now:
        raise not_authorized("Invalid session for the user, session is expired.")
    return state


async def _user_of(scene: Scene, state: Mapping[str, Any]) -> User:
    user = await _by_key(scene.state, scene.pool.id, state["user"])
    if user is None:
        raise not_authorized("Invalid session for the user.")
    return user


def _client(scene: Scene) -> Client:
    assert scene.client is not None, "every flow is a client's"
    return scene.client


@transactional
async def _by_key(tx: Transaction, pool: str, key: str) -> User | None:
    return await users.get(tx, pool, key)


@transactional
async def _keep_token(tx: Transaction, token: RefreshToken) -> None:
    await refresh_tokens.put(tx, token)


@transactional
async def _token(tx: Transaction, pool: str, digest: str) -> RefreshToken | None:
    return await refresh_tokens.get(tx, pool, digest)


@transactional
async def revoke(tx: Transaction, pool: str, digest: str) -> None:
    """Have a refresh token count no more."""
    await refresh_tokens.delete(tx, pool, digest)
