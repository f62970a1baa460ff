"""Which action of IAM an operation is, where that has another name; pure.

Source: "Actions, resources, and condition keys for Amazon S3" of the service authorization reference.
"""

from __future__ import annotations


def _configuration(name: str, action: str) -> dict[str, str]:
    """The operations on one of a bucket's configurations: removing one is putting none."""
    return {
        f"Get{name}": f"Get{action}",
        f"Put{name}": f"Put{action}",
        f"Delete{name}": f"Put{action}",
        f"List{name}s": f"Get{action}",
    }


ACTIONS = {
    "ListBuckets": "ListAllMyBuckets",
    "ListObjects": "ListBucket",
    "ListObjectsV2": "ListBucket",
    "ListObjectVersions": "ListBucketVersions",
    "HeadBucket": "ListBucket",
    "CreateMultipartUpload": "PutObject",
    "UploadPart": "PutObject",
    "CompleteMultipartUpload": "PutObject",
    "ListParts": "ListMultipartUploadParts",
    "ListMultipartUploads": "ListBucketMultipartUploads",
    "SelectObjectContent": "GetObject",
    "PostObject": "PutObject",
    "DeleteBucketTagging": "PutBucketTagging",
    "GetBucketNotificationConfiguration": "GetBucketNotification",
    "PutBucketNotificationConfiguration": "PutBucketNotification",
    "GetBucketLifecycleConfiguration": "GetLifecycleConfiguration",
    "PutBucketLifecycleConfiguration": "PutLifecycleConfiguration",
    "DeleteBucketLifecycle": "PutLifecycleConfiguration",
    **_configuration("BucketAccelerateConfiguration", "AccelerateConfiguration"),
    **_configuration("BucketAnalyticsConfiguration", "AnalyticsConfiguration"),
    **_configuration("BucketCors", "BucketCORS"),
    **_configuration("BucketEncryption", "EncryptionConfiguration"),
    **_configuration("BucketIntelligentTieringConfiguration", "IntelligentTieringConfiguration"),
    **_configuration("BucketInventoryConfiguration", "InventoryConfiguration"),
    **_configuration("BucketMetricsConfiguration", "MetricsConfiguration"),
    **_configuration("BucketOwnershipControls", "BucketOwnershipControls"),
    **_configuration("BucketReplication", "ReplicationConfiguration"),
    **_configuration("ObjectLockConfiguration", "BucketObjectLockConfiguration"),
    **_configuration("PublicAccessBlock", "BucketPublicAccessBlock"),
}

NO_ACTIONS = frozenset(
    name.lower()
    for name in ("HeadObject", "CopyObject", "UploadPartCopy", "DeleteObjects", *ACTIONS)
    if name.lower() != ACTIONS.get(name, "").lower()
)
"""Operations, in lower case, of whose name there is no action: no bucket policy may name them."""
