"""Second factors: codes of an authenticator app (TOTP, RFC 6238), by text message, by e-mail.

What a pool offers is in its definition (`SoftwareTokenMfaConfiguration`, `SmsMfaConfiguration`,
`EmailMfaConfiguration`, and `MfaConfiguration` for whether it must be); what users have switched on, in their records.
A wrong code counts like a wrong password. Source: "Adding MFA to a user pool" of the Cognito developer guide.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Mapping, Sequence

import msgspec
import orjson

from kumoi.doorway import Call
from kumoi.services.cognito_idp import changes
from kumoi.services.cognito_idp.errors import expired_code, invalid, not_authorized, too_often, wrong_code
from kumoi.services.cognito_idp.lookup import Scene
from kumoi.services.cognito_idp.messages import send_code, take_code
from kumoi.services.cognito_idp.records import Pool, User, users
from kumoi.services.cognito_idp.sessions import Answer, challenge, check_open, opened, user_of
from kumoi.state import Transaction, transactional

APP, TEXT, MAIL = "SOFTWARE_TOKEN_MFA", "SMS_MFA", "EMAIL_OTP"
CODES = {APP: "SOFTWARE_TOKEN_MFA_CODE", TEXT: "SMS_MFA_CODE", MAIL: "EMAIL_OTP_CODE"}
"""The challenges of second factors, and the response that holds the code."""
_SENT = {TEXT: "phone_number", MAIL: "email"}
_CONFIGURED = {
    APP: "SoftwareTokenMfaConfiguration", TEXT: "SmsMfaConfiguration", MAIL: "EmailMfaConfiguration"
}  # fmt: skip
_PERIOD = 30
_SECRET_BYTES = 20


def offered_by(pool: Pool) -> list[str]:
    """The factors that a pool offers: none where MFA is off."""
    given = pool.definition
    if given.get("MfaConfiguration", "OFF") == "OFF":
        return []
    found = [kind for kind, member in _CONFIGURED.items() if given.get(member)]
    if APP in found and not given[_CONFIGURED[APP]].get("Enabled"):
        found.remove(APP)
    return found


def factors_of(pool: Pool, user: User) -> list[str]:
    """The factors that a user signs in with; with MFA required, a verified telephone number is one by itself."""
    found = [kind for kind in offered_by(pool) if kind in user.factors]
    by_itself = pool.definition.get("MfaConfiguration") == "ON" and TEXT in offered_by(pool)
    if not found and by_itself and user.attributes.get("phone_number_verified") == "true":
        return [TEXT]
    return found


async def asked(call: Call, scene: Scene, user: User) -> Answer | None:
    """The challenge to a user whose password was right; None where the password is enough."""
    found = factors_of(scene.pool, user)
    if not found:
        if scene.pool.definition.get("MfaConfiguration") != "ON":
            return None
        setups = [kind for kind in offered_by(scene.pool) if kind != TEXT] or [APP]
        return challenge(call, scene, "MFA_SETUP", user, {"MFAS_CAN_SETUP": orjson.dumps(setups).decode()}, {})
    kind = user.preferred if user.preferred in found else found[0]
    if len(found) > 1 and user.preferred not in found:
        choice = {"MFAS_CAN_CHOOSE": orjson.dumps(found).decode()}
        return challenge(call, scene, "SELECT_MFA_TYPE", user, choice, {"choice": found})
    return await ask_for(call, scene, user, kind)


async def ask_for(call: Call, scene: Scene, user: User, kind: str) -> Answer:
    """The challenge of one factor; a code is sent where it is not the app's."""
    parameters = {"USER_ID_FOR_SRP": user.name}
    if kind == APP:
        parameters["FRIENDLY_DEVICE_NAME"] = user.device
    else:
        details = await send_code(call, scene, user, kind, _SENT[kind], "CustomMessage_Authentication")
        parameters |= {
            "CODE_DELIVERY_DESTINATION": details["Destination"],
            "CODE_DELIVERY_DELIVERY_MEDIUM": details["DeliveryMedium"],
        }
    return challenge(call, scene, kind, user, parameters, {})


