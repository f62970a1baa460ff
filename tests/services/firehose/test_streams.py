"""Delivery streams: made, described, listed, tagged, changed, deleted; and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

ROLE = "arn:aws:iam::000000000000:role/firehose"
PLACE = {"RoleARN": ROLE, "BucketARN": "arn:aws:s3:::some-bucket"}


def described(firehose: Any, name: str) -> dict[str, Any]:
    return dict(firehose.describe_delivery_stream(DeliveryStreamName=name)["DeliveryStreamDescription"])


def test_a_stream_is_described_with_the_defaults_of_what_was_left_out(
    kumoi: Any, firehose: Any, new_stream: Callable[..., str]
) -> None:
    told = described(firehose, new_stream(Prefix="in/"))
    assert told["DeliveryStreamARN"] == f"arn:aws:firehose:us-east-1:{kumoi.account}:deliverystream/clicks"
    assert (told["DeliveryStreamStatus"], told["DeliveryStreamType"], told["VersionId"]) == ("ACTIVE", "DirectPut", "1")
    assert told["HasMoreDestinations"] is False
    [destination] = told["Destinations"]
    assert destination["DestinationId"] == "destinationId-000000000001"
    extended = destination["ExtendedS3DestinationDescription"]
    assert extended["BufferingHints"] == {"SizeInMBs": 5, "IntervalInSeconds": 300}
    assert extended["CompressionFormat"] == "UNCOMPRESSED"
    assert extended["EncryptionConfiguration"] == {"NoEncryptionConfig": "NoEncryption"}
    assert extended["S3BackupMode"] == "Disabled"
    assert destination["S3DestinationDescription"]["Prefix"] == "in/"


def test_streams_are_listed_by_name_a_page_at_a_time(firehose: Any, new_stream: Callable[..., str]) -> None:
    for name in ("c", "a", "b"):
        new_stream(name)
    first = firehose.list_delivery_streams(Limit=2)
    assert (first["DeliveryStreamNames"], first["HasMoreDeliveryStreams"]) == (["a", "b"], True)
    rest = firehose.list_delivery_streams(ExclusiveStartDeliveryStreamName="b")
    assert (rest["DeliveryStreamNames"], rest["HasMoreDeliveryStreams"]) == (["c"], False)
    assert firehose.list_delivery_streams(DeliveryStreamType="KinesisStreamAsSource")["DeliveryStreamNames"] == []


def test_tags(firehose: Any, new_stream: Callable[..., str], refused: Callable[..., tuple[str, str]]) -> None:
    name = new_stream()
    firehose.tag_delivery_stream(DeliveryStreamName=name, Tags=[{"Key": "a", "Value": "1"}, {"Key": "b"}])
    firehose.untag_delivery_stream(DeliveryStreamName=name, TagKeys=["a"])
    told = firehose.list_tags_for_delivery_stream(DeliveryStreamName=name)
    assert (told["Tags"], told["HasMoreTags"]) == ([{"Key": "b", "Value": ""}], False)
    many = [{"Key": str(number), "Value": ""} for number in range(50)]
    code, _ = refused(firehose.tag_delivery_stream, DeliveryStreamName=name, Tags=many)
    assert code == "LimitExceededException"


def test_a_destination_is_changed_by_whoever_knows_its_version(
    firehose: Any, new_stream: Callable[..., str], refused: Callable[..., tuple[str, str]]
) -> None:
    name = new_stream(Prefix="in/")
    change = {
        "DeliveryStreamName": name,
        "DestinationId": "destinationId-000000000001",
        "ExtendedS3DestinationUpdate": {"BufferingHints": {"IntervalInSeconds": 60}, "CompressionFormat": "GZIP"},
    }
    firehose.update_destination(CurrentDeliveryStreamVersionId="1", **change)
    told = described(firehose, name)
    made = told["Destinations"][0]["ExtendedS3DestinationDescription"]
    assert told["VersionId"] == "2"
    assert made["BufferingHints"] == {"SizeInMBs": 5, "IntervalInSeconds": 60}
    assert (made["CompressionFormat"], made["Prefix"]) == ("GZIP", "in/")
    code, text = refused(firehose.update_destination, CurrentDeliveryStreamVersionId="1", **change)
    assert code == "ConcurrentModificationException"
    assert "current version id: 2 and specified version id: 1" in text
    other = {**change, "DestinationId": "destinationId-000000000002"}
    assert refused(firehose.update_destination, CurrentDeliveryStreamVersionId="2", **other)[0] == (
        "InvalidArgumentException"
    )


def test_encryption_is_told_of(
    kumoi: Any, firehose: Any, new_stream: Callable[..., str], refused: Callable[..., tuple[str, str]]
) -> None:
    name = new_stream()
    key = kumoi.client("kms").create_key()["KeyMetadata"]["Arn"]
    wanted = {"KeyType": "CUSTOMER_MANAGED_CMK", "KeyARN": key}
    start = firehose.start_delivery_stream_encryption
    start(DeliveryStreamName=name, DeliveryStreamEncryptionConfigurationInput=wanted)
    told = described(firehose, name)["DeliveryStreamEncryptionConfiguration"]
    assert told == {"Status": "ENABLED", "KeyType": "CUSTOMER_MANAGED_CMK", "KeyARN": key}
    assert firehose.put_record(DeliveryStreamName=name, Record={"Data": b"x"})["Encrypted"] is True
    firehose.stop_delivery_stream_encryption(DeliveryStreamName=name)
    assert described(firehose, name)["DeliveryStreamEncryptionConfiguration"] == {"Status": "DISABLED"}
    missing = {**wanted, "KeyARN": key[:-12] + "000000000000"}
    code, _ = refused(start, DeliveryStreamName=name, DeliveryStreamEncryptionConfigurationInput=missing)
    assert code == "InvalidKMSResourceException"


def test_a_deleted_stream_is_gone_with_its_name_free(
    firehose: Any, new_stream: Callable[..., str], refused: Callable[..., tuple[str, str]]
) -> None:
    name = new_stream()
    code, text = refused(new_stream)
    assert code == "ResourceInUseException"
    assert text.startswith("Firehose clicks under accountId ")
    firehose.delete_delivery_stream(DeliveryStreamName=name)
    for call, params in (
        (firehose.put_record, {"Record": {"Data": b"x"}}),
        (firehose.describe_delivery_stream, {}),
        (firehose.delete_delivery_stream, {}),
        (firehose.list_tags_for_delivery_stream, {}),
    ):
        code, text = refused(call, DeliveryStreamName=name, **params)
        assert code == "ResourceNotFoundException"
        assert text.startswith("Firehose clicks under account ")
    new_stream()


def test_puts_have_limits(
    firehose: Any, new_stream: Callable[..., str], refused: Callable[..., tuple[str, str]]
) -> None:
    name = new_stream()
    assert refused(firehose.put_record, DeliveryStreamName=name, Record={"Data": bytes(1_024_001)})[0] == (
        "ValidationException"
    )
    many = [{"Data": b""}] * 501
    assert refused(firehose.put_record_batch, DeliveryStreamName=name, Records=many)[0] == "ValidationException"
    large = [{"Data": bytes(1_000_000)}] * 5
    code, text = refused(firehose.put_record_batch, DeliveryStreamName=name, Records=large)
    assert (code, text) == ("InvalidArgumentException", "Records size exceeds 4 MB limit")
    answer = firehose.put_record_batch(DeliveryStreamName=name, Records=large[:4])
    assert answer["FailedPutCount"] == 0
    assert len({one["RecordId"] for one in answer["RequestResponses"]}) == 4


PARTITIONED = {"DynamicPartitioningConfiguration": {"Enabled": True}, "ErrorOutputPrefix": "e/"}
BY_QUERY = "c=!{partitionKeyFromQuery:c}/"


def processors(kind: str, **parameters: str) -> dict[str, Any]:
    given = [{"ParameterName": name, "ParameterValue": value} for name, value in parameters.items()]
    return {"ProcessingConfiguration": {"Enabled": True, "Processors": [{"Type": kind, "Parameters": given}]}}


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"CompressionFormat": "Snappy"}, "does not compress with Snappy: it knows GZIP, UNCOMPRESSED, ZIP"),
        ({"Prefix": "!{timestamp:yyyy}/"}, "ErrorOutputPrefix cannot be null or empty when Prefix contains"),
        ({"Prefix": "!{firehose:error-output-type}/", "ErrorOutputPrefix": "e/"}, "Prefix cannot contain"),
        ({"ErrorOutputPrefix": "!{timestamp:yyyy}/"}, "must contain at least one instance of !{firehose:error-output"),
        ({"Prefix": "!{unknown:x}/", "ErrorOutputPrefix": "e/"}, "unknown namespace unknown"),
        ({"Prefix": "!{timestamp/", "ErrorOutputPrefix": "e/"}, "not of the form"),
        ({"Prefix": "!{timestamp:bbb}/", "ErrorOutputPrefix": "e/"}, "invalid timestamp"),
        ({"CustomTimeZone": "Mars/Olympus"}, "Unknown time-zone ID"),
        ({"S3BackupMode": "Enabled"}, "S3BackupConfiguration must be provided"),
        ({"Prefix": BY_QUERY, "ErrorOutputPrefix": "e/"}, "can only be part of a prefix expression when Dynamic"),
        (PARTITIONED, "S3 Prefix should contain Dynamic Partitioning namespaces"),
        (
            {**PARTITIONED, "Prefix": BY_QUERY, "BufferingHints": {"SizeInMBs": 5}},
            "SizeInMBs must be at least 64 when Dynamic Partitioning",
        ),
        ({**PARTITIONED, "Prefix": BY_QUERY}, "needs a MetadataExtraction processor"),
        (
            processors("MetadataExtraction", MetadataExtractionQuery="{c: .c}", JsonParsingEngine="JQ-1.6"),
            "MetadataExtraction processor can only be present when Dynamic Partitioning is enabled",
        ),
        (
            {
                **PARTITIONED,
                "Prefix": BY_QUERY,
                **processors("MetadataExtraction", MetadataExtractionQuery="{c: .c[]}"),
            },
            "cannot run the MetadataExtractionQuery",
        ),
        (processors("Lambda"), "needs the parameter LambdaArn"),
        (processors("Lambda", LambdaArn="arn:x"), "the ARN of a function"),
        (
            processors("Lambda", LambdaArn="arn:aws:lambda:us-east-1:000000000000:function:f", BufferSizeInMBs="4"),
            "BufferSizeInMBs of the Lambda processor",
        ),
        (processors("RecordDeAggregation", SubRecordType="XML"), "must be JSON or DELIMITED"),
        (processors("CloudWatchLogProcessing", DataMessageExtraction="true"), "needs a Decompression processor"),
        (
            {"DataFormatConversionConfiguration": {"Enabled": True}},
            "SchemaConfiguration.DatabaseName must be specified",
        ),
        ({"CloudWatchLoggingOptions": {"Enabled": True}}, "LogGroupName and LogStreamName must be specified"),
    ],
)
def test_what_cannot_be_is_refused(
    new_stream: Callable[..., str], refused: Callable[..., tuple[str, str]], settings: dict[str, Any], says: str
) -> None:
    code, text = refused(new_stream, **settings)
    assert code == "InvalidArgumentException"
    assert says in text


def test_what_kumoi_lacks_is_refused_by_name(firehose: Any, refused: Callable[..., tuple[str, str]]) -> None:
    endpoint = {"HECEndpoint": "https://x", "HECEndpointType": "Raw", "HECToken": "t", "S3Configuration": PLACE}
    create = firehose.create_delivery_stream
    code, text = refused(create, DeliveryStreamName="s", SplunkDestinationConfiguration=endpoint)
    assert code == "InvalidArgumentException"
    assert "does not deliver to Splunk: it delivers to S3 and to HTTP endpoints" in text
    code, text = refused(
        create,
        DeliveryStreamName="s",
        DeliveryStreamType="MSKAsSource",
        ExtendedS3DestinationConfiguration=PLACE,
    )
    assert "reads no Kafka topics" in text
    assert refused(create, DeliveryStreamName="s")[0] == "InvalidArgumentException"
