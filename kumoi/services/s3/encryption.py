"""Server-side encryption as requests state it and answers tell it.

Objects say how they are encrypted as AWS's would; at rest, Kumoi's files are plain (docs/s3.md says so). A key of the
customer's own (SSE-C) is never kept: its MD5 is, so that a read without the right key is refused. Rules: "Protecting
data with encryption" in the S3 user guide, and recorded errors.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from typing import Any

from kumoi.names import arn
from kumoi.services.s3.records import Encryption
from kumoi.wire.errors import AwsError, aws_error

KMS = ("aws:kms", "aws:kms:dsse")
_CUSTOMER = frozenset({"SSECustomerAlgorithm", "SSECustomerKey", "SSECustomerKeyMD5"})
REQUESTING = _CUSTOMER | {"ServerSideEncryption"}
"""The members that say how an object is to be encrypted."""

_NAME = "x-amz-server-side-encryption"
_REQUESTS = "Requests specifying Server Side Encryption with Customer provided keys must provide"


def _invalid(text: str, name: str = _NAME) -> AwsError:
    return aws_error("InvalidArgument", text, ArgumentName=name)


def requested(members: dict[str, Any], default: Encryption, account: str, region: str) -> Encryption:
    """How a request wants its object encrypted; `default` is the bucket's."""
    if REQUESTING.isdisjoint(members):
        return default
    customer = customer_key(members)
    algorithm = members.get("ServerSideEncryption")
    if customer:
        if algorithm is not None:
            raise _invalid(
                "Server Side Encryption with Customer provided key is incompatible with the encryption method specified"
            )
        return Encryption("", customer_key=customer)
    if algorithm is None:
        return default
    if algorithm != "AES256" and algorithm not in KMS:
        raise aws_error(
            "InvalidEncryptionAlgorithmError",
            "The Encryption request you specified is not valid. Supported value: AES256.",
        )
    key = members.get("SSEKMSKeyId")
    if algorithm == "AES256":
        if key is not None:
            raise _invalid(
                "Server Side Encryption with AWS KMS managed key requires HTTP header"
                " x-amz-server-side-encryption : aws:kms",
                f"{_NAME}-aws-kms-key-id",
            )
        return Encryption()
    return Encryption(algorithm, kms_key_arn(key, account, region), bool(members.get("BucketKeyEnabled")))


def kms_key_arn(key: str | None, account: str, region: str) -> str:
    """The ARN of a KMS key named by ARN, id or alias; of the account's own key for S3 where none is named."""
    if key is None:
        return arn("kms", region, account, "alias/aws/s3")
    if key.startswith("arn:"):
        return key
    return arn("kms", region, account, key if key.startswith("alias/") else f"key/{key}")


def customer_key(members: dict[str, Any], prefix: str = "") -> str:
    """The MD5 (base64) of a customer's own key; empty without one. `prefix` is CopySource for the source's key."""
    if not prefix and _CUSTOMER.isdisjoint(members):
        return ""
    algorithm = members.get(f"{prefix}SSECustomerAlgorithm")
    key, stated = members.get(f"{prefix}SSECustomerKey"), members.get(f"{prefix}SSECustomerKeyMD5")
    if algorithm is None and key is None and stated is None:
        return ""
    if algorithm is None:
        raise _invalid(f"{_REQUESTS} a valid encryption algorithm.")
    if algorithm != "AES256":
        raise aws_error(
            "InvalidEncryptionAlgorithmError",
            "The Encryption request you specified is not valid. Supported value: AES256.",
        )
    if key is None:
        raise _invalid(f"{_REQUESTS} an appropriate secret key.")
    try:
        raw = base64.b64decode(key, validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if len(raw) != 32:
        raise _invalid("The secret key was invalid for the specified algorithm.")
    calculated = base64.b64encode(hashlib.md5(raw, usedforsecurity=False).digest()).decode()
    if stated is None or not hmac.compare_digest(calculated.encode(), stated.encode()):
        raise _invalid("The calculated MD5 hash of the key did not match the hash that was provided.")
    return calculated


def check_access(encryption: Encryption, key: str) -> None:
    """Raise where the key given (its MD5, or empty) does not open an object."""
    if not encryption.customer_key:
        if key:
            raise aws_error("InvalidRequest", "The encryption parameters are not applicable to this object.")
        return
    if not key:
        raise aws_error(
            "InvalidRequest",
            "The object was stored using a form of Server Side Encryption. The correct parameters must be provided to"
            " retrieve the object.",
        )
    if key != encryption.customer_key:
        raise aws_error(
            "AccessDenied",
            "Requests specifying Server Side Encryption with Customer provided keys must provide the correct secret"
            " key.",
        )


def told(encryption: Encryption) -> dict[str, Any]:
    """An answer's members about encryption."""
    if encryption.customer_key:
        return {"SSECustomerAlgorithm": "AES256", "SSECustomerKeyMD5": encryption.customer_key}
    if encryption.algorithm == "AES256":
        return {"ServerSideEncryption": "AES256"}
    members: dict[str, Any] = {"ServerSideEncryption": encryption.algorithm, "SSEKMSKeyId": encryption.kms_key}
    if encryption.bucket_key:
        members["BucketKeyEnabled"] = True
    return members


def has_md5_etag(encryption: Encryption) -> bool:
    """Whether the ETag of an object is its MD5: not with keys of KMS's or of the customer's."""
    return encryption.algorithm == "AES256"
