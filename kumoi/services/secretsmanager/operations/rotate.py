"""Rotation is turned on, started, and turned off."""

from __future__ import annotations

from typing import Any

import msgspec

from kumoi.doorway import Call, Principal
from kumoi.doorway.sealing import Sealer
from kumoi.names import Arn, uuid
from kumoi.services.secretsmanager import secretsmanager
from kumoi.services.secretsmanager.answers import named
from kumoi.services.secretsmanager.errors import bad_parameter, bad_request
from kumoi.services.secretsmanager.naming import Wanted
from kumoi.services.secretsmanager.records import Rotation, Secret
from kumoi.services.secretsmanager.rotation import begin, begin_trial, goes_on, set_schedule, unfinished
from kumoi.services.secretsmanager.rotation_windows import next_window
from kumoi.services.secretsmanager.store import ROTATION, SCHEDULE, find, find_own, keep, place_of
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import AwsError, aws_error

_NO_FUNCTION = "No Lambda rotation function ARN is associated with this secret."


@secretsmanager.operation
async def rotate_secret(
    call: Call,
    SecretId: str,
    ClientRequestToken: str | None = None,
    RotationLambdaARN: str | None = None,
    RotationRules: dict[str, Any] | None = None,
    RotateImmediately: bool = True,
) -> dict[str, Any]:
    """Turn rotation on, or change it, and rotate: at once, or (RotateImmediately false) in the next window."""
    state, wanted = await place_of(call, SecretId)
    known = await find(state, wanted)
    rotation = _rotation(known.rotation, RotationLambdaARN or None, RotationRules)
    next_window(rotation, call.now)
    await _check_function(call, rotation.function)
    token = ClientRequestToken or uuid()
    sealer = call.doorway.identity.sealer
    secret = await _rotate(state, sealer, wanted, rotation, token, RotateImmediately)
    if secret is None:
        raise bad_request("A previous rotation isn't complete. That rotation will be reattempted.")
    return {**named(secret), **({"VersionId": token} if RotateImmediately else {})}


def _rotation(before: Rotation | None, function: str | None, rules: dict[str, Any] | None) -> Rotation:
    """The rotation that a request asks for: what it does not state is as it was."""
    if before is None and function is None:
        raise bad_request(_NO_FUNCTION)
    rotation = before or Rotation(function=function or "")
    if function is not None:
        rotation = msgspec.structs.replace(rotation, function=function)
    if rules is not None:
        rotation = msgspec.structs.replace(
            rotation,
            days=rules.get("AutomaticallyAfterDays"),
            expression=rules.get("ScheduleExpression"),
            duration=rules.get("Duration"),
        )
    return msgspec.structs.replace(rotation, enabled=True)


async def _check_function(call: Call, function: str) -> None:
    """Raise unless there is such a function."""
    try:
        arn = Arn.parse(function)
    except ValueError:
        arn = None
    if arn is None or arn.service != "lambda" or not arn.resource.startswith("function:"):
        raise bad_parameter(f"The RotationLambdaARN {function} is not the ARN of a Lambda function.")
    caller = Principal.looking(arn.account or call.account, "lambda", "secretsmanager")
    try:
        await call.doorway.ask("lambda", "GetFunction", {"FunctionName": function}, caller, arn.region, call.trace)
    except AwsError as error:
        if error.code != "ResourceNotFoundException":
            raise
        raise aws_error(
            "AccessDeniedException",
            "Secrets Manager cannot invoke the specified Lambda function. Ensure that the function policy grants "
            "access to the principal secretsmanager.amazonaws.com.",
        ) from None


@transactional
async def _rotate(
    tx: Transaction, sealer: Sealer, wanted: Wanted, rotation: Rotation, token: str, at_once: bool
) -> Secret | None:
    """The secret afterwards; None where an earlier rotation goes on instead."""
    secret = await find_own(tx, wanted)
    pending = unfinished(secret)
    if pending is not None and pending != token:
        if secret.rotation is None:
            secret = msgspec.structs.replace(secret, rotation=rotation)
        if not goes_on(secret):
            await begin(tx, secret, pending)
        return None
    last = secret.rotation.last if secret.rotation else None
    rotation = msgspec.structs.replace(rotation, last=last)
    secret = set_schedule(tx, msgspec.structs.replace(secret, rotation=rotation, changed=tx.now))
    if pending == token and goes_on(secret):
        await keep(tx, secret)
        return secret
    if at_once:
        return await begin(tx, secret, token)
    await keep(tx, secret)
    return await begin_trial(tx, sealer, secret, uuid())


@secretsmanager.operation
async def cancel_rotate_secret(call: Call, SecretId: str) -> dict[str, Any]:
    """Turn rotation off; a version that a run under way has begun stays, with its label."""
    state, wanted = await place_of(call, SecretId)
    secret, version = await _cancel(state, wanted)
    return {**named(secret), **({} if version is None else {"VersionId": version})}


@transactional
async def _cancel(tx: Transaction, wanted: Wanted) -> tuple[Secret, str | None]:
    secret = await find_own(tx, wanted)
    if secret.rotation is None:
        raise bad_request(_NO_FUNCTION)
    version = None if secret.attempt is None else secret.attempt.version
    off = msgspec.structs.replace(secret.rotation, enabled=False, next=None)
    secret = msgspec.structs.replace(secret, rotation=off, attempt=None, changed=tx.now)
    await keep(tx, secret)
    tx.cancel_timer(SCHEDULE, secret.name)
    tx.cancel_timer(ROTATION, secret.name)
    return secret, version
