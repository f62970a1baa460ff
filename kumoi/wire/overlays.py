"""What service models do not say: facts of the wire, declared here in our own form.

Sources: the services' API references (error responses, request syntax) and recorded answers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Overlay:
    """One service's facts.

    `error_prefix` stands before the code in `__type`. `roots` are root elements of XML answers by operation, where
    they are not named for the output shape. `statuses` are HTTP statuses of errors that the model lacks.
    `unchecked_enums` are shapes whose values the service itself refuses, in words of its own. `validation_code` is the
    error of a request that breaks the model's constraints; None for a service that checks everything itself.
    """

    error_prefix: str = ""
    roots: Mapping[str, str] = field(default_factory=dict)
    statuses: Mapping[str, int] = field(default_factory=dict)
    unchecked_enums: frozenset[str] = frozenset()
    validation_code: str | None = "ValidationException"


_NOT_FOUND = dict.fromkeys(("NoSuchBucket", "NoSuchKey", "NoSuchUpload", "NoSuchVersion", "NoSuchTagSet"), 404)
_S3_ROOTS = {
    "CompleteMultipartUpload": "CompleteMultipartUploadResult",
    "CopyObject": "CopyObjectResult",
    "CreateMultipartUpload": "InitiateMultipartUploadResult",
    "DeleteObjects": "DeleteResult",
    "GetBucketAccelerateConfiguration": "AccelerateConfiguration",
    "GetBucketAcl": "AccessControlPolicy",
    "GetBucketCors": "CORSConfiguration",
    "GetBucketLifecycleConfiguration": "LifecycleConfiguration",
    "GetBucketLogging": "BucketLoggingStatus",
    "GetBucketNotificationConfiguration": "NotificationConfiguration",
    "GetBucketRequestPayment": "RequestPaymentConfiguration",
    "GetBucketTagging": "Tagging",
    "GetBucketVersioning": "VersioningConfiguration",
    "GetBucketWebsite": "WebsiteConfiguration",
    "GetObjectAcl": "AccessControlPolicy",
    "GetObjectAttributes": "GetObjectAttributesResponse",
    "GetObjectTagging": "Tagging",
    "ListBuckets": "ListAllMyBucketsResult",
    "ListDirectoryBuckets": "ListAllMyDirectoryBucketsResult",
    "ListMultipartUploads": "ListMultipartUploadsResult",
    "ListObjects": "ListBucketResult",
    "ListObjectVersions": "ListVersionsResult",
    "ListObjectsV2": "ListBucketResult",
    "ListParts": "ListPartsResult",
}

OVERLAYS: Mapping[str, Overlay] = {
    "cloudformation": Overlay(validation_code="ValidationError"),
    "cloudwatch": Overlay(validation_code="ValidationError"),
    "dynamodb": Overlay(error_prefix="com.amazonaws.dynamodb.v20120810#"),
    "dynamodbstreams": Overlay(error_prefix="com.amazonaws.dynamodb.v20120810#"),
    "elbv2": Overlay(validation_code="ValidationError"),
    "iam": Overlay(validation_code="ValidationError"),
    "lambda": Overlay(unchecked_enums=frozenset({"Runtime"})),
    "logs": Overlay(validation_code="InvalidParameterException"),
    "s3": Overlay(
        roots=_S3_ROOTS,
        statuses={
            **_NOT_FOUND,
            "BucketAlreadyExists": 409,
            "BucketNotEmpty": 409,
            "InvalidRange": 416,
            "MethodNotAllowed": 405,
            "MissingContentLength": 411,
            "NoSuchBucketPolicy": 404,
            "NoSuchCORSConfiguration": 404,
            "NoSuchLifecycleConfiguration": 404,
            "NoSuchWebsiteConfiguration": 404,
            "NotModified": 304,
            "PreconditionFailed": 412,
            "ServerSideEncryptionConfigurationNotFoundError": 404,
        },
        validation_code=None,
    ),
    "sns": Overlay(validation_code="ValidationError"),
    "sqs": Overlay(error_prefix="com.amazonaws.sqs#"),
    "stepfunctions": Overlay(error_prefix="com.amazonaws.swf.service.v2.model#"),
    "sts": Overlay(validation_code="ValidationError"),
}