async def answered(call: Call, scene: Scene, kind: str, session: str | None, given: Mapping[str, str]) -> User:
    """The user whose code was right; CodeMismatchException, ExpiredCodeException, NotAuthorizedException."""
    state = opened(call, scene, session, kind)
    if state.get("first"):
        raise not_authorized("Invalid session for the user.")
    user = await user_of(scene, state)
    await check_open(call, user)
    code = given.get(CODES[kind])
    if not code:
        raise invalid(f"Missing required parameter {CODES[kind]}")
    if kind == APP:
        await check_app_code(call, scene, user, code)
    else:
        problem = await take_code(scene.state, user, kind, code)
        if problem is not None:
            if problem == "mismatch":
                await changes.judge(scene.state, user, right=False)
            raise {"mismatch": wrong_code, "expired": expired_code, "limit": too_often}[problem]()
    return user


async def chosen(call: Call, scene: Scene, session: str | None, given: Mapping[str, str]) -> Answer:
    """The challenge of the factor that a user chose."""
    state = opened(call, scene, session, "SELECT_MFA_TYPE")
    if given.get("ANSWER") not in state["choice"]:
        raise invalid("ANSWER is one of the factors in MFAS_CAN_CHOOSE.")
    return await ask_for(call, scene, await user_of(scene, state), given["ANSWER"])


def new_secret() -> str:
    """The secret of an authenticator app, as it is typed in: 160 bits in base 32."""
    return base64.b32encode(secrets.token_bytes(_SECRET_BYTES)).decode()


async def check_app_code(call: Call, scene: Scene, user: User, code: str, secret: str | None = None) -> None:
    """Use an app's code up: CodeMismatchException for a wrong one, ExpiredCodeException for one used before."""
    if secret is None:
        if not user.app_secret:
            raise not_authorized("User has no software token.")
        secret = call.doorway.identity.sealer.open(user.app_secret, user.sub).decode()
    moment = matching(secret, code, call.now)
    await changes.judge(scene.state, user, right=moment is not None)
    if moment is None:
        raise wrong_code("Code mismatch")
    if not await _use_up(scene.state, user, moment):
        raise expired_code("Your software token has already been used once.")


def matching(secret: str, code: str, now: float) -> int | None:
    """The period (of 30 s) whose code this is: the present one or a neighbour, as clocks differ a little. Pure."""
    found = [
        period
        for period in range(max(int(now // _PERIOD) - 1, 0), int(now // _PERIOD) + 2)
        if secrets.compare_digest(totp(secret, period * _PERIOD).encode(), code.encode())
    ]
    return found[0] if found else None


def totp(secret: str, at: float) -> str:
    """The code of six digits that an app shows at a time."""
    from cryptography.hazmat.primitives.hashes import SHA1
    from cryptography.hazmat.primitives.twofactor.totp import TOTP

    return TOTP(base64.b32decode(secret), 6, SHA1(), _PERIOD).generate(int(at)).decode()  # noqa: S303


@transactional
async def _use_up(tx: Transaction, user: User, period: int) -> bool:
    current = await users.get(tx, user.pool, user.key)
    if current is None or current.app_code_used >= period:
        return False
    await users.put(tx, msgspec.structs.replace(current, app_code_used=period))
    return True


def preference(user: User, wanted: Mapping[str, Mapping[str, bool] | None]) -> dict[str, object]:
    """The changes that a user's settings make, by factor; InvalidParameterException for a factor they lack."""
    factors: Sequence[str] = user.factors
    preferred = user.preferred
    for kind, setting in wanted.items():
        if setting is None:
            continue
        enabled = bool(setting.get("Enabled", False))
        if setting.get("PreferredMfa") and not enabled:
            raise invalid("Invalid MFA option for preferred MFA: it is not enabled.")
        if enabled and kind == APP and not user.app_secret:
            raise invalid("User has not verified software token mfa")
        if enabled and kind in _SENT and not user.attributes.get(_SENT[kind]):
            raise invalid(f"User does not have delivery config set to turn on {kind}")
        factors = [*(one for one in factors if one != kind), *([kind] if enabled else [])]
        if setting.get("PreferredMfa"):
            preferred = kind
        elif preferred == kind:
            preferred = ""
    return {"factors": tuple(factors), "preferred": preferred if preferred in factors else ""}


def told(user: User) -> dict[str, object]:
    """What GetUser tells of a user's factors."""
    found: dict[str, object] = {"UserMFASettingList": list(user.factors)} if user.factors else {}
    return {**found, "PreferredMfaSetting": user.preferred} if user.preferred else found
