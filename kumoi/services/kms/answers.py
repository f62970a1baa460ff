"""Keys as answers have them."""

from __future__ import annotations

from typing import Any

from kumoi.names import arn
from kumoi.services.kms.records import Alias, Grant, Key
from kumoi.services.kms.specs import AGREE, ENCRYPT, MAC, SIGN, SPECS, SYMMETRIC

_ALGORITHMS = {
    ENCRYPT: "EncryptionAlgorithms",
    SIGN: "SigningAlgorithms",
    MAC: "MacAlgorithms",
    AGREE: "KeyAgreementAlgorithms",
}


def algorithms(key: Key) -> dict[str, list[str]]:
    """The member that lists what a key can do."""
    return {_ALGORITHMS[key.usage]: list(SPECS[key.spec].algorithms[key.usage])}


def metadata(key: Key) -> dict[str, Any]:
    """A key's KeyMetadata."""
    told: dict[str, Any] = {
        "AWSAccountId": key.account,
        "KeyId": key.id,
        "Arn": key.arn,
        "CreationDate": key.created,
        "Enabled": key.state == "Enabled",
        "Description": key.description,
        "KeyUsage": key.usage,
        "KeyState": key.state,
        "Origin": key.origin,
        "KeyManager": key.manager,
        "CustomerMasterKeySpec": key.spec,
        "KeySpec": key.spec,
        "MultiRegion": key.multi_region,
        **algorithms(key),
    }
    if key.spec == SYMMETRIC and key.material:
        told["CurrentKeyMaterialId"] = key.material
    if key.origin == "EXTERNAL" and key.material:
        told["ExpirationModel"] = "KEY_MATERIAL_DOES_NOT_EXPIRE" if key.expires is None else "KEY_MATERIAL_EXPIRES"
        if key.expires is not None:
            told["ValidTo"] = key.expires
    if key.deletes is not None:
        told["DeletionDate"] = key.deletes
    elif key.window is not None:
        told["PendingDeletionWindowInDays"] = key.window
    if key.multi_region:
        told["MultiRegionConfiguration"] = {
            "MultiRegionKeyType": "REPLICA" if key.is_replica else "PRIMARY",
            "PrimaryKey": _in_region(key, key.primary),
            "ReplicaKeys": [_in_region(key, region) for region in key.replicas],
        }
    return told


def _in_region(key: Key, region: str) -> dict[str, str]:
    return {"Arn": arn("kms", region, key.account, f"key/{key.id}"), "Region": region}


def listed_alias(account: str, region: str, alias: Alias) -> dict[str, Any]:
    """An alias of a list; one without a key is named, and no more is told of it."""
    named = {"AliasName": alias.name, "AliasArn": arn("kms", region, account, alias.name)}
    if not alias.key:
        return named
    return {**named, "TargetKeyId": alias.key, "CreationDate": alias.created, "LastUpdatedDate": alias.updated}


def listed_grant(grant: Grant, key_arn: str) -> dict[str, Any]:
    """A grant of a list."""
    constraints = {
        "EncryptionContextSubset": grant.subset,
        "EncryptionContextEquals": grant.equals,
        "SourceArn": grant.source_arn or None,
    }
    stated = {name: value for name, value in constraints.items() if value is not None}
    told = {
        "KeyId": key_arn,
        "GrantId": grant.id,
        "Name": grant.name,
        "CreationDate": grant.created,
        "GranteePrincipal": grant.grantee or grant.grantee_service,
        "GranteeServicePrincipal": grant.grantee_service,
        "RetiringPrincipal": grant.retiring or grant.retiring_service,
        "RetiringServicePrincipal": grant.retiring_service,
        "IssuingAccount": grant.issuer,
        "Operations": list(grant.operations),
        "Constraints": stated,
    }
    return {name: value for name, value in told.items() if value or name == "Name"}


def tag_list(tags: dict[str, str]) -> list[dict[str, str]]:
    """Tags as KMS writes them."""
    return [{"TagKey": name, "TagValue": value} for name, value in tags.items()]
