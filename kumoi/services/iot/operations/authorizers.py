"""Custom authorizers: functions that say who may connect, and the one that is asked where a client names none.

Sources: the API reference; "Creating and managing custom authorizers" of the developer guide.
"""

from __future__ import annotations

from typing import Any

import msgspec

from kumoi.doorway import Call, CallDropped
from kumoi.services.iot import iot
from kumoi.services.iot.access_records import (
    DEFAULT_FOR_ALL,
    Authorizer,
    AuthorizerPlace,
    authorizer_places,
    authorizers,
)
from kumoi.services.iot.authorizer_rules import NotAnswered, Presented, is_key, signed, verdict
from kumoi.services.iot.custom_authorizers import CustomAuthorizers
from kumoi.services.iot.functions import FunctionFailed
from kumoi.services.iot.naming import given, invalid, marked_page, not_found
from kumoi.services.iot.records import Tags, tagged
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import AwsError, aws_error

MOST_KEYS = 2


@iot.operation
async def create_authorizer(
    call: Call,
    authorizerName: str,
    authorizerFunctionArn: str,
    tokenKeyName: str | None = None,
    tokenSigningPublicKeys: dict[str, str] | None = None,
    status: str = "INACTIVE",
    tags: list[dict[str, str]] | None = None,
    signingDisabled: bool = False,
    enableCachingForHttp: bool = False,
) -> dict[str, Any]:
    """Make an authorizer; unless its signing is disabled it needs the key that tokens are signed with."""
    authorizer = Authorizer(
        name=authorizerName,
        function=authorizerFunctionArn,
        created=call.now,
        modified=call.now,
        active=status == "ACTIVE",
        token_key=tokenKeyName,
        keys=tokenSigningPublicKeys or {},
        unsigned=signingDisabled,
        cached=enableCachingForHttp,
    )
    _check(authorizer)
    answer = _answer(call, authorizerName)
    await _create(
        call.state, authorizer, Tags(answer["authorizerArn"], {one["Key"]: one["Value"] for one in tags or ()})
    )
    return answer


@iot.operation
async def describe_authorizer(call: Call, authorizerName: str) -> dict[str, Any]:
    """An authorizer."""
    return {"authorizerDescription": _shown(call, await _find(call.state, authorizerName))}


@iot.operation
async def update_authorizer(
    call: Call,
    authorizerName: str,
    authorizerFunctionArn: str | None = None,
    tokenKeyName: str | None = None,
    tokenSigningPublicKeys: dict[str, str] | None = None,
    status: str | None = None,
    enableCachingForHttp: bool | None = None,
) -> dict[str, Any]:
    """Change what is given of an authorizer."""
    changes = given(
        function=authorizerFunctionArn,
        token_key=tokenKeyName,
        keys=tokenSigningPublicKeys,
        active=None if status is None else status == "ACTIVE",
        cached=enableCachingForHttp,
    )
    await _update(call.state, authorizerName, changes)
    return _answer(call, authorizerName)


@iot.operation
async def delete_authorizer(call: Call, authorizerName: str) -> dict[str, Any]:
    """Delete an authorizer that is inactive, and not the default one."""
    await _delete(call.state, authorizerName, _answer(call, authorizerName)["authorizerArn"])
    return {}


@iot.operation
async def list_authorizers(
    call: Call,
    pageSize: int | None = None,
    marker: str | None = None,
    ascendingOrder: bool = False,
    status: str | None = None,
) -> dict[str, Any]:
    """Authorizers, of one status or all, either way."""
    listed = [
        one for one in await call.state.run(authorizers.list) if status is None or one.active == (status == "ACTIVE")
    ]
    found, more = marked_page(listed, lambda one: one.name, marker, pageSize, ascending=ascendingOrder)
    return {"authorizers": [_answer(call, one.name) for one in found], **more}


@iot.operation
async def set_default_authorizer(call: Call, authorizerName: str) -> dict[str, Any]:
    """Have an authorizer asked where a client names none, in place of any other one."""
    await _set_default(call.state, authorizerName)
    return _answer(call, authorizerName)


@iot.operation
async def describe_default_authorizer(call: Call) -> dict[str, Any]:
    """The authorizer that is asked where a client names none."""
    return {"authorizerDescription": _shown(call, await _default(call.state))}


@iot.operation
async def clear_default_authorizer(call: Call) -> dict[str, Any]:
    """Have no authorizer asked where a client names none."""
    await _clear_default(call.state)
    return {}


