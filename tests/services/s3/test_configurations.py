"""A bucket's configurations, as boto3 puts, reads and deletes them: round trips, defaults, AWS's errors."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError


def refusal(call: Callable[..., Any], **params: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as raised:
        call(**params)
    error = raised.value.response["Error"]
    return error["Code"], error.get("Message", "")


def without_metadata(answer: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in answer.items() if name != "ResponseMetadata"}


CORS = {
    "CORSRules": [
        {
            "ID": "web",
            "AllowedMethods": ["GET", "PUT"],
            "AllowedOrigins": ["https://example.com"],
            "AllowedHeaders": ["x-amz-*"],
            "ExposeHeaders": ["ETag"],
            "MaxAgeSeconds": 30,
        }
    ]
}
WEBSITE = {
    "IndexDocument": {"Suffix": "index.html"},
    "ErrorDocument": {"Key": "error.html"},
    "RoutingRules": [{"Condition": {"KeyPrefixEquals": "old/"}, "Redirect": {"ReplaceKeyPrefixWith": "new/"}}],
}
ENCRYPTION = {
    "Rules": [
        {
            "ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": "k"},
            "BucketKeyEnabled": True,
        }
    ]
}
LIFECYCLE = {
    "Rules": [
        {"ID": "tmp", "Status": "Enabled", "Filter": {"Prefix": "tmp/"}, "Expiration": {"Days": 1}},
        {
            "ID": "both",
            "Status": "Disabled",
            "Filter": {"And": {"Prefix": "a", "Tags": [{"Key": "k", "Value": "v"}], "ObjectSizeGreaterThan": 5}},
            "Transitions": [{"Days": 30, "StorageClass": "GLACIER"}],
        },
        {"ID": "day", "Status": "Enabled", "Prefix": "", "Expiration": {"Date": datetime(2030, 1, 1, tzinfo=UTC)}},
    ]
}
OPEN = dict.fromkeys(("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), False)
ROUND_TRIPS = [
    ("put_bucket_cors", "get_bucket_cors", {"CORSConfiguration": CORS}, CORS),
    ("put_bucket_website", "get_bucket_website", {"WebsiteConfiguration": WEBSITE}, WEBSITE),
    (
        "put_bucket_encryption",
        "get_bucket_encryption",
        {"ServerSideEncryptionConfiguration": ENCRYPTION},
        {"ServerSideEncryptionConfiguration": ENCRYPTION},
    ),
    (
        "put_bucket_lifecycle_configuration",
        "get_bucket_lifecycle_configuration",
        {"LifecycleConfiguration": LIFECYCLE},
        LIFECYCLE | {"TransitionDefaultMinimumObjectSize": "all_storage_classes_128K"},
    ),
    (
        "put_public_access_block",
        "get_public_access_block",
        {"PublicAccessBlockConfiguration": {"BlockPublicAcls": True}},
        {"PublicAccessBlockConfiguration": OPEN | {"BlockPublicAcls": True}},
    ),
    (
        "put_bucket_ownership_controls",
        "get_bucket_ownership_controls",
        {"OwnershipControls": {"Rules": [{"ObjectOwnership": "ObjectWriter"}]}},
        {"OwnershipControls": {"Rules": [{"ObjectOwnership": "ObjectWriter"}]}},
    ),
    (
        "put_bucket_accelerate_configuration",
        "get_bucket_accelerate_configuration",
        {"AccelerateConfiguration": {"Status": "Suspended"}},
        {"Status": "Suspended"},
    ),
    (
        "put_bucket_request_payment",
        "get_bucket_request_payment",
        {"RequestPaymentConfiguration": {"Payer": "Requester"}},
        {"Payer": "Requester"},
    ),
    (
        "put_bucket_tagging",
        "get_bucket_tagging",
        {"Tagging": {"TagSet": [{"Key": "team", "Value": "blue"}]}},
        {"TagSet": [{"Key": "team", "Value": "blue"}]},
    ),
]


@pytest.mark.parametrize(("put", "get", "given", "told"), ROUND_TRIPS, ids=[trip[0] for trip in ROUND_TRIPS])
def test_what_is_put_is_told(s3: Any, bucket: str, put: str, get: str, given: Any, told: Any) -> None:
    getattr(s3, put)(Bucket=bucket, **given)
    assert without_metadata(getattr(s3, get)(Bucket=bucket)) == told


DEFAULTS = [
    ("get_bucket_accelerate_configuration", {}),
    ("get_bucket_logging", {}),
    ("get_bucket_request_payment", {"Payer": "BucketOwner"}),
    ("get_public_access_block", {"PublicAccessBlockConfiguration": dict.fromkeys(OPEN, True)}),
    ("get_bucket_ownership_controls", {"OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}}),
    (
        "get_bucket_encryption",
        {
            "ServerSideEncryptionConfiguration": {
                "Rules": [
                    {
                        "ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"},
                        "BucketKeyEnabled": False,
                    }
                ]
            }
        },
    ),
]


@pytest.mark.parametrize(("get", "told"), DEFAULTS, ids=[default[0] for default in DEFAULTS])
def test_a_new_bucket_has_the_defaults(s3: Any, bucket: str, get: str, told: Any) -> None:
    assert without_metadata(getattr(s3, get)(Bucket=bucket)) == told


ABSENT = [
    ("bucket_cors", "NoSuchCORSConfiguration", "The CORS configuration does not exist"),
    ("bucket_lifecycle_configuration", "NoSuchLifecycleConfiguration", "The lifecycle configuration does not exist"),
    ("bucket_policy", "NoSuchBucketPolicy", "The bucket policy does not exist"),
    ("bucket_policy_status", "NoSuchBucketPolicy", "The bucket policy does not exist"),
    ("bucket_replication", "ReplicationConfigurationNotFoundError", "The replication configuration was not found"),
    ("bucket_tagging", "NoSuchTagSet", "The TagSet does not exist"),
    (
        "bucket_website",
        "NoSuchWebsiteConfiguration",
        "The specified bucket does not have a website configuration",
    ),
]


@pytest.mark.parametrize(("what", "code", "text"), ABSENT)
def test_what_was_never_put_is_missing(s3: Any, bucket: str, what: str, code: str, text: str) -> None:
    assert refusal(getattr(s3, f"get_{what}"), Bucket=bucket) == (code, text)


DELETES = [
    ("delete_public_access_block", "get_public_access_block", "NoSuchPublicAccessBlockConfiguration"),
    ("delete_bucket_ownership_controls", "get_bucket_ownership_controls", "OwnershipControlsNotFoundError"),
    ("delete_bucket_cors", "get_bucket_cors", "NoSuchCORSConfiguration"),
]


@pytest.mark.parametrize(("delete", "get", "code"), DELETES)
def test_a_delete_may_be_repeated(s3: Any, bucket: str, delete: str, get: str, code: str) -> None:
    for _ in range(2):
        assert getattr(s3, delete)(Bucket=bucket)["ResponseMetadata"]["HTTPStatusCode"] == 204
        assert refusal(getattr(s3, get), Bucket=bucket)[0] == code


def test_encryption_is_told_after_its_deletion(s3: Any, bucket: str) -> None:
    s3.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration=ENCRYPTION)
    put = s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    assert put["ServerSideEncryption"] == "aws:kms"
    assert put["SSEKMSKeyId"].endswith(":key/k")
    assert put["BucketKeyEnabled"] is True
    s3.delete_bucket_encryption(Bucket=bucket)
    rules = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rules[0]["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
    assert s3.put_object(Bucket=bucket, Key="k", Body=b"x")["ServerSideEncryption"] == "AES256"


def test_configurations_go_with_their_bucket(s3: Any, bucket: str) -> None:
    s3.put_bucket_cors(Bucket=bucket, CORSConfiguration=CORS)
    s3.delete_bucket(Bucket=bucket)
    s3.create_bucket(Bucket=bucket)
    assert refusal(s3.get_bucket_cors, Bucket=bucket)[0] == "NoSuchCORSConfiguration"


def rule(**members: Any) -> dict[str, Any]:
    return {"LifecycleConfiguration": {"Rules": [{"ID": "r", "Status": "Enabled", **members}]}}


def policy(action: str, principal: Any) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Principal": principal, "Action": ["s3:Get*", action], "Resource": "*"}
    return {"Policy": json.dumps({"Version": "2012-10-17", "Statement": [statement]})}


NEW_YEAR = datetime(2030, 1, 1, tzinfo=UTC)
LONG_AGO = datetime(2020, 1, 1, 5, tzinfo=UTC)
MALFORMED = "The XML you provided was not well-formed or did not validate against our published schema"
WEB = "put_bucket_website"
LIFE = "put_bucket_lifecycle_configuration"
REFUSALS: list[tuple[str, dict[str, Any], str, str]] = [
    (
        "put_bucket_cors",
        {"CORSConfiguration": {"CORSRules": [{"AllowedMethods": ["MYMETHOD"], "AllowedOrigins": ["*"]}]}},
        "InvalidRequest",
        "Found unsupported HTTP method in CORS config. Unsupported method is MYMETHOD",
    ),
    ("put_bucket_cors", {"CORSConfiguration": {"CORSRules": []}}, "MalformedXML", MALFORMED),
    (
        WEB,
        {"WebsiteConfiguration": {"IndexDocument": {"Suffix": "a/b"}}},
        "InvalidArgument",
        "The IndexDocument Suffix is not well formed",
    ),
    (
        WEB,
        {"WebsiteConfiguration": {}},
        "InvalidArgument",
        "A value for IndexDocument Suffix must be provided if RedirectAllRequestsTo is empty",
    ),
    (
        WEB,
        {"WebsiteConfiguration": {"RedirectAllRequestsTo": {"HostName": "a"}, "IndexDocument": {"Suffix": "i"}}},
        "InvalidArgument",
        "RedirectAllRequestsTo cannot be provided in conjunction with other Routing Rules.",
    ),
    (
        WEB,
        {"WebsiteConfiguration": {"RedirectAllRequestsTo": {"HostName": "a", "Protocol": "ftp"}}},
        "InvalidRequest",
        "Invalid protocol, protocol can be http or https. If not defined the protocol will be selected automatically.",
    ),
    (
        WEB,
        {
            "WebsiteConfiguration": {
                "IndexDocument": {"Suffix": "i"},
                "RoutingRules": [{"Redirect": {"ReplaceKeyWith": "a", "ReplaceKeyPrefixWith": "b"}}],
            }
        },
        "InvalidRequest",
        "You can only define ReplaceKeyPrefix or ReplaceKey but not both.",
    ),
    (
        WEB,
        {
            "WebsiteConfiguration": {
                "IndexDocument": {"Suffix": "i"},
                "RoutingRules": [{"Condition": {}, "Redirect": {"HostName": "a"}}],
            }
        },
        "InvalidRequest",
        "Condition cannot be empty. To redirect all requests without a condition, the condition element shouldn't be"
        " present.",
    ),
    (LIFE, rule(Expiration={"Days": 1}), "MalformedXML", MALFORMED),
    (LIFE, rule(Filter={}, NoncurrentVersionExpiration={}), "MalformedXML", MALFORMED),
    (
        LIFE,
        rule(Filter={"Prefix": "a", "ObjectSizeGreaterThan": 1}, Expiration={"Days": 1}),
        "MalformedXML",
        MALFORMED,
    ),
    (LIFE, rule(Filter={}, Expiration={"Days": 1, "ExpiredObjectDeleteMarker": True}), "MalformedXML", MALFORMED),
    (
        LIFE,
        rule(Filter={}, Expiration={"Date": LONG_AGO}),
        "InvalidArgument",
        "'Date' must be at midnight GMT",
    ),
    (
        LIFE,
        rule(Filter={"And": {"Tags": [{"Key": "a", "Value": "1"}] * 2}}, Expiration={"Days": 1}),
        "InvalidRequest",
        "Duplicate Tag Keys are not allowed.",
    ),
    (
        LIFE,
        rule(Filter={}, Expiration={"Days": 0}),
        "InvalidArgument",
        "'Days' for Expiration action must be a positive integer",
    ),
    (
        LIFE,
        rule(Filter={}, Expiration={"Days": 1}) | {"TransitionDefaultMinimumObjectSize": "value"},
        "InvalidRequest",
        "Invalid TransitionDefaultMinimumObjectSize found: value",
    ),
    (
        LIFE,
        rule(Filter={}, Transitions=[{"Days": 7, "StorageClass": "STANDARD_IA"}]),
        "InvalidArgument",
        "'Days' in Transition action must be greater than or equal to 30 for storageClass 'STANDARD_IA'",
    ),
    (
        LIFE,
        rule(Filter={}, NoncurrentVersionTransitions=[{"NoncurrentDays": 0, "StorageClass": "ONEZONE_IA"}]),
        "InvalidArgument",
        "'NoncurrentDays' in NoncurrentVersionTransition action must be greater than or equal to 30 for storageClass"
        " 'ONEZONE_IA'",
    ),
    (
        LIFE,
        rule(Filter={"Prefix": ""}, Expiration={"Days": 30}, Transitions=[{"Days": 30, "StorageClass": "GLACIER"}]),
        "InvalidArgument",
        "'Days' in the Expiration action for filter '(prefix=)' must be greater than 'Days' in the Transition action",
    ),
    (
        LIFE,
        rule(
            Filter={"And": {"Prefix": "a/", "Tags": [{"Key": "k", "Value": "v"}], "ObjectSizeLessThan": 9}},
            NoncurrentVersionExpiration={"NoncurrentDays": 1},
            NoncurrentVersionTransitions=[{"NoncurrentDays": 1, "StorageClass": "DEEP_ARCHIVE"}],
        ),
        "InvalidArgument",
        "'NoncurrentDays' in the NoncurrentVersionExpiration action for filter '(prefix=a/ and tag={key=k, value=v} and"
        " objectsizelessthan=9)' must be greater than 'NoncurrentDays' in the NoncurrentVersionTransition action",
    ),
    (
        LIFE,
        rule(
            Prefix="a",
            Transitions=[{"Days": 1, "StorageClass": "DEEP_ARCHIVE"}, {"Days": 1, "StorageClass": "GLACIER"}],
        ),
        "InvalidArgument",
        "'Days' in the Transition action for StorageClass 'DEEP_ARCHIVE' for filter '(prefix=a)' must be greater than"
        " 'Days' in the Transition action for StorageClass 'GLACIER' for filter '(prefix=a)'",
    ),
    (
        LIFE,
        rule(
            Prefix="a",
            Transitions=[{"Date": NEW_YEAR, "StorageClass": "DEEP_ARCHIVE"}],
            Expiration={"Date": NEW_YEAR},
        ),
        "InvalidArgument",
        "'Date' in the Expiration action for filter '(prefix=a)' must be greater than 'Date' in the Transition action",
    ),
    (
        LIFE,
        rule(Prefix="a", Transitions=[{"Days": number, "StorageClass": "GLACIER"} for number in (1, 2)]),
        "InvalidRequest",
        "'StorageClass' must be different for 'Transition' actions in same 'Rule' with filter '(prefix=a)'",
    ),
    (
        LIFE,
        rule(Prefix="a", Transitions=[{"Days": 1, "StorageClass": "GLACIER"}], Expiration={"Date": NEW_YEAR}),
        "InvalidRequest",
        "Found mixed 'Date' and 'Days' based Expiration and Transition actions in lifecycle rule for filter"
        " '(prefix=a)'",
    ),
    (
        LIFE,
        rule(
            Prefix="a",
            Transitions=[{"Days": 1, "StorageClass": "GLACIER"}, {"Date": NEW_YEAR, "StorageClass": "DEEP_ARCHIVE"}],
        ),
        "InvalidRequest",
        "Found mixed 'Date' and 'Days' based Transition actions in lifecycle rule for filter '(prefix=a)'",
    ),
    (
        LIFE,
        rule(Filter={"Tag": {"Key": "k", "Value": "v"}}, AbortIncompleteMultipartUpload={"DaysAfterInitiation": 1}),
        "InvalidRequest",
        "AbortIncompleteMultipartUpload cannot be specified with Tags.",
    ),
    (
        LIFE,
        rule(Filter={"ObjectSizeGreaterThan": 1}, Expiration={"ExpiredObjectDeleteMarker": True}),
        "InvalidRequest",
        "ExpiredObjectDeleteMarker cannot be specified with Object Size.",
    ),
    (
        "put_bucket_encryption",
        {
            "ServerSideEncryptionConfiguration": {
                "Rules": [
                    {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256", "KMSMasterKeyID": "k"}},
                ]
            }
        },
        "InvalidArgument",
        "a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms or aws:kms:dsse",
    ),
    (
        "put_bucket_logging",
        {"BucketLoggingStatus": {"LoggingEnabled": {"TargetBucket": "no-such-bucket", "TargetPrefix": ""}}},
        "InvalidTargetBucketForLogging",
        "The target bucket for logging does not exist",
    ),
    (
        "put_bucket_replication",
        {
            "ReplicationConfiguration": {
                "Role": "arn:aws:iam::1:role/r",
                "Rules": [{"Status": "Enabled", "Destination": {"Bucket": "arn:aws:s3:::x"}}],
            }
        },
        "InvalidRequest",
        "Versioning must be 'Enabled' on the bucket to apply a replication configuration",
    ),
    ("put_bucket_request_payment", {"RequestPaymentConfiguration": {"Payer": "Me"}}, "MalformedXML", MALFORMED),
    (
        "put_bucket_policy",
        {"Policy": " {}"},
        "MalformedPolicy",
        "Missing required field Statement",
    ),
    (
        "put_bucket_policy",
        {"Policy": "[]"},
        "MalformedPolicy",
        "Policies must be valid JSON and the first byte must be '{'",
    ),
    ("put_bucket_policy", policy("s3:ListObjects", "*"), "MalformedPolicy", "Policy has invalid action"),
    ("put_bucket_policy", policy("dynamodb:GetItem", "*"), "MalformedPolicy", "Policy has invalid action"),
    ("put_bucket_policy", policy("s3:GetObject", {"AWS": "ann"}), "MalformedPolicy", "Invalid principal in policy"),
    (
        "put_bucket_policy",
        policy("s3:GetObject", {"AWS": ["111122223333", "arn:aws:iam::111122223333:role/*"]}),
        "MalformedPolicy",
        "Invalid principal in policy",
    ),
    (
        "put_bucket_inventory_configuration",
        {
            "Id": "other",
            "InventoryConfiguration": {
                "Id": "one",
                "IsEnabled": True,
                "IncludedObjectVersions": "All",
                "Schedule": {"Frequency": "Daily"},
                "Destination": {"S3BucketDestination": {"Bucket": "arn:aws:s3:::abc", "Format": "CSV"}},
            },
        },
        "IdMismatch",
        "Document ID does not match the specified configuration ID.",
    ),
]


@pytest.mark.parametrize(("put", "given", "code", "text"), REFUSALS)
def test_what_is_wrong_is_refused_as_aws_does(
    s3: Any, bucket: str, put: str, given: dict[str, Any], code: str, text: str
) -> None:
    assert refusal(getattr(s3, put), Bucket=bucket, **given) == (code, text)


def test_listed_configurations_have_ids_and_pages(s3: Any, bucket: str) -> None:
    get = s3.get_bucket_metrics_configuration
    assert refusal(get, Bucket=bucket, Id="none") == (
        "NoSuchConfiguration",
        "The specified configuration does not exist.",
    )
    for number in range(103):
        name = f"m{number:03d}"
        s3.put_bucket_metrics_configuration(
            Bucket=bucket, Id=name, MetricsConfiguration={"Id": name, "Filter": {"Prefix": "p"}}
        )
    assert get(Bucket=bucket, Id="m007")["MetricsConfiguration"] == {"Id": "m007", "Filter": {"Prefix": "p"}}
    first = s3.list_bucket_metrics_configurations(Bucket=bucket)
    assert len(first["MetricsConfigurationList"]) == 100
    rest = s3.list_bucket_metrics_configurations(Bucket=bucket, ContinuationToken=first["NextContinuationToken"])
    assert [one["Id"] for one in rest["MetricsConfigurationList"]] == ["m100", "m101", "m102"]
    s3.delete_bucket_metrics_configuration(Bucket=bucket, Id="m007")
    assert refusal(get, Bucket=bucket, Id="m007")[0] == "NoSuchConfiguration"


def test_a_public_policy_needs_an_open_block(s3: Any, bucket: str) -> None:
    statement = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{bucket}/*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    assert refusal(s3.put_bucket_policy, Bucket=bucket, Policy=policy)[0] == "AccessDenied"
    s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration=OPEN)
    s3.put_bucket_policy(Bucket=bucket, Policy=policy)
    assert s3.get_bucket_policy(Bucket=bucket)["Policy"] == policy
    assert s3.get_bucket_policy_status(Bucket=bucket)["PolicyStatus"]["IsPublic"] is True
    fixed = statement | {"Condition": {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}}
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [fixed]}))
    assert s3.get_bucket_policy_status(Bucket=bucket)["PolicyStatus"]["IsPublic"] is False
    s3.delete_bucket_policy(Bucket=bucket)
    assert refusal(s3.get_bucket_policy, Bucket=bucket)[0] == "NoSuchBucketPolicy"


def test_a_policy_speaks_of_its_own_bucket(s3: Any, bucket: str) -> None:
    statement = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "arn:aws:s3:::another/*"}
    text = json.dumps({"Version": "2012-10-17", "Statement": statement})
    assert refusal(s3.put_bucket_policy, Bucket=bucket, Policy=text) == (
        "MalformedPolicy",
        "Policy has invalid resource",
    )


def test_a_dotted_bucket_is_not_accelerated(kumoi: Any, s3: Any) -> None:
    name = f"dotted.{kumoi.account}"
    s3.create_bucket(Bucket=name)
    assert refusal(
        s3.put_bucket_accelerate_configuration, Bucket=name, AccelerateConfiguration={"Status": "Enabled"}
    ) == ("InvalidRequest", "S3 Transfer Acceleration is not supported for buckets with periods (.) in their names")
