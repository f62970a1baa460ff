"""AWS's powertools accept the events we make: each is really produced, reaches one function, and is read by its model.

The function writes what it is asked into its log, and answers what the asker needs. Tests of one account each.
"""

from __future__ import annotations

import base64
import json
import sys
import time
import urllib.request
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest
import urllib3
from aws_lambda_powertools.utilities.data_classes.appsync_authorizer_event import AppSyncAuthorizerEvent
from aws_lambda_powertools.utilities.parser import models
from botocore import UNSIGNED
from pydantic import BaseModel
from websockets.sync.client import connect

ROLE = "arn:aws:iam::000000000000:role/any"
TELLER = """
import json, urllib.request

def handler(event, context):
    print(json.dumps({"told": event}))
    if not isinstance(event, dict):
        return event
    if event.get("fail"):
        raise ValueError
    if "ResponseURL" in event:
        names = ("StackId", "RequestId", "LogicalResourceId")
        answer = {"Status": "SUCCESS", "PhysicalResourceId": "made", **{name: event[name] for name in names}}
        request = urllib.request.Request(event["ResponseURL"], json.dumps(answer).encode(), method="PUT")
        urllib.request.urlopen(request).close()
    if "authorizationToken" in event and "requestContext" in event:
        return {"isAuthorized": True, "resolverContext": {"who": "ada"}}
    if "methodArn" in event:
        statement = {"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": event["methodArn"]}
        return {"principalId": "ada", "policyDocument": {"Version": "2012-10-17", "Statement": [statement]}}
    if "routeArn" in event:
        return {"isAuthorized": True, "context": {"n": 1}}
    source = event.get("triggerSource", "")
    response = event.get("response")
    if source.startswith("DefineAuthChallenge"):
        response.update(issueTokens=bool(event["request"]["session"]), challengeName="CUSTOM_CHALLENGE")
    if source.startswith("CreateAuthChallenge"):
        response.update(publicChallengeParameters={"q": "1"}, privateChallengeParameters={"a": "1"})
    if source.startswith("VerifyAuthChallenge"):
        response["answerCorrect"] = True
    if source.startswith("UserMigration"):
        response.update(userAttributes={"email": "new@example.com"}, finalUserStatus="CONFIRMED")
    if source:
        return event
    asked = event.get("requestContext", ())
    if "httpMethod" in event or "routeKey" in asked or "elb" in asked:
        return {"statusCode": 200, "body": "{}"}
    if any("dynamodb" in one for one in event.get("Records", ())):
        raise ValueError("a batch that fails")
    return {"events": event["events"]} if event.get("events") else None
"""

Told = Callable[..., dict[str, Any]]


class Unread(BaseModel):
    """What the parser has no model for."""


@pytest.fixture
def function(kumoi: Any, zipped: Callable[[dict[str, str]], bytes]) -> str:
    """The function's ARN; anybody may call it."""
    client = kumoi.client("lambda")
    arn = client.create_function(
        FunctionName="teller",
        Runtime=f"python3.{sys.version_info.minor}",
        Role=ROLE,
        Handler="app.handler",
        Code={"ZipFile": zipped({"app.py": TELLER})},
    )["FunctionArn"]
    client.add_permission(FunctionName="teller", StatementId="all", Action="lambda:InvokeFunction", Principal="*")
    return str(arn)


@pytest.fixture
def told(kumoi: Any) -> Told:
    """`told(Model, …)`: what the function was told that the model reads and the test means, once it has been told."""
    logs = kumoi.client("logs")

    def find(model: type[BaseModel], meant: Callable[[dict[str, Any]], Any]) -> dict[str, Any]:
        deadline = time.monotonic() + 60
        while True:
            try:
                pages = logs.get_paginator("filter_log_events").paginate(
                    logGroupName="/aws/lambda/teller", filterPattern='"told"'
                )
                lines = [json.loads(one["message"]) for page in pages for one in page["events"]]
            except logs.exceptions.ResourceNotFoundException:
                lines = []
            for event in (line["told"] for line in lines):
                if isinstance(event, dict) and meant(event):
                    model.model_validate(event)
                    return event
            assert time.monotonic() < deadline, f"no event for {model.__name__} within 60 s"
            time.sleep(0.05)

    return find