@iot.operation
async def test_invoke_authorizer(
    call: Call,
    authorizerName: str,
    token: str | None = None,
    tokenSignature: str | None = None,
    httpContext: dict[str, Any] | None = None,
    mqttContext: dict[str, Any] | None = None,
    tlsContext: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Ask an authorizer as if a client connected, active or not."""
    authorizer = await _find(call.state, authorizerName)
    if not authorizer.unsigned and (token is None or tokenSignature is None):
        raise invalid("token and tokenSignature are required: the authorizer's tokens are signed.")
    verified = token is not None and tokenSignature is not None and signed(authorizer.keys, token, tokenSignature)
    if not authorizer.unsigned and not verified:
        return {"isAuthenticated": False}
    shown = _presented(httpContext, mqttContext, tlsContext)
    asked = call.part(CustomAuthorizers).ask_in(call, authorizer, shown, token, verified=verified)
    try:
        found = verdict(await asked)
    except (NotAnswered, FunctionFailed, AwsError, CallDropped, TimeoutError) as error:
        raise aws_error("InvalidResponseException", f"The authorizer gave no valid response: {error}") from None
    if found is None:
        return {"isAuthenticated": False}
    return {
        "isAuthenticated": True,
        "principalId": found.principal,
        "policyDocuments": list(found.policies),
        "refreshAfterInSeconds": found.refresh_after,
        "disconnectAfterInSeconds": found.disconnect_after,
    }


def _presented(http: dict[str, Any] | None, mqtt: dict[str, Any] | None, tls: dict[str, Any] | None) -> Presented:
    spoken = {"tls": tls, "http": http, "mqtt": mqtt}
    mqtt = mqtt or {}
    return Presented(
        tuple(name for name, told in spoken.items() if told is not None),
        mqtt.get("username"),
        mqtt.get("password"),
        mqtt.get("clientId"),
        None if http is None else {name.lower(): value for name, value in http.get("headers", {}).items()},
        (http or {}).get("queryString", "").removeprefix("?"),
        (tls or {}).get("serverName"),
    )


def _answer(call: Call, name: str) -> dict[str, Any]:
    return {"authorizerName": name, "authorizerArn": call.arn("iot", f"authorizer/{name}")}


def _shown(call: Call, one: Authorizer) -> dict[str, Any]:
    return {
        **_answer(call, one.name),
        "authorizerFunctionArn": one.function,
        "tokenSigningPublicKeys": one.keys,
        "status": "ACTIVE" if one.active else "INACTIVE",
        "creationDate": one.created,
        "lastModifiedDate": one.modified,
        "signingDisabled": one.unsigned,
        "enableCachingForHttp": one.cached,
        **given(tokenKeyName=one.token_key),
    }


def _check(one: Authorizer) -> None:
    """InvalidRequestException for what cannot authorize."""
    if not one.unsigned and (one.token_key is None or not one.keys):
        raise invalid("tokenKeyName and tokenSigningPublicKeys are required unless signing is disabled.")
    if len(one.keys) > MOST_KEYS:
        raise invalid(f"An authorizer has at most {MOST_KEYS} public keys.")
    for name, pem in one.keys.items():
        if not is_key(pem):
            raise invalid(f"The public key {name} is not an RSA key of at least 2048 bits in PEM form.")


@transactional
async def forget_places(tx: Transaction, account: str | None) -> None:
    """Forget where the authorizers of an account (or of all) are: that is kept beside the account."""
    for place in await authorizer_places.list(tx):
        if account in (None, place.account):
            await authorizer_places.delete(tx, place.name, place.account, place.region)


@transactional
async def _find(tx: Transaction, name: str) -> Authorizer:
    authorizer = await authorizers.get(tx, name)
    if authorizer is None:
        raise not_found(f"Authorizer {name} not found")
    return authorizer


@transactional
async def _create(tx: Transaction, authorizer: Authorizer, tags: Tags) -> None:
    name = authorizer.name
    if await authorizers.get(tx, name) is not None:
        text = f"Authorizer {name} already exists."
        raise aws_error("ResourceAlreadyExistsException", text, resourceId=name, resourceArn=tags.arn)
    await authorizers.put(tx, authorizer)
    await authorizer_places.put(tx, AuthorizerPlace(name, tx.account, tx.region, name))
    if tags.tags:
        await tagged.put(tx, tags)


@transactional
async def _update(tx: Transaction, name: str, changes: dict[str, Any]) -> None:
    changed = msgspec.structs.replace(await _find(tx, name), modified=tx.now, **changes)
    _check(changed)
    await authorizers.put(tx, changed)


@transactional
async def _delete(tx: Transaction, name: str, arn: str) -> None:
    authorizer = await _find(tx, name)
    default = await authorizer_places.get(tx, DEFAULT_FOR_ALL, tx.account, tx.region)
    if default is not None and default.authorizer == name:
        raise aws_error("DeleteConflictException", f"Authorizer {name} is the default authorizer.", status=409)
    if authorizer.active:
        raise aws_error("DeleteConflictException", f"Authorizer {name} is active.", status=409)
    await authorizers.delete(tx, name)
    await authorizer_places.delete(tx, name, tx.account, tx.region)
    await tagged.delete(tx, arn)


@transactional
async def _default(tx: Transaction) -> Authorizer:
    place = await authorizer_places.get(tx, DEFAULT_FOR_ALL, tx.account, tx.region)
    if place is None:
        raise not_found("There is no default authorizer")
    return await _find(tx, place.authorizer)


@transactional
async def _set_default(tx: Transaction, name: str) -> None:
    await _find(tx, name)
    await authorizer_places.put(tx, AuthorizerPlace(DEFAULT_FOR_ALL, tx.account, tx.region, name))


@transactional
async def _clear_default(tx: Transaction) -> None:
    await _default(tx)
    await authorizer_places.delete(tx, DEFAULT_FOR_ALL, tx.account, tx.region)
