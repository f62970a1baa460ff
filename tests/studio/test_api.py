"""Studio's JSON interface, asked as its page asks it, on a real platform."""

from __future__ import annotations

import base64
import json
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest

CODE = """
def handler(event, context):
    if event.get("fail"):
        raise ValueError("as asked")
    print("hello", event)
    return {"n": event["n"] + 1, "password": "hunter2"}
"""


class Page:
    """What the page's scripts can ask."""

    def __init__(self, url: str, account: str) -> None:
        self.url, self.account = url, account

    def __call__(self, method: str, path: str, body: Any = None, headers: Any = None, **query: Any) -> tuple[int, Any]:
        given = "&".join(f"{name}={value}" for name, value in {"account": self.account, **query}.items())
        request = urllib.request.Request(
            f"{self.url}/_kumoi/studio/api/{path}?{given}",
            None if body is None else json.dumps(body).encode(),
            {"X-Kumoi-Studio": "1"} if headers is None else headers,
            method=method,
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.load(error)

    def call(self, service: str, operation: str, **params: Any) -> Any:
        status, found = self("POST", "call", {"service": service, "operation": operation, "params": params})
        return found["answer"] if status == 200 else found


@pytest.fixture
def page(kumoi: Any) -> Page:
    return Page(kumoi.url, kumoi.account)


@pytest.fixture
def function(kumoi: Any, zipped: Callable[[dict[str, str]], bytes]) -> str:
    kumoi.client("lambda").create_function(
        FunctionName="plus",
        Runtime="python3.12",
        Role="arn:aws:iam::000000000000:role/r",
        Handler="app.handler",
        Code={"ZipFile": zipped({"app.py": CODE})},
        Environment={"Variables": {"TABLE": "Things"}},
    )
    return "plus"


def test_the_map_tells_what_is_declared_and_what_was_seen(kumoi: Any, page: Page, function: str) -> None:
    table = {"AttributeName": "id"}
    kumoi.client("dynamodb").create_table(
        TableName="Things",
        KeySchema=[{**table, "KeyType": "HASH"}],
        AttributeDefinitions=[{**table, "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    kumoi.client("lambda").invoke(FunctionName=function, Payload=b'{"n": 1}')
    kumoi.client("lambda").invoke(FunctionName=function, Payload=b'{"fail": true}')
    status, found = page("GET", "map")
    assert status == 200 and found["problems"] == []
    edges = {edge["id"]: edge for edge in found["edges"]}
    declared, seen = edges["lambda:plus→dynamodb:Things"], edges["client→lambda:plus"]
    assert (declared["origin"], declared["via"], declared["stats"]) == ("declared", "environment", None)
    assert (seen["origin"], seen["stats"]["calls"], seen["stats"]["errors"]) == ("observed", 2, 1)
    assert seen["stats"]["lastError"] != "ok" and seen["stats"]["costHour"] > 0
    assert set(edges) == {"lambda:plus→dynamodb:Things", "client→lambda:plus"}, "looking is not on the map"
    assert page("PUT", "layout", {"nodes": {}}, structure=found["structure"])[0] == 200
    assert page("GET", "map")[1]["layout"] == {"nodes": {}}


def test_a_trace_with_payloads_is_replayed_edited(kumoi: Any, page: Page, function: str) -> None:
    kumoi.client("lambda").invoke(FunctionName=function, Payload=b'{"n": 1, "token": "t0p"}')
    [summary] = page("GET", "traces", node="lambda:plus")[1]["traces"]
    assert (summary["operation"], summary["errors"]) == ("Invoke", 0)
    hops = page("GET", "trace", id=summary["trace"])[1]["hops"]
    [invoke] = [hop for hop in hops if hop["operation"] == "Invoke"]
    payload = page("GET", "payload", span=invoke["span"])[1]
    assert json.loads(payload["given"]["Payload"]) == {"n": 1, "token": "•••"}
    assert json.loads(payload["answered"]["Payload"]) == {"n": 2, "password": "•••"}
    edited = {**payload["given"], "Payload": json.dumps({"n": 41, "token": "•••"})}
    status, again = page("POST", "replay", {"span": invoke["span"], "params": edited})
    answered = json.loads(again["answered"]["Payload"])
    assert (status, answered["n"]) == (200, 42)
    assert page("GET", "trace", id=again["trace"])[1]["hops"][0]["source"] == "studio"
    other = Page(page.url, "999999999999")
    assert other("GET", "payload", span=invoke["span"])[0] == 400, "another account's payloads are its own"


def test_a_traced_function_is_told_with_what_x_ray_knows_of_it(kumoi: Any, page: Page, function: str) -> None:
    kumoi.client("lambda").update_function_configuration(FunctionName=function, TracingConfig={"Mode": "Active"})
    kumoi.client("lambda").invoke(FunctionName=function, Payload=b'{"n": 1}')
    [summary] = page("GET", "traces", node="lambda:plus")[1]["traces"]
    status, found = page("GET", "trace", id=summary["trace"])
    assert status == 200
    [invoke] = [hop for hop in found["hops"] if hop["operation"] == "Invoke"]
    [trace] = page.call("xray", "BatchGetTraces", TraceIds=[summary["trace"]])["Traces"]
    documents = [json.loads(segment["Document"]) for segment in trace["Segments"]]
    parts = {part["id"]: part["name"] for one in documents for part in one.get("subsegments", ())}
    assert parts[invoke["span"]] == "Invocation", "so that what SDKs send is found below the call"


def test_any_operation_is_called_and_looking_leaves_no_trace(kumoi: Any, page: Page) -> None:
    kumoi.client("s3").create_bucket(Bucket=f"box-{kumoi.account}")
    box = {"Bucket": f"box-{kumoi.account}", "Key": "a.txt"}
    page.call("s3", "PutObject", **box, Body=base64.b64encode(b"text").decode())
    found = page.call("s3", "GetObject", **box)
    assert base64.b64decode(found["Body"]) == b"text"
    sources = {trace["source"] for trace in page("GET", "traces", everything=1)[1]["traces"]}
    assert sources == {"client", "studio"}
    operations = {trace["operation"] for trace in page("GET", "traces", everything=1)[1]["traces"]}
    assert "PutObject" in operations and "GetObject" not in operations


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"service": "sqs", "operation": "GetQueueUrl", "params": {"QueueName": "none"}}, "QueueDoesNotExist"),
        ({"service": "nothing", "operation": "X"}, "NotImplemented"),
        ({"service": "sqs", "operation": "Fly"}, "UnknownOperationException"),
        ({"service": "sqs", "operation": "ListQueues", "params": {"Nope": 1}}, "ValidationException"),
        ({"service": "sqs", "operation": "ListQueues", "params": {"MaxResults": "x"}}, "SerializationException"),
        (
            {"service": "lambda", "operation": "Invoke", "params": {"FunctionName": "f", "Payload": "?"}},
            "Serialization",
        ),
    ],
)
def test_what_a_service_refuses_is_told_with_its_code(page: Page, body: Any, code: str) -> None:
    status, found = page("POST", "call", body)
    assert status == 422 and code in found["code"]


