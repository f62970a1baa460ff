"""`--auth enforce`: who may put into a delivery stream, whom it may be handed roles by, and what it may do in them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

ACCOUNT, REGION = "311111111111", "us-east-1"
Helper = Callable[..., Any]
Connect = Callable[..., Any]
BUCKET = "enforced-deliveries"
STREAM = f"arn:aws:firehose:{REGION}:{ACCOUNT}:deliverystream/enforced"


def destination(role: str) -> dict[str, Any]:
    hints = {"IntervalInSeconds": 0, "SizeInMBs": 1}
    return {"RoleARN": role, "BucketARN": f"arn:aws:s3:::{BUCKET}", "BufferingHints": hints}


def test_a_stream_delivers_in_its_role(
    connect: Connect, document: Helper, trust: Helper, new_user: Helper, refusal: Helper, eventually: Helper
) -> None:
    iam, s3 = connect("iam"), connect("s3")
    s3.create_bucket(Bucket=BUCKET)
    policy = trust({"Service": "firehose.amazonaws.com"})
    role = iam.create_role(RoleName="delivers", AssumeRolePolicyDocument=policy)["Role"]["Arn"]
    maker = connect("firehose", new_user(connect, "stream-maker", document("firehose:*")))
    made = {"DeliveryStreamName": "enforced", "ExtendedS3DestinationConfiguration": destination(role)}
    _, message = refusal(maker.create_delivery_stream, **made)
    assert f"is not authorized to perform: iam:PassRole on resource: {role}" in message
    connect("firehose").create_delivery_stream(**made)
    sender = connect("firehose", new_user(connect, "stream-sender", document("firehose:PutRecord", STREAM)))
    _, message = refusal(sender.put_record_batch, DeliveryStreamName="enforced", Records=[{"Data": b"x"}])
    assert f"is not authorized to perform: firehose:PutRecordBatch on resource: {STREAM}" in message
    sender.put_record(DeliveryStreamName="enforced", Record={"Data": b"waits"})
    wanted = document("s3:PutObject", f"arn:aws:s3:::{BUCKET}/*")
    iam.put_role_policy(RoleName="delivers", PolicyName="p", PolicyDocument=wanted)
    (found,) = eventually(lambda: s3.list_objects_v2(Bucket=BUCKET).get("Contents"))
    assert s3.get_object(Bucket=BUCKET, Key=found["Key"])["Body"].read() == b"waits"
