"""Which permissions the calls of KMS need: on keys, whose policies have to allow them, and on aliases.

A key policy decides: without its consent (which the default one gives to the account as a whole) an identity's policies
count for nothing. Grants are consent, too. Source: "Actions, resources, and condition keys for AWS Key Management
Service" of the service authorization reference, and "Authorizing requests" of the developer guide.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from kumoi.doorway import Ask, Authorization, Call, Owned
from kumoi.doorway.authorization import EVERYTHING, everything
from kumoi.policy import Policy, compile_policy
from kumoi.services.kms.condition_keys import context, encryption_context, keys_of, told_context
from kumoi.services.kms.grant_rules import allows, as_policy, passes_on, retiring_policy
from kumoi.services.kms.managed import is_managed, service_of
from kumoi.services.kms.naming import Named, parse_key
from kumoi.services.kms.policies import managed_policy
from kumoi.services.kms.records import Alias, Grant, Key, aliases, grants
from kumoi.services.kms.store import seek
from kumoi.services.kms.tokens import read_grant_token
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import AwsError

_RETIRE = "kms:RetireGrant"


def key(call: Call) -> str:
    """The key that a call names, or that the ciphertext names which it brings."""
    named = call.params.get("KeyId")
    return _of_ciphertext(call) if named is None else _arn(call, str(named))


def _of_ciphertext(call: Call) -> str:
    from kumoi.services.kms.ciphertext import parse

    try:
        blob = parse(bytes(call.params.get("CiphertextBlob", b"")))
    except AwsError:
        return EVERYTHING
    return Named(blob.account, call.region, blob.key).arn


def _arn(call: Call, named: str) -> str:
    try:
        return parse_key(named, call.account, call.region).arn
    except AwsError:
        return EVERYTHING


def _alias(call: Call) -> str:
    return call.arn("kms", str(call.params.get("AliasName", "")))


def alias_and_key(call: Call) -> Iterator[Ask]:
    """An alias, and the key that it is to name."""
    action = f"kms:{call.operation}"
    yield Ask(action, _alias(call))
    yield Ask(action, _arn(call, str(call.params.get("TargetKeyId", ""))))


def alias_alone(call: Call) -> str:
    """An alias; the policy of the key that it names has to allow it, too."""
    return _alias(call)


def both_keys(call: Call) -> Iterator[Ask]:
    """The key that a ciphertext is decrypted with, and that it is encrypted with again."""
    source, target = call.params.get("SourceKeyId"), call.params.get("DestinationKeyId")
    same = {"kms:reencryptonsamekey": (str(source == target).lower(),)}
    from_arn = _of_ciphertext(call) if source is None else _arn(call, str(source))
    yield Ask("kms:ReEncryptFrom", from_arn, {**encryption_context(told_context(call, "Source")), **same})
    to_arn = _arn(call, str(target))
    yield Ask("kms:ReEncryptTo", to_arn, {**encryption_context(told_context(call, "Destination")), **same})


def grant_key(call: Call) -> str:
    """The key of a grant that is given up, which its token names where the request does not."""
    token = call.params.get("GrantToken")
    if token is None:
        return key(call)
    try:
        return read_grant_token(call.doorway.identity.sealer, str(token)).key_arn
    except AwsError:
        return EVERYTHING


class _Known(NamedTuple):
    """What there is of a key that decides about its use."""

    key: Key
    aliases: list[Alias]
    grants: list[Grant]


@transactional
async def _known(tx: Transaction, named: Named) -> _Known | None:
    found = await seek(tx, named)
    if found is None:
        return None
    names = [one for one in await aliases.list(tx) if one.key == found.id]
    return _Known(found, names, await grants.list(tx, found.id))


async def owned(call: Call, ask: Ask) -> Owned:
    """A key's account, ARN, policies (its grants among them) and tags; of an alias those of the key that it names."""
    try:
        named = parse_key(ask.resource, call.account, call.region)
    except AwsError:
        return Owned(call.account)
    of_alias = bool(named.alias) and ask.action in _OF_ALIASES
    found = await _known(call.doorway.state.at(named.account, call.region), named)
    if found is None and is_managed(named):
        policy = managed_policy(named.account, named.region, service_of(named))
        return Owned(named.account, (compile_policy(policy, "resource", "key policy"),), required=True)
    if found is None or (ask.action == "kms:CreateAlias" and of_alias):
        return Owned(named.account)
    arn = ask.resource if of_alias else found.key.arn
    policies = (compile_policy(found.key.policy, "resource", "key policy"), *_granted(call, ask, found.grants))
    return Owned(named.account, policies, arn, keys_of(found.key, found.aliases), required=True)


_OF_ALIASES = frozenset(("kms:CreateAlias", "kms:UpdateAlias", "kms:DeleteAlias"))


def _granted(call: Call, ask: Ask, known: Sequence[Grant]) -> Iterator[Policy]:
    """Grants of a key that speak of what is asked, as policies."""
    operation = ask.action.removeprefix("kms:")
    if ask.action == _RETIRE:
        wanted = _retired(call)
        policies = (retiring_policy(one, ask.action) for one in known if one.id == wanted)
        yield from (one for one in policies if one is not None)
        return
    which = {"ReEncryptFrom": "Source", "ReEncryptTo": "Destination"}.get(operation, "")
    told = told_context(call, which)
    for grant in known:
        passes = operation != "CreateGrant" or passes_on(grant, call.params)
        if passes and allows(grant, operation, told, call.caller.source_arn):
            yield as_policy(grant, ask.action)


def _retired(call: Call) -> str:
    token = call.params.get("GrantToken")
    if token is None:
        return str(call.params.get("GrantId", ""))
    try:
        return read_grant_token(call.doorway.identity.sealer, str(token)).grant
    except AwsError:
        return ""


AUTHORIZATION = Authorization(
    "kms",
    resource=key,
    resources={
        "CreateKey": everything,
        "DeleteAlias": alias_alone,
        "GenerateRandom": everything,
        "ListAliases": everything,
        "ListKeys": everything,
        "ListRetirableGrants": everything,
        "RetireGrant": grant_key,
    },
    asks={"CreateAlias": alias_and_key, "ReEncrypt": both_keys, "UpdateAlias": alias_and_key},
    context=context,
    policy=owned,
)