@pytest.mark.parametrize(
    ("method", "path", "body", "query"),
    [
        ("POST", "call", [], {}),
        ("POST", "call", {"service": 1}, {}),
        ("GET", "map", None, {"account": "me"}),
        ("GET", "traces", None, {"limit": "many"}),
        ("GET", "payload", None, {"span": "none"}),
        ("POST", "replay", {"span": "none"}, {}),
        ("PUT", "layout", {}, {"structure": "../x"}),
        ("POST", "recording", {"on": "maybe"}, {}),
    ],
)
def test_garbage_is_refused_by_name(page: Page, method: str, path: str, body: Any, query: Any) -> None:
    status, found = page(method, path, body, **query)
    assert status == 400 and found["error"]


@pytest.mark.parametrize("service", ["cloudwatch", "dynamodb", "events", "logs", "s3", "sqs", "stepfunctions"])
def test_looking_with_nothing_said_is_answered_or_refused(page: Page, service: str) -> None:
    from kumoi.doorway import Registry
    from kumoi.studio.looking import looks

    operations = [name for name in Registry.discover("kumoi.services")[service].operations if looks(name)]
    assert operations
    for operation in operations:
        status, found = page("POST", "call", {"service": service, "operation": operation})
        assert status in (200, 422) and found.get("code") != "InternalFailure", (operation, found)


