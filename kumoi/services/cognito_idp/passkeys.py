"""Passkeys: keys of browsers and telephones that users sign in with, registered and verified as WebAuthn has it.

The relying party is the one that SetUserPoolMfaConfig names, or the pool's domain. Attestations are not looked at:
which make of authenticator it is does not matter. Source: "Passkey sign-in" of the developer guide; WebAuthn level 2.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec
import orjson

from kumoi.doorway import Call
from kumoi.services.cognito_idp import changes
from kumoi.services.cognito_idp.errors import invalid, not_authorized
from kumoi.services.cognito_idp.lookup import Scene
from kumoi.services.cognito_idp.policies import first_factors
from kumoi.services.cognito_idp.records import Passkey, Pool, User, domains, users
from kumoi.services.cognito_idp.sessions import Answer, challenge, check_open, client_in, opened, use_up
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import AwsError, aws_error

if TYPE_CHECKING:
    from fido2.server import Fido2Server

KIND = "WEB_AUTHN"
MOST = 20
"""Passkeys of a user."""
SECONDS = 300.0
"""For how long a registration that was begun can be completed."""
_LONGEST = 64 * 1024
_UNREADABLE = (ValueError, TypeError, LookupError, AttributeError, AssertionError, RuntimeError, struct.error)
"""What the library makes of credentials that are none: RuntimeError of kinds that it lacks and of deep nests."""
_REFUSALS = {
    "Invalid origin": ("WebAuthnOriginNotAllowedException", "The origin of the credential is not allowed."),
    "Wrong challenge": ("WebAuthnChallengeNotFoundException", "The challenge of the credential is not known."),
    "Wrong RP ID": ("WebAuthnRelyingPartyMismatchException", "The credential is for another relying party."),
}


async def begin(call: Call, scene: Scene, user: User) -> dict[str, Any]:
    """What the browser makes a passkey by; the challenge is kept with the user."""
    _check_enabled(scene.pool)
    if len(user.passkeys) >= MOST:
        raise aws_error("LimitExceededException", f"A user can have up to {MOST} passkeys.")
    server = await _server(call, scene)
    from fido2.webauthn import PublicKeyCredentialUserEntity, ResidentKeyRequirement

    name = user.attributes.get("email") or user.attributes.get("preferred_username") or user.name
    entity = PublicKeyCredentialUserEntity(name=name, id=user.sub.encode(), display_name=name)
    options, state = server.register_begin(
        entity,
        _descriptors(user),
        resident_key_requirement=ResidentKeyRequirement.REQUIRED,
        user_verification=_verification(scene.pool),
    )
    kept = orjson.dumps(_plain(state)).decode()
    changed = {"registering": kept, "registering_until": call.now + SECONDS}
    await changes.change(scene.state, scene.pool, user.key, changed)
    made: dict[str, Any] = _plain(options)["publicKey"]
    return made


async def complete(call: Call, scene: Scene, user: User, credential: Any) -> None:
    """Keep a passkey that was made; its challenge counts once."""
    _check_enabled(scene.pool)
    if not user.registering or user.registering_until <= call.now:
        raise aws_error(*_REFUSALS["Wrong challenge"])
    server = await _server(call, scene)
    await changes.change(scene.state, scene.pool, user.key, {"registering": "", "registering_until": 0.0})
    try:
        found = server.register_complete(orjson.loads(user.registering), _checked(credential))
        made = found.credential_data
        assert made is not None, "a registration has a credential"
        made.public_key.verify  # noqa: B018 - a kind of key that is not known has none
    except _UNREADABLE as error:
        raise _refused(error) from None
    passkey = Passkey(
        id=_text(made.credential_id),
        created=call.now,
        content=bytes(made),
        count=found.counter,
        party=str(server.rp.id),
        transports=tuple(str(one) for one in (credential.get("response") or {}).get("transports") or ())[:8],
        attachment=str(credential.get("authenticatorAttachment") or ""),
    )
    await _keep(scene.state, scene.pool.id, user.key, passkey)


async def asked(call: Call, scene: Scene, user: User) -> Answer:
    """WEB_AUTHN: what the browser signs."""
    server = await _server(call, scene)
    options, state = server.authenticate_begin(_descriptors(user), user_verification=_verification(scene.pool))
    parameters = {"CREDENTIAL_REQUEST_OPTIONS": orjson.dumps(_plain(options)["publicKey"]).decode()}
    return challenge(call, scene, KIND, user, parameters, {"passkey": _plain(state)})


async def answered(call: Call, scene: Scene, session: str | None, given: Mapping[str, str]) -> User:
    """The user whose passkey signed; NotAuthorizedException. A session is answered once."""
    state = opened(call, scene, session, KIND)
    text = given.get("CREDENTIAL")
    if not text:
        raise invalid("Missing required parameter CREDENTIAL")
    user = await use_up(scene.state, client_in(scene), state)
    await check_open(call, user)
    server = await _server(call, scene)
    from fido2.webauthn import AttestedCredentialData, AuthenticationResponse

    held = [AttestedCredentialData(one.content) for one in user.passkeys.values()]
    try:
        credential = _checked(orjson.loads(text))
        used = server.authenticate_complete(state["passkey"], held, credential)
        count = AuthenticationResponse.from_dict(credential).response.authenticator_data.counter
    except _UNREADABLE:
        await changes.judge(scene.state, user, right=False)
        raise not_authorized("Passkey sign-in failed: the credential is not valid.") from None
    if not await _counted(scene.state, scene.pool.id, user.key, _text(used.credential_id), count):
        raise not_authorized("Passkey sign-in failed: the authenticator was copied.")
    return user


def described(passkey: Passkey) -> dict[str, Any]:
    """WebAuthnCredentialDescription."""
    return {
        "CredentialId": passkey.id,
        "FriendlyCredentialName": "Passkey",
        "RelyingPartyId": passkey.party,
        "AuthenticatorTransports": list(passkey.transports),
        "CreatedAt": passkey.created,
        **({"AuthenticatorAttachment": passkey.attachment} if passkey.attachment else {}),
    }


@transactional
async def forget(tx: Transaction, pool: str, key: str, id: str) -> None:
    """Forget a passkey; ResourceNotFoundException."""
    user = await users.get(tx, pool, key)
    if user is None or id not in user.passkeys:
        raise aws_error("ResourceNotFoundException", "The passkey does not exist.")
    kept = {name: one for name, one in user.passkeys.items() if name != id}
    await users.put(tx, msgspec.structs.replace(user, passkeys=kept))


async def _server(call: Call, scene: Scene) -> Fido2Server:
    """The pool's relying party, on the library, whose import takes a while: on a thread."""
    party = _config(scene.pool).get("RelyingPartyId")
    if not party:
        named = await _domain(call.doorway.state.at("", ""), scene.pool.id)
        if named is None:
            raise aws_error(
                "WebAuthnConfigurationMissingException", "The user pool has no relying party: give it one, or a domain."
            )
        party = named if "." in named else f"{named}.auth.{scene.region}.localhost"
    return await asyncio.to_thread(_made, scene.pool.name, party)


