"""What service models do not say: facts of the wire, declared here in our own form.

Sources: the services' API references (error responses, request syntax) and recorded answers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Overlay:
    """One service's facts.

    `error_prefix` stands before the code in `__type`. `statuses` are HTTP statuses of errors that the model lacks, and
    `query_codes` what errors are called in the query protocol, where the model does not tell.
    Of XML answers, by operation: `roots` are root elements that are not named for the output shape, and `bare` has the
    member whose text is the whole root. `xml_namespace` is theirs where the model says none; with `milliseconds`,
    timestamps tell them even when there are none. `checksummed` answers carry x-amz-crc32.
    `unchecked` are shapes whose enum or pattern the service itself checks, or takes more than the model says.
    `validation_code` is the error of a request that breaks the model's constraints; None for a service that checks
    everything itself.
    `form_names` are the names that elements of flattened lists and maps have in the query protocol, by shape: with them
    a service speaks that protocol, too, though its model has forgotten it. `told_statuses` are operations whose
    handlers say the answer's status, as StatusCode. A service with `amz_cbor` takes its JSON protocol with bodies in
    CBOR, too, as the Java SDKs of Kinesis send them. `path_member` is the member that the query protocol's path tells
    where a form leaves it out. `query_texts` are what errors say in the query protocol, by what they say else, and
    `detailed` ones have an element for details there, which is empty.
    """

    error_prefix: str = ""
    statuses: Mapping[str, int] = field(default_factory=dict)
    query_codes: Mapping[str, str] = field(default_factory=dict)
    roots: Mapping[str, str] = field(default_factory=dict)
    bare: Mapping[str, str] = field(default_factory=dict)
    xml_namespace: str | None = None
    milliseconds: bool = False
    checksummed: bool = False
    unchecked: frozenset[str] = frozenset()
    validation_code: str | None = "ValidationException"
    form_names: Mapping[str, str] = field(default_factory=dict)
    told_statuses: frozenset[str] = frozenset()
    amz_cbor: bool = False
    path_member: str = ""
    query_texts: Mapping[str, str] = field(default_factory=dict)
    detailed: bool = False


_S3_STATUSES = {
    "RestoreAlreadyInProgress": 409,
    **dict.fromkeys(
        (
            "NoSuchBucket",
            "NoSuchBucketPolicy",
            "NoSuchConfiguration",
            "NoSuchCORSConfiguration",
            "NoSuchKey",
            "NoSuchLifecycleConfiguration",
            "NoSuchObjectLockConfiguration",
            "NoSuchPublicAccessBlockConfiguration",
            "NoSuchTagSet",
            "NoSuchUpload",
            "NoSuchVersion",
            "NoSuchWebsiteConfiguration",
            "ObjectLockConfigurationNotFoundError",
            "OwnershipControlsNotFoundError",
            "ReplicationConfigurationNotFoundError",
            "ServerSideEncryptionConfigurationNotFoundError",
        ),
        404,
    ),
    **dict.fromkeys(
        ("BucketAlreadyExists", "BucketAlreadyOwnedByYou", "BucketNotEmpty", "InvalidBucketState", "OperationAborted"),
        409,
    ),
    "ExpiredToken": 400,
    "InvalidObjectState": 403,
    "InvalidRange": 416,
    "MethodNotAllowed": 405,
    "MissingContentLength": 411,
    "NotModified": 304,
    "PreconditionFailed": 412,
}
_SQS_QUERY_CODES = {
    "InvalidParameterValueException": "InvalidParameterValue",
    "MissingRequiredParameterException": "MissingParameter",
    "QueueDoesNotExist": "AWS.SimpleQueueService.NonExistentQueue",
    "QueueNameExists": "QueueAlreadyExists",
    **{
        name: f"AWS.SimpleQueueService.{name}"
        for name in (
            "BatchEntryIdsNotDistinct",
            "BatchRequestTooLong",
            "EmptyBatchRequest",
            "InvalidBatchEntryId",
            "MessageNotInflight",
            "PurgeQueueInProgress",
            "QueueDeletedRecently",
            "TooManyEntriesInBatchRequest",
            "UnsupportedOperation",
        )
    },
}
_NO_QUEUE = "The specified queue does not exist."
_SQS_FORM_NAMES = {
    "AWSAccountIdList": "AWSAccountId",
    "ActionNameList": "ActionName",
    "AttributeNameList": "AttributeName",
    "BatchResultErrorEntryList": "BatchResultErrorEntry",
    "BinaryList": "BinaryListValue",
    "ChangeMessageVisibilityBatchRequestEntryList": "ChangeMessageVisibilityBatchRequestEntry",
    "ChangeMessageVisibilityBatchResultEntryList": "ChangeMessageVisibilityBatchResultEntry",
    "DeleteMessageBatchRequestEntryList": "DeleteMessageBatchRequestEntry",
    "DeleteMessageBatchResultEntryList": "DeleteMessageBatchResultEntry",
    "ListMessageMoveTasksResultEntryList": "ListMessageMoveTasksResultEntry",
    "MessageAttributeNameList": "MessageAttributeName",
    "MessageBodyAttributeMap": "MessageAttribute",
    "MessageBodySystemAttributeMap": "MessageSystemAttribute",
    "MessageList": "Message",
    "MessageSystemAttributeList": "MessageSystemAttributeName",
    "MessageSystemAttributeMap": "Attribute",
    "QueueAttributeMap": "Attribute",
    "QueueUrlList": "QueueUrl",
    "SendMessageBatchRequestEntryList": "SendMessageBatchRequestEntry",
    "SendMessageBatchResultEntryList": "SendMessageBatchResultEntry",
    "StringList": "StringListValue",
    "TagKeyList": "TagKey",
    "TagMap": "Tag",
}
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
    "apigatewaymanagementapi": Overlay(validation_code=None),
    "cloudformation": Overlay(validation_code="ValidationError"),
    "cloudwatch": Overlay(validation_code="ValidationError"),
    "dynamodb": Overlay(error_prefix="com.amazonaws.dynamodb.v20120810#", checksummed=True),
    "dynamodbstreams": Overlay(error_prefix="com.amazonaws.dynamodb.v20120810#"),
    "ec2": Overlay(validation_code="InvalidParameterValue"),
    "elbv2": Overlay(validation_code="ValidationError"),
    "firehose": Overlay(unchecked=frozenset({"HttpEndpointUrl"})),
    "iam": Overlay(validation_code="ValidationError"),
    "iot": Overlay(validation_code="InvalidRequestException"),
    "iot-data": Overlay(validation_code="InvalidRequestException"),
    "iotanalytics": Overlay(validation_code="InvalidRequestException"),
    "kinesis": Overlay(amz_cbor=True),
    "cognito-idp": Overlay(unchecked=frozenset({"DomainType"})),
    "lambda": Overlay(unchecked=frozenset({"Runtime"})),
    "logs": Overlay(validation_code="InvalidParameterException"),
    "s3": Overlay(
        roots=_S3_ROOTS,
        bare={"GetBucketLocation": "LocationConstraint"},
        told_statuses=frozenset({"RestoreObject"}),
        statuses=_S3_STATUSES,
        xml_namespace="http://s3.amazonaws.com/doc/2006-03-01/",
        milliseconds=True,
        validation_code=None,
    ),
    "ses": Overlay(validation_code="ValidationError"),
    "sesv2": Overlay(validation_code="BadRequestException"),
    "sns": Overlay(validation_code="ValidationError"),
    "sqs": Overlay(
        error_prefix="com.amazonaws.sqs#",
        statuses={"PurgeQueueInProgress": 403, "ResourceNotFoundException": 404},
        query_codes=_SQS_QUERY_CODES,
        unchecked=frozenset({"QueueAttributeName"}),
        xml_namespace="http://queue.amazonaws.com/doc/2012-11-05/",
        form_names=_SQS_FORM_NAMES,
        path_member="QueueUrl",
        query_texts={_NO_QUEUE: "The specified queue does not exist for this wsdl version."},
        detailed=True,
    ),
    "stepfunctions": Overlay(error_prefix="com.amazonaws.swf.service.v2.model#"),
    "sts": Overlay(validation_code="ValidationError"),
}
