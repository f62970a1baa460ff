"""Logs Insights with boto3 and the AWS CLI, as a user works with it."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from typing import Any
from uuid import UUID

import pytest
from botocore.exceptions import ClientError

LINES = [
    '{"level":"INFO","service":"pay","latency":12}',
    '{"level":"ERROR","service":"pay","latency":250}',
    '{"level":"INFO","service":"cart","latency":8}',
    "REPORT RequestId: 8286a188-ba32-4475-8077-530cd35c09a9\tDuration: 12.34 ms\tBilled Duration: 13 ms\t",
]


@pytest.fixture
def logs(kumoi: Any) -> Any:
    client = kumoi.client("logs")
    now = int(kumoi.now().timestamp() * 1000)
    for group in ("shop", "other"):
        client.create_log_group(logGroupName=group)
        client.create_log_stream(logGroupName=group, logStreamName="s")
    events = [{"timestamp": now + n, "message": line} for n, line in enumerate(LINES)]
    client.put_log_events(logGroupName="shop", logStreamName="s", logEvents=events)
    return client


@pytest.fixture
def now(kumoi: Any) -> int:
    return int(kumoi.now().timestamp())


def finished(logs: Any, query_id: str) -> dict[str, Any]:
    deadline = time.monotonic() + 60
    while True:
        answer = logs.get_query_results(queryId=query_id)
        if answer["status"] != "Running":
            return dict(answer)
        assert time.monotonic() < deadline
        time.sleep(0.02)


def ask(logs: Any, now: int, text: str, **names: Any) -> dict[str, Any]:
    if not names and not text.startswith("SOURCE"):
        names = {"logGroupName": "shop"}
    started = logs.start_query(startTime=now - 60, endTime=now + 60, queryString=text, **names)
    return finished(logs, started["queryId"])


def rows(answer: dict[str, Any]) -> list[dict[str, str]]:
    return [{one["field"]: one["value"] for one in row} for row in answer["results"]]


def test_filter_index_reads_groups_that_are_indexed(logs: Any, now: int) -> None:
    line = {"timestamp": now * 1000, "message": LINES[0]}
    logs.put_log_events(logGroupName="other", logStreamName="s", logEvents=[line])
    logs.put_index_policy(logGroupIdentifier="other", policyDocument='{"Fields": ["level"]}')
    given = {"logGroupNames": ["shop", "other"]}
    assert [row["n"] for row in rows(ask(logs, now, "filter level = 'INFO' | stats count(*) as n", **given))] == ["3"]
    assert [row["n"] for row in rows(ask(logs, now, "filterIndex level = 'INFO' | stats count(*) as n", **given))] == [
        "1"
    ]
    assert rows(ask(logs, now, "filterIndex service = 'pay'", **given)) == []


def test_a_query_is_started_and_answers(logs: Any, now: int) -> None:
    answer = ask(logs, now, "filter level = 'INFO' | stats avg(latency) as took by service | sort took")
    assert answer["status"] == "Complete"
    assert rows(answer) == [{"service": "cart", "took": "8"}, {"service": "pay", "took": "12"}]
    statistics = answer["statistics"]
    assert (statistics["recordsScanned"], statistics["recordsMatched"], statistics["logGroupsScanned"]) == (4, 2, 1)
    assert statistics["bytesScanned"] == sum(map(len, LINES))


def test_an_events_pointer_leads_to_all_of_its_fields(logs: Any, now: int, kumoi: Any) -> None:
    (row,) = rows(ask(logs, now, "fields @message | filter level = 'ERROR'"))
    record = logs.get_log_record(logRecordPointer=row["@ptr"])["logRecord"]
    assert {"level": "ERROR", "service": "pay", "latency": "250", "@logStream": "s"}.items() <= record.items()
    assert (record["@message"], record["@log"]) == (LINES[1], f"{kumoi.account}:shop")
    (row,) = rows(ask(logs, now, "filter @type = 'REPORT'"))
    assert logs.get_log_record(logRecordPointer=row["@ptr"])["logRecord"]["@duration"] == "12.34"
    for garbage in ("x", "AAAA", row["@ptr"][:-4]):
        with pytest.raises(ClientError, match="InvalidParameterException|ResourceNotFoundException"):
            logs.get_log_record(logRecordPointer=garbage)


def test_a_groups_fields(logs: Any) -> None:
    fields = logs.get_log_group_fields(logGroupName="shop")["logGroupFields"]
    found = {one["name"]: one["percent"] for one in fields}
    assert (found["@message"], found["level"], found["@duration"]) == (100, 75, 25)


def test_what_is_no_query_says_where(logs: Any, now: int) -> None:
    with pytest.raises(logs.exceptions.MalformedQueryException) as refused:
        ask(logs, now, "fields @message | fliter level = 1")
    text = "unexpected symbol found fliter at line 1 and position 19"
    assert refused.value.response["Error"]["Message"] == text
    error = refused.value.response["queryCompileError"]
    assert error == {"message": text, "location": {"startCharOffset": 18, "endCharOffset": 24}}


def test_queries_over_several_groups_and_sources(logs: Any, now: int, kumoi: Any) -> None:
    event = {"timestamp": now * 1000, "message": '{"service":"cart","price":3}'}
    logs.put_log_events(logGroupName="other", logStreamName="s", logEvents=[event])
    arns = [f"arn:aws:logs:us-east-1:{kumoi.account}:log-group:{name}" for name in ("shop", "other")]
    expected = [{"service": "cart", "n": "2"}, {"service": "pay", "n": "2"}]
    query = "filter ispresent(service) | stats count(*) as n by service"
    assert rows(ask(logs, now, query, logGroupIdentifiers=arns)) == expected
    assert rows(ask(logs, now, query, logGroupNames=["shop", "other"])) == expected
    assert rows(ask(logs, now, f"SOURCE logGroups(namePrefix: ['sh', 'ot']) | {query}")) == expected
    joined = (
        "filter latency > 0 | join left=a right=b where a.service=b.service (SOURCE 'other') | display latency, b.price"
    )
    assert rows(ask(logs, now, joined)) == [{"latency": "8", "b.price": "3"}]


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"logGroupName": "nosuch"}, "ResourceNotFoundException"),
        ({"logGroupName": "shop", "logGroupNames": ["shop"]}, "InvalidParameterException"),
        ({}, "InvalidParameterException"),
        ({"logGroupName": "shop", "endTime": 5}, "InvalidParameterException"),
        ({"logGroupName": "shop", "queryLanguage": "PPL"}, "NotImplemented"),
        ({"queryString": "SOURCE 'nosuch'"}, "ResourceNotFoundException"),
        ({"queryString": "SOURCE 'shop'", "logGroupName": "shop"}, "InvalidParameterException"),
        (
            {"queryString": "SOURCE logGroups(regions: ['*'])", "logGroupName": "shop"},
            "InvalidParameterException",
        ),
        (
            {"logGroupName": "shop", "queryString": "join where left.a=right.a (SOURCE 'no')"},
            "ResourceNotFoundException",
        ),
    ],
)
def test_wrong_requests(logs: Any, now: int, wrong: dict[str, Any], code: str) -> None:
    with pytest.raises(ClientError) as refused:
        logs.start_query(**{"startTime": now, "endTime": now, "queryString": "fields @message", **wrong})
    assert refused.value.response["Error"]["Code"] == code


def test_queries_are_listed_and_stopped(logs: Any, now: int) -> None:
    query = logs.start_query(logGroupName="shop", startTime=now, endTime=now, queryString="fields @message")["queryId"]
    finished(logs, query)
    (described,) = logs.describe_queries(logGroupName="shop", status="Complete")["queries"]
    assert described["queryId"] == query
    assert described["queryString"] == f'SOURCE "shop" START={now}000 END={now}999 | fields @message'
    assert logs.describe_queries(logGroupName="other")["queries"] == []
    with pytest.raises(logs.exceptions.InvalidParameterException):
        logs.stop_query(queryId=query)
    with pytest.raises(logs.exceptions.ResourceNotFoundException):
        logs.get_query_results(queryId="nosuch")
    for_ever = "stats count(*) by @timestamp | stats " + ", ".join(f"pct(@timestamp, {n})" for n in range(50))
    query = logs.start_query(logGroupName="shop", startTime=now, endTime=now, queryString=for_ever)["queryId"]
    try:
        assert logs.stop_query(queryId=query)["success"]
        assert logs.get_query_results(queryId=query)["status"] == "Cancelled"
    except logs.exceptions.InvalidParameterException:
        assert logs.get_query_results(queryId=query)["status"] == "Complete"


def test_results_in_pages(logs: Any, now: int) -> None:
    query = logs.start_query(logGroupName="shop", startTime=now - 60, endTime=now + 60, queryString="limit 3")[
        "queryId"
    ]
    finished(logs, query)
    first = logs.get_query_results(queryId=query, maxItems=2)
    second = logs.get_query_results(queryId=query, maxItems=2, nextToken=first["nextToken"])
    assert (len(first["results"]), len(second["results"]), "nextToken" in second) == (2, 1, False)


def test_saved_queries(logs: Any) -> None:
    query = {"name": "errors", "queryString": "filter level = 'ERROR'", "logGroupNames": ["shop"]}
    saved = logs.put_query_definition(**query)["queryDefinitionId"]
    logs.put_query_definition(**{**query, "queryString": "limit 1"}, queryDefinitionId=saved)
    (found,) = logs.describe_query_definitions(queryDefinitionNamePrefix="err")["queryDefinitions"]
    assert (found["queryDefinitionId"], found["queryString"], found["logGroupNames"]) == (saved, "limit 1", ["shop"])
    assert logs.delete_query_definition(queryDefinitionId=saved)["success"]
    with pytest.raises(logs.exceptions.ResourceNotFoundException):
        logs.delete_query_definition(queryDefinitionId=saved)


def test_a_client_token_saves_a_query_once_under_an_id_that_is_a_uuid(logs: Any) -> None:
    query = {"queryString": "limit 1", "clientToken": "t" * 36}
    saved = logs.put_query_definition(name="q", **query)["queryDefinitionId"]
    assert logs.put_query_definition(name="q", **query)["queryDefinitionId"] == saved
    assert UUID(saved).version == 4


def test_the_aws_cli(logs: Any, now: int, kumoi: Any) -> None:
    def aws(*words: str) -> Any:
        command = [sys.executable, "-m", "awscli", "--endpoint-url", kumoi.url, "--output", "json", "logs", *words]
        return json.loads(subprocess.run(command, env=kumoi.environment, capture_output=True, check=True).stdout)

    times = ["--start-time", str(now - 60), "--end-time", str(now + 60)]
    text = "stats count(*) as n by level | sort level"
    started = aws("start-query", "--log-group-name", "shop", *times, "--query-string", text)
    finished(logs, started["queryId"])
    answer = aws("get-query-results", "--query-id", started["queryId"])
    assert [row[-1]["value"] for row in answer["results"]] == ["1", "2", "1"]


def test_the_kumoi_command_over_all_regions(logs: Any, now: int, kumoi: Any) -> None:
    import boto3
    from click.testing import CliRunner

    from kumoi.cli import main

    far = boto3.client(
        "logs",
        endpoint_url=kumoi.url,
        region_name="eu-west-1",
        aws_access_key_id=kumoi.account,
        aws_secret_access_key="test",
    )
    far.create_log_group(logGroupName="shop")
    far.create_log_stream(logGroupName="shop", logStreamName="s")
    event = {"timestamp": now * 1000, "message": '{"level":"ERROR","service":"far"}'}
    far.put_log_events(logGroupName="shop", logStreamName="s", logEvents=[event])
    far.close()

    def run(*words: str) -> Any:
        environment = {**kumoi.environment, "KUMOI_URL": kumoi.url}
        return CliRunner().invoke(main, ["logs", "--data", "/nonexistent", *words], env=environment)

    query = "filter level = 'ERROR' | stats count(*) as n by @aws.region as region, service | sort region"
    found = run("--query", query, "--all-regions", "--json")
    assert json.loads(found.output)["results"] == [
        {"region": "eu-west-1", "service": "far", "n": "1"},
        {"region": "us-east-1", "service": "pay", "n": "1"},
    ]
    table = run("--query", "filter level = 'ERROR' | display service, latency", "--since", "1h").output
    assert "pay" in table and "250" in table and "far" not in table
    assert "1 rows, 1 of 4 records matched" in table
    wrong = run("--query", "filtr x")
    assert wrong.exit_code == 1 and "unexpected symbol found filtr" in wrong.output
    assert run("--json", "shop").exit_code == 2


HEADER = ",".join(f"c{number}" for number in range(1_000))


def test_events_are_enriched_from_a_lookup_table(logs: Any, now: int) -> None:
    said = "filter ispresent(service) | lookup owners name as service OUTPUT team | stats count(*) as n by team"
    with pytest.raises(ClientError, match="Lookup table owners does not exist") as refused:
        logs.start_query(logGroupName="shop", startTime=now - 60, endTime=now + 60, queryString=said)
    assert refused.value.response["Error"]["Code"] == "MalformedQueryException"
    arn = logs.create_lookup_table(lookupTableName="owners", tableBody="name,team\npay,money\n")["lookupTableArn"]
    assert rows(ask(logs, now, said)) == [{"team": "money", "n": "2"}, {"n": "1"}]
    logs.update_lookup_table(lookupTableArn=arn, tableBody='name,team\r\npay,money\r\ncart,"sales, all"\r\n')
    assert {row["team"] for row in rows(ask(logs, now, said))} == {"money", "sales, all"}
    (described,) = logs.describe_lookup_tables(lookupTableNamePrefix="own")["lookupTables"]
    assert (described["tableFields"], described["recordsCount"]) == (["name", "team"], 2)
    assert logs.get_lookup_table(lookupTableArn=arn)["tableBody"].startswith("name,team")
    query = logs.start_query(
        logGroupName="shop", startTime=now - 60, endTime=now + 60, queryString="stats count(*) as n by service"
    )["queryId"]
    finished(logs, query)
    made = logs.create_lookup_table(lookupTableName="counts", queryId=query)["lookupTableArn"]
    assert "pay,2" in logs.get_lookup_table(lookupTableArn=made)["tableBody"]
    logs.delete_lookup_table(lookupTableArn=arn)
    for call, error in (
        (lambda: logs.delete_lookup_table(lookupTableArn=arn), "ResourceNotFoundException"),
        (lambda: logs.get_lookup_table(lookupTableArn="nonsense"), "ResourceNotFoundException"),
        (
            lambda: logs.create_lookup_table(lookupTableName="counts", tableBody="a\n1"),
            "ResourceAlreadyExistsException",
        ),
        (lambda: logs.create_lookup_table(lookupTableName="twice", tableBody="a,a\n1,2"), "InvalidParameterException"),
        (lambda: logs.create_lookup_table(lookupTableName="none", tableBody="\n"), "InvalidParameterException"),
        (lambda: logs.create_lookup_table(lookupTableName="long", tableBody="a\n1,2"), "InvalidParameterException"),
        (
            lambda: logs.create_lookup_table(lookupTableName="vast", tableBody=f"{HEADER}\n" + "1\n" * 20_000),
            "InvalidParameterException",
        ),
        (lambda: logs.create_lookup_table(lookupTableName="neither"), "InvalidParameterException"),
    ):
        with pytest.raises(ClientError) as refused:
            call()
        assert refused.value.response["Error"]["Code"] == error


def test_an_answer_comes_in_pages_of_ten_thousand(logs: Any, now: int) -> None:
    unnested = "fields jsonParse(concat('[', substr(replace('" + "x" * 5_000 + "', 'x', ',1'), 1), ']')) as many"
    said = f"{unnested} | unnest many into one | display one | limit 12000"
    query = logs.start_query(logGroupName="shop", startTime=now - 60, endTime=now + 60, queryString=said)["queryId"]
    first = finished(logs, query)
    assert (first["status"], len(first["results"])) == ("Complete", 10_000)
    rest = logs.get_query_results(queryId=query, nextToken=first["nextToken"], maxItems=1500)
    assert (len(rest["results"]), rest["nextToken"]) == (1500, "11500")
    assert len(logs.get_query_results(queryId=query, nextToken="11500")["results"]) == 500