def _made(name: str, party: str) -> Fido2Server:
    from fido2.server import Fido2Server
    from fido2.webauthn import PublicKeyCredentialRpEntity

    return Fido2Server(PublicKeyCredentialRpEntity(name=name, id=party))


def _check_enabled(pool: Pool) -> None:
    if KIND not in first_factors(pool):
        raise aws_error("WebAuthnNotEnabledException", "Passkeys are no first factor of this user pool.")


def _config(pool: Pool) -> Mapping[str, Any]:
    return pool.definition.get("WebAuthnConfiguration") or {}


def _verification(pool: Pool) -> Any:
    from fido2.webauthn import UserVerificationRequirement

    return UserVerificationRequirement(_config(pool).get("UserVerification", "preferred"))


def _descriptors(user: User) -> list[Any]:
    from fido2.webauthn import AttestedCredentialData

    return [AttestedCredentialData(one.content) for one in user.passkeys.values()]


def _checked(credential: Any) -> Mapping[str, Any]:
    if not isinstance(credential, Mapping) or len(orjson.dumps(credential, default=str)) > _LONGEST:
        raise ValueError("The credential is no object, or too long.")
    return credential


def _refused(error: Exception) -> AwsError:
    for beginning, refusal in _REFUSALS.items():
        if str(error).startswith(beginning):
            return aws_error(*refusal)
    if isinstance(error, NotImplementedError):
        return aws_error("WebAuthnCredentialNotSupportedException", "The kind of the credential is not supported.")
    return invalid("The credential is not valid.")


def _plain(options: Any) -> dict[str, Any]:
    """Options as JSON has them."""
    found: dict[str, Any] = orjson.loads(orjson.dumps(options, default=dict, option=orjson.OPT_PASSTHROUGH_DATACLASS))
    return found


def _text(id: bytes) -> str:
    from fido2.utils import websafe_encode

    return websafe_encode(id)


@transactional
async def _domain(tx: Transaction, pool: str) -> str | None:
    """The first domain of a pool, one of the customer's own before AWS's."""
    names = sorted((one.name for one in await domains.list(tx) if one.pool == pool), key=lambda one: "." not in one)
    return names[0] if names else None


@transactional
async def _keep(tx: Transaction, pool: str, key: str, passkey: Passkey) -> None:
    user = await users.get(tx, pool, key)
    if user is not None:
        await users.put(tx, msgspec.structs.replace(user, passkeys={**user.passkeys, passkey.id: passkey}))


@transactional
async def _counted(tx: Transaction, pool: str, key: str, id: str, count: int) -> bool:
    """Whether a passkey's counter went on, as it does unless there are two of it. Many do not count, and say 0."""
    user = await users.get(tx, pool, key)
    passkey = None if user is None else user.passkeys.get(id)
    if user is None or passkey is None or ((count or passkey.count) and count <= passkey.count):
        return False
    after = msgspec.structs.replace(passkey, count=count)
    await users.put(tx, msgspec.structs.replace(user, passkeys={**user.passkeys, id: after}))
    return True
