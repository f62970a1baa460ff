"""What each kind of data source makes of requests: any request, sent as an argument through a template."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

RESPONSE = """
#if($ctx.error) $util.error($ctx.error.message, $ctx.error.type, null, $ctx.result) #end
$util.toJson($ctx.result)
"""
Raw = Callable[..., Any]


class Failed(Exception):
    """The field has an error."""

    def __init__(self, error: dict[str, Any]) -> None:
        super().__init__(error["message"])
        self.error = error
        self.kind = error["errorType"]


@pytest.fixture
def raw(client: Any, post: Callable[..., Any]) -> Raw:
    """Send a request to a new data source of that kind, and get its result; raises Failed."""

    made: dict[str, tuple[str, str]] = {}

    def api(source: dict[str, Any]) -> tuple[str, str]:
        found = client.create_graphql_api(name="raw", authenticationType="API_KEY")["graphqlApi"]["apiId"]
        sdl = "type Query { raw(request: AWSJSON!): AWSJSON }"
        client.start_schema_creation(apiId=found, definition=sdl.encode())
        client.create_data_source(apiId=found, name="source", **source)
        client.create_resolver(
            apiId=found,
            typeName="Query",
            fieldName="raw",
            dataSourceName="source",
            requestMappingTemplate="$util.toJson($ctx.args.request)",
            responseMappingTemplate=RESPONSE,
        )
        return found, client.create_api_key(apiId=found)["apiKey"]["id"]

    def send(source: dict[str, Any], **request: Any) -> Any:
        id, key = made.setdefault(json.dumps(source), ("", "")) or ("", "")
        if not id:
            id, key = made[json.dumps(source)] = api(source)
        body = {
            "query": "query($r: AWSJSON!) { raw(request: $r) }",
            "variables": {"r": json.dumps({"version": "2018-05-29", **request})},
        }
        status, answer = post(id, json.dumps(body).encode(), x_api_key=key)
        assert status == 200, answer
        if answer.get("errors"):
            raise Failed(answer["errors"][0])
        value = answer["data"]["raw"]
        return None if value is None else json.loads(value)

    return send


@pytest.fixture
def table(kumoi: Any) -> dict[str, Any]:
    """A table, as a data source."""
    kumoi.client("dynamodb").create_table(
        TableName="things",
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
    )
    return {"type": "AMAZON_DYNAMODB", "dynamodbConfig": {"tableName": "things", "awsRegion": "us-east-1"}}


def key(id: str) -> dict[str, Any]:
    return {"id": {"S": id}}


def test_batches_of_a_table(raw: Raw, table: dict[str, Any]) -> None:
    items = [{**key(id), "n": {"N": n}} for id, n in (("a", 1), ("b", 2))]
    assert raw(table, operation="BatchPutItem", tables={"things": items}) == {
        "data": {"things": [{"id": "a", "n": 1}, {"id": "b", "n": 2}]},
        "unprocessedItems": {"things": []},
    }
    keys = [key("b"), key("gone"), key("a")]
    projection = {"expression": "#n", "expressionNames": {"#n": "n"}}
    wanted = {"things": {"keys": keys, "projection": projection, "consistentRead": True}}
    assert raw(table, operation="BatchGetItem", tables=wanted) == {
        "data": {"things": [{"n": 2}, None, {"n": 1}]},
        "unprocessedKeys": {"things": []},
    }
    deleted = raw(table, operation="BatchDeleteItem", tables={"things": [key("a")]})
    assert deleted == {"data": {"things": [{"id": "a"}]}, "unprocessedKeys": {"things": []}}
    with pytest.raises(Failed) as refused:
        raw(table, operation="BatchDeleteItem", tables={"nope": [key("a")]})
    assert refused.value.kind == "DynamoDB:ResourceNotFoundException"
    assert refused.value.error["errorInfo"] == {"data": {"nope": [None]}, "unprocessedKeys": {"nope": [{"id": "a"}]}}


def test_transactions_of_a_table(raw: Raw, table: dict[str, Any]) -> None:
    put = {"table": "things", "operation": "PutItem", "key": key("a"), "attributeValues": {"n": {"N": 1}}}
    absent = {"expression": "attribute_not_exists(id)"}
    assert raw(table, operation="TransactWriteItems", transactItems=[{**put, "condition": absent}]) == {
        "keys": [{"id": "a"}],
        "cancellationReasons": None,
    }
    update = {"expression": "SET n = n + :one", "expressionValues": {":one": {"N": 1}}}
    change = {"table": "things", "operation": "UpdateItem", "key": key("a"), "update": update}
    with pytest.raises(Failed) as refused:
        raw(
            table,
            operation="TransactWriteItems",
            transactItems=[change, {**put, "key": key("b"), "condition": {"expression": "attribute_exists(id)"}}],
        )
    assert refused.value.kind == "DynamoDB:TransactionCanceledException"
    reasons = refused.value.error["errorInfo"]["cancellationReasons"]
    assert [one["type"] for one in reasons] == ["None", "ConditionalCheckFailed"]
    got = raw(table, operation="TransactGetItems", transactItems=[{"table": "things", "key": key(i)} for i in "ab"])
    assert got == {"items": [{"id": "a", "n": 1}, None], "cancellationReasons": None}


def test_conditions_that_do_not_hold(raw: Raw, table: dict[str, Any], kumoi: Any, zipped: Any) -> None:
    absent = {"expression": "attribute_not_exists(id)"}
    put = {"operation": "PutItem", "key": key("a"), "condition": absent}
    assert raw(table, **put, attributeValues={"n": {"N": 1}, "at": {"S": "x"}}) == {"id": "a", "n": 1, "at": "x"}
    assert raw(table, **put, attributeValues={"n": {"N": 1}, "at": {"S": "x"}})["n"] == 1, "it is there already"
    with pytest.raises(Failed) as refused:
        raw(table, **put, attributeValues={"n": {"N": 1}, "at": {"S": "y"}})
    assert refused.value.kind == "DynamoDB:ConditionalCheckFailedException"
    assert refused.value.error["errorInfo"] == {"id": "a", "n": 1, "at": "x"}
    put["condition"] = {**absent, "equalsIgnore": ["at"]}
    assert raw(table, **put, attributeValues={"n": {"N": 1}, "at": {"S": "y"}})["at"] == "x"
    kumoi.client("iam")
    code = """
