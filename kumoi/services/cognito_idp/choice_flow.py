"""USER_AUTH: users choose what they sign in with first: a password, a code that is sent to them, a passkey.

The pool's `SignInPolicy` says what there is. Who has a second factor begins with the password: a code alone would be
one factor. Somebody who is no user is offered all there is, and told that what they answer is wrong. Source:
"Authentication flows" (choice-based sign-in) of the developer guide.
"""

from __future__ import annotations

from collections.abc import Mapping

from kumoi.doorway import Call
from kumoi.services.cognito_idp import changes, passkeys
from kumoi.services.cognito_idp.errors import expired_code, invalid, too_often, wrong_code
from kumoi.services.cognito_idp.factors import factors_of
from kumoi.services.cognito_idp.lookup import Scene, hides_users, key_of
from kumoi.services.cognito_idp.messages import pretended, send_code, take_code
from kumoi.services.cognito_idp.password_flow import known, with_password
from kumoi.services.cognito_idp.policies import first_factors, masked
from kumoi.services.cognito_idp.records import Pool, User
from kumoi.services.cognito_idp.sessions import Answer, by_key, challenge, check_open, client_in, opened, user_of
from kumoi.services.cognito_idp.srp_flow import offered

SELECT = "SELECT_CHALLENGE"
_PASSWORDS = ("PASSWORD", "PASSWORD_SRP")
_SENT = {"EMAIL_OTP": "email", "SMS_OTP": "phone_number"}
PURPOSE = "first:"
"""What codes of first factors are kept under: they are none of second factors."""


def configured(pool: Pool, user: User) -> list[str]:
    """What a user can sign in with first, by the names of the pool's policy."""
    found = []
    for kind in first_factors(pool):
        attribute = _SENT.get(kind)
        if attribute is not None:
            there = user.attributes.get(f"{attribute}_verified") == "true"
        else:
            there = bool(user.verifier if kind == "PASSWORD" else user.passkeys)
        if there:
            found.append(kind)
    return found


def available(pool: Pool, user: User | None) -> list[str]:
    """The challenges that a user may choose among."""
    kinds = [one for one in first_factors(pool) if one != passkeys.KIND] if user is None else configured(pool, user)
    if pool.definition.get("MfaConfiguration") == "ON" or (user is not None and factors_of(pool, user)):
        kinds = [kind for kind in kinds if kind == "PASSWORD"]
    return [one for kind in kinds for one in (_PASSWORDS if kind == "PASSWORD" else (kind,))]


async def begin(call: Call, scene: Scene, user: User | None, name: str, given: Mapping[str, str]) -> Answer | User:
    """The challenge that the client prefers, or the choice; the user, where that was a password and right."""
    if user is None and not hides_users(client_in(scene)):
        known(scene, user)
    if user is not None:
        await check_open(call, user)
    found = available(scene.pool, user)
    wanted = given.get("PREFERRED_CHALLENGE")
    if wanted in found:
        return await _challenged(call, scene, user, name, wanted, given)
    asked = challenge(call, scene, SELECT, user, {}, {"name": name})
    return {**asked, "AvailableChallenges": found}


async def chosen(call: Call, scene: Scene, session: str | None, given: Mapping[str, str]) -> Answer | User:
    """Go on with what the user chose."""
    state = opened(call, scene, session, SELECT)
    user = await by_key(scene.state, scene.pool.id, state["user"]) if state["user"] else None
    wanted = given.get("ANSWER", "")
    if wanted not in available(scene.pool, user):
        raise invalid("ANSWER is one of the challenges in AvailableChallenges.")
    return await _challenged(call, scene, user, state["name"], wanted, given)


async def answered(call: Call, scene: Scene, kind: str, session: str | None, given: Mapping[str, str]) -> User:
    """The user whose code was right; CodeMismatchException, ExpiredCodeException, NotAuthorizedException."""
    state = opened(call, scene, session, kind)
    code = given.get(f"{kind}_CODE")
    if not code:
        raise invalid(f"Missing required parameter {kind}_CODE")
    if not state["user"]:
        raise wrong_code()
    user = await user_of(scene, state)
    await check_open(call, user)
    problem = await take_code(scene.state, user, PURPOSE + kind, code)
    if problem == "mismatch":
        await changes.judge(scene.state, user, right=False)
    if problem is not None:
        raise {"mismatch": wrong_code, "expired": expired_code, "limit": too_often}[problem]()
    return user


def is_first(call: Call, scene: Scene, kind: str, session: str | None) -> bool:
    """Whether the code that is answered is a first factor's; EMAIL_OTP is the name of a second one, too."""
    return bool(opened(call, scene, session, kind).get("first"))


async def _challenged(
    call: Call, scene: Scene, user: User | None, name: str, wanted: str, given: Mapping[str, str]
) -> Answer | User:
    if wanted == "PASSWORD":
        if not given.get("PASSWORD"):
            raise invalid("Missing required parameter PASSWORD")
        return await with_password(call, scene, user, given["PASSWORD"])
    if wanted == "PASSWORD_SRP":
        return await offered(call, scene, user, name, given)
    if user is not None and wanted == passkeys.KIND:
        await check_open(call, user)
        return await passkeys.asked(call, scene, user)
    if user is None:
        destination = pretended(name)["Destination"] if wanted == "EMAIL_OTP" else _nobodys_number(call, scene, name)
    else:
        await check_open(call, user)
        details = await send_code(call, scene, user, PURPOSE + wanted, _SENT[wanted], "CustomMessage_Authentication")
        destination = details["Destination"]
    parameters = {
        "CODE_DELIVERY_DESTINATION": destination,
        "CODE_DELIVERY_DELIVERY_MEDIUM": "EMAIL" if wanted == "EMAIL_OTP" else "SMS",
    }
    return challenge(call, scene, wanted, user, parameters, {"first": True})


def _nobodys_number(call: Call, scene: Scene, name: str) -> str:
    """A masked telephone number of nobody, the same each time."""
    digest = call.doorway.identity.sealer.digest(key_of(scene.pool, name).encode(), f"number/{scene.pool.id}")
    return masked(f"+{int.from_bytes(digest[:4]):010}")
