"""Services that trace: stages of REST APIs, GraphQL APIs, state machines; and how a trace goes through them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
import urllib3

from kumoi.pytest_plugin import KumoiAccount

ROLE = "arn:aws:iam::123456789012:role/any"
ECHO = (
    "import os\ndef handler(event, context):\n    return {'statusCode': 200, 'body': os.environ['_X_AMZN_TRACE_ID']}\n"
)
FAIL = "def handler(event, context):\n    raise ValueError('no stock')\n"


@pytest.fixture
def function(kumoi: KumoiAccount, zipped: Callable[[dict[str, str]], bytes]) -> Callable[..., str]:
    """Make a function; answers its ARN."""
    client = kumoi.client("lambda")

    def make(name: str, source: str = ECHO, mode: str = "Active") -> str:
        answer = client.create_function(
            FunctionName=name,
            Runtime="python3.12",
            Role=ROLE,
            Handler="index.handler",
            Code={"ZipFile": zipped({"index.py": source})},
            TracingConfig={"Mode": mode},
        )
        return str(answer["FunctionArn"])

    return make


@pytest.fixture
def rest_api(kumoi: KumoiAccount) -> Callable[..., str]:
    """A REST API whose root asks a function; answers the URL of its stage `dev`."""
    client = kumoi.client("apigateway")

    def make(function: str, *, tracing: bool) -> str:
        api = client.create_rest_api(name="shop")["id"]
        root = client.get_resources(restApiId=api)["items"][0]["id"]
        client.put_method(restApiId=api, resourceId=root, httpMethod="GET", authorizationType="NONE")
        client.put_integration(
            restApiId=api,
            resourceId=root,
            httpMethod="GET",
            type="AWS_PROXY",
            integrationHttpMethod="POST",
            uri=f"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{function}/invocations",
        )
        client.create_deployment(restApiId=api, stageName="dev", tracingEnabled=tracing)
        return f"{kumoi.url}/_kumoi/execute-api/{api}/dev/"

    return make


def fields(header: str) -> dict[str, str]:
    return dict(part.split("=") for part in header.split(";"))


def allow(kumoi: KumoiAccount, name: str) -> None:
    kumoi.client("lambda").add_permission(
        FunctionName=name, StatementId="all", Action="lambda:InvokeFunction", Principal="apigateway.amazonaws.com"
    )


def test_a_stage_that_traces_and_its_function_share_a_trace(
    kumoi: KumoiAccount, xray: Any, function: Callable[..., str], rest_api: Callable[..., str]
) -> None:
    url = rest_api(function("order"), tracing=True)
    allow(kumoi, "order")
    answer = urllib3.request("GET", url, timeout=60, headers={"User-Agent": "browser"})
    assert answer.status == 200, answer.data
    told = fields(answer.data.decode())
    stage, service, own = xray.await_documents(told["Root"], lambda found: len(found) == 3)
    assert (stage["name"], stage["origin"]) == ("shop/dev", "AWS::ApiGateway::Stage")
    assert stage["http"]["request"]["user_agent"] == "browser"
    (called,) = stage["subsegments"]
    assert (called["name"], called["namespace"]) == ("Lambda", "aws")
    assert (service["origin"], service["parent_id"]) == ("AWS::Lambda", called["id"])
    assert own["parent_id"] == service["id"]
    invocation = next(part for part in own["subsegments"] if part["name"] == "Invocation")
    assert told["Parent"] == invocation["id"]
    (summary,) = xray.find('edge("shop/dev", "order")')
    assert (summary["EntryPoint"]["Name"], summary["IsPartial"]) == ("shop/dev", False)


def test_nothing_is_told_of_what_does_not_trace(
    kumoi: KumoiAccount, xray: Any, function: Callable[..., str], rest_api: Callable[..., str]
) -> None:
    url = rest_api(function("order", mode="PassThrough"), tracing=False)
    allow(kumoi, "order")
    told = fields(urllib3.request("GET", url, timeout=60).data.decode())
    assert told["Sampled"] == "0"
    header = "Root=1-67891233-abcdef012345678912345678"
    told = fields(urllib3.request("GET", url, timeout=60, headers={"X-Amzn-Trace-Id": header}).data.decode())
    assert told["Sampled"] == "0", "nobody has decided, and a function that passes through does not"
    assert xray.find() == []


@pytest.mark.parametrize(("sampled", "services"), [("1", {"AWS::Lambda", "AWS::Lambda::Function"}), ("0", set())])
def test_a_function_that_passes_through_goes_on_with_what_the_caller_decided(
    kumoi: KumoiAccount,
    xray: Any,
    function: Callable[..., str],
    rest_api: Callable[..., str],
    sampled: str,
    services: set[str],
) -> None:
    url = rest_api(function("order", mode="PassThrough" if sampled == "1" else "Active"), tracing=sampled == "0")
    allow(kumoi, "order")
    header = f"Root=1-67891233-abcdef012345678912345678;Parent=53995c3f42cd8ad8;Sampled={sampled}"
    told = fields(urllib3.request("GET", url, timeout=60, headers={"X-Amzn-Trace-Id": header}).data.decode())
    assert (told["Root"], told["Sampled"]) == ("1-67891233-abcdef012345678912345678", sampled)
    found = xray.documents(told["Root"])
    assert {one["origin"] for one in found} == services
    if found:
        assert next(one for one in found if one["origin"] == "AWS::Lambda")["parent_id"] == "53995c3f42cd8ad8"


def test_a_sampling_rule_decides(kumoi: KumoiAccount, xray: Any, function: Callable[..., str]) -> None:
    rule = {
        "RuleName": "never",
        "Priority": 1,
        "FixedRate": 0.0,
        "ReservoirSize": 0,
        "ServiceName": "quiet*",
        "ServiceType": "*",
        "Host": "*",
        "HTTPMethod": "*",
        "URLPath": "*",
        "ResourceARN": "*",
        "Version": 1,
    }
    xray.client.create_sampling_rule(SamplingRule=rule)
    client = kumoi.client("lambda")
    for name in ("quiet-one", "loud-one"):
        function(name)
        client.invoke(FunctionName=name)
    assert [one["EntryPoint"]["Name"] for one in xray.find()] == ["loud-one"]


def test_a_function_behind_its_url(kumoi: KumoiAccount, xray: Any, function: Callable[..., str]) -> None:
    function("web")
    client = kumoi.client("lambda")
    url = client.create_function_url_config(FunctionName="web", AuthType="NONE")["FunctionUrl"]
    identifier = url.split("/")[5] if "_kumoi" in url else url.split("/")[2].partition(".")[0]
    told = fields(urllib3.request("GET", f"{kumoi.url}/_kumoi/lambda-url/{identifier}/", timeout=60).data.decode())
    service, own = xray.documents(told["Root"])
    assert (service["name"], own["name"], own["subsegments"][-2]["id"]) == ("web", "web", told["Parent"])


def test_an_event_waits_and_is_tried(kumoi: KumoiAccount, xray: Any, function: Callable[..., str]) -> None:
    function("later")
    kumoi.client("lambda").invoke(FunctionName="later", InvocationType="Event")
    found: list[dict[str, Any]] = []
    while not found:
        found = xray.find('service(id(name: "later", type: "AWS::Lambda::Function"))')
    service, own = xray.documents(found[0]["Id"])
    assert service["http"] == {"response": {"status": 202}}
    assert [part["name"] for part in service["subsegments"]] == ["Dwell Time", "Attempt #1"]
    assert own["parent_id"] == service["subsegments"][1]["id"]


def test_an_execution_and_its_tasks_share_a_trace(kumoi: KumoiAccount, xray: Any, function: Callable[..., str]) -> None:
    arn = function("step")
    function("broken", FAIL)
    client = kumoi.client("stepfunctions")
    invoke = {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke"}
    definition = {
        "StartAt": "Order",
        "States": {
            "Order": {**invoke, "Parameters": {"FunctionName": arn}, "ResultPath": None, "Next": "Wait"},
            "Wait": {"Type": "Pass", "Next": "Pay"},
            "Pay": {**invoke, "Parameters": {"FunctionName": "broken"}, "End": True},
        },
    }
    machine = client.create_state_machine(
        name="saga", definition=json.dumps(definition), roleArn=ROLE, tracingConfiguration={"enabled": True}
    )["stateMachineArn"]
    client.start_execution(stateMachineArn=machine)
    found: list[dict[str, Any]] = []
    while not found:
        found = xray.find('service("saga") { fault }')
    (summary,) = found
    documents = xray.await_documents(summary["Id"], lambda found: len(found) == 5)
    execution = documents[0]
    assert execution["origin"] == "AWS::StepFunctions::StateMachine"
    assert [part["name"] for part in execution["subsegments"]] == ["Order", "Wait", "Pay"]
    (task,) = execution["subsegments"][0]["subsegments"]
    (step,) = [one for one in documents if one["name"] == "step" and one["origin"] == "AWS::Lambda"]
    assert step["parent_id"] == task["id"]
    assert xray.find('rootcause.fault.service { name = "broken" AND last }')


def test_a_message_goes_on_with_its_senders_trace_and_links_to_others(
    kumoi: KumoiAccount, xray: Any, function: Callable[..., str]
) -> None:
    function("worker")
    sqs = kumoi.client("sqs")
    queue = sqs.create_queue(QueueName="jobs")["QueueUrl"]
    roots = [f"1-67891233-{number:024x}" for number in range(3)]
    entries = [
        {
            "Id": str(number),
            "MessageBody": "x",
            "MessageSystemAttributes": {
                "AWSTraceHeader": {
                    "DataType": "String",
                    "StringValue": f"Root={root};Parent=53995c3f42cd8ad8;Sampled=1",
                }
            },
        }
        for number, root in enumerate(roots)
    ]
    sqs.send_message_batch(QueueUrl=queue, Entries=entries)
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    kumoi.client("lambda").create_event_source_mapping(FunctionName="worker", EventSourceArn=arn, BatchSize=10)
    found: list[dict[str, Any]] = []
    while not found:
        found = [one for root in roots for one in xray.documents(root) if one["origin"] == "AWS::Lambda::Function"]
    (own,) = found
    assert {link["trace_id"] for link in own["links"]} == set(roots) - {own["trace_id"]}


def test_a_graphql_api_that_traces(kumoi: KumoiAccount, xray: Any, function: Callable[..., str]) -> None:
    arn = function("resolve", "def handler(event, context):\n    return 'hello'\n")
    client = kumoi.client("appsync")
    api = client.create_graphql_api(name="greetings", authenticationType="API_KEY", xrayEnabled=True)["graphqlApi"]
    key = client.create_api_key(apiId=api["apiId"])["apiKey"]["id"]
    schema = b"type Query { hello: String } schema { query: Query }"
    client.start_schema_creation(apiId=api["apiId"], definition=schema)
    client.create_data_source(
        apiId=api["apiId"],
        name="fn",
        type="AWS_LAMBDA",
        lambdaConfig={"lambdaFunctionArn": arn},
        serviceRoleArn=ROLE,
    )
    client.create_resolver(apiId=api["apiId"], typeName="Query", fieldName="hello", dataSourceName="fn")
    answer = urllib3.request(
        "POST",
        f"{kumoi.url}/graphql/{api['apiId']}",
        timeout=60,
        json={"query": "{ hello }"},
        headers={"x-api-key": key},
    )
    assert answer.json() == {"data": {"hello": "hello"}}
    (summary,) = xray.find('service(id(type: "AWS::AppSync::GraphQLAPI"))')
    gateway, service, own = xray.documents(summary["Id"])
    assert (gateway["name"], gateway["http"]["response"]["status"]) == ("greetings", 200)
    assert service["parent_id"] == gateway["subsegments"][0]["id"]
    assert own["origin"] == "AWS::Lambda::Function"


def test_an_express_execution_with_branches_iterations_and_a_service(kumoi: KumoiAccount, xray: Any) -> None:
    kumoi.client("sqs").create_queue(QueueName="jobs")
    client = kumoi.client("stepfunctions", inject_host_prefix=False)
    queue = f"{kumoi.url}/{kumoi.account}/jobs"
    send = {
        "Type": "Task",
        "Resource": "arn:aws:states:::sqs:sendMessage",
        "Parameters": {"QueueUrl": queue, "MessageBody": "x"},
        "End": True,
    }
    branches = [{"StartAt": name, "States": {name: {"Type": "Pass", "End": True}}} for name in ("Left", "Right")]
    each = {"StartAt": "Send", "States": {"Send": send}}
    definition = {
        "StartAt": "Both",
        "States": {
            "Both": {"Type": "Parallel", "Branches": branches, "Next": "All?"},
            "All?": {"Type": "Map", "ItemProcessor": each, "End": True},
        },
    }
    machine = client.create_state_machine(
        name="fast",
        type="EXPRESS",
        definition=json.dumps(definition),
        roleArn=ROLE,
        tracingConfiguration={"enabled": True},
    )["stateMachineArn"]
    answer = client.start_sync_execution(stateMachineArn=machine, input="[1]")
    assert answer["status"] == "SUCCEEDED", answer
    found: list[dict[str, Any]] = []
    while not found:
        found = xray.find('service("fast") AND !partial')
    execution = xray.await_documents(found[0]["Id"], lambda found: "end_time" in found[0])[0]
    names = sorted(part["name"] for part in execution["subsegments"])
    assert names == ["All_", "Both", "Left", "Right", "Send", "Send"]
    sends = [part for part in execution["subsegments"] if part["name"] == "Send"]
    assert all([inner["name"] for inner in part["subsegments"]] == ["SQS"] for part in sends)
    assert len({part["id"] for part in sends}) == 2
    both = next(part for part in execution["subsegments"] if part["name"] == "Both")
    left = next(part for part in execution["subsegments"] if part["name"] == "Left")
    assert both["start_time"] <= left["start_time"] <= left["end_time"] <= both["end_time"]
    assert xray.find('edge("fast", id(type: "AWS::SQS::Queue"))')


def test_a_declared_fault_is_an_annotation(kumoi: KumoiAccount, xray: Any, function: Callable[..., str]) -> None:
    function("struck-by-a-fault")
    fault = {"id": "once", "service": "lambda", "resource": "struck-by-a-fault:*", "action": "fail", "point": "run"}
    kumoi._connection.ask("POST", "faults", fault)
    try:
        answer = kumoi.client("lambda").invoke(FunctionName="struck-by-a-fault")
    finally:
        kumoi._connection.ask("DELETE", "faults", id="once")
    assert answer["FunctionError"]
    (summary,) = xray.find('annotation.kumoi_fault = "once"')
    assert summary["HasFault"]