def handler(event, context):
    if event["arguments"]["request"]["attributeValues"]["n"]["N"] == 3:
        return {"action": "discard"}
    again = dict(event["requestMapping"]); again.pop("condition")
    again["attributeValues"]["n"] = {"N": event["currentValue"]["n"] + 10}
    return {"action": "retry", "retryMapping": again}
"""
    function = kumoi.client("lambda").create_function(
        FunctionName="decide",
        Runtime="python3.12",
        Role="arn:aws:iam::000000000000:role/r",
        Handler="app.handler",
        Code={"ZipFile": zipped({"app.py": code})},
    )["FunctionArn"]
    custom = {"strategy": "Custom", "lambdaArn": function}
    put["condition"] = {**absent, "conditionalCheckFailedHandler": custom}
    assert raw(table, **put, attributeValues={"n": {"N": 2}})["n"] == 11
    assert raw(table, **put, attributeValues={"n": {"N": 3}}) == {"id": "a", "n": 11}


def test_requests_over_http_signed_and_not(raw: Raw, kumoi: Any, client: Any) -> None:
    answered = raw(
        {"type": "HTTP", "httpConfig": {"endpoint": kumoi.url}},
        method="GET",
        resourcePath="/_kumoi/info",
        params={"query": {"a": "b c"}},
    )
    assert answered["statusCode"] == 200 and "pid" in json.loads(answered["body"])
    signed = {
        "authorizationType": "AWS_IAM",
        "awsIamConfig": {"signingRegion": "us-east-1", "signingServiceName": "sqs"},
    }
    kumoi.client("sqs").create_queue(QueueName="q")
    role = "arn:aws:iam::000000000000:role/calls"
    answered = raw(
        {
            "type": "HTTP",
            "serviceRoleArn": role,
            "httpConfig": {"endpoint": "https://sqs.us-east-1.amazonaws.com/", "authorizationConfig": signed},
        },
        method="POST",
        resourcePath="/",
        params={
            "headers": {"X-Amz-Target": "AmazonSQS.ListQueues", "Content-Type": "application/x-amz-json-1.0"},
            "body": {},
        },
    )
    assert answered["statusCode"] == 200, answered
    assert json.loads(answered["body"])["QueueUrls"][0].endswith("/q")
    with pytest.raises(Failed) as refused:
        raw({"type": "HTTP", "httpConfig": {"endpoint": "http://127.0.0.1:9"}}, method="GET", resourcePath="/")
    assert refused.value.kind == "HTTP:Unreachable"


def test_searches_of_a_domain(raw: Raw, kumoi: Any) -> None:
    config = {"endpoint": kumoi.url, "awsRegion": "us-east-1"}
    source = {"type": "AMAZON_OPENSEARCH_SERVICE", "openSearchServiceConfig": config}
    found = raw(source, operation="GET", path="_kumoi/info", params={"queryString": {"size": 1}})
    assert "pid" in found, "the answer is read"
    with pytest.raises(Failed) as refused:
        raw(source, operation="GET", path="/_kumoi/nope")
    assert refused.value.kind == "OpenSearch:404" and "nothing at" in refused.value.error["message"]
    with pytest.raises(Failed) as refused:
        raw(source, operation="GET", path="/_kumoi/graphql/abc/")
    assert refused.value.kind in ("OpenSearch:503", "OpenSearch:InvalidAnswer")


def test_statements_of_a_relational_source(raw: Raw, kumoi: Any) -> None:
    cluster = kumoi.client("rds").create_db_cluster(
        DBClusterIdentifier="shop",
        Engine="aurora-postgresql",
        MasterUsername="admin",
        ManageMasterUserPassword=True,
        DatabaseName="shop",
        EnableHttpEndpoint=True,
    )["DBCluster"]
    endpoint = {
        "awsRegion": "us-east-1",
        "dbClusterIdentifier": cluster["DBClusterArn"],
        "awsSecretStoreArn": cluster["MasterUserSecret"]["SecretArn"],
        "databaseName": "shop",
    }
    source = {
        "type": "RELATIONAL_DATABASE",
        "relationalDatabaseConfig": {
            "relationalDatabaseSourceType": "RDS_HTTP_ENDPOINT",
            "rdsHttpEndpointConfig": endpoint,
        },
    }
    raw(source, statements=["create table t (id int primary key, name text)"])
    answered = json.loads(
        raw(
            source,
            statements=["insert into t values (:ID, :NAME)", "select id, name from t where name = :NAME"],
            variableMap={":ID": 1, ":NAME": "o'hara"},
        )
    )["sqlStatementResults"]
    assert answered[0]["numberOfRecordsUpdated"] == 1
    assert answered[1]["records"] == [[{"longValue": 1}, {"stringValue": "o'hara"}]]
    assert [one["name"] for one in answered[1]["columnMetadata"]] == ["id", "name"]
    with pytest.raises(Failed) as refused:
        raw(source, statements=["select * from nope"])
    assert refused.value.kind.startswith("RDSHttp:")
    with pytest.raises(Failed):
        raw(source, statements=[])


def test_events_of_a_bus(raw: Raw, kumoi: Any) -> None:
    events, sqs = kumoi.client("events"), kumoi.client("sqs")
    queue = sqs.create_queue(QueueName="told")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    bus = events.create_event_bus(Name="bus")["EventBusArn"]
    events.put_rule(Name="r", EventBusName="bus", EventPattern='{"source":["app"]}')
    events.put_targets(Rule="r", EventBusName="bus", Targets=[{"Id": "1", "Arn": arn}])
    source = {"type": "AMAZON_EVENTBRIDGE", "eventBridgeConfig": {"eventBusArn": bus}}
    event = {"source": "app", "detailType": "made", "detail": {"n": 1}, "resources": ["r1"]}
    answered = raw(source, operation="PutEvents", events=[event])
    assert answered["FailedEntryCount"] == 0 and answered["Entries"][0]["EventId"]
    (message,) = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=20)["Messages"]
    told = json.loads(message["Body"])
    assert (told["detail"], told["detail-type"], told["resources"]) == ({"n": 1}, "made", ["r1"])


@pytest.mark.parametrize(
    ("source", "request_", "kind"),
    [
        (
            {
                "type": "AMAZON_OPENSEARCH_SERVICE",
                "openSearchServiceConfig": {"endpoint": "https://x.es.amazonaws.com", "awsRegion": "us-east-1"},
            },
            {"operation": "GET", "path": "/"},
            "NotImplemented",
        ),
        (
            {
                "type": "AMAZON_ELASTICSEARCH",
                "elasticsearchConfig": {"endpoint": "x.es.amazonaws.com.cn", "awsRegion": "a"},
            },
            {"operation": "GET", "path": "/"},
            "NotImplemented",
        ),
        ({"type": "AMAZON_BEDROCK_RUNTIME"}, {"operation": "Converse"}, "NotImplemented"),
        (
            {"type": "HTTP", "httpConfig": {"endpoint": "http://localhost"}},
            {"method": "BREW", "resourcePath": "/"},
            "MappingTemplate",
        ),
        (
            {"type": "HTTP", "httpConfig": {"endpoint": "http://localhost"}},
            {"method": "GET", "resourcePath": "@evil.test"},
            "MappingTemplate",
        ),
        (
            {"type": "AMAZON_EVENTBRIDGE", "eventBridgeConfig": {"eventBusArn": "b"}},
            {"operation": "PutEvents", "events": "x"},
            "MappingTemplate",
        ),
    ],
)
def test_requests_that_come_to_nothing(raw: Raw, source: dict[str, Any], request_: dict[str, Any], kind: str) -> None:
    with pytest.raises(Failed) as refused:
        raw(source, **request_)
    assert refused.value.kind == kind


@pytest.mark.parametrize(
    "request_",
    [
        {"operation": "Nope"},
        {"operation": "Sync"},
        {"operation": "GetItem"},
        {"operation": "GetItem", "key": "x"},
        {"operation": "PutItem", "key": {"id": {}}},
        {"operation": "BatchGetItem", "tables": {"things": []}},
        {"operation": "BatchPutItem", "tables": []},
        {"operation": "TransactWriteItems", "transactItems": [{"table": "things", "operation": "x"}]},
        {"operation": "TransactGetItems", "transactItems": "x"},
        {"operation": "Query", "query": None},
        {"operation": "Scan", "limit": "many"},
        {"operation": "Scan", "nextToken": "x"},
    ],
)
def test_garbage_for_a_table(raw: Raw, table: dict[str, Any], request_: dict[str, Any]) -> None:
    with pytest.raises(Failed) as refused:
        raw(table, **request_)
    assert refused.value.kind in ("MappingTemplate", "DynamoDB:ValidationException")


SQL = """
import { util } from '@aws-appsync/utils';
import { sql, select, insert, update, remove, createPgStatement, toJsonObject, agg } from '@aws-appsync/utils/rds';
const MADE = {
  table: () => createPgStatement(sql`create table people (id int primary key, name text, age int)`),
  insert: () => createPgStatement(
    insert({ table: 'people', values: [{ id: 1, name: "o'hara", age: 40 }, { id: 2, name: 'ann', age: 30 }] }),
    select({ from: 'people', columns: ['id', 'name'],
      where: { or: [{ name: { contains: "'" } }, { age: { lt: 9 } }] } })),
  update: () => createPgStatement(
    update({ table: 'people', values: { age: 41 }, where: { id: { eq: 1 } }, returning: ['id', 'age'] }),
    sql`select name from people where age > ${35}`),
  count: () => createPgStatement(
    remove({ table: 'people', where: { id: { in: [2, 3] } } }),
    select({ table: 'people', columns: { n: agg.count('*') } })),
  hostile: () => createPgStatement(select({ table: 'people"; drop table people; --' })),
};
export const request = (ctx) => MADE[ctx.args.what]();
export function response(ctx) {
  if (ctx.error) util.error(ctx.error.message, ctx.error.type);
  return toJsonObject(ctx.result);
}
"""


def test_statements_made_of_values(client: Any, kumoi: Any, post: Callable[..., Any]) -> None:
    cluster = kumoi.client("rds").create_db_cluster(
        DBClusterIdentifier="people",
        Engine="aurora-postgresql",
        MasterUsername="admin",
        ManageMasterUserPassword=True,
        DatabaseName="people",
        EnableHttpEndpoint=True,
    )["DBCluster"]
    api = client.create_graphql_api(name="sql", authenticationType="API_KEY")["graphqlApi"]["apiId"]
    client.start_schema_creation(apiId=api, definition=b"type Query { run(what: String!): AWSJSON }")
    endpoint = {
        "awsRegion": "us-east-1",
        "dbClusterIdentifier": cluster["DBClusterArn"],
        "awsSecretStoreArn": cluster["MasterUserSecret"]["SecretArn"],
        "databaseName": "people",
    }
    config = {"relationalDatabaseSourceType": "RDS_HTTP_ENDPOINT", "rdsHttpEndpointConfig": endpoint}
    client.create_data_source(apiId=api, name="db", type="RELATIONAL_DATABASE", relationalDatabaseConfig=config)
    runtime = {"name": "APPSYNC_JS", "runtimeVersion": "1.0.0"}
    client.create_resolver(apiId=api, typeName="Query", fieldName="run", dataSourceName="db", code=SQL, runtime=runtime)
    secret = client.create_api_key(apiId=api)["apiKey"]["id"]

    def run(what: str) -> Any:
        body = json.dumps({"query": "query($w: String!) { run(what: $w) }", "variables": {"w": what}}).encode()
        answer = post(api, body, x_api_key=secret)[1]
        return answer["errors"][0]["errorType"] if answer.get("errors") else json.loads(answer["data"]["run"])

    assert run("table") == [[]]
    assert run("insert") == [[], [{"id": 1, "name": "o'hara"}]]
    assert run("update") == [[{"id": 1, "age": 41}], [{"name": "o'hara"}]]
    assert run("count") == [[], [{"n": 1}]]
    assert str(run("hostile")).startswith("RDSHttp:")
    assert run("count") == [[], [{"n": 1}]]
    result = {"sqlStatementResults": [{"records": [[{"longValue": 1}, {"isNull": True}]], "columnMetadata": [
        {"label": "a", "name": "a"}, {"label": "", "name": "b"}]}]}  # fmt: skip
    evaluated = client.evaluate_mapping_template(
        template="$util.rds.toJsonString($ctx.result)", context=json.dumps({"result": json.dumps(result)})
    )
    assert json.loads(evaluated["evaluationResult"]) == [[{"a": 1, "b": None}]]
