"""What stands behind methods: templates, mappings, services, endpoints."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest


def fixed(status: str = "200", template: str | None = None, **given: Any) -> dict[str, Any]:
    templates = {} if template is None else {"responseTemplates": {"application/json": template}}
    return {"statusCode": status, **templates, **given}


@pytest.fixture
def render(api: Any, ask: Any) -> Any:
    """What a response template of a MOCK makes of a request."""

    def run(template: str, path: str = "/", **given: Any) -> Any:
        made = api()
        mock = {"type": "MOCK", "passthroughBehavior": "NEVER"}
        mock["requestTemplates"] = {"application/json": '{"statusCode": 200}', "text/plain": '{"statusCode": 200}'}
        made.method("ANY /{proxy+}", mock, [fixed(template=template)])
        made.deploy(variables={"color": "red"})
        return ask(made.id, "POST", f"/p{path}", **given)

    return run


def test_variables_of_templates(render: Any) -> None:
    template = (
        "$context.httpMethod $context.resourcePath $stageVariables.color $input.params('q') $input.params('X-H')"
        " $input.params().path.proxy [$input.params('none')] [$context.authorizer.principalId]"
        ' $util.escapeJavaScript("it\'s") $util.urlEncode("a b/c") $util.base64Encode("hi") $util.parseJson(\'[1]\')[0]'
    )
    answer = render(template, "?q=1&q=2", headers={"x-h": "h"})
    expected = r"POST /{proxy+} red 2 h p [] [] it\'s a+b%2Fc aGk= 1"
    assert answer.data.decode() == expected
    assert answer.headers["content-type"] == "application/json"


def test_a_template_that_fails_is_a_500(render: Any) -> None:
    for template in ("#if(", "$util.parseJson('{')", "#foreach($i in [1..5000])x#end"):
        answer = render(template)
        assert (answer.status, answer.json()) == (500, {"message": "Internal server error"})


def test_a_response_overrides(render: Any) -> None:
    template = '#set($context.responseOverride.status = 418)#set($context.responseOverride.header.X-A = "b")tea'
    answer = render(template)
    assert (answer.status, answer.data, answer.headers["x-a"]) == (418, b"tea", "b")
    many = "#set($l = [])#foreach($i in [1..60])#set($l = [$l, $l])#end"
    assert render(f"{many}#set($context.responseOverride.header.X-A = $l)").status == 500
    assert render("#set($context.responseOverride.header.X-A = [1, true])").headers["x-a"] == "[1, true]"


def test_a_media_type_without_a_template(render: Any) -> None:
    assert render("x", headers={"Content-Type": "text/plain"}).status == 200
    answer = render("x", headers={"Content-Type": "text/csv"}, body=b"a")
    assert (answer.status, answer.json()) == (415, {"message": "Unsupported Media Type"})


def test_a_function_of_ones_own(api: Any, ask: Any, function: Any, uri: Any) -> None:
    arn = function(
        "if event.get('fail'):\n    raise ValueError('Bad: ' + event['fail'])\nreturn {'items': [event, {'a': None}]}"
    )
    template = (
        '#set($root = $input.path("$")){"name": $input.json(\'$.who\'), "n": $root.list.size(),'
        ' "missing": $input.json("$.none"), "fail": "$!root.fail"}'
    )
    made = api()
    integration = {
        "type": "AWS",
        "uri": uri(arn),
        "integrationHttpMethod": "POST",
        "requestTemplates": {"application/json": template},
    }
    loop = "#foreach($one in $input.path('$.items'))$one.keySet()#if($foreach.hasNext);#end#end $input.path('$.items')"
    responses = [
        fixed(template=loop, responseParameters={"method.response.header.X-N": "integration.response.body.items[0].n"}),
        fixed("400", '{"error": $input.json("$.errorMessage")}', selectionPattern="Bad:.*"),
    ]
    made.method("POST /", integration, responses)
    made.deploy()
    answer = ask(made.id, "POST", body=json.dumps({"who": "ä", "list": [1, 2]}).encode())
    text = answer.data.decode()
    assert text == '[name, n, missing, fail];[a] [{"name":"ä","n":2,"missing":"","fail":""},{"a":null}]'
    assert (answer.status, answer.headers["x-n"]) == (200, "2")
    failed = ask(made.id, "POST", body=json.dumps({"list": [], "fail": "no"}).encode())
    assert (failed.status, failed.json()) == (400, {"error": "Bad: no"})


def test_no_response_is_selected(api: Any, ask: Any, mock: Any) -> None:
    made = api()
    made.method("GET /", mock, [fixed("404", selectionPattern="4..")])
    made.deploy()
    assert (ask(made.id).status, ask(made.id).json()) == (500, {"message": "Internal server error"})


def test_messages_to_a_queue(kumoi: Any, api: Any, ask: Any) -> None:
    sqs = kumoi.client("sqs")
    url = sqs.create_queue(QueueName="jobs")["QueueUrl"]
    made = api()
    integration = {
        "type": "AWS",
        "uri": f"arn:aws:apigateway:us-east-1:sqs:path/{kumoi.account}/jobs",
        "integrationHttpMethod": "POST",
        "credentials": f"arn:aws:iam::{kumoi.account}:role/api",
        "requestParameters": {"integration.request.header.Content-Type": "'application/x-www-form-urlencoded'"},
        "requestTemplates": {
            "application/json": "Action=SendMessage&MessageBody=$util.urlEncode($input.body)"
            "&MessageAttribute.1.Name=who&MessageAttribute.1.Value.DataType=String"
            "&MessageAttribute.1.Value.StringValue=$context.httpMethod"
        },
    }
    made.method("POST /", integration, [fixed(template="$input.body")])
    made.deploy()
    answer = ask(made.id, "POST", body=b'{"a": "b&c"}')
    assert answer.status == 200
    assert b"<MessageId>" in answer.data
    [message] = sqs.receive_message(QueueUrl=url, MessageAttributeNames=["All"])["Messages"]
    assert (message["Body"], message["MessageAttributes"]["who"]["StringValue"]) == ('{"a": "b&c"}', "POST")


def test_items_of_a_table(kumoi: Any, api: Any, ask: Any) -> None:
    kumoi.client("dynamodb").create_table(
        TableName="pets",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    made = api()

    def table(action: str, template: str) -> dict[str, Any]:
        return {
            "type": "AWS",
            "uri": f"arn:aws:apigateway:us-east-1:dynamodb:action/{action}",
            "integrationHttpMethod": "POST",
            "credentials": f"arn:aws:iam::{kumoi.account}:role/api",
            "requestTemplates": {"application/json": template},
        }

    key = '"id": {"S": "$input.params(\'id\')"}'
    refused = fixed("400", "$input.json('$.__type')", selectionPattern="4\\d{2}")
    name = '"name": {"S": "$input.path(\'$.name\')"}'
    put = f'{{"TableName": "pets", "Item": {{{key}, {name}}}}}'
    made.method("PUT /{id}", table("PutItem", put), [fixed(), refused])
    get = f'{{"TableName": "$stageVariables.table", "Key": {{{key}}}}}'
    made.method("GET /{id}", table("GetItem", get), [fixed(template="$input.path('$.Item.name.S')"), refused])
    made.deploy(variables={"table": "pets"})
    assert ask(made.id, "PUT", "/1", body=b'{"name": "Rex"}').status == 200
    assert ask(made.id, path="/1").data == b"Rex"
    made.deploy("other", variables={"table": "none"})
    missing = ask(made.id, path="/1", stage="other")
    assert (missing.status, missing.json().rpartition("#")[2]) == (400, "ResourceNotFoundException")


def test_objects_of_a_bucket(kumoi: Any, api: Any, ask: Any) -> None:
    bucket = f"b-{kumoi.account}"
    kumoi.client("s3").create_bucket(Bucket=bucket)
    made = api(binaryMediaTypes=["image/png"])
    place = {"integration.request.path.key": "method.request.path.key"}
    stored = {
        "type": "AWS",
        "uri": f"arn:aws:apigateway:us-east-1:s3:path/{bucket}/{{key}}",
        "credentials": f"arn:aws:iam::{kumoi.account}:role/api",
    }
    media = {"integration.request.header.Content-Type": "method.request.header.Content-Type"}
    put = {**stored, "integrationHttpMethod": "PUT", "requestParameters": {**place, **media}}
    made.method("PUT /{key}", put, [fixed()])
    header = {"method.response.header.Content-Type": "integration.response.header.Content-Type"}
    get = {**stored, "integrationHttpMethod": "GET", "requestParameters": place}
    missing = fixed("404", "none", selectionPattern="404")
    made.method("GET /{key}", get, [fixed(responseParameters=header), missing])
    made.deploy()
    png = {"Content-Type": "image/png", "Accept": "image/png"}
    assert ask(made.id, "PUT", "/a.png", body=b"\x89PNG\0", headers=png).status == 200
    answer = ask(made.id, path="/a.png", headers=png)
    assert (answer.data, answer.headers["content-type"]) == (b"\x89PNG\0", "image/png")
    assert ask(made.id, path="/none").status == 404


def test_a_service_that_is_not_there(api: Any, ask: Any) -> None:
    made = api()
    integration = {
        "type": "AWS",
        "uri": "arn:aws:apigateway:us-east-1:nonsense:action/Do",
        "integrationHttpMethod": "POST",
    }
    made.method("GET /", integration, [fixed()])
    made.deploy()
    assert (ask(made.id).status, ask(made.id).json()) == (504, {"message": "Internal server error"})


@pytest.fixture
def endpoint() -> Iterator[str]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            said = {"path": self.path, "headers": dict(self.headers), "body": body.decode()}
            content = json.dumps(said).encode()
            self.send_response(201)
            self.send_header("X-Own", "yes")
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_endpoints(api: Any, ask: Any, endpoint: str) -> None:
    made = api()
    place = {"integration.request.path.proxy": "method.request.path.proxy"}
    proxy = {"type": "HTTP_PROXY", "uri": f"{endpoint}/base/{{proxy}}", "integrationHttpMethod": "ANY"}
    made.method("POST /{proxy+}", {**proxy, "requestParameters": {**place, "integration.request.header.X-S": "'s'"}})
    plain = {
        "type": "HTTP",
        "uri": "http://${stageVariables.host}/plain",
        "integrationHttpMethod": "POST",
        "requestParameters": {"integration.request.querystring.q": "method.request.body.q"},
        "requestTemplates": {"application/json": '#set($context.requestOverride.header.X-O = "o"){"sent": true}'},
    }
    mapped = {"method.response.header.X-Mine": "integration.response.header.X-Own"}
    made.method("PUT /plain", plain, [fixed("202", responseParameters=mapped)])
    made.deploy(variables={"host": endpoint.removeprefix("http://")})
    answer = ask(made.id, "POST", "/a/b?x=1", body=b"hello", headers={"X-C": "c"})
    said = answer.json()
    assert (answer.status, answer.headers["x-own"]) == (201, "yes")
    assert answer.headers["x-amzn-remapped-server"].startswith("BaseHTTP")
    assert (said["path"], said["body"]) == ("/base/a/b?x=1", "hello")
    assert (said["headers"]["X-C"], said["headers"]["X-S"]) == ("c", "s")
    answer = ask(made.id, "PUT", "/plain", body=b'{"q": "1 2"}', headers={"X-C": "c"})
    said = answer.json()
    assert (answer.status, answer.headers["x-mine"], "x-own" in answer.headers) == (202, "yes", False)
    assert (said["path"], said["body"], said["headers"]["X-O"]) == ("/plain?q=1+2", '{"sent": true}', "o")
    assert "X-C" not in said["headers"]


def test_an_endpoint_that_is_not_there(api: Any, ask: Any) -> None:
    made = api()
    made.method("GET /", {"type": "HTTP_PROXY", "uri": "http://127.0.0.1:1", "integrationHttpMethod": "GET"})
    made.deploy()
    assert (ask(made.id).status, ask(made.id).json()) == (504, {"message": "Internal server error"})


def test_test_invoke(client: Any, api: Any, mock: Any) -> None:
    made = api()
    made.method("GET /{id}", mock, [fixed(template="$input.params('id') $stageVariables.v $input.params('q')")])
    answer = client.test_invoke_method(
        restApiId=made.id,
        resourceId=made.resource("/{id}"),
        httpMethod="GET",
        pathWithQueryString="/7?q=x",
        stageVariables={"v": "w"},
    )
    assert (answer["status"], answer["body"]) == (200, "7 w x")
    assert "Method completed with status: 200" in answer["log"]


def test_a_large_body(api: Any, ask: Any, client: Any) -> None:
    made = api()
    validator = client.create_request_validator(restApiId=made.id, validateRequestBody=True)["id"]
    schema = json.dumps({"type": "array", "items": {"type": "string", "pattern": "^x+$"}})
    client.create_model(restApiId=made.id, name="Texts", contentType="application/json", schema=schema)
    template = (
        '{"statusCode": 200}#foreach($one in $input.path("$"))#set($context.responseOverride.header.X = $one)#end'
    )
    mock = {"type": "MOCK", "requestTemplates": {"application/json": template}}
    models = {"requestValidatorId": validator, "requestModels": {"application/json": "Texts"}}
    made.method("POST /", mock, [fixed(template="$input.params('n')")], **models)
    made.deploy()
    assert ask(made.id, "POST", "/?n=7", body=json.dumps(["x" * 90] * 1000).encode()).data == b"7"
    assert ask(made.id, "POST", "/?n=7", body=json.dumps(["y" * 90] * 1000).encode()).status == 400
    assert ask(made.id, "POST", "/?n=7", body=json.dumps(["x" * 90] * 1001).encode()).status == 500


def test_other_services(kumoi: Any, api: Any, ask: Any) -> None:
    role = f"arn:aws:iam::{kumoi.account}:role/api"
    queue = kumoi.client("sqs").create_queue(QueueName="all")["QueueUrl"]
    topic = kumoi.client("sns").create_topic(Name="news")["TopicArn"]
    subscription = {"TopicArn": topic, "Protocol": "sqs", "Attributes": {"RawMessageDelivery": "true"}}
    kumoi.client("sns").subscribe(Endpoint=f"arn:aws:sqs:us-east-1:{kumoi.account}:all", **subscription)
    kinesis = kumoi.client("kinesis")
    kinesis.create_stream(StreamName="clicks", ShardCount=1)
    kinesis.get_waiter("stream_exists").wait(StreamName="clicks", WaiterConfig={"Delay": 1})
    states = kumoi.client("stepfunctions")
    machine = states.create_state_machine(
        name="m", roleArn=role, definition=json.dumps({"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}})
    )["stateMachineArn"]
    made = api()

    def call(service: str, template: str, query: dict[str, str] | None = None, verb: str = "POST") -> dict[str, Any]:
        return {
            "type": "AWS",
            "uri": f"arn:aws:apigateway:us-east-1:{service}",
            "integrationHttpMethod": verb,
            "credentials": role,
            "requestTemplates": {"application/json": template},
            "requestParameters": {
                f"integration.request.querystring.{name}": text for name, text in (query or {}).items()
            },
        }

    given = {"TopicArn": f"'{topic}'", "Message": "method.request.body.text"}
    integrations = {
        "sns": call("sns:action/Publish", "", given),
        "sns-path": call("sns:path//", "", {**given, "Action": "'Publish'"}),
        "kinesis": call(
            "kinesis:action/PutRecord",
            '{"StreamName": "clicks", "PartitionKey": "p", "Data": "$util.base64Encode($input.json(\'$.text\'))"}',
        ),
        "states": call(
            "states:action/StartExecution",
            f'{{"stateMachineArn": "{machine}", "input": "$util.escapeJavaScript($input.json(\'$\'))"}}',
        ),
        "events": call(
            "events:action/PutEvents",
            '{"Entries": [{"Source": "a", "DetailType": "b", "Detail": "$util.escapeJavaScript($input.json(\'$\'))"}]}',
        ),
        "lambda": call("lambda:path/2015-03-31/functions", "", verb="GET"),
    }
    for name, integration in integrations.items():
        made.method(f"POST /{name}", integration, [fixed(), fixed("500", selectionPattern="[45]\\d\\d")])
    made.deploy()
    for name in integrations:
        answer = ask(made.id, "POST", f"/{name}", body=json.dumps({"text": f"it is {name}"}).encode())
        assert answer.status == 200, (name, answer.data)
        if name == "states":
            execution = states.describe_execution(executionArn=answer.json()["executionArn"])
            assert json.loads(execution["input"]) == {"text": "it is states"}
        elif name == "events":
            assert answer.json()["FailedEntryCount"] == 0
        elif name == "kinesis":
            assert answer.json()["ShardId"] == "shardId-000000000000"
    texts = set()
    while len(texts) < 2:
        answer = kumoi.client("sqs").receive_message(QueueUrl=queue, WaitTimeSeconds=20, MaxNumberOfMessages=10)
        texts |= {message["Body"] for message in answer["Messages"]}
    assert texts == {"it is sns", "it is sns-path"}
