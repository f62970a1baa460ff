"""Names that Parameter Store answers out of other places: secrets, and what AWS publishes.

`/aws/reference/secretsmanager/NAME` reads a secret. Parameters below `/aws/service` tell of AWS's own images, layers
and regions; nothing of it exists here, which is what the error says. Source: "Referencing Secrets Manager secrets from
Parameter Store parameters" and "Working with public parameters".
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import orjson

from kumoi.doorway import Call
from kumoi.services.ssm.naming import invalid
from kumoi.services.ssm.store import not_found
from kumoi.wire.errors import AwsError

SECRETS = "/aws/reference/secretsmanager/"
SERVICE = "/aws/service/"


def missing_public(name: str) -> AwsError:
    """ParameterNotFound for what only AWS could answer."""
    return not_found(
        f"{name} is a public parameter of AWS, which tells of things that Kumoi does not have (machine images, AWS's "
        "layers, its regions). Name a parameter of your own in its place."
    )


async def secret_parameter(call: Call, name: str, *, decrypted: bool) -> dict[str, Any]:
    """A secret as a parameter; `name:selector` asks for a version by its id or its staging label."""
    if not decrypted:
        raise invalid("WithDecryption flag must be True for retrieving a Secret Manager secret.")
    plain, _, selector = name.partition(":")
    asked: dict[str, Any] = {"SecretId": plain.removeprefix(SECRETS)}
    if selector:
        asked["VersionId" if len(selector) >= 32 else "VersionStage"] = selector
    try:
        secret = await call.to("secretsmanager", "GetSecretValue", **asked)
    except AwsError as error:
        if error.code != "ResourceNotFoundException":
            raise
        raise not_found(
            f"An error occurred (ParameterNotFound) when referencing Secrets Manager: Secret {plain} not found."
        ) from None
    created = secret["CreatedDate"]
    stamp = created.timestamp() if isinstance(created, datetime) else created
    parameter = {
        "Name": plain,
        "Type": "SecureString",
        "Value": secret.get("SecretString", ""),
        "Version": 0,
        "SourceResult": orjson.dumps({**secret, "CreatedDate": stamp}, default=_as_text).decode(),
        "LastModifiedDate": created,
        "ARN": secret["ARN"],
        "DataType": "text",
    }
    return {**parameter, **({"Selector": f":{selector}"} if selector else {})}


def _as_text(value: Any) -> str:
    """Binary secrets in a SourceResult."""
    return bytes(value).hex()