def record(source: str) -> Callable[[dict[str, Any]], Any]:
    """Whether an event is one of records of that source."""

    def meant(event: dict[str, Any]) -> bool:
        records = event.get("Records") or [{}]
        return source in (records[0].get("eventSource"), records[0].get("EventSource"))

    return meant


def test_stores_queues_and_topics(kumoi: Any, function: str, told: Told) -> None:
    sqs, sns, s3 = kumoi.client("sqs"), kumoi.client("sns"), kumoi.client("s3")
    functions = kumoi.client("lambda")
    url = sqs.create_queue(QueueName="q")["QueueUrl"]
    queue = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    functions.create_event_source_mapping(FunctionName="teller", EventSourceArn=queue)
    topic = sns.create_topic(Name="t")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="lambda", Endpoint=function)
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue)
    s3.create_bucket(Bucket="direct")
    config = {"LambdaFunctionArn": function, "Events": ["s3:ObjectCreated:*", "s3:ObjectRemoved:*"]}
    s3.put_bucket_notification_configuration(
        Bucket="direct", NotificationConfiguration={"LambdaFunctionConfigurations": [config]}
    )
    s3.create_bucket(Bucket="queued")
    s3.put_bucket_notification_configuration(
        Bucket="queued",
        NotificationConfiguration={
            "QueueConfigurations": [{"QueueArn": queue, "Events": ["s3:ObjectCreated:*"]}],
            "EventBridgeConfiguration": {},
        },
    )
    events = kumoi.client("events")
    events.put_rule(Name="all", EventPattern=json.dumps({"source": [{"prefix": ""}]}))
    events.put_targets(Rule="all", Targets=[{"Id": "f", "Arn": function}])

    attributes = {"A": {"DataType": "String", "StringValue": "a"}, "B": {"DataType": "Binary", "BinaryValue": b"b"}}
    sqs.send_message(QueueUrl=url, MessageBody="by itself", MessageAttributes=attributes)
    sns.publish(TopicArn=topic, Message="said", Subject="s", MessageAttributes=attributes)
    s3.put_object(Bucket="direct", Key="a b.txt", Body=b"abc")
    s3.delete_object(Bucket="direct", Key="a b.txt")
    s3.put_object(Bucket="queued", Key="c.txt", Body=b"abc")
    events.put_events(Entries=[{"Source": "mine", "DetailType": "kind", "Detail": "{}", "Resources": ["r"]}])

    def queued(text: str) -> Callable[[dict[str, Any]], bool]:
        return lambda event: record("aws:sqs")(event) and any(text in one["body"] for one in event["Records"])

    told(models.SqsModel, queued("by itself"))
    told(models.SnsModel, record("aws:sns"))
    for one in told(models.SqsModel, queued('"said"'))["Records"]:
        if one["body"].startswith("{") and "TopicArn" in one["body"]:
            models.SnsNotificationModel.model_validate_json(one["body"])
    told(models.S3SqsEventNotificationModel, lambda e: queued("c.txt")(e) and len(e["Records"]) == 1)
    for kind in ("ObjectCreated:Put", "ObjectRemoved:Delete"):
        told(models.S3Model, lambda e, kind=kind: record("aws:s3")(e) and e["Records"][0]["eventName"] == kind)
    told(models.EventBridgeModel, lambda e: e.get("source") == "mine")
    told(models.S3EventNotificationEventBridgeModel, lambda e: e.get("source") == "aws.s3")


