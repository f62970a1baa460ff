"""The configurations that a bucket has once, as a table: their operations, defaults, checks, and errors.

`operations/configurations.py` makes three operations of each row. Rules: the S3 API reference, and recorded answers.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from kumoi.services.s3 import cors, lifecycle_checks, policies, replication_rules, website_configuration
from kumoi.services.s3.encryption import KMS
from kumoi.services.s3.records import Bucket, buckets
from kumoi.services.s3.settings import settings_of
from kumoi.state import Transaction
from kumoi.wire.errors import aws_error
from kumoi.wire.xml_shapes import malformed

Check = Callable[[Bucket, Any], Any]
Examine = Callable[[Transaction, Bucket, Any], Awaitable[None]]


def _as_it_is(_bucket: Bucket, content: Any) -> Any:
    return content


async def _agreed(_tx: Transaction, _bucket: Bucket, _content: Any) -> None:
    """Nothing else to look at."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of configuration.

    `member` is what its Put takes; its Get answers the content under that name, or `spread`: the content's own members.
    `missing` is (code, text) of the error where there is none. What was never put is `default`. `check` is pure and
    answers what is stored; `examine` may look at other buckets. `own_words` are shapes whose values `check` refuses.
    """

    name: str
    put: str
    get: str
    delete: str = ""
    member: str = ""
    spread: bool = False
    missing: tuple[str, str] | None = None
    default: Any = None
    check: Check = _as_it_is
    examine: Examine = _agreed
    own_words: frozenset[str] = frozenset()

    @property
    def deleted_is_missing(self) -> bool:
        """Whether what was deleted is missing, though what was never put has a default."""
        return self.default is not None and self.missing is not None


BLOCKS = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
ENFORCED = "BucketOwnerEnforced"
NOTHING_BLOCKED = dict.fromkeys(BLOCKS, False)


def _blocks(_bucket: Bucket, content: dict[str, Any]) -> dict[str, Any]:
    if not any(content.get(name) is not None for name in BLOCKS):
        raise malformed()
    return {name: bool(content.get(name)) for name in BLOCKS}


def _ownership(_bucket: Bucket, content: dict[str, Any]) -> dict[str, Any]:
    if len(content["Rules"]) != 1:
        raise malformed()
    return content


def _encryption(_bucket: Bucket, content: dict[str, Any]) -> dict[str, Any]:
    if len(content["Rules"]) != 1:
        raise malformed()
    rule = content["Rules"][0]
    default = rule.get("ApplyServerSideEncryptionByDefault")
    if default is None:
        raise malformed()
    if default.get("KMSMasterKeyID") is not None and default["SSEAlgorithm"] not in KMS:
        raise aws_error(
            "InvalidArgument",
            "a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms or aws:kms:dsse",
            ArgumentName="ApplyServerSideEncryptionByDefault",
        )
    return {"Rules": [{**rule, "BucketKeyEnabled": bool(rule.get("BucketKeyEnabled"))}]}


def _acceleration(bucket: Bucket, content: dict[str, Any]) -> dict[str, Any]:
    if "." in bucket.name:
        raise aws_error(
            "InvalidRequest",
            "S3 Transfer Acceleration is not supported for buckets with periods (.) in their names",
        )
    if content.get("Status") is None:
        raise malformed()
    return content


def _policy(bucket: Bucket, text: str) -> str:
    return policies.checked(text, bucket.arn)


async def _public_policy(tx: Transaction, bucket: Bucket, text: str) -> None:
    if (await block_of(tx, bucket))["BlockPublicPolicy"] and policies.is_public(text):
        raise aws_error("AccessDenied", "Access Denied")


async def _log_target(tx: Transaction, bucket: Bucket, content: dict[str, Any]) -> None:
    enabled = content.get("LoggingEnabled")
    if enabled is None:
        return
    target = await buckets.get(tx, enabled["TargetBucket"])
    if target is None or target.account != bucket.account:
        raise aws_error(
            "InvalidTargetBucketForLogging",
            "The target bucket for logging does not exist",
            TargetBucket=enabled["TargetBucket"],
        )
    if target.region != bucket.region:
        raise aws_error(
            "CrossLocationLoggingProhibitted",
            "Cross S3 location logging not allowed. ",
            status=403,
            TargetBucketLocation=target.region,
        )


async def _replicas(tx: Transaction, bucket: Bucket, content: dict[str, Any]) -> None:
    for rule in content["Rules"]:
        destination = await buckets.get(tx, rule["Destination"]["Bucket"].rpartition(":")[2])
        if destination is None or destination.versioning != "Enabled":
            raise aws_error("InvalidRequest", "Destination bucket must have versioning enabled.")
        if rule["Destination"].get("Account") not in (None, destination.account):
            raise aws_error("InvalidRequest", "The Account of the destination does not own the destination bucket.")


KINDS: tuple[Kind, ...] = (
    Kind(
        "Accelerate",
        "PutBucketAccelerateConfiguration",
        "GetBucketAccelerateConfiguration",
        member="AccelerateConfiguration",
        spread=True,
        default={},
        check=_acceleration,
    ),
    Kind(
        "Cors",
        "PutBucketCors",
        "GetBucketCors",
        "DeleteBucketCors",
        member="CORSConfiguration",
        spread=True,
        missing=("NoSuchCORSConfiguration", "The CORS configuration does not exist"),
        check=lambda _, content: cors.checked(content),
    ),
    Kind(
        "Encryption",
        "PutBucketEncryption",
        "GetBucketEncryption",
        "DeleteBucketEncryption",
        member="ServerSideEncryptionConfiguration",
        default={
            "Rules": [
                {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}, "BucketKeyEnabled": False},
            ]
        },
        check=_encryption,
    ),
    Kind(
        "Lifecycle",
        "PutBucketLifecycleConfiguration",
        "GetBucketLifecycleConfiguration",
        "DeleteBucketLifecycle",
        member="LifecycleConfiguration",
        spread=True,
        missing=("NoSuchLifecycleConfiguration", "The lifecycle configuration does not exist"),
        check=lambda _, content: lifecycle_checks.checked(content),
    ),
    Kind(
        "Logging",
        "PutBucketLogging",
        "GetBucketLogging",
        member="BucketLoggingStatus",
        spread=True,
        default={},
        examine=_log_target,
    ),
    Kind(
        "OwnershipControls",
        "PutBucketOwnershipControls",
        "GetBucketOwnershipControls",
        "DeleteBucketOwnershipControls",
        member="OwnershipControls",
        missing=("OwnershipControlsNotFoundError", "The bucket ownership controls were not found"),
        default={"Rules": [{"ObjectOwnership": ENFORCED}]},
        check=_ownership,
    ),
    Kind(
        "Policy",
        "PutBucketPolicy",
        "GetBucketPolicy",
        "DeleteBucketPolicy",
        member="Policy",
        missing=("NoSuchBucketPolicy", "The bucket policy does not exist"),
        check=_policy,
        examine=_public_policy,
    ),
    Kind(
        "PublicAccessBlock",
        "PutPublicAccessBlock",
        "GetPublicAccessBlock",
        "DeletePublicAccessBlock",
        member="PublicAccessBlockConfiguration",
        missing=("NoSuchPublicAccessBlockConfiguration", "The public access block configuration was not found"),
        default=dict.fromkeys(BLOCKS, True),
        check=_blocks,
    ),
    Kind(
        "Replication",
        "PutBucketReplication",
        "GetBucketReplication",
        "DeleteBucketReplication",
        member="ReplicationConfiguration",
        missing=("ReplicationConfigurationNotFoundError", "The replication configuration was not found"),
        check=replication_rules.checked,
        examine=_replicas,
    ),
    Kind(
        "RequestPayment",
        "PutBucketRequestPayment",
        "GetBucketRequestPayment",
        member="RequestPaymentConfiguration",
        spread=True,
        default={"Payer": "BucketOwner"},
    ),
    Kind(
        "Website",
        "PutBucketWebsite",
        "GetBucketWebsite",
        "DeleteBucketWebsite",
        member="WebsiteConfiguration",
        spread=True,
        missing=("NoSuchWebsiteConfiguration", "The specified bucket does not have a website configuration"),
        check=lambda _, content: website_configuration.checked(content),
        own_words=frozenset({"Protocol"}),
    ),
)
BY_NAME = {kind.name: kind for kind in KINDS}


async def configured_as(tx: Transaction, bucket: Bucket, kind: str) -> Any:
    """A bucket's configuration of a kind, or its default; None where there is none."""
    return (await settings_of(tx, bucket)).get(kind, BY_NAME[kind].default)


async def block_of(tx: Transaction, bucket: Bucket) -> dict[str, bool]:
    """What a bucket's public access block blocks."""
    return await configured_as(tx, bucket, "PublicAccessBlock") or NOTHING_BLOCKED


async def ownership_of(tx: Transaction, bucket: Bucket) -> str:
    """A bucket's object ownership; ObjectWriter where its controls were deleted."""
    content = await configured_as(tx, bucket, "OwnershipControls")
    return "ObjectWriter" if content is None else str(content["Rules"][0]["ObjectOwnership"])
