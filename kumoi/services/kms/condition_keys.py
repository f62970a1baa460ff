"""The condition keys of KMS: what a request, an encryption context and a key say to policies; pure.

Source: "Condition keys for AWS KMS" of the developer guide.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from kumoi.doorway import Call
from kumoi.doorway.authorization import resource_tags
from kumoi.services.kms.naming import ALIAS
from kumoi.services.kms.records import Alias, Key


def told_context(call: Call, which: str = "") -> dict[str, str]:
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
    return {**found, **encryption_context(told_context(call)), "kms:calleraccount": (call.caller.account,)}


def _texts(value: object) -> Sequence[str]:
    if isinstance(value, list):
        return [str(one) for one in value]
    return (str(value).lower() if isinstance(value, bool) else str(value),)


def keys_of(key: Key, named: Sequence[Alias]) -> dict[str, Sequence[str]]:
    """The condition keys that a key sets, with the aliases that name it."""
    keys: dict[str, Sequence[str]] = {
        "kms:keyspec": (key.spec,),
        "kms:keyusage": (key.usage,),
        "kms:keyorigin": (key.origin,),
        "kms:multiregion": (str(key.multi_region).lower(),),
    }
    if key.multi_region:
        keys["kms:multiregionkeytype"] = ("REPLICA" if key.is_replica else "PRIMARY",)
    if named:
        keys["kms:resourcealiases"] = [one.name for one in named]
    return {**keys, **resource_tags(key.tags)}
