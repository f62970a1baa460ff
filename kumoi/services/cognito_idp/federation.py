"""People whom identity providers know: which user of the pool they are, made when they come for the first time.

Who was linked to a user by an administrator is that user; anybody else gets one of their own, `PROVIDER_SUBJECT`, in
the provider's group. What the provider claims is written into the user each time. Sources: "Linking federated users to
an existing user profile" and "Adding user pool sign-in through a third party" of the developer guide.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from kumoi.doorway import Call
from kumoi.names import uuid
from kumoi.services.cognito_idp import changes
from kumoi.services.cognito_idp.errors import invalid, not_authorized
from kumoi.services.cognito_idp.identity_providers import SUBJECT, mapped
from kumoi.services.cognito_idp.lookup import Scene, key_of
from kumoi.services.cognito_idp.operations.sign_up import approved, confirmed
from kumoi.services.cognito_idp.policies import attributes_of, missing
from kumoi.services.cognito_idp.records import Identity, Link, Pool, Provider, Said, User, groups, links, users
from kumoi.services.cognito_idp.signing_in import after_sign_in, before_sign_in
from kumoi.services.cognito_idp.triggers import trigger
from kumoi.state import Transaction, transactional

_LONGEST_NAME = 128


def provider_group(provider: Provider) -> str:
    """The group of whoever signs in at a provider."""
    return f"{provider.pool}_{provider.name}"


async def arrived(call: Call, scene: Scene, provider: Provider, said: Said) -> User:
    """The user that somebody is, with what the provider says of them; AwsError where they may not come.

    A new one passes PreSignUp and PostConfirmation, one that was there PreAuthentication and PostAuthentication.
    """
    attributes = _attributes(scene.pool, provider, said)
    user = await _known(scene.state, provider, said, attributes)
    if user is None:
        return await _new(call, scene, provider, said, attributes)
    if not user.enabled:
        raise not_authorized("User is disabled.")
    await before_sign_in(call, scene, user, user.name, {})
    user = await _recorded(scene.state, scene.pool, provider, said, attributes, user.key)
    await after_sign_in(call, scene, user, {})
    return user


async def _new(call: Call, scene: Scene, provider: Provider, said: Said, attributes: Mapping[str, str]) -> User:
    """The user of somebody who comes for the first time, unless the pool's function links them to another."""
    pool = scene.pool
    name = f"{provider.name}_{said.subject}"
    if len(name) > _LONGEST_NAME:
        raise invalid(f"The user name {name[:_LONGEST_NAME]}… is longer than {_LONGEST_NAME} characters.")
    if lacking := missing(pool, attributes):
        raise invalid(f"attributes required: [{', '.join(lacking)}]")
    made = User(
        pool=pool.id,
        key=key_of(pool, name),
        name=key_of(pool, name),
        sub=uuid(),
        created=call.now,
        modified=call.now,
        status="EXTERNAL_PROVIDER",
        attributes=dict(attributes),
        identities=(_identity(provider, said, call.now, own=True),),
    )
    aliases = {"cognito:email_alias": "", "cognito:phone_number_alias": ""}
    answer = await trigger(
        call,
        scene,
        "PreSignUp",
        "PreSignUp_ExternalProvider",
        made.name,
        {"userAttributes": {**aliases, **made.attributes}, "validationData": {}},
        {"autoConfirmUser": False, "autoVerifyEmail": False, "autoVerifyPhone": False},
    )
    made = approved(made, {**(answer or {}), "autoConfirmUser": False})
    user = await _kept(scene.state, pool, provider, said, made)
    if user.sub == made.sub:
        await confirmed(call, scene, user)
    return user


def _attributes(pool: Pool, provider: Provider, said: Said) -> dict[str, str]:
    """The attributes that a provider's claims become; InvalidParameterException where the pool takes none."""
    try:
        found = mapped(provider, said.claims)
    except ValueError as error:
        raise invalid(f"Invalid user attributes: {error}") from None
    return attributes_of(pool, ({"Name": name, "Value": value} for name, value in found.items()))


def _identity(provider: Provider, said: Said, now: float, *, own: bool) -> Identity:
    return Identity(provider.name, provider.kind, SUBJECT, said.subject, now, own, said.issuer)


async def _link(tx: Transaction, provider: Provider, said: Said, attributes: Mapping[str, str]) -> Link | None:
    """The link that somebody comes by: of their name at the provider, else of an attribute."""
    for attribute, value in ((SUBJECT, said.subject), *attributes.items()):
        found = await links.get(tx, provider.pool, provider.name, attribute, value)
        if found is not None:
            return found
    return None


@transactional
async def _known(tx: Transaction, provider: Provider, said: Said, attributes: Mapping[str, str]) -> User | None:
    link = await _link(tx, provider, said, attributes)
    return None if link is None else await users.get(tx, provider.pool, link.user)


@transactional
async def _kept(tx: Transaction, pool: Pool, provider: Provider, said: Said, made: User) -> User:
    """The user that was made; or the one whom the person has been linked to meanwhile."""
    link = await _link(tx, provider, said, made.attributes)
    if link is not None and await users.get(tx, pool.id, link.user) is not None:
        return await _recorded(tx, pool, provider, said, made.attributes, link.user)
    group = await groups.get(tx, pool.id, provider_group(provider))
    if group is not None:
        made = msgspec.structs.replace(made, groups=(group.name,))
    await changes.add(tx, pool, made)
    return made


@transactional
async def _recorded(
    tx: Transaction, pool: Pool, provider: Provider, said: Said, attributes: Mapping[str, str], key: str
) -> User:
    """A user with what the provider says of them now; a link by an attribute becomes one by their name there."""
    link = await _link(tx, provider, said, attributes)
    user = await users.get(tx, pool.id, key)
    if link is None or user is None or link.user != key:
        raise not_authorized("The user is linked to the identity no more.")
    identities = tuple(
        msgspec.structs.replace(one, attribute=SUBJECT, value=said.subject, issuer=said.issuer)
        if (one.provider, one.attribute, one.value) == (link.provider, link.attribute, link.value)
        else one
        for one in user.identities
    )
    if link.attribute != SUBJECT:
        await links.delete(tx, link.pool, link.provider, link.attribute, link.value)
        await links.put(tx, msgspec.structs.replace(link, attribute=SUBJECT, value=said.subject))
    wanted = {"attributes": {**user.attributes, **attributes}, "identities": identities}
    return await changes.change(tx, pool, key, wanted)
