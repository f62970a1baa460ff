"""Codes to users: written to a log group, and into the machine's mailbox (`mailing.py`) as AWS would send them.

The group is `/kumoi/cognito/POOL`, the stream the user's sub; each event is JSON with the code, so that tests and
people find it. A CustomMessage function says what the message would be.
"""

from __future__ import annotations

import secrets
from typing import Any

import msgspec
import orjson

from kumoi.doorway import Call, Principal
from kumoi.services.cognito_idp.errors import expired_code, too_often, wrong_code
from kumoi.services.cognito_idp.lookup import Scene
from kumoi.services.cognito_idp.mailing import mail
from kumoi.services.cognito_idp.policies import masked
from kumoi.services.cognito_idp.records import Code, User, users
from kumoi.services.cognito_idp.triggers import attributes_for, trigger
from kumoi.state import Transaction, transactional

SECONDS = {
    "sign-up": 86_400.0,
    "password": 3_600.0,
    **dict.fromkeys(("SMS_MFA", "EMAIL_OTP", "first:EMAIL_OTP", "first:SMS_OTP"), 180.0),
}
_MOST_WRONG = 5
_FORGIVEN = 3_600.0
"""Seconds from the first wrong guess until another code may be guessed at afresh."""


async def send_code(call: Call, scene: Scene, user: User, purpose: str, attribute: str, source: str) -> dict[str, str]:
    """Give a user a fresh code and tell them, at their `attribute` (`email`, `phone_number`); CodeDeliveryDetails."""
    destination = user.attributes.get(attribute, "")
    code = f"{secrets.randbelow(1_000_000):06}"
    await _keep(scene.state, scene.pool.id, user.key, purpose, Code(code, call.now + SECONDS.get(purpose, 86_400.0)))
    await tell(call, scene, user, source, code=code, destination=destination)
    medium = "EMAIL" if attribute == "email" else "SMS"
    return {"Destination": masked(destination), "DeliveryMedium": medium, "AttributeName": attribute}


def pretended(username: str) -> dict[str, str]:
    """CodeDeliveryDetails of a code that goes nowhere: there is no such user, and nobody is to know."""
    address = username if "@" in username else f"{username}@example.com"
    return {"Destination": masked(address), "DeliveryMedium": "EMAIL", "AttributeName": "email"}


async def tell(call: Call, scene: Scene, user: User, source: str, **content: str) -> None:
    """Have a message reach a user, and write it to the log."""
    request = {
        "userAttributes": attributes_for(user),
        "codeParameter": "{####}",
        "usernameParameter": "{username}" if "password" in content else None,
        "linkParameter": "{##Click Here##}",
    }
    blank = {"smsMessage": None, "emailMessage": None, "emailSubject": None}
    custom = await trigger(call, scene, "CustomMessage", source, user.name, request, dict(blank))
    message: dict[str, Any] = {"username": user.name, "reason": source.partition("_")[2], **content}
    if custom is not None:
        secret = content.get("code") or content.get("password", "")
        for name in blank:
            if isinstance(custom.get(name), str):
                message[name] = custom[name].replace("{####}", secret).replace("{username}", user.name)
    caller = Principal.of_service(scene.account, "cognito-idp.amazonaws.com", f"cognito-idp:{scene.pool.id}")
    events = [{"timestamp": int(call.now * 1000), "message": orjson.dumps(message).decode()}]
    params = {
        "logGroupName": f"/kumoi/cognito/{scene.pool.id}",
        "logStreamName": user.sub,
        "logEvents": events,
    }
    await call.doorway.ask("logs", "WriteFunctionLogs", params, caller, scene.region)
    await mail(call, scene, user, message["reason"], content, custom)


@transactional
async def take_code(tx: Transaction, user: User, purpose: str, given: str) -> str | None:
    """Use a code up: None where it is right, else what is wrong (`mismatch`, `expired`, `limit`)."""
    current = await users.get(tx, user.pool, user.key)
    known = None if current is None else current.codes.get(purpose)
    if current is None or known is None or known.expires <= tx.now:
        return "expired"
    if known.wrong >= _MOST_WRONG:
        return "limit"
    codes = {name: one for name, one in current.codes.items() if name != purpose}
    right = secrets.compare_digest(known.value.encode(), given.encode())
    if not right:
        codes[purpose] = msgspec.structs.replace(known, wrong=known.wrong + 1, guessed=known.guessed or tx.now)
    await users.put(tx, msgspec.structs.replace(current, codes=codes))
    return None if right else "mismatch"


async def check_code(scene: Scene, user: User, purpose: str, given: str) -> None:
    """Use a code up; CodeMismatchException, ExpiredCodeException, LimitExceededException. A guess is counted."""
    problem = await take_code(scene.state, user, purpose, given)
    if problem is not None:
        raise {"mismatch": wrong_code, "expired": expired_code, "limit": too_often}[problem]()


@transactional
async def _keep(tx: Transaction, pool: str, key: str, purpose: str, code: Code) -> None:
    user = await users.get(tx, pool, key)
    if user is None:
        return
    before = user.codes.get(purpose)
    if before is not None and before.guessed + _FORGIVEN > tx.now:
        code = msgspec.structs.replace(code, wrong=before.wrong, guessed=before.guessed)
    await users.put(tx, msgspec.structs.replace(user, codes={**user.codes, purpose: code}))
