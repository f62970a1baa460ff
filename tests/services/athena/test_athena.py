"""Athena through boto3: tables of every format, definitions, views, answers in pages, tables of answers, stops."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest
from botocore.exceptions import ClientError


def code(action: Callable[[], Any]) -> tuple[str, str]:
    with pytest.raises(ClientError) as refused:
        action()
    error = refused.value.response["Error"]
    return error["Code"], error["Message"]


SLOW = (
    "SELECT count(*) FROM UNNEST(sequence(1, 100000)) AS a (n), UNNEST(sequence(1, 1000000)) AS b (m) "
    "WHERE n * m % 7 = 3"
)
CSV = 'id,name,at,price\n1,"Ann, the first",2026-01-02 03:04:05,1.5\n2,,bad,x\n'


def test_text_is_read_by_its_serde(lake: Any) -> None:
    lake.put("csv/a.csv", CSV)
    lake.run(
        f"""CREATE EXTERNAL TABLE quoted (id string, name string, at string, price string)
        ROW FORMAT SERDE 'org.apache.hadoop.hive.serde2.OpenCSVSerde' LOCATION 's3://{lake.bucket}/csv/'
        TBLPROPERTIES ('skip.header.line.count'='1')"""
    )
    assert lake.rows("SELECT id, name FROM quoted ORDER BY id") == [["1", "Ann, the first"], ["2", ""]]
    lake.put("tsv/a.tsv", "1\t2026-01-02 03:04:05\t1.5\tx|y\n2\tbad\t\\N\t\n")
    lake.run(
        f"""CREATE EXTERNAL TABLE plain (id int, at timestamp, price double, tags array<string>)
        ROW FORMAT DELIMITED FIELDS TERMINATED BY '\\t' COLLECTION ITEMS TERMINATED BY '|'
        LOCATION 's3://{lake.bucket}/tsv/'"""
    )
    assert lake.rows("SELECT * FROM plain ORDER BY id") == [
        ["1", "2026-01-02 03:04:05.000", "1.5", "[x, y]"],
        ["2", None, None, "[]"],
    ]
    found = lake.run("SELECT sum(price) AS total FROM plain")
    assert found["Statistics"]["DataScannedInBytes"] == 40
    body = lake.s3.get_object(Bucket=lake.bucket, Key=f"results/{found['QueryExecutionId']}.csv")["Body"].read()
    assert body == b'"total"\n"1.5"\n'
    assert found["ResultConfiguration"]["OutputLocation"] == (
        f"s3://{lake.bucket}/results/{found['QueryExecutionId']}.csv"
    )


def test_json_is_read_whatever_its_case(lake: Any) -> None:
    lines = [
        {"Id": 1, "name": "Ann", "Where": {"x": 1, "y": 2.5}, "tags": ["a", "b"], "extra": {"k": 1}},
        {"id": 2, "name": None, "tags": [], "extra": "text"},
        {"id": "three"},
    ]
    content = "\n".join(map(json.dumps, lines)) + "\nnot json\n"
    lake.put("json/a.json.gz", gzip.compress(content.encode()))
    lake.run(
        f"""CREATE EXTERNAL TABLE things (id int, name string, `where` struct<x:int,y:double>, tags array<string>,
        extra string) ROW FORMAT SERDE 'org.openx.data.jsonserde.JsonSerDe' LOCATION 's3://{lake.bucket}/json/'"""
    )
    assert lake.rows('SELECT id, name, "where".y, cardinality(tags), extra FROM things ORDER BY id NULLS LAST') == [
        ["1", "Ann", "2.5", "2", '{"k":1}'],
        ["2", None, None, "0", "text"],
        [None, None, None, None, None],
    ]


def parquet(folder: Path, select: str) -> bytes:
    """The rows of a query as a Parquet file."""
    target = folder / "rows.parquet"
    with duckdb.connect() as database:
        database.execute(f"COPY ({select}) TO '{target}' (FORMAT parquet)")
    return target.read_bytes()


def test_parquet_and_partitions(lake: Any, tmp_path: Path) -> None:
    lake.put("events/day=2026-01-01/a.parquet", parquet(tmp_path, "FROM (VALUES (1, 0.5), (2, 1.5)) AS t (id, value)"))
    lake.put("events/day=2026-01-02/a.parquet", parquet(tmp_path, "SELECT 3 AS id"))
    lake.put("events/day=2026-01-02/_SUCCESS", "x")
    lake.run(
        f"""CREATE EXTERNAL TABLE events (id bigint, value double) PARTITIONED BY (day date)
        STORED AS PARQUET LOCATION 's3://{lake.bucket}/events/'"""
    )
    assert lake.rows("SELECT count(*) FROM events") == [["0"]]
    assert lake.rows("MSCK REPAIR TABLE events")[0] == ["Repair: Added partition to metastore events:day=2026-01-01"]
    assert lake.rows("SHOW PARTITIONS events") == [["day=2026-01-01"], ["day=2026-01-02"]]
    assert lake.rows("SELECT id, value, day FROM events WHERE day > DATE '2026-01-01'") == [["3", None, "2026-01-02"]]
    lake.run("ALTER TABLE events DROP PARTITION (day='2026-01-02')")
    lake.run(
        f"ALTER TABLE events ADD PARTITION (day='2026-02-02') LOCATION 's3://{lake.bucket}/events/day=2026-01-02/'"
    )
    assert lake.rows("SELECT max(day) FROM events") == [["2026-02-02"]]
    found = lake.glue.get_partitions(DatabaseName="farm", TableName="events", Expression="day >= '2026-02-01'")
    assert [one["Values"] for one in found["Partitions"]] == [["2026-02-02"]]
    lake.glue.update_table(
        DatabaseName="farm",
        TableInput={
            **{
                name: value
                for name, value in lake.glue.get_table(DatabaseName="farm", Name="events")["Table"].items()
                if name in ("Name", "StorageDescriptor", "PartitionKeys", "TableType")
            },
            "Parameters": {"projection.enabled": "true"},
        },
    )
    assert lake.rows("SELECT count(*), count(DISTINCT day) FROM events") == [["3", "2"]]


def test_answers_become_tables(lake: Any) -> None:
    lake.run(
        f"""CREATE TABLE made WITH (format = 'PARQUET', external_location = 's3://{lake.bucket}/made/',
        partitioned_by = ARRAY['kind']) AS SELECT * FROM (VALUES (1, 'x', 'a'), (2, 'y', 'b')) AS t (id, name, kind)"""
    )
    assert lake.rows("SELECT id, name, kind FROM made ORDER BY id") == [["1", "x", "a"], ["2", "y", "b"]]
    lake.run("INSERT INTO made (kind, id) SELECT 'c', 3")
    assert lake.rows("SELECT id, name, kind FROM made WHERE kind = 'c'") == [["3", None, "c"]]
    columns = lake.glue.get_table(DatabaseName="farm", Name="made")["Table"]["StorageDescriptor"]["Columns"]
    assert columns == [{"Name": "id", "Type": "int"}, {"Name": "name", "Type": "string"}]
    keys = [one["Key"] for one in lake.s3.list_objects_v2(Bucket=lake.bucket, Prefix="made/")["Contents"]]
    assert {key.split("/")[1] for key in keys} == {"kind=a", "kind=b", "kind=c"}
    assert lake.failure("CREATE TABLE made AS SELECT 1 AS a").startswith("TABLE_ALREADY_EXISTS")
    lake.run(f"UNLOAD (SELECT id FROM made) TO 's3://{lake.bucket}/out/' WITH (format = 'JSON')")
    (key,) = [one["Key"] for one in lake.s3.list_objects_v2(Bucket=lake.bucket, Prefix="out/")["Contents"]]
    content = gzip.decompress(lake.s3.get_object(Bucket=lake.bucket, Key=key)["Body"].read())
    assert sorted(json.loads(line)["id"] for line in content.splitlines()) == [1, 2, 3]
    assert "already exists" in lake.failure(f"UNLOAD (SELECT 1) TO 's3://{lake.bucket}/out/' WITH (format = 'JSON')")


def test_a_manifest_lists_the_objects_that_were_written(lake: Any) -> None:
    made = lake.run("CREATE TABLE made WITH (partitioned_by = ARRAY['kind']) AS SELECT 1 AS id, 'a' AS kind")
    more = lake.run("INSERT INTO made SELECT * FROM (VALUES (2, 'b'), (3, 'c')) AS t (id, kind)")
    out = lake.run(f"UNLOAD (SELECT 1 AS id) TO 's3://{lake.bucket}/out/' WITH (format = 'PARQUET')")
    written = {}
    for found in (made, more, out):
        where = f"s3://{lake.bucket}/results/{found['QueryExecutionId']}-manifest.csv"
        assert found["Statistics"]["DataManifestLocation"] == where
        key = where.removeprefix(f"s3://{lake.bucket}/")
        lines = lake.s3.get_object(Bucket=lake.bucket, Key=key)["Body"].read().decode().splitlines()
        for line in lines:
            lake.s3.head_object(Bucket=lake.bucket, Key=line.removeprefix(f"s3://{lake.bucket}/"))
        written[found["QueryExecutionId"]] = [line.rpartition("/")[0].rpartition("/")[2] for line in lines]
    assert list(map(sorted, written.values())) == [["kind=a"], ["kind=b", "kind=c"], ["out"]]
    assert "DataManifestLocation" not in lake.run("SELECT 1")["Statistics"]
    assert "DataManifestLocation" not in lake.run("CREATE TABLE empty AS SELECT 1 AS a WITH NO DATA")["Statistics"]


def test_the_database_may_be_named_in_backquotes(lake: Any) -> None:
    lake.run("CREATE TABLE made AS SELECT 1 AS id")
    for text in ("DESCRIBE `made`;", "SHOW CREATE TABLE `made`;", "SELECT id FROM made"):
        found = lake.athena.start_query_execution(
            QueryString=text,
            QueryExecutionContext={"Database": "`farm`"},
            ResultConfiguration={"OutputLocation": f"s3://{lake.bucket}/results/"},
        )
        assert lake.ended(found["QueryExecutionId"])["Status"]["State"] == "SUCCEEDED"


def test_values_of_partitions_keep_to_their_folders(lake: Any) -> None:
    lake.run(
        f"""CREATE TABLE sites WITH (external_location = 's3://{lake.bucket}/sites/', partitioned_by = ARRAY['site'])
        AS SELECT * FROM (VALUES (1, 'a'), (2, 'a/b'), (3, 'c=d: 5%'), (4, ''), (5, NULL)) AS t (id, site)"""
    )
    wanted = [["1", "a"], ["2", "a/b"], ["3", "c=d: 5%"], ["4", None], ["5", None]]
    assert lake.rows("SELECT id, site FROM sites ORDER BY id") == wanted
    keys = [one["Key"] for one in lake.s3.list_objects_v2(Bucket=lake.bucket, Prefix="sites/")["Contents"]]
    folders = {"site=a", "site=a%2Fb", "site=c%3Dd%3A 5%25", "site=__HIVE_DEFAULT_PARTITION__"}
    assert {key.split("/")[1] for key in keys} == folders
    for one in lake.glue.get_partitions(DatabaseName="farm", TableName="sites")["Partitions"]:
        lake.glue.delete_partition(DatabaseName="farm", TableName="sites", PartitionValues=one["Values"])
    assert len(lake.rows("MSCK REPAIR TABLE sites")) == 4
    assert lake.rows("SELECT id, site FROM sites ORDER BY id") == wanted
    assert {row[0] for row in lake.rows("SHOW PARTITIONS sites")} == folders


def test_the_catalog_is_a_schema_of_its_own(lake: Any) -> None:
    lake.run(
        f"""CREATE EXTERNAL TABLE t (a int COMMENT 'first', s struct<x:int,y:array<string>>, d decimal(10,2),
        m map<string,float>) PARTITIONED BY (p string) LOCATION 's3://{lake.bucket}/t/'"""
    )
    lake.run("CREATE VIEW v AS SELECT a FROM t")
    assert lake.rows("SELECT schema_name FROM information_schema.schemata ORDER BY 1") == [
        ["farm"], ["information_schema"]
    ]  # fmt: skip
    asked = "FROM information_schema.tables WHERE table_schema = 'farm' ORDER BY table_name"
    assert lake.rows(f"SELECT table_name, table_type {asked}") == [["t", "BASE TABLE"], ["v", "VIEW"]]
    asked = "FROM information_schema.columns WHERE table_name = 't' ORDER BY ordinal_position"
    assert lake.rows(f"SELECT column_name, data_type, comment, extra_info {asked}") == [
        ["a", "integer", "first", None],
        ["s", "row(x integer, y array(varchar))", None, None],
        ["d", "decimal(10,2)", None, None],
        ["m", "map(varchar, real)", None, None],
        ["p", "varchar", None, "partition key"],
    ]
    assert lake.rows("SELECT view_definition FROM awsdatacatalog.information_schema.views") == [["SELECT a FROM t"]]
    assert "does not exist" in lake.failure("SELECT * FROM information_schema.none")


def test_tables_are_altered(lake: Any) -> None:
    lake.run("CREATE TABLE made AS SELECT 1 AS id")
    lake.run("ALTER TABLE made ADD COLUMNS (name string COMMENT 'new')")
    assert lake.rows("SELECT id, name FROM made") == [["1", None]]
    lake.run("ALTER TABLE made SET TBLPROPERTIES ('team' = 'blue')")
    lake.run(f"ALTER TABLE made SET LOCATION 's3://{lake.bucket}/elsewhere/'")
    table = lake.glue.get_table(DatabaseName="farm", Name="made")["Table"]
    assert (table["Parameters"]["team"], table["Parameters"]["EXTERNAL"]) == ("blue", "TRUE")
    assert lake.rows("SELECT count(*) FROM made") == [["0"]]
    lake.run("ALTER TABLE made REPLACE COLUMNS (other bigint)")
    assert [row[0].split("\t")[0].strip() for row in lake.rows("DESCRIBE made")] == ["other"]
    assert "Duplicate column name" in lake.failure("ALTER TABLE made ADD COLUMNS (other int)")


def test_what_the_catalog_lacks_is_told_with_its_code(lake: Any) -> None:
    with pytest.raises(ClientError) as refused:
        lake.athena.get_table_metadata(CatalogName="AwsDataCatalog", DatabaseName="farm", TableName="none")
    error = refused.value.response["Error"]
    assert error["Code"] == "MetadataException"
    assert "(Service: AmazonDataCatalog; Status Code: 400; Error Code: EntityNotFoundException; " in error["Message"]


def test_views_are_their_queries(lake: Any) -> None:
    lake.run("CREATE VIEW numbers AS SELECT * FROM (VALUES (1), (2), (3)) AS t (n)")
    lake.run("CREATE OR REPLACE VIEW farm.big AS SELECT n * 10 AS m FROM numbers WHERE n > 1")
    assert lake.rows("WITH x AS (SELECT m FROM big) SELECT sum(m) FROM x") == [["50"]]
    assert lake.rows("SELECT b.m, n.n FROM big b JOIN farm.numbers AS n ON b.m = n.n * 10 ORDER BY 1") == [
        ["20", "2"], ["30", "3"]
    ]  # fmt: skip
    assert lake.rows("SHOW VIEWS") == [["big"], ["numbers"]]
    assert lake.rows("SHOW TABLES 'n*'") == [["numbers"]]
    assert lake.failure("CREATE VIEW big AS SELECT 1 AS a").startswith("FAILED: AlreadyExistsException")
    lake.run("DROP VIEW big")
    assert "does not exist" in lake.failure("SELECT * FROM big")


def test_definitions_are_shown(lake: Any) -> None:
    lake.run(
        f"CREATE EXTERNAL TABLE t (a int COMMENT 'first') PARTITIONED BY (p string) LOCATION 's3://{lake.bucket}/t/'"
    )
    assert lake.rows("DESCRIBE t")[0][0] == f"{'a':<20}\t{'int':<20}\t{'first':<20}"
    described = lake.athena.get_query_results(QueryExecutionId=lake.run("DESCRIBE t")["QueryExecutionId"])["ResultSet"]
    headings = [one["Name"] for one in described["ResultSetMetadata"]["ColumnInfo"]]
    assert headings == ["col_name", "data_type", "comment"]
    shown = "\n".join(str(row[0]) for row in lake.rows("SHOW CREATE TABLE t"))
    assert "`a` int COMMENT 'first')" in shown
    assert lake.rows("SHOW DATABASES") == [["farm"]]
    assert "not empty" in lake.failure("DROP DATABASE farm")
    lake.run("DROP DATABASE farm CASCADE")
    assert lake.athena.list_databases(CatalogName="AwsDataCatalog")["DatabaseList"] == []


def test_pages_begin_where_the_last_one_ended(lake: Any) -> None:
    found = lake.run("SELECT n, 'a\nb' || chr(34) AS text FROM UNNEST(sequence(1, 2500)) AS t (n)")
    pages = lake.athena.get_paginator("get_query_results").paginate(
        QueryExecutionId=found["QueryExecutionId"], PaginationConfig={"PageSize": 1000}
    )
    listed = [page["ResultSet"] for page in pages]
    assert [len(one["Rows"]) for one in listed] == [1000, 1000, 501]
    assert [one["VarCharValue"] for one in listed[0]["Rows"][0]["Data"]] == ["n", "text"]
    assert listed[2]["Rows"][-1]["Data"] == [{"VarCharValue": "2500"}, {"VarCharValue": 'a\nb"'}]
    assert [one["Type"] for one in listed[0]["ResultSetMetadata"]["ColumnInfo"]] == ["bigint", "varchar"]


def test_parameters_and_work_groups(lake: Any) -> None:
    athena = lake.athena
    configuration = {"ResultConfiguration": {"OutputLocation": f"s3://{lake.bucket}/team/"}}
    athena.create_work_group(Name="team", Configuration=configuration, Tags=[{"Key": "a", "Value": "b"}])
    kept = athena.get_work_group(WorkGroup="team")["WorkGroup"]["Configuration"]
    assert (kept["EnforceWorkGroupConfiguration"], kept["PublishCloudWatchMetricsEnabled"]) == (True, True)
    found = lake.run("SELECT '?' || ?", WorkGroup="team", ExecutionParameters=["'x'"])
    assert found["ResultConfiguration"]["OutputLocation"].startswith(f"s3://{lake.bucket}/team/")
    athena.create_prepared_statement(StatementName="plus", WorkGroup="team", QueryStatement="SELECT ? + ? AS n")
    assert lake.rows("EXECUTE plus USING 1, 2", WorkGroup="team") == [["3"]]
    assert len(athena.list_query_executions(WorkGroup="team")["QueryExecutionIds"]) == 2
    assert code(lambda: athena.delete_work_group(WorkGroup="team")) == (
        "InvalidRequestException", "WorkGroup team is not empty"
    )  # fmt: skip
    athena.update_work_group(WorkGroup="team", State="DISABLED")
    assert code(lambda: lake.start("SELECT 1", WorkGroup="team"))[0] == "InvalidRequestException"
    athena.delete_work_group(WorkGroup="team", RecursiveDeleteOption=True)
    assert [one["Name"] for one in athena.list_work_groups()["WorkGroups"]] == ["primary"]
    query = athena.create_named_query(Name="n", Database="farm", QueryString="SELECT 1")["NamedQueryId"]
    assert athena.get_named_query(NamedQueryId=query)["NamedQuery"]["QueryString"] == "SELECT 1"
    token = "t" * 32
    assert lake.start("SELECT 1", ClientRequestToken=token) == lake.start("SELECT 1", ClientRequestToken=token)
    assert code(lambda: lake.start("SELECT 2", ClientRequestToken=token))[0] == "InvalidRequestException"
    assert "No output location provided" in code(lambda: lake.start("SELECT 1", ResultConfiguration={}))[1]


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("SELECT * FROM nothing", "TABLE_NOT_FOUND"),
        ("SELECT nosuch(1)", "not registered"),
        ("SELECT * FROM read_csv('/etc/passwd')", "GENERIC_USER_ERROR"),
        ("SELECT a FROM (VALUES (1)) AS t (b)", "GENERIC_USER_ERROR"),
        ("SELECT 1 / 0", "GENERIC_USER_ERROR"),
        ("CREATE EXTERNAL TABLE t (a int) STORED AS ORC LOCATION 's3://b/p/'", "NOT_SUPPORTED"),
        ("CREATE EXTERNAL TABLE t (a int) LOCATION 'http://b/p/'", "INVALID_LOCATION"),
        ("DROP TABLE nothing", "EntityNotFoundException"),
        ("INSERT INTO nothing VALUES (1)", "TABLE_NOT_FOUND"),
    ],
)
def test_what_cannot_be_run_says_why(lake: Any, sql: str, said: str) -> None:
    assert said in lake.failure(sql)


def test_a_query_is_stopped(lake: Any) -> None:
    execution = lake.start(SLOW)
    lake.athena.stop_query_execution(QueryExecutionId=execution)
    assert lake.ended(execution)["Status"]["State"] == "CANCELLED"
    assert "Query did not finish" in code(lambda: lake.athena.get_query_results(QueryExecutionId=execution))[1]


@pytest.mark.kumoi_clock
def test_the_history_is_listed_in_pages_and_forgotten_after_45_days(lake: Any) -> None:
    ran = [lake.run(f"SELECT {number}", ClientRequestToken=f"{number:032}")["QueryExecutionId"] for number in range(3)]
    first = lake.athena.list_query_executions(MaxResults=2)
    rest = lake.athena.list_query_executions(MaxResults=2, NextToken=first["NextToken"])
    assert first["QueryExecutionIds"] + rest["QueryExecutionIds"] == ran[::-1]
    assert "NextToken" not in rest
    assert code(lambda: lake.athena.list_query_executions(NextToken="x"))[0] == "InvalidRequestException"
    lake.source.advance("45d")
    assert lake.athena.list_query_executions()["QueryExecutionIds"] == []
    assert "was not found" in code(lambda: lake.athena.get_query_execution(QueryExecutionId=ran[0]))[1]
    assert lake.start("SELECT 0", ClientRequestToken=f"{0:032}") not in ran


def test_executions_outlive_the_platform(killable: Any, make_lake: Any) -> None:
    killable.start()
    lake = make_lake(killable)
    done = lake.run("SELECT 1 AS a")["QueryExecutionId"]
    left = lake.start(SLOW)
    killable.kill()
    killable.start()
    again = killable.client("athena")
    assert again.get_query_execution(QueryExecutionId=done)["QueryExecution"]["Status"]["State"] == "SUCCEEDED"
    status = again.get_query_execution(QueryExecutionId=left)["QueryExecution"]["Status"]
    assert (status["State"], status["AthenaError"]["Retryable"]) == ("FAILED", True)
    stopped = lake.start(SLOW)
    killable.close()
    killable.start()
    status = killable.client("athena").get_query_execution(QueryExecutionId=stopped)["QueryExecution"]["Status"]
    assert status["State"] == "FAILED", "nobody has cancelled it"
    assert "Kumoi was stopped while the query ran" in status["StateChangeReason"]
    assert len(again.get_query_results(QueryExecutionId=done)["ResultSet"]["Rows"]) == 2
