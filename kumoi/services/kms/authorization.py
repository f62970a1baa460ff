"""Which permissions the calls of KMS need: on keys, whose policies have to allow them, and on aliases.

A key policy decides: without its consent (which the default one gives to the account as a whole) an identity's policies
count for nothing. Grants are consent, too. Source: "Actions, resources, and condition keys for AWS Key Management
Service" of the service authorization reference, and "Authorizing requests" of the developer guide.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from kumoi.doorway import Ask, Authorization, Call, Owned
from kumoi.doorway.authorization import EVERYTHING, everything, resource_tags
from kumoi.policy import Policy, compile_policy
from kumoi.services.kms.grant_rules import allows, as_policy, retiring_policy
from kumoi.services.kms.naming import ALIAS, Named, parse_key
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
    yield Ask("kms:ReEncryptFrom", from_arn, {**encryption_context(_context_of(call, "Source")), **same})
    to_arn = _arn(call, str(target))
    yield Ask("kms:ReEncryptTo", to_arn, {**encryption_context(_context_of(call, "Destination")), **same})


def grant_key(call: Call) -> str:
    """The key of a grant that is given up, which its token names where the request does not."""
    token = call.params.get("GrantToken")
    if token is None:
        return key(call)
    try:
        return read_grant_token(call.doorway.identity.sealer, str(token)).key_arn
    except AwsError:
        return EVERYTHING


def _context_of(call: Call, which: str = "") -> dict[str, str]:
    """The encryption context that a call tells; of ReEncrypt the Source or the Destination one."""
    given = call.params.get(f"{which}EncryptionContext")
    return given if isinstance(given, dict) else {}


def encryption_context(context: Mapping[str, str]) -> dict[str, Sequence[str]]:
    """The condition keys that an encryption context is."""
    if not context:
        return {}
    keys: dict[str, Sequence[str]] = {f"kms:encryptioncontext:{name.lower()}": (context[name],) for name in context}
    return {**keys, "kms:encryptioncontextkeys": list(context)}


_MEMBERS = (
    ("BypassPolicyLockoutSafetyCheck", "kms:bypasspolicylockoutsafetycheck"),
    ("KeyPairSpec", "kms:datakeypairspec"),
    ("EncryptionAlgorithm", "kms:encryptionalgorithm"),
    ("ExpirationModel", "kms:expirationmodel"),
    ("GranteePrincipal", "kms:granteeprincipal"),
    ("Operations", "kms:grantoperations"),
    ("KeyAgreementAlgorithm", "kms:keyagreementalgorithm"),
    ("MacAlgorithm", "kms:macalgorithm"),
    ("MessageType", "kms:messagetype"),
    ("PrimaryRegion", "kms:primaryregion"),
    ("ReplicaRegion", "kms:replicaregion"),
    ("RetiringPrincipal", "kms:retiringprincipal"),
    ("RotationPeriodInDays", "kms:rotationperiodindays"),
    ("PendingWindowInDays", "kms:schedulekeydeletionpendingwindowindays"),
    ("SigningAlgorithm", "kms:signingalgorithm"),
    ("WrappingAlgorithm", "kms:wrappingalgorithm"),
    ("WrappingKeySpec", "kms:wrappingkeyspec"),
    ("KeySpec", "kms:keyspec"),
    ("KeyUsage", "kms:keyusage"),
    ("Origin", "kms:keyorigin"),
    ("MultiRegion", "kms:multiregion"),
)
_OF_NEW_KEYS = frozenset(("kms:keyspec", "kms:keyusage", "kms:keyorigin", "kms:multiregion"))
_SYMMETRIC_USES = frozenset(("Encrypt", "Decrypt"))


def context(call: Call) -> dict[str, Sequence[str]]:
    """KMS's own condition keys that a request sets."""
    params, found = call.params, dict[str, Sequence[str]]()
    for member, name in _MEMBERS:
        if member in params and (name not in _OF_NEW_KEYS or call.operation == "CreateKey"):
            found[name] = _texts(params[member])
    if call.operation in _SYMMETRIC_USES:
        found.setdefault("kms:encryptionalgorithm", ("SYMMETRIC_DEFAULT",))
    if call.operation == "Sign" or call.operation == "Verify":
        found.setdefault("kms:messagetype", ("RAW",))
    limits = params.get("Constraints")
    if call.operation == "CreateGrant":
        kinds = [name for name in ("EncryptionContextEquals", "EncryptionContextSubset") if name in (limits or {})]
        found |= {"kms:grantisforawsresource": ("false",)}
        if kinds:
            found["kms:grantconstrainttype"] = kinds
    named = str(params.get("KeyId", ""))
    if ALIAS in named:
        found["kms:requestalias"] = (named[named.index(ALIAS) :],)
    tags = params.get("Tags")
    if isinstance(tags, list):
        given = {str(one.get("TagKey", "")): str(one.get("TagValue", "")) for one in tags}
        found |= {f"aws:requesttag/{name.lower()}": (value,) for name, value in given.items()}
        found["aws:tagkeys"] = list(given)
    return {**found, **encryption_context(_context_of(call)), "kms:calleraccount": (call.caller.account,)}


def _texts(value: object) -> Sequence[str]:
    if isinstance(value, list):
        return [str(one) for one in value]
    return (str(value).lower() if isinstance(value, bool) else str(value),)


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
    if found is None or (ask.action == "kms:CreateAlias" and of_alias):
        return Owned(named.account)
    arn = ask.resource if of_alias else found.key.arn
    policies = (compile_policy(found.key.policy, "resource", "key policy"), *_granted(call, ask, found.grants))
    return Owned(named.account, policies, arn, _keys_of(found), required=True)


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
    told = _context_of(call, which)
    for grant in known:
        if allows(grant, operation, told, call.caller.source_arn):
            yield as_policy(grant, ask.action)


def _retired(call: Call) -> str:
    token = call.params.get("GrantToken")
    if token is None:
        return str(call.params.get("GrantId", ""))
    try:
        return read_grant_token(call.doorway.identity.sealer, str(token)).grant
    except AwsError:
        return ""


def _keys_of(found: _Known) -> dict[str, Sequence[str]]:
    """The condition keys that a key sets."""
    key = found.key
    keys: dict[str, Sequence[str]] = {
        "kms:keyspec": (key.spec,),
        "kms:keyusage": (key.usage,),
        "kms:keyorigin": (key.origin,),
        "kms:multiregion": (str(key.multi_region).lower(),),
    }
    if key.multi_region:
        keys["kms:multiregionkeytype"] = ("REPLICA" if key.is_replica else "PRIMARY",)
    if found.aliases:
        keys["kms:resourcealiases"] = [one.name for one in found.aliases]
    return {**keys, **resource_tags(key.tags)}


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