def test_pages_of_others_are_refused(page: Page) -> None:
    own = {"X-Kumoi-Studio": "1"}
    assert page("GET", "info", headers={})[0] == 403
    assert page("GET", "info", headers={**own, "Origin": "http://evil.example"})[0] == 403
    assert page("GET", "info", headers={**own, "Host": "evil.example:4566"})[0] == 403, "DNS rebinding"
    assert page("GET", "info", headers={**own, "Origin": "null"})[0] == 403
    assert page("GET", "info", headers={**own, "Origin": "http://["})[0] == 403
    assert page("GET", "info", headers={**own, "Host": "[::1"})[0] in (400, 403)
    assert page("GET", "info", headers={**own, "Host": "localhost:1"})[0] == 200
    assert page("GET", "nothing")[0] == 404


def test_the_feed_tells_of_a_call_within_a_second(kumoi: Any, page: Page, function: str) -> None:
    request = urllib.request.Request(
        f"{page.url}/_kumoi/studio/api/feed?account={page.account}", headers={"X-Kumoi-Studio": "1"}
    )
    with urllib.request.urlopen(request, timeout=60) as feed:
        assert feed.readline() == b"event: hello\n"
        kumoi.client("lambda").invoke(FunctionName=function, Payload=b'{"n": 1}')
        events = []
        while not events or events[-1] != b"event: figures\n":
            events.append(feed.readline())
        figures = json.loads(feed.readline().removeprefix(b"data: "))
    assert figures["client→lambda:plus"]["calls"] == 1


def test_a_tag_says_which_application_something_belongs_to(kumoi: Any, page: Page) -> None:
    tags = {"app": "shop"}
    listed = [{"Key": key, "Value": value} for key, value in tags.items()]
    kumoi.client("sqs").create_queue(QueueName="jobs", tags=tags)
    kumoi.client("sns").create_topic(Name="news", Tags=listed)
    kumoi.client("dynamodb").create_table(
        TableName="items",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        Tags=listed,
    )
    kumoi.client("stepfunctions").create_state_machine(
        name="steps",
        definition='{"StartAt": "A", "States": {"A": {"Type": "Succeed"}}}',
        roleArn="arn:aws:iam::000000000000:role/r",
        tags=[{"key": "app", "value": "shop"}],
    )
    s3 = kumoi.client("s3")
    for bucket in ("tagged", "shop-code", "other"):
        s3.create_bucket(Bucket=f"{bucket}-{kumoi.account}")
    s3.put_bucket_tagging(Bucket=f"tagged-{kumoi.account}", Tagging={"TagSet": listed})
    kumoi.client("kinesis").create_stream(StreamName="flow", ShardCount=1)
    kumoi.client("kinesis").add_tags_to_stream(StreamName="flow", Tags=tags)
    found = {node["id"]: node["app"] for node in page("GET", "map")[1]["nodes"]}
    of_the_shop = {"sqs:jobs", "sns:news", "dynamodb:items", "stepfunctions:steps", "kinesis:flow"}
    of_the_shop |= {f"s3:tagged-{kumoi.account}", f"s3:shop-code-{kumoi.account}"}
    assert {node for node, app in found.items() if app == "shop"} == of_the_shop
    assert found[f"s3:other-{kumoi.account}"] == ""
