"""Parameters as answers have them."""

from __future__ import annotations

import base64
from typing import Any

from kumoi.doorway import Call
from kumoi.services.ssm.naming import parameter_arn
from kumoi.services.ssm.records import SECURE, Version
from kumoi.services.ssm.store import context_of


def value_of(call: Call, version: Version, *, decrypted: bool) -> str:
    """A version's value; that of a SecureString as it is sealed, unless it is asked for `decrypted`."""
    if version.type != SECURE:
        return version.value.decode()
    if not decrypted:
        return base64.b64encode(version.value).decode()
    call.meter("kms_requests", 1)
    context = context_of(call.account, call.region, version.name, version.number)
    return call.doorway.identity.sealer.open(version.value, context).decode()


def parameter(call: Call, version: Version, *, decrypted: bool, selector: str = "") -> dict[str, Any]:
    """A version as GetParameter answers it."""
    answer = {
        "Name": version.name,
        "Type": version.type,
        "Value": value_of(call, version, decrypted=decrypted),
        "Version": version.number,
        "LastModifiedDate": version.modified,
        "ARN": parameter_arn(call.account, call.region, version.name),
        "DataType": version.data_type,
    }
    return {**answer, "Selector": f":{selector}"} if selector else answer


def metadata(version: Version) -> dict[str, Any]:
    """What DescribeParameters and GetParameterHistory both tell of a version."""
    answer: dict[str, Any] = {
        "Name": version.name,
        "Type": version.type,
        "LastModifiedDate": version.modified,
        "LastModifiedUser": version.user,
        "Version": version.number,
        "Tier": version.tier,
        "Policies": [
            {"PolicyText": policy.text, "PolicyType": policy.type, "PolicyStatus": policy.status}
            for policy in version.policies
        ],
        "DataType": version.data_type,
    }
    stated = {"KeyId": version.key_id, "Description": version.description, "AllowedPattern": version.pattern}
    return {**answer, **{name: value for name, value in stated.items() if value}}
