"""JSON records become rows of Parquet by a table of Glue, and Athena finds them."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

ROLE = "arn:aws:iam::000000000000:role/firehose"
pytestmark = pytest.mark.kumoi_clock
COLUMNS = {
    "Name": "string",
    "count": "int",
    "at": "timestamp",
    "tags": "array<string>",
    "who": "struct<id:bigint,mail:string>",
    "price": "decimal(10,2)",
    "more": "map<string,double>",
}


@pytest.fixture
def table(kumoi: Any, bucket: str) -> str:
    glue = kumoi.client("glue")
    glue.create_database(DatabaseInput={"Name": "shop"})
    hive = "org.apache.hadoop.hive.ql.io.parquet"
    descriptor = {
        "Columns": [{"Name": name, "Type": kind} for name, kind in COLUMNS.items()],
        "Location": f"s3://{bucket}/rows/",
        "InputFormat": f"{hive}.MapredParquetInputFormat",
        "OutputFormat": f"{hive}.MapredParquetOutputFormat",
        "SerdeInfo": {"SerializationLibrary": f"{hive}.serde.ParquetHiveSerDe"},
    }
    table = {"Name": "clicks", "TableType": "EXTERNAL_TABLE", "StorageDescriptor": descriptor}
    glue.create_table(DatabaseName="shop", TableInput=table)
    return "clicks"


def conversion(table: str, **openx: Any) -> dict[str, Any]:
    return {
        "Enabled": True,
        "SchemaConfiguration": {"DatabaseName": "shop", "TableName": table, "RoleARN": ROLE},
        "InputFormatConfiguration": {"Deserializer": {"OpenXJsonSerDe": openx}},
        "OutputFormatConfiguration": {"Serializer": {"ParquetSerDe": {}}},
    }


def queried(kumoi: Any, bucket: str, sql: str) -> list[list[str | None]]:
    athena = kumoi.client("athena")
    place = {"OutputLocation": f"s3://{bucket}/answers/"}
    started = athena.start_query_execution(
        QueryString=sql, QueryExecutionContext={"Database": "shop"}, ResultConfiguration=place
    )
    identifier = started["QueryExecutionId"]
    deadline = time.monotonic() + 60
    while True:
        status = athena.get_query_execution(QueryExecutionId=identifier)["QueryExecution"]["Status"]
        if status["State"] not in ("QUEUED", "RUNNING"):
            break
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert status["State"] == "SUCCEEDED", status
    rows = athena.get_query_results(QueryExecutionId=identifier)["ResultSet"]["Rows"]
    return [[cell.get("VarCharValue") for cell in row["Data"]] for row in rows[1:]]


def test_rows_are_found_by_athena_and_misfits_are_told(
    kumoi: Any, firehose: Any, new_stream: Callable[..., str], bucket: str, table: str, objects: Any
) -> None:
    new_stream(
        Prefix="rows/!{timestamp:yyyy}/",
        ErrorOutputPrefix="bad/!{firehose:error-output-type}/",
        DataFormatConversionConfiguration=conversion(table),
    )
    good = [
        {"NAME": "a", "count": 1, "at": "2026-01-02 03:04:05", "tags": ["x", "y"], "who": {"ID": 7, "mail": "m"}},
        {"name": {"deep": 1}, "count": "2", "at": 1_000, "price": 1.25, "more": {"k": 0.5}, "unknown": True},
        {"name": None},
    ]
    bad = [b"no json", b"[1]", b'{"count": "many"}']
    records = [{"Data": one} for one in [*(json.dumps(one).encode() for one in good), *bad]]
    firehose.put_record_batch(DeliveryStreamName="clicks", Records=records)
    kumoi.advance(300)
    found = objects()
    [rows] = [content for key, content in found.items() if key.startswith("rows/") and key.endswith(".parquet")]
    assert rows[:4] == rows[-4:] == b"PAR1"
    sql = (
        "SELECT name, count, at, cardinality(tags), who.id, price, element_at(more, 'k') FROM clicks "
        "ORDER BY count NULLS LAST"
    )
    assert queried(kumoi, bucket, sql) == [
        ["a", "1", "2026-01-02 03:04:05.000", "2", "7", None, None],
        ['{"deep":1}', "2", "1970-01-01 00:00:01.000", None, None, "1.25", "0.5"],
        [None] * 7,
    ]
    [told] = [content for key, content in found.items() if key.startswith("bad/format-conversion-failed/")]
    lines = [json.loads(line) for line in told.splitlines()]
    assert {one["lastErrorCode"] for one in lines} == {"DataFormatConversion.ParseError"}
    assert len(lines) == len(bad)
    assert lines[0]["dataCatalogTable"]["tableName"] == "clicks"


def test_members_are_named_as_the_deserializer_says(
    kumoi: Any, firehose: Any, new_stream: Callable[..., str], bucket: str, table: str
) -> None:
    openx = {"ColumnToJsonKeyMappings": {"count": "n-of"}, "ConvertDotsInJsonKeysToUnderscores": True}
    new_stream(
        Prefix="rows/!{timestamp:yyyy}/",
        ErrorOutputPrefix="bad/",
        DataFormatConversionConfiguration=conversion(table, **openx),
    )
    firehose.put_record(DeliveryStreamName="clicks", Record={"Data": b'{"name": "x", "n-of": 3, "count": 9}'})
    kumoi.advance(300)
    assert queried(kumoi, bucket, "SELECT name, count FROM clicks") == [["x", "3"]]


def test_orc_is_refused_by_name(new_stream: Callable[..., str], refused: Callable[..., tuple[str, str]]) -> None:
    wanted = {**conversion("t"), "OutputFormatConfiguration": {"Serializer": {"OrcSerDe": {}}}}
    _, text = refused(new_stream, DataFormatConversionConfiguration=wanted)
    assert "does not write ORC" in text


def test_records_wait_while_the_table_is_missing(
    kumoi: Any, firehose: Any, new_stream: Callable[..., str], bucket: str, objects: Any
) -> None:
    new_stream(DataFormatConversionConfiguration=conversion("clicks"))
    firehose.put_record(DeliveryStreamName="clicks", Record={"Data": b'{"name": "x"}'})
    kumoi.advance(600)
    assert objects() == {}
    glue = kumoi.client("glue")
    glue.create_database(DatabaseInput={"Name": "shop"})
    descriptor = {"Columns": [{"Name": "name", "Type": "string"}], "Location": f"s3://{bucket}/"}
    glue.create_table(DatabaseName="shop", TableInput={"Name": "clicks", "StorageDescriptor": descriptor})
    kumoi.advance(600)
    assert [key.endswith(".parquet") for key in objects()] == [True]
