"""Properties of CloudFormation's resources as AppSync's API takes them: names, numbers, flags, texts in buckets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kumoi.doorway.resource_types import ResourceCall
from kumoi.wire.errors import aws_error

_UNLIKE = {"DynamoDBConfig": "dynamodbConfig", "OpenIDConnectConfig": "openIDConnectConfig"}
_WHOLE = frozenset(("AuthTTL", "IatTTL", "AuthorizerResultTtlInSeconds", "MaxBatchSize", "Ttl", "QueryDepthLimit"))
_WHOLE |= {"ResolverCountLimit", "DeltaSyncTableTTL", "BaseTableTTL"}
_FLAGS = frozenset(("ExcludeVerboseContent", "UseCallerCredentials", "Versioned", "XrayEnabled"))
_FLAGS |= {"AtRestEncryptionEnabled", "TransitEncryptionEnabled"}
_SHORT = {"OpenIDConnectConfig": {"AuthTTL": "authTTL", "IatTTL": "iatTTL"}}


def member(name: str) -> str:
    """A property's name as the API has it."""
    return _UNLIKE.get(name) or name[:1].lower() + name[1:]


def id_of(physical_id: str) -> str:
    """The id at the end of an ARN."""
    return physical_id.rpartition("/")[2]


def as_member(name: str, value: Any) -> Any:
    """A property as the API has it: members begin in lower case, numbers and flags are such."""
    if isinstance(value, Mapping):
        short = _SHORT.get(name, {})
        return {short.get(inner) or member(inner): as_member(inner, one) for inner, one in value.items()}
    if isinstance(value, list):
        return [as_member(name, one) for one in value]
    if name in _WHOLE:
        return int(value)
    return str(value).lower() == "true" if name in _FLAGS else value


def members_of(call: ResourceCall, members: tuple[str, ...]) -> dict[str, Any]:
    """Those of some properties that the template has, as the API has them."""
    return {member(name): as_member(name, value) for name, value in call.given(*members).items()}


async def stored(call: ResourceCall, location: str) -> str:
    """The text that lies in a bucket."""
    bucket, _, key = location.removeprefix("s3://").partition("/")
    if not location.startswith("s3://") or not key:
        raise aws_error("ValidationError", f"{location} is not the location of an object in S3.")
    answer = await call.ask("s3", "GetObject", Bucket=bucket, Key=key)
    body = answer["Body"]
    content = body if isinstance(body, bytes) else b"".join([chunk async for chunk in body])
    return content.decode()
