"""Tables become files in S3, and files become tables."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from kumoi.services.dynamodb.import_files import UNPACKED, ItemFile, Unreadable

Make = Callable[..., dict[str, Any]]
PARAMETERS = {
    "TableName": "made",
    "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
    "AttributeDefinitions": [
        {"AttributeName": "pk", "AttributeType": "S"},
        {"AttributeName": "sk", "AttributeType": "N"},
        {"AttributeName": "g", "AttributeType": "S"},
    ],
    "BillingMode": "PAY_PER_REQUEST",
    "GlobalSecondaryIndexes": [
        {
            "IndexName": "by-g",
            "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}],
            "Projection": {"ProjectionType": "ALL"},
        }
    ],
}


@pytest.fixture
def bucket(kumoi: Any) -> Any:
    client = kumoi.client("s3")
    client.create_bucket(Bucket="files")
    return client


def ended(ask: Callable[[], dict[str, Any]], member: str) -> dict[str, Any]:
    deadline = time.monotonic() + 60
    while (found := ask())[member] == "IN_PROGRESS":
        assert time.monotonic() < deadline, "it did not end within 60 s"
        time.sleep(0.01)
    return found


def imported(client: Any, **asked: Any) -> dict[str, Any]:
    given = {"TableCreationParameters": PARAMETERS, "S3BucketSource": {"S3Bucket": "files", "S3KeyPrefix": "in/"}}
    arn = client.import_table(**given | asked)["ImportTableDescription"]["ImportArn"]
    return ended(lambda: client.describe_import(ImportArn=arn)["ImportTableDescription"], "ImportStatus")


def code(call: Callable[[], Any]) -> str:
    with pytest.raises(ClientError) as refused:
        call()
    return str(refused.value.response["Error"]["Code"])


def test_an_export_is_the_table_at_its_moment_and_makes_another(client: Any, make: Make, bucket: Any) -> None:
    table = make(range="sk:N")["TableArn"]
    refused = {"TableArn": table, "S3Bucket": "files"}
    assert code(lambda: client.export_table_to_point_in_time(**refused)) == "PointInTimeRecoveryUnavailableException"
    on = {"PointInTimeRecoveryEnabled": True}
    client.update_continuous_backups(TableName="table", PointInTimeRecoverySpecification=on)
    values = {"b": {"B": b"\0\xff"}, "s": {"NS": ["1", "2.5"]}, "m": {"M": {"l": {"L": [{"NULL": True}]}}}}
    items = [{"pk": {"S": "a"}, "sk": {"N": str(n)}, "g": {"S": f"g{n}"}} | values for n in range(60)]
    for item in items:
        client.put_item(TableName="table", Item=item)
    given = refused | {"S3Prefix": "out", "ClientToken": "once"}
    begun = client.export_table_to_point_in_time(**given)["ExportDescription"]
    client.delete_item(TableName="table", Key={"pk": {"S": "a"}, "sk": {"N": "0"}})
    client.put_item(TableName="table", Item={"pk": {"S": "later"}, "sk": {"N": "0"}})
    arn = begun["ExportArn"]
    assert client.export_table_to_point_in_time(**given)["ExportDescription"]["ExportArn"] == arn
    done = ended(lambda: client.describe_export(ExportArn=arn)["ExportDescription"], "ExportStatus")
    assert (done["ExportStatus"], done["ItemCount"], done["S3Prefix"]) == ("COMPLETED", 60, "out"), done
    assert [one["ExportArn"] for one in client.list_exports(TableArn=table)["ExportSummaries"]] == [arn]

    def read(key: str) -> bytes:
        content: bytes = bucket.get_object(Bucket="files", Key=key)["Body"].read()
        return content

    summary = json.loads(read(done["ExportManifest"]))
    assert (summary["itemCount"], summary["tableArn"], summary["exportArn"]) == (60, table, arn)
    (file,) = [json.loads(line) for line in read(summary["manifestFilesS3Key"]).splitlines()]
    data = read(file["dataFileS3Key"])
    assert file["md5Checksum"] == base64.b64encode(hashlib.md5(data).digest()).decode()
    assert len(gzip.decompress(data).splitlines()) == file["itemCount"] == 60

    source = {"S3Bucket": "files", "S3KeyPrefix": file["dataFileS3Key"].rpartition("/")[0]}
    asked = {"S3BucketSource": source, "InputFormat": "DYNAMODB_JSON", "InputCompressionType": "GZIP"}
    result = imported(client, **asked)
    assert (result["ImportStatus"], result["ImportedItemCount"], result["ErrorCount"]) == ("COMPLETED", 60, 0), result
    scanned = client.scan(TableName="made")["Items"]
    assert sorted(scanned, key=lambda item: int(item["sk"]["N"])) == items
    assert client.scan(TableName="made", IndexName="by-g", Select="COUNT")["Count"] == 60
    assert client.describe_table(TableName="made")["Table"]["TableStatus"] == "ACTIVE"
    assert code(lambda: imported(client, **asked)) == "ResourceInUseException"

    failed = client.export_table_to_point_in_time(TableArn=table, S3Bucket="none")["ExportDescription"]["ExportArn"]
    done = ended(lambda: client.describe_export(ExportArn=failed)["ExportDescription"], "ExportStatus")
    assert (done["ExportStatus"], done["FailureCode"]) == ("FAILED", "S3NoSuchBucket")
    assert code(lambda: client.describe_export(ExportArn=arn + "0")) == "ExportNotFoundException"
    for more in ({"ExportFormat": "ION"}, {"ExportType": "INCREMENTAL_EXPORT"}):
        assert code(lambda more=more: client.export_table_to_point_in_time(**refused, **more)) == "ValidationException"
    assert code(lambda: client.export_table_to_point_in_time(**refused, ExportTime=1)) == "InvalidExportTimeException"


def test_csv_is_imported_and_what_is_no_item_is_told(client: Any, bucket: Any, kumoi: Any) -> None:
    text = 'pk;sk;g;note\na;1;x;"two\nlines; ""quoted"""\nb;no number;x;y\nc;2;;\nd;3\n;4;x;y\n'
    bucket.put_object(Bucket="files", Key="in/1.csv", Body=text.encode())
    bucket.put_object(Bucket="files", Key="in/2.csv", Body=b"pk;sk;g;note\ne;5;x;last")
    options = {"Csv": {"Delimiter": ";"}}
    result = imported(client, InputFormat="CSV", InputFormatOptions=options)
    counts = (result["ProcessedItemCount"], result["ImportedItemCount"], result["ErrorCount"])
    assert (result["ImportStatus"], counts) == ("COMPLETED", (6, 3, 3)), result
    found = {item["pk"]["S"]: item for item in client.scan(TableName="made")["Items"]}
    assert found["a"]["note"] == {"S": 'two\nlines; "quoted"'}
    assert (found["c"], found["e"]["sk"]) == ({"pk": {"S": "c"}, "sk": {"N": "2"}}, {"N": "5"})
    logged = kumoi.client("logs").filter_log_events(logGroupName="/aws-dynamodb/imports")["events"]
    assert len(logged) == 3
    arn = result["ImportArn"]
    assert [one["ImportArn"] for one in client.list_imports()["ImportSummaryList"]] == [arn]
    client.delete_table(TableName="made")
    failed = imported(client, InputFormat="CSV", S3BucketSource={"S3Bucket": "none"})
    assert (failed["ImportStatus"], failed["FailureCode"]) == ("FAILED", "S3NoSuchBucket")
    for asked in ({"InputFormat": "ION"}, {"InputFormat": "CSV", "InputCompressionType": "ZSTD"}):
        assert code(lambda asked=asked: imported(client, **asked)) == "ValidationException"
    assert code(lambda: client.describe_import(ImportArn=arn + "0")) == "ImportNotFoundException"


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_files_may_come_in_any_pieces(size: int) -> None:
    lines = ['{"Item": {"pk": {"S": "a"}, "b": {"B": "AP8="}}}', "no JSON", '{"Item": {"pk": {"Z": 1}}}', "", "[]"]
    lines += ['{"Item": {"n": {"N": "1e1"}}}']
    data = gzip.compress("\n".join(lines[:3]).encode() + b"\n") + gzip.compress("\n".join(lines[3:]).encode())
    file = ItemFile("DYNAMODB_JSON", "GZIP", {}, {})
    pieces = [data[at : at + size] for at in range(0, len(data), size)]
    found = [one for piece in pieces for some in file.feed(piece) for one in some] + file.end()
    assert found[0] == {"pk": {"S": "a"}, "b": {"B": b"\0\xff"}}
    assert [isinstance(one, str) for one in found] == [False, True, True, True, False]
    assert found[-1] == {"n": {"N": "10"}}
    with pytest.raises(Unreadable):
        list(ItemFile("DYNAMODB_JSON", "GZIP", {}, {}).feed(b"plain text"))


def test_little_that_unpacks_to_much_comes_some_at_a_time() -> None:
    line = b'{"Item": {"pk": {"S": "a"}}}\n'
    file = ItemFile("DYNAMODB_JSON", "GZIP", {}, {})
    sizes = [len(some) for some in file.feed(gzip.compress(line * 200_000))]
    assert sum(sizes) == 200_000
    assert max(sizes) <= UNPACKED // len(line) + 1


@pytest.mark.parametrize("size", [1 << 16, 1 << 30])
def test_a_quoted_field_that_is_not_closed_ends_the_file_soon(size: int) -> None:
    data = b'pk\n"' + b"0123456789\n" * 1_000_000
    file = ItemFile("CSV", "NONE", {}, {})
    with pytest.raises(Unreadable, match="a quoted field"):
        for at in range(0, len(data), size):
            list(file.feed(data[at : at + size]))


def test_an_item_that_is_nested_without_end_is_told() -> None:
    file = ItemFile("DYNAMODB_JSON", "NONE", {}, {})
    (found,) = file.feed(b'{"Item": {"pk": ' + b'{"L": [' * 500 + b"]}" * 500 + b"}}\n")
    assert isinstance(found[0], str)