def test_streams(kumoi: Any, function: str, told: Told) -> None:
    dynamodb, kinesis, logs, sqs = (kumoi.client(name) for name in ("dynamodb", "kinesis", "logs", "sqs"))
    functions = kumoi.client("lambda")
    failures = sqs.create_queue(QueueName="failures")["QueueUrl"]
    destination = sqs.get_queue_attributes(QueueUrl=failures, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    table = dynamodb.create_table(
        TableName="items",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    )["TableDescription"]
    functions.create_event_source_mapping(
        FunctionName="teller",
        EventSourceArn=table["LatestStreamArn"],
        StartingPosition="TRIM_HORIZON",
        MaximumRetryAttempts=0,
        DestinationConfig={"OnFailure": {"Destination": destination}},
    )
    kinesis.create_stream(StreamName="k", ShardCount=1)
    stream = kinesis.describe_stream_summary(StreamName="k")["StreamDescriptionSummary"]["StreamARN"]
    functions.create_event_source_mapping(FunctionName="teller", EventSourceArn=stream, StartingPosition="TRIM_HORIZON")
    logs.create_log_group(logGroupName="g")
    logs.create_log_stream(logGroupName="g", logStreamName="s")
    given = {"logGroupName": "g", "filterPattern": ""}
    logs.put_subscription_filter(**given, filterName="f", destinationArn=function)
    logs.put_subscription_filter(**given, filterName="k", destinationArn=stream, roleArn=ROLE)

    item = {"id": {"S": "a"}, "n": {"N": "1.5"}, "s": {"SS": ["x"]}, "b": {"B": b"b"}, "m": {"M": {"l": {"L": []}}}}
    dynamodb.put_item(TableName="items", Item=item)
    dynamodb.put_item(TableName="items", Item=item | {"n": {"NULL": True}})
    dynamodb.delete_item(TableName="items", Key={"id": {"S": "a"}})
    kinesis.put_record(StreamName="k", Data=b'{"a": 1}', PartitionKey="p")
    now = int(kumoi.now().timestamp() * 1000)
    logs.put_log_events(logGroupName="g", logStreamName="s", logEvents=[{"timestamp": now, "message": "hello"}])

    told(models.DynamoDBStreamModel, record("aws:dynamodb"))
    (failed,) = sqs.receive_message(QueueUrl=failures, WaitTimeSeconds=20)["Messages"]
    models.DynamoDBStreamLambdaOnFailureDestinationModel.model_validate_json(failed["Body"])

    def sent(event: dict[str, Any]) -> list[bytes]:
        records = event["Records"] if record("aws:kinesis")(event) else []
        return [base64.b64decode(one["kinesis"]["data"]) for one in records]

    told(models.KinesisDataStreamModel, lambda e: b'{"a": 1}' in sent(e))
    found = told(models.KinesisDataStreamModel, lambda e: any(one.startswith(b"\x1f\x8b") for one in sent(e)))
    packed = [one for one in sent(found) if one.startswith(b"\x1f\x8b")]
    models.CloudWatchLogsModel.model_validate({"awslogs": {"data": base64.b64encode(packed[0])}})
    told(models.CloudWatchLogsModel, lambda e: "awslogs" in e)


def test_rules_of_iot_and_state_machines(kumoi: Any, function: str, told: Told) -> None:
    iot, machines = kumoi.client("iot"), kumoi.client("stepfunctions")
    rule = {"sql": "SELECT * FROM 'rooms/+'", "actions": [{"lambda": {"functionArn": function}}]}
    iot.create_topic_rule(ruleName="rule", topicRulePayload=rule)
    kumoi.client("iot-data").publish(topic="rooms/1", payload=json.dumps({"room": 1}).encode())
    state = {"Type": "Task", "Resource": function, "End": True}
    machine = machines.create_state_machine(
        name="m", roleArn=ROLE, definition=json.dumps({"StartAt": "A", "States": {"A": state}})
    )["stateMachineArn"]
    machines.start_execution(stateMachineArn=machine, input=json.dumps({"task": 1}))

    class Room(BaseModel):
        room: int

    class Task(BaseModel):
        task: int

    told(Room, lambda e: "room" in e)
    told(Task, lambda e: "task" in e)


def test_front_doors(kumoi: Any, function: str, told: Told) -> None:
    with urllib3.PoolManager(retries=False) as pool:

        def ask(host: str, path: str, **headers: str) -> None:
            given = {"Host": host, "User-Agent": "tests", "Cookie": "a=1; b=2", **headers}
            answer = pool.request("POST", f"{kumoi.url}{path}", headers=given, body=b"body")
            assert answer.status == 200, answer.data

        _rest(kumoi.client("apigateway"), function, ask)
        _http(kumoi.client("apigatewayv2"), function, ask)
        _others(kumoi, function, ask)
    told(models.ApiGatewayAuthorizerToken, lambda e: e.get("type") == "TOKEN")
    told(models.ApiGatewayAuthorizerRequest, lambda e: e.get("type") == "REQUEST" and "methodArn" in e)
    told(models.APIGatewayProxyEventModel, lambda e: e.get("resource") == "/token/{rest+}" and "body" in e)
    told(models.APIGatewayProxyEventModel, lambda e: e.get("resource") == "/request" and e.get("body") == "body")
    told(models.ApiGatewayAuthorizerRequestV2, lambda e: "routeArn" in e)
    told(models.APIGatewayProxyEventV2Model, lambda e: e.get("routeKey") == "POST /two" and "routeArn" not in e)
    told(models.APIGatewayProxyEventModel, lambda e: e.get("version") == "1.0" and e.get("resource") == "/one")
    told(models.AlbModel, lambda e: "elb" in e.get("requestContext", ()))
    told(models.LambdaFunctionUrlModel, lambda e: e.get("rawPath") == "/of/url")

    api = kumoi.client("apigatewayv2")
    chat = api.create_api(Name="chat", ProtocolType="WEBSOCKET", RouteSelectionExpression="$request.body.action")
    uri = f"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{function}/invocations"
    made = api.create_integration(ApiId=chat["ApiId"], IntegrationType="AWS_PROXY", IntegrationUri=uri)
    for key in ("$connect", "$disconnect", "$default"):
        api.create_route(ApiId=chat["ApiId"], RouteKey=key, Target=f"integrations/{made['IntegrationId']}")
    api.create_stage(ApiId=chat["ApiId"], StageName="dev", AutoDeploy=True)
    address = f"ws{kumoi.url.removeprefix('http')}/_aws/execute-api/{chat['ApiId']}/dev?a=1"
    with connect(address, user_agent_header="tests", open_timeout=60) as peer:
        peer.send("hello")
        told(models.APIGatewayWebSocketMessageEventModel, lambda e: e.get("body") == "hello")
    for model, kind in (
        (models.APIGatewayWebSocketConnectEventModel, "CONNECT"),
        (models.APIGatewayWebSocketDisconnectEventModel, "DISCONNECT"),
    ):
        told(model, lambda e, kind=kind: e.get("requestContext", {}).get("eventType") == kind)


def _rest(client: Any, function: str, ask: Callable[..., None]) -> None:
    """A REST API with an authorizer of each kind."""
    uri = f"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{function}/invocations"
    api = client.create_rest_api(name="rest")
    for kind in ("TOKEN", "REQUEST"):
        guard = client.create_authorizer(
            restApiId=api["id"],
            name=kind,
            type=kind,
            authorizerUri=uri,
            identitySource="method.request.header.Authorization",
        )["id"]
        parent = client.create_resource(restApiId=api["id"], parentId=api["rootResourceId"], pathPart=kind.lower())
        if kind == "TOKEN":
            parent = client.create_resource(restApiId=api["id"], parentId=parent["id"], pathPart="{rest+}")
        place = {"restApiId": api["id"], "resourceId": parent["id"], "httpMethod": "POST"}
        client.put_method(**place, authorizationType="CUSTOM", authorizerId=guard)
        client.put_integration(**place, type="AWS_PROXY", uri=uri, integrationHttpMethod="POST")
    client.create_deployment(restApiId=api["id"], stageName="dev", variables={"colour": "red"})
    host = f"{api['id']}.execute-api.us-east-1.amazonaws.com"
    ask(host, "/dev/token/a/b?x=1&x=2", Authorization="allow")
    ask(host, "/dev/request", Authorization="allow")


def _http(client: Any, function: str, ask: Callable[..., None]) -> None:
    """An HTTP API of both payload formats, one behind an authorizer."""
    api = client.create_api(Name="http", ProtocolType="HTTP")["ApiId"]
    guard = client.create_authorizer(
        ApiId=api,
        Name="guard",
        AuthorizerType="REQUEST",
        AuthorizerUri=f"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{function}/invocations",
        AuthorizerPayloadFormatVersion="2.0",
        EnableSimpleResponses=True,
        IdentitySource=["$request.header.Authorization"],
    )["AuthorizerId"]
    routes: dict[str, dict[str, str]] = {"two": {"AuthorizationType": "CUSTOM", "AuthorizerId": guard}, "one": {}}
    for version, (path, route) in zip(("2.0", "1.0"), routes.items(), strict=True):
        made = client.create_integration(
            ApiId=api, IntegrationType="AWS_PROXY", IntegrationUri=function, PayloadFormatVersion=version
        )["IntegrationId"]
        client.create_route(ApiId=api, RouteKey=f"POST /{path}", Target=f"integrations/{made}", **route)
    client.create_stage(ApiId=api, StageName="$default", AutoDeploy=True)
    host = f"{api}.execute-api.us-east-1.amazonaws.com"
    ask(host, "/two?x=1&x=2", Authorization="allow")
    ask(host, "/one")


def _others(kumoi: Any, function: str, ask: Callable[..., None]) -> None:
    """A load balancer and a function URL."""
    balancers = kumoi.client("elbv2")
    group = balancers.create_target_group(Name="t", TargetType="lambda")["TargetGroups"][0]["TargetGroupArn"]
    balancers.register_targets(TargetGroupArn=group, Targets=[{"Id": function}])
    web = balancers.create_load_balancer(Name="web", Subnets=["subnet-1", "subnet-2"])["LoadBalancers"][0]
    actions = [{"Type": "forward", "TargetGroupArn": group}]
    balancers.create_listener(LoadBalancerArn=web["LoadBalancerArn"], Protocol="HTTP", Port=80, DefaultActions=actions)
    ask(web["DNSName"], "/of/balancer?a=1")
    url = kumoi.client("lambda").create_function_url_config(FunctionName="teller", AuthType="NONE")["FunctionUrl"]
    kumoi.client("lambda").add_permission(
        FunctionName="teller",
        StatementId="url",
        Action="lambda:InvokeFunctionUrl",
        Principal="*",
        FunctionUrlAuthType="NONE",
    )
    place = urlsplit(url)
    ask(place.netloc, f"{place.path}of/url?a=1&a=2")


def test_triggers_of_user_pools(kumoi: Any, function: str, told: Told) -> None:
    client = kumoi.client("cognito-idp")
    public = kumoi.client("cognito-idp", signature_version=UNSIGNED)
    names = ("PreSignUp", "PostConfirmation", "PreAuthentication", "PostAuthentication", "PreTokenGeneration")
    names += ("CustomMessage", "UserMigration")
    names += ("DefineAuthChallenge", "CreateAuthChallenge", "VerifyAuthChallengeResponse")
    pool = client.create_user_pool(
        PoolName="pool", AutoVerifiedAttributes=["email"], LambdaConfig=dict.fromkeys(names, function)
    )["UserPool"]["Id"]
    flows = ["ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH", "ALLOW_CUSTOM_AUTH"]
    app = client.create_user_pool_client(UserPoolId=pool, ClientName="app", ExplicitAuthFlows=flows)
    app = app["UserPoolClient"]["ClientId"]
    email = [{"Name": "email", "Value": "ann@example.com"}]
    more = {"ClientMetadata": {"a": "b"}}
    password = "Correct-horse-1"
    public.sign_up(ClientId=app, Username="ann", Password=password, UserAttributes=email, **more)
    (sent,) = kumoi.client("logs").filter_log_events(logGroupName=f"/kumoi/cognito/{pool}")["events"]
    code = json.loads(sent["message"])["code"]
    public.confirm_sign_up(ClientId=app, Username="ann", ConfirmationCode=code, **more)

    def sign_in(flow: str, **parameters: str) -> Any:
        return public.initiate_auth(ClientId=app, AuthFlow=flow, AuthParameters=parameters, **more)

    assert "AuthenticationResult" in sign_in("USER_PASSWORD_AUTH", USERNAME="ann", PASSWORD=password)
    assert "AuthenticationResult" in sign_in("USER_PASSWORD_AUTH", USERNAME="eve", PASSWORD=password)
    begun = sign_in("CUSTOM_AUTH", USERNAME="ann")
    done = public.respond_to_auth_challenge(
        ClientId=app,
        ChallengeName="CUSTOM_CHALLENGE",
        Session=begun["Session"],
        ChallengeResponses={"USERNAME": "ann", "ANSWER": "1"},
    )
    assert "AuthenticationResult" in done
    for model, source in (
        (models.CognitoPreSignupTriggerModel, "PreSignUp_SignUp"),
        (models.CognitoCustomMessageTriggerModel, "CustomMessage_SignUp"),
        (models.CognitoPostConfirmationTriggerModel, "PostConfirmation_ConfirmSignUp"),
        (models.CognitoPreAuthenticationTriggerModel, "PreAuthentication_Authentication"),
        (models.CognitoPostAuthenticationTriggerModel, "PostAuthentication_Authentication"),
        (models.CognitoPreTokenGenerationTriggerModelV1, "TokenGeneration_Authentication"),
        (models.CognitoMigrateUserTriggerModel, "UserMigration_Authentication"),
        (models.CognitoDefineAuthChallengeTriggerModel, "DefineAuthChallenge_Authentication"),
        (models.CognitoCreateAuthChallengeTriggerModel, "CreateAuthChallenge_Authentication"),
        (models.CognitoVerifyAuthChallengeTriggerModel, "VerifyAuthChallengeResponse_Authentication"),
    ):
        told(model, lambda e, source=source: e.get("triggerSource") == source)


def test_custom_resources(kumoi: Any, function: str, told: Told) -> None:
    stacks = kumoi.client("cloudformation")
    for verb, colour in (("create", "red"), ("update", "blue"), ("delete", "")):
        thing = {"Type": "Custom::Thing", "Properties": {"ServiceToken": function, "Colour": colour}}
        given = {"TemplateBody": json.dumps({"Resources": {"Thing": thing}})} if colour else {}
        getattr(stacks, f"{verb}_stack")(StackName="s", **given)
        stacks.get_waiter(f"stack_{verb}_complete").wait(StackName="s", WaiterConfig={"Delay": 1})
    for model, kind in (
        (models.CloudFormationCustomResourceCreateModel, "Create"),
        (models.CloudFormationCustomResourceUpdateModel, "Update"),
        (models.CloudFormationCustomResourceDeleteModel, "Delete"),
    ):
        told(model, lambda e, kind=kind: e.get("RequestType") == kind)


def test_appsync(kumoi: Any, function: str, told: Told) -> None:
    client = kumoi.client("appsync")
    api = client.create_graphql_api(
        name="a", authenticationType="AWS_LAMBDA", lambdaAuthorizerConfig={"authorizerUri": function}
    )["graphqlApi"]["apiId"]
    sdl = "type Query { echo(a: Int): String }\nschema { query: Query }"
    client.start_schema_creation(apiId=api, definition=sdl.encode())
    client.create_data_source(apiId=api, name="f", type="AWS_LAMBDA", lambdaConfig={"lambdaFunctionArn": function})
    client.create_resolver(apiId=api, typeName="Query", fieldName="echo", dataSourceName="f")
    modes = [{"authType": "API_KEY"}]
    live = client.create_api(
        name="live",
        eventConfig={
            "authProviders": modes,
            "connectionAuthModes": modes,
            "defaultPublishAuthModes": modes,
            "defaultSubscribeAuthModes": modes,
        },
    )["api"]["apiId"]
    key = client.create_api_key(apiId=live)["apiKey"]["id"]
    client.create_data_source(apiId=live, name="f", type="AWS_LAMBDA", lambdaConfig={"lambdaFunctionArn": function})
    integration = {"dataSourceName": "f", "lambdaConfig": {"invokeType": "REQUEST_RESPONSE"}}
    client.create_channel_namespace(
        apiId=live, name="chat", handlerConfigs={"onPublish": {"behavior": "DIRECT", "integration": integration}}
    )

    def post(path: str, content: Any, **headers: str) -> None:
        given = {"content-type": "application/json", **{name.replace("_", "-"): v for name, v in headers.items()}}
        request = urllib.request.Request(f"{kumoi.url}{path}", json.dumps(content).encode(), given)
        with urllib.request.urlopen(request) as answer:
            assert "error" not in answer.read().decode()

    post(f"/_kumoi/appsync-api/{api}/graphql", {"query": "{ echo(a: 1) }"}, authorization="me")
    post(f"/event/{live}", {"channel": "chat/a", "events": ['{"text": "hello"}']}, x_api_key=key)
    told(models.AppSyncResolverEventModel, lambda e: "selectionSetList" in e.get("info", ()))
    told(models.AppSyncEventsModel, lambda e: e.get("events"))

    event = AppSyncAuthorizerEvent(told(Unread, lambda e: "authorizationToken" in e))
    assert (event.authorization_token, event.request_context.api_id, event.request_context.query_string) == (
        "me",
        api,
        "{ echo(a: 1) }",
    )
