"""`--auth enforce`, driven by boto3: what policies deny is refused in AWS's words, what they allow works."""

from __future__ import annotations

import base64
import http.server
import json
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

ACCOUNT, OTHER, REGION = "311111111111", "322222222222", "us-east-1"
POLLS = 2_000
LONG_POLLS = 30
Connect = Callable[..., Any]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The data directory of a platform that enforces policies."""
    data = str(tmp_path_factory.mktemp("enforce"))
    kumoi = [sys.executable, "-m", "kumoi"]
    up = [*kumoi, "up", "-d", "--ephemeral", "--port", "0", "--auth", "enforce", "--data", data]
    subprocess.run(up, check=True, stdout=subprocess.DEVNULL)
    yield data
    subprocess.run([*kumoi, "down", "--data", data], check=True, stdout=subprocess.DEVNULL)


@pytest.fixture(scope="module")
def enforcing(data: str) -> str:
    """Its URL."""
    return str(json.loads((Path(data) / "platform.json").read_text())["url"])


@pytest.fixture(scope="module")
def ruling(data: str) -> Callable[..., Any]:
    """Ask `/_kumoi/` with the platform's token."""
    found = json.loads((Path(data) / "platform.json").read_text())

    def ask(path: str, body: Any = None) -> Any:
        content = None if body is None else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {found['token']}"}
        with urllib.request.urlopen(
            urllib.request.Request(f"{found['url']}/_kumoi/{path}", content, headers)
        ) as answer:
            return json.load(answer)

    return ask


@pytest.fixture
def connect(enforcing: str) -> Iterator[Connect]:
    """Make clients: of an account's root, or of given credentials."""
    made = []

    def make(service: str, given: dict[str, str] | None = None, account: str = ACCOUNT) -> Any:
        given = given or {"AccessKeyId": account, "SecretAccessKey": "test"}
        client = boto3.client(
            service,
            endpoint_url=enforcing,
            region_name=REGION,
            aws_access_key_id=given["AccessKeyId"],
            aws_secret_access_key=given["SecretAccessKey"],
            aws_session_token=given.get("SessionToken"),
            config=Config(retries={"total_max_attempts": 1}),
        )
        made.append(client)
        return client

    yield make
    for client in made:
        client.close()


def document(action: Any, resource: Any = "*", effect: str = "Allow", **more: Any) -> str:
    statement = {"Effect": effect, "Action": action, "Resource": resource, **more}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def trust(principal: Any, action: str = "sts:AssumeRole", **more: Any) -> str:
    statement = {"Effect": "Allow", "Principal": principal, "Action": action, **more}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def new_user(connect: Connect, name: str, policy: str | None = None) -> dict[str, str]:
    """The access key of a new user."""
    iam = connect("iam")
    iam.create_user(UserName=name)
    if policy is not None:
        iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=policy)
    key: dict[str, str] = iam.create_access_key(UserName=name)["AccessKey"]
    return key


def refusal(call: Callable[..., Any], **params: Any) -> tuple[str, str]:
    """(code, message) that a call is refused with."""
    with pytest.raises(ClientError) as refused:
        call(**params)
    error = refused.value.response
    assert error["ResponseMetadata"]["HTTPStatusCode"] == 403
    return error["Error"]["Code"], error["Error"]["Message"]


def eventually(condition: Callable[[], Any], polls: int = POLLS) -> Any:
    """What `condition` answers once it is true."""
    for _ in range(polls):
        if found := condition():
            return found
    raise AssertionError("it did not happen")


@pytest.mark.parametrize(
    ("service", "operation", "params", "code", "said"),
    [
        (
            "dynamodb",
            "get_item",
            {"TableName": "Tee", "Key": {}},
            "AccessDeniedException",
            "dynamodb:GetItem on resource: arn:aws:dynamodb:us-east-1:311111111111:table/Tee",
        ),
        (
            "lambda",
            "invoke",
            {"FunctionName": "f"},
            "AccessDeniedException",
            "lambda:InvokeFunction on resource: arn:aws:lambda:us-east-1:311111111111:function:f",
        ),
        ("s3", "list_objects_v2", {"Bucket": "box"}, "AccessDenied", "s3:ListBucket on resource: arn:aws:s3:::box"),
        (
            "sns",
            "create_topic",
            {"Name": "n"},
            "AuthorizationError",
            "SNS:CreateTopic on resource: arn:aws:sns:us-east-1:311111111111:n",
        ),
        ("iam", "list_roles", {}, "AccessDenied", "iam:ListRoles on resource: *"),
        (
            "sqs",
            "create_queue",
            {"QueueName": "q"},
            "AccessDenied",
            "sqs:createqueue on resource: arn:aws:sqs:us-east-1:311111111111:q",
        ),
        (
            "logs",
            "describe_log_groups",
            {},
            "AccessDeniedException",
            "logs:DescribeLogGroups on resource: arn:aws:logs:us-east-1:311111111111:log-group:*",
        ),
        ("cloudformation", "list_stacks", {}, "AccessDenied", "cloudformation:ListStacks on resource: *"),
        (
            "apigatewayv2",
            "get_api",
            {"ApiId": "a1"},
            "AccessDeniedException",
            "apigateway:GET on resource: arn:aws:apigateway:us-east-1::/apis/a1",
        ),
    ],
)
def test_a_user_without_policies_is_refused_by_every_protocol(
    connect: Connect, service: str, operation: str, params: dict[str, Any], code: str, said: str
) -> None:
    if service == "s3":
        connect("s3").create_bucket(Bucket=params["Bucket"])
    name = f"nobody-{service}"
    key = new_user(connect, name)
    action = said.partition(" ")[0]
    assert refusal(getattr(connect(service, key), operation), **params) == (
        code,
        f"User: arn:aws:iam::{ACCOUNT}:user/{name} is not authorized to perform: {said}"
        f" because no identity-based policy allows the {action} action",
    )


def test_policies_of_a_user_and_its_group_count_at_once(connect: Connect) -> None:
    iam, s3 = connect("iam"), connect("s3")
    s3.create_bucket(Bucket="shelf")
    s3.put_object(Bucket="shelf", Key="ann/book", Body=b"x")
    key = new_user(connect, "ann", document("s3:GetObject", "arn:aws:s3:::shelf/${aws:username}/*"))
    reader = connect("s3", key)
    assert reader.get_object(Bucket="shelf", Key="ann/book")["Body"].read() == b"x"
    code, message = refusal(reader.get_object, Bucket="shelf", Key="ben/book")
    assert code == "AccessDenied"
    assert message.endswith("because no identity-based policy allows the s3:GetObject action")
    iam.create_group(GroupName="editors")
    iam.add_user_to_group(GroupName="editors", UserName="ann")
    iam.put_group_policy(GroupName="editors", PolicyName="g", PolicyDocument=document("s3:PutObject"))
    reader.put_object(Bucket="shelf", Key="ben/book", Body=b"y")
    iam.put_user_policy(UserName="ann", PolicyName="no", PolicyDocument=document("s3:*", effect="Deny"))
    _, message = refusal(reader.get_object, Bucket="shelf", Key="ann/book")
    assert message.endswith("with an explicit deny in an identity-based policy")


def test_a_boundary_is_the_most_there_is(connect: Connect) -> None:
    iam = connect("iam")
    arn = iam.create_policy(PolicyName="most", PolicyDocument=document("sqs:List*"))["Policy"]["Arn"]
    key = new_user(connect, "bounded", document("sqs:*"))
    iam.put_user_permissions_boundary(UserName="bounded", PermissionsBoundary=arn)
    sqs = connect("sqs", key)
    assert "QueueUrls" not in sqs.list_queues()
    _, message = refusal(sqs.create_queue, QueueName="q")
    assert message.endswith("because no permissions boundary allows the sqs:createqueue action")


def test_a_role_is_assumed_by_whom_it_trusts_and_sessions_are_restricted(connect: Connect) -> None:
    iam = connect("iam")
    key = new_user(connect, "worker", document("sts:*"))
    worker = f"arn:aws:iam::{ACCOUNT}:user/worker"
    condition = {"StringEquals": {"sts:ExternalId": "42"}}
    role = iam.create_role(RoleName="tool", AssumeRolePolicyDocument=trust({"AWS": worker}, Condition=condition))
    iam.put_role_policy(RoleName="tool", PolicyName="p", PolicyDocument=document("sqs:*"))
    sts, arn = connect("sts", key), role["Role"]["Arn"]
    _, message = refusal(sts.assume_role, RoleArn=arn, RoleSessionName="me")
    assert message == (
        f"User: {worker} is not authorized to perform: sts:AssumeRole on resource: {arn}"
        " because no role trust policy allows the sts:AssumeRole action"
    )
    given = sts.assume_role(RoleArn=arn, RoleSessionName="me", ExternalId="42")["Credentials"]
    connect("sqs", given).create_queue(QueueName="tools")
    less = sts.assume_role(RoleArn=arn, RoleSessionName="me", ExternalId="42", Policy=document("sqs:ListQueues"))[
        "Credentials"
    ]
    connect("sqs", less).list_queues()
    _, message = refusal(connect("sqs", less).create_queue, QueueName="more")
    assert message.endswith("because no session policy allows the sqs:createqueue action")
    code, _ = refusal(sts.assume_role, RoleArn=f"arn:aws:iam::{ACCOUNT}:role/nowhere", RoleSessionName="me")
    assert code == "AccessDenied"


def test_session_tags_are_condition_keys(connect: Connect) -> None:
    iam, sts = connect("iam"), connect("sts")
    root = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
    statement = {"Effect": "Allow", "Principal": root, "Action": ["sts:AssumeRole", "sts:TagSession"]}
    document_ = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    arn = iam.create_role(RoleName="tagged", AssumeRolePolicyDocument=document_)["Role"]["Arn"]
    policy = document("sqs:*", "arn:aws:sqs:*:*:${aws:PrincipalTag/team}-*")
    iam.put_role_policy(RoleName="tagged", PolicyName="p", PolicyDocument=policy)
    given = sts.assume_role(RoleArn=arn, RoleSessionName="me", Tags=[{"Key": "team", "Value": "blue"}])["Credentials"]
    sqs = connect("sqs", given)
    sqs.create_queue(QueueName="blue-jobs")
    refusal(sqs.create_queue, QueueName="red-jobs")


def test_a_federated_user_may_what_its_maker_and_its_policy_allow(connect: Connect) -> None:
    key = new_user(connect, "maker", document(["sts:*", "sqs:ListQueues"]))
    sts = connect("sts", key)
    with_policy = sts.get_federation_token(Name="guest", Policy=document("sqs:*"))
    assert with_policy["FederatedUser"]["Arn"] == f"arn:aws:sts::{ACCOUNT}:federated-user/guest"
    guest = connect("sqs", with_policy["Credentials"])
    guest.list_queues()
    refusal(guest.create_queue, QueueName="g")
    without = sts.get_federation_token(Name="guest")["Credentials"]
    _, message = refusal(connect("sqs", without).list_queues)
    assert "no session policy" in message
    code, message = refusal(connect("sts", without).get_session_token)
    assert (code, message) == ("AccessDenied", "Cannot call GetSessionToken with session credentials")
    assert connect("sts", sts.get_session_token()["Credentials"]).get_caller_identity()["Arn"].endswith(":user/maker")


def test_queues_let_other_accounts_and_services_in_by_their_policy(connect: Connect) -> None:
    sqs, sns = connect("sqs"), connect("sns")
    url = sqs.create_queue(QueueName="inbox")["QueueUrl"]
    arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:inbox"
    stranger = connect("sqs", account=OTHER)
    _, message = refusal(stranger.send_message, QueueUrl=url, MessageBody="x")
    assert message.endswith("because no resource-based policy allows the sqs:sendmessage action")
    topic = sns.create_topic(Name="news")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    statements = [
        {"Effect": "Allow", "Principal": {"AWS": OTHER}, "Action": "sqs:SendMessage", "Resource": arn},
        {
            "Effect": "Allow",
            "Principal": {"Service": "sns.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": arn,
            "Condition": {"ArnEquals": {"aws:SourceArn": topic}},
        },
    ]
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps({"Statement": statements})})
    stranger.send_message(QueueUrl=url, MessageBody="from afar")
    sns.publish(TopicArn=topic, Message="told")
    bodies: list[str] = []

    def both() -> bool:
        for message in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=1).get("Messages", []):
            bodies.append(message["Body"])
        return len(bodies) >= 2

    eventually(both, LONG_POLLS)
    assert any("from afar" in body for body in bodies)
    assert any('"told"' in body for body in bodies)


HANDLER = """
import boto3, os
def handler(event, context):
    table = boto3.client("dynamodb").put_item(TableName="Orders", Item={"id": {"S": event["id"]}})
    return "stored"
"""


def test_a_function_acts_in_its_role_and_needs_a_permission_to_be_invoked(
    connect: Connect, zipped: Callable[[dict[str, str]], bytes]
) -> None:
    iam, functions, dynamodb = connect("iam"), connect("lambda"), connect("dynamodb")
    key = {"AttributeName": "id", "KeyType": "HASH"}
    dynamodb.create_table(
        TableName="Orders",
        KeySchema=[key],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    arn = iam.create_role(RoleName="orders", AssumeRolePolicyDocument=trust({"Service": "lambda.amazonaws.com"}))
    functions.create_function(
        FunctionName="orders",
        Runtime="python3.12",
        Role=arn["Role"]["Arn"],
        Handler="app.handler",
        Code={"ZipFile": zipped({"app.py": HANDLER})},
        Timeout=60,
    )
    functions.get_waiter("function_active_v2").wait(FunctionName="orders")
    failed = functions.invoke(FunctionName="orders", Payload=b'{"id": "1"}')
    assert (
        "assumed-role/orders/orders is not authorized to perform: dynamodb:PutItem" in failed["Payload"].read().decode()
    )
    iam.put_role_policy(
        RoleName="orders",
        PolicyName="p",
        PolicyDocument=document("dynamodb:PutItem", f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/Orders"),
    )
    assert functions.invoke(FunctionName="orders", Payload=b'{"id": "1"}')["Payload"].read() == b'"stored"'
    stranger = connect("lambda", account=OTHER)
    full = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:orders"
    refusal(stranger.invoke, FunctionName=full, Payload=b'{"id": "2"}')
    functions.add_permission(FunctionName="orders", StatementId="s", Action="lambda:InvokeFunction", Principal=OTHER)
    assert stranger.invoke(FunctionName=full, Payload=b'{"id": "2"}')["Payload"].read() == b'"stored"'


def test_a_queues_function_reads_it_in_its_role(connect: Connect, zipped: Callable[[dict[str, str]], bytes]) -> None:
    iam, functions, sqs = connect("iam"), connect("lambda"), connect("sqs")
    source = sqs.create_queue(QueueName="work")["QueueUrl"]
    role = iam.create_role(RoleName="worker", AssumeRolePolicyDocument=trust({"Service": "lambda.amazonaws.com"}))
    iam.attach_role_policy(
        RoleName="worker", PolicyArn="arn:aws:iam::aws:policy/service-role/AWSLambdaSQSQueueExecutionRole"
    )
    functions.create_function(
        FunctionName="work",
        Runtime="python3.12",
        Role=role["Role"]["Arn"],
        Handler="app.handler",
        Code={"ZipFile": zipped({"app.py": "def handler(event, context):\n    return None\n"})},
    )
    functions.get_waiter("function_active_v2").wait(FunctionName="work")
    functions.create_event_source_mapping(FunctionName="work", EventSourceArn=f"arn:aws:sqs:{REGION}:{ACCOUNT}:work")
    sqs.send_message(QueueUrl=source, MessageBody="x")
    groups = connect("logs")

    def logged() -> Any:
        try:
            return groups.filter_log_events(logGroupName="/aws/lambda/work", filterPattern="REPORT")["events"]
        except groups.exceptions.ResourceNotFoundException:
            return None

    eventually(logged)


def test_buckets_are_read_by_everybody_only_where_their_policy_says_so(connect: Connect, enforcing: str) -> None:
    s3 = connect("s3")
    s3.create_bucket(Bucket="window")
    s3.put_object(Bucket="window", Key="a", Body=b"seen")
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(f"{enforcing}/window/a")
    assert refused.value.code == 403
    assert b"<Code>AccessDenied</Code><Message>Access Denied</Message>" in refused.value.read()
    s3.delete_public_access_block(Bucket="window")
    policy = document("s3:GetObject", "arn:aws:s3:::window/*", Principal="*")
    s3.put_bucket_policy(Bucket="window", Policy=policy)
    with urllib.request.urlopen(f"{enforcing}/window/a") as answer:
        assert answer.read() == b"seen"


def test_a_secret_is_known_by_its_arn(connect: Connect) -> None:
    secrets = connect("secretsmanager")
    arn = secrets.create_secret(Name="db", SecretString="s3cret")["ARN"]
    key = new_user(connect, "db-user", document("secretsmanager:GetSecretValue", arn))
    assert connect("secretsmanager", key).get_secret_value(SecretId="db")["SecretString"] == "s3cret"
    stranger = connect("secretsmanager", account=OTHER)
    refusal(stranger.get_secret_value, SecretId=arn)
    policy = document("secretsmanager:GetSecretValue", Principal={"AWS": OTHER})
    secrets.put_resource_policy(SecretId="db", ResourcePolicy=policy)
    assert stranger.get_secret_value(SecretId=arn)["SecretString"] == "s3cret"


def test_passing_a_role_is_a_permission(connect: Connect) -> None:
    key = new_user(connect, "deployer", document("events:*"))
    events = connect("events", key)
    events.put_rule(Name="r", ScheduleExpression="rate(1 day)")
    role = f"arn:aws:iam::{ACCOUNT}:role/target"
    _, message = refusal(events.put_rule, Name="r2", ScheduleExpression="rate(1 day)", RoleArn=role)
    assert f"is not authorized to perform: iam:PassRole on resource: {role}" in message


def test_a_role_is_what_policies_were_asked_about_whatever_path_is_written(connect: Connect) -> None:
    iam = connect("iam")
    for name, path in (("chief", "/"), ("helper", "/team/")):
        iam.create_role(
            RoleName=name, Path=path, AssumeRolePolicyDocument=trust({"AWS": f"arn:aws:iam::{ACCOUNT}:root"})
        )
    team = f"arn:aws:iam::{ACCOUNT}:role/team"
    allowed = [
        {"Effect": "Allow", "Action": ["sts:AssumeRole", "iam:PassRole"], "Resource": f"{team}/*"},
        {"Effect": "Allow", "Action": "states:*", "Resource": "*"},
    ]
    key = new_user(connect, "member", json.dumps({"Version": "2012-10-17", "Statement": allowed}))
    sts, machines = connect("sts", key), connect("stepfunctions", key)
    definition = json.dumps({"StartAt": "A", "States": {"A": {"Type": "Succeed"}}})
    sts.assume_role(RoleArn=f"{team}/helper", RoleSessionName="me")
    machines.create_state_machine(name="helped", definition=definition, roleArn=f"{team}/helper")
    code, message = refusal(sts.assume_role, RoleArn=f"{team}/chief", RoleSessionName="me")
    assert (code, "sts:AssumeRole" in message) == ("AccessDenied", True)
    for role in (f"{team}/chief", f"arn:aws:iam::{OTHER}:role/team/chief"):
        _, message = refusal(machines.create_state_machine, name="forged", definition=definition, roleArn=role)
        assert f"iam:PassRole on resource: arn:aws:iam::{ACCOUNT}:role/chief because" in message


def test_a_rule_acts_in_the_role_of_its_action(connect: Connect) -> None:
    iam, sqs, iot = connect("iam"), connect("sqs"), connect("iot")
    url = sqs.create_queue(QueueName="readings")["QueueUrl"]
    messages = connect("iot-data", new_user(connect, "sensor", document("iot:Publish", "arn:aws:iot:*:*:topic/hall/*")))
    code, message = refusal(messages.publish, topic="attic/heat", payload=b"{}")
    assert code == "ForbiddenException"
    assert f"iot:Publish on resource: arn:aws:iot:{REGION}:{ACCOUNT}:topic/attic/heat because" in message
    for name, action in (("mute", "sqs:ReceiveMessage"), ("writer", "sqs:SendMessage")):
        role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust({"Service": "iot.amazonaws.com"}))["Role"]
        iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=document(action))
        sending = [{"sqs": {"roleArn": role["Arn"], "queueUrl": url, "useBase64": False}}]
        payload = {"sql": f"SELECT *, '{name}' AS by FROM 'hall/+'", "actions": sending}
        iot.create_topic_rule(ruleName=name, topicRulePayload=payload)
    messages.publish(topic="hall/heat", payload=b'{"degrees": 20}')
    received = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=20)["Messages"]
    assert [json.loads(one["Body"]) for one in received] == [{"degrees": 20, "by": "writer"}]
    assert sqs.receive_message(QueueUrl=url, WaitTimeSeconds=1).get("Messages", []) == []


def test_a_refusal_can_be_decoded(connect: Connect) -> None:
    key = new_user(connect, "curious", document("sqs:*", effect="Deny", Sid="NoQueues"))
    with pytest.raises(ClientError) as refused:
        connect("sqs", key).list_queues()
    encoded = refused.value.response["ResponseMetadata"]["HTTPHeaders"]["x-kumoi-authorization-message"]
    sts = connect("sts")
    decoded = json.loads(sts.decode_authorization_message(EncodedMessage=encoded)["DecodedMessage"])
    assert decoded["explicitDeny"] is True
    assert decoded["matchedStatements"]["items"] == [{"statementId": "NoQueues", "effect": "DENY"}]
    assert decoded["context"]["action"] == "sqs:ListQueues"
    with pytest.raises(ClientError, match="InvalidAuthorizationMessageException"):
        sts.decode_authorization_message(EncodedMessage=encoded[:-8] + "AAAAAAA=")


def test_signed_urls_and_routes_ask_policies(
    connect: Connect, enforcing: str, zipped: Callable[[dict[str, str]], bytes]
) -> None:
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    functions, apis, iam = connect("lambda"), connect("apigatewayv2"), connect("iam")
    code = "def handler(event, context):\n    return {'statusCode': 200, 'body': 'hello'}\n"
    functions.create_function(
        FunctionName="greet",
        Runtime="python3.12",
        Role=f"arn:aws:iam::{ACCOUNT}:role/greet",
        Handler="app.handler",
        Code={"ZipFile": zipped({"app.py": code})},
    )
    functions.get_waiter("function_active_v2").wait(FunctionName="greet")
    address = functions.create_function_url_config(FunctionName="greet", AuthType="AWS_IAM")["FunctionUrl"]
    arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:greet"
    api = apis.create_api(Name="api", ProtocolType="HTTP")["ApiId"]
    integration = apis.create_integration(
        ApiId=api, IntegrationType="AWS_PROXY", IntegrationUri=arn, PayloadFormatVersion="2.0"
    )["IntegrationId"]
    for route, kind in (("GET /signed", "AWS_IAM"), ("GET /open", "NONE")):
        apis.create_route(ApiId=api, RouteKey=route, AuthorizationType=kind, Target=f"integrations/{integration}")
    apis.create_stage(ApiId=api, StageName="$default", AutoDeploy=True)
    key = new_user(connect, "caller")

    def get(service: str, url: str) -> tuple[int, str]:
        host = url.partition("//")[2].partition("/")[0]
        path = url.partition("//")[2].partition("/")[2]
        request = AWSRequest("GET", f"{enforcing}/{path}", headers={"Host": host})
        SigV4Auth(Credentials(key["AccessKeyId"], key["SecretAccessKey"]), service, REGION).add_auth(request)
        sent = urllib.request.Request(f"{enforcing}/{path}", headers=dict(request.headers.items()))
        try:
            with urllib.request.urlopen(sent) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.headers.get("x-kumoi-reason", "")

    route = f"http://{api}.execute-api.{REGION}.localhost:{enforcing.rpartition(':')[2]}"
    status, reason = get("lambda", address)
    assert (status, "lambda:InvokeFunctionUrl on resource" in reason) == (403, True)
    assert get("execute-api", f"{route}/signed")[0] == 403
    iam.put_user_policy(
        UserName="caller", PolicyName="p", PolicyDocument=document(["lambda:InvokeFunctionUrl", "execute-api:Invoke"])
    )
    assert get("lambda", address) == (200, "hello")
    assert get("execute-api", f"{route}/open")[0] == 500, "the API has no permission for the function"
    functions.add_permission(
        FunctionName="greet",
        StatementId="api",
        Action="lambda:InvokeFunction",
        Principal="apigateway.amazonaws.com",
        SourceArn=f"arn:aws:execute-api:{REGION}:{ACCOUNT}:{api}/*/*",
    )
    assert get("execute-api", f"{route}/open") == (200, "hello")
    assert get("execute-api", f"{route}/signed") == (200, "hello")


def test_deliveries_need_the_targets_policy_or_act_in_a_role(connect: Connect, ruling: Callable[..., Any]) -> None:
    iam, sqs, events, s3 = connect("iam"), connect("sqs"), connect("events"), connect("s3")
    queue = sqs.create_queue(QueueName="letters")["QueueUrl"]
    sqs.create_queue(QueueName="closed")
    letters, closed = (f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}" for name in ("letters", "closed"))
    rule = events.put_rule(Name="each", EventPattern=json.dumps({"source": ["shop"]}))["RuleArn"]
    events.put_targets(Rule="each", Targets=[{"Id": "1", "Arn": letters}, {"Id": "2", "Arn": closed}])
    s3.create_bucket(Bucket="parcels")
    statements = [
        {
            "Effect": "Allow",
            "Principal": {"Service": service},
            "Action": "sqs:SendMessage",
            "Resource": letters,
            "Condition": {"ArnLike": {"aws:SourceArn": source}, "StringEquals": {"aws:SourceAccount": ACCOUNT}},
        }
        for service, source in (("events.amazonaws.com", rule), ("s3.amazonaws.com", "arn:aws:s3:*:*:parcels"))
    ]
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": json.dumps({"Statement": statements})})
    s3.put_bucket_notification_configuration(
        Bucket="parcels",
        NotificationConfiguration={"QueueConfigurations": [{"QueueArn": letters, "Events": ["s3:ObjectCreated:*"]}]},
    )
    role = iam.create_role(RoleName="clock", AssumeRolePolicyDocument=trust({"Service": "scheduler.amazonaws.com"}))
    iam.put_role_policy(RoleName="clock", PolicyName="p", PolicyDocument=document("sqs:SendMessage", letters))
    connect("scheduler").create_schedule(
        Name="now",
        ScheduleExpression="rate(1 minute)",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={"Arn": letters, "RoleArn": role["Role"]["Arn"], "Input": "from a schedule"},
    )
    events.put_events(Entries=[{"Source": "shop", "DetailType": "d", "Detail": '{"from": "an event"}'}])
    s3.put_object(Bucket="parcels", Key="from a bucket", Body=b"x")
    ruling("clock", {"action": "advance", "seconds": 61})
    bodies = ""

    def all_came() -> bool:
        nonlocal bodies
        found = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, WaitTimeSeconds=1)
        bodies += "".join(message["Body"] for message in found.get("Messages", []))
        return all(text in bodies for text in ("from a schedule", "an event", "from+a+bucket"))

    eventually(all_came, LONG_POLLS)

    def refused() -> Any:
        hops = ruling("hops?limit=2000")["hops"]
        return [one for one in hops if one["target"] == "sqs:closed" and one["operation"] == "SendMessage"]

    assert {(one["outcome"], one["principal"]) for one in eventually(refused)} == {
        ("AccessDenied", "events.amazonaws.com")
    }


@pytest.fixture
def issuer() -> Iterator[tuple[str, Callable[..., str]]]:
    """(URL, how to make a token) of an OpenID Connect provider on this machine."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    numbers = key.public_key().public_numbers()

    def encoded(content: bytes) -> str:
        return base64.urlsafe_b64encode(content).rstrip(b"=").decode()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            one = {"kid": "k", "kty": "RSA", "n": encoded(numbers.n.to_bytes(256, "big")), "e": "AQAB"}
            found = {"keys": [one]} if self.path == "/keys" else {"jwks_uri": f"{url}/keys"}
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(found).encode())

        def log_message(self, *_: Any) -> None:
            pass

    def token(**claims: Any) -> str:
        said = {"iss": url, "sub": "ada", "aud": "shop", "exp": int(time.time()) + 10_000_000, **claims}
        text = f"{encoded(json.dumps({'alg': 'RS256', 'kid': 'k'}).encode())}.{encoded(json.dumps(said).encode())}"
        return f"{text}.{encoded(key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256()))}"

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield url, token
        server.shutdown()
        thread.join()


def test_a_token_opens_the_role_that_trusts_its_provider(
    connect: Connect, issuer: tuple[str, Callable[..., str]]
) -> None:
    url, token = issuer
    host = url.partition("//")[2]
    iam, sts = connect("iam"), connect("sts")
    condition = {"StringEquals": {f"{host}:aud": "shop"}}
    provider = f"arn:aws:iam::{ACCOUNT}:oidc-provider/{host}"
    document_ = trust({"Federated": provider}, "sts:AssumeRoleWithWebIdentity", Condition=condition)
    role = iam.create_role(RoleName="web", AssumeRolePolicyDocument=document_)["Role"]["Arn"]
    own = document("sqs:*", f"arn:aws:sqs:*:*:${{{host}:sub}}-*")
    iam.put_role_policy(RoleName="web", PolicyName="p", PolicyDocument=own)

    def assume(text: str) -> dict[str, str]:
        answer = sts.assume_role_with_web_identity(RoleArn=role, RoleSessionName="ada", WebIdentityToken=text)
        given: dict[str, str] = answer["Credentials"]
        return given

    with pytest.raises(ClientError, match="No OpenIDConnect provider found in your account"):
        assume(token())
    iam.create_open_id_connect_provider(Url=url, ClientIDList=["shop", "blog"])
    sqs = connect("sqs", assume(token()))
    sqs.create_queue(QueueName="ada-jobs")
    refusal(sqs.create_queue, QueueName="ben-jobs")
    with pytest.raises(ClientError, match="AccessDenied.*Not authorized to perform sts:AssumeRoleWithWebIdentity"):
        assume(token(aud="blog"))
    with pytest.raises(ClientError, match="InvalidIdentityToken"):
        assume(token(aud="others"))
    with pytest.raises(ClientError, match="InvalidIdentityToken"):
        assume(token()[:-8] + "AAAAAAAA")


def test_items_of_a_table_are_divided_by_their_leading_keys(connect: Connect) -> None:
    root = connect("dynamodb")
    root.create_table(
        TableName="Scores",
        KeySchema=[{"AttributeName": "who", "KeyType": "HASH"}, {"AttributeName": "game", "KeyType": "RANGE"}],
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("who", "game")],
        BillingMode="PAY_PER_REQUEST",
    )
    condition = {
        "ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["${aws:username}"]},
        "Null": {"dynamodb:LeadingKeys": "false"},
    }
    policy = document("dynamodb:*", "arn:aws:dynamodb:*:*:table/Scores", Condition=condition)
    mine = connect("dynamodb", new_user(connect, "gus", policy))

    def key(who: str) -> dict[str, Any]:
        return {"who": {"S": who}, "game": {"S": "go"}}

    def query(who: str) -> dict[str, Any]:
        values = {":w": {"S": who}}
        return {"TableName": "Scores", "KeyConditionExpression": "who = :w", "ExpressionAttributeValues": values}

    mine.put_item(TableName="Scores", Item=key("gus"))
    assert mine.query(**query("gus"))["Count"] == 1
    mine.batch_get_item(RequestItems={"Scores": {"Keys": [key("gus")]}})
    mine.transact_write_items(TransactItems=[{"Delete": {"TableName": "Scores", "Key": key("gus")}}])
    refusal(mine.put_item, TableName="Scores", Item=key("ann"))
    refusal(mine.query, **query("ann"))
    refusal(mine.batch_get_item, RequestItems={"Scores": {"Keys": [key("gus"), key("ann")]}})
    refusal(mine.transact_write_items, TransactItems=[{"Put": {"TableName": "Scores", "Item": key("ann")}}])
    refusal(mine.scan, TableName="Scores")


def test_the_platform_is_ruled_by_who_has_its_token(enforcing: str, data: str) -> None:
    for method, path in (("POST", "reset"), ("GET", "snapshot"), ("GET", "hops"), ("POST", "clock")):
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(urllib.request.Request(f"{enforcing}/_kumoi/{path}", method=method))
        assert refused.value.code == 401
        refused.value.close()
    shown = subprocess.run(
        [sys.executable, "-m", "kumoi", "fault", "list", "--data", data], capture_output=True, text=True
    )
    assert shown.returncode == 0, shown.stderr


def test_there_are_no_live_views_for_those_who_cannot_sign(enforcing: str) -> None:
    with pytest.raises(urllib.error.HTTPError) as error:
        urllib.request.urlopen(f"{enforcing}/_kumoi/iotanalytics-live?account={ACCOUNT}&sql=SELECT+1", timeout=60)
    assert error.value.code == 403
    error.value.close()


def test_guests_of_an_identity_pool_may_what_their_role_may(connect: Connect) -> None:
    pools = connect("cognito-identity")
    pool = pools.create_identity_pool(IdentityPoolName="guests", AllowUnauthenticatedIdentities=True)["IdentityPoolId"]
    own = "cognito-identity.amazonaws.com"
    roles = {}
    for name, audience in (("guest", pool), ("stranger", "us-east-1:another")):
        condition = {"StringEquals": {f"{own}:aud": audience}}
        trusted = trust({"Federated": own}, "sts:AssumeRoleWithWebIdentity", Condition=condition)
        made = connect("iam").create_role(RoleName=f"pool-{name}", AssumeRolePolicyDocument=trusted)
        roles[name] = made["Role"]["Arn"]
    connect("iam").put_role_policy(RoleName="pool-guest", PolicyName="p", PolicyDocument=document("sqs:ListQueues"))
    pools.set_identity_pool_roles(IdentityPoolId=pool, Roles={"unauthenticated": roles["guest"]})
    guest = pools.get_id(IdentityPoolId=pool)["IdentityId"]
    found = pools.get_credentials_for_identity(IdentityId=guest)["Credentials"]
    given = {**found, "SecretAccessKey": found["SecretKey"]}
    connect("sqs", given).list_queues()
    assert refusal(connect("sqs", given).create_queue, QueueName="q")[0] == "AccessDenied"
    pools.set_identity_pool_roles(IdentityPoolId=pool, Roles={"unauthenticated": roles["stranger"]})
    with pytest.raises(ClientError) as refused:
        pools.get_credentials_for_identity(IdentityId=guest)
    assert refused.value.response["Error"]["Code"] == "InvalidIdentityPoolConfigurationException"


def test_another_account_uses_a_table_as_its_policy_says(connect: Connect) -> None:
    owner = connect("dynamodb")
    made = owner.create_table(
        TableName="shared",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )["TableDescription"]["TableArn"]
    iam = connect("iam", account=OTHER)
    iam.create_user(UserName="reader")
    iam.put_user_policy(UserName="reader", PolicyName="p", PolicyDocument=document("dynamodb:*"))
    reader = connect("dynamodb", iam.create_access_key(UserName="reader")["AccessKey"])
    key = {"pk": {"S": "a"}}
    owner.put_item(TableName="shared", Item=key)
    code, said = refusal(reader.get_item, TableName=made, Key=key)
    assert (code, "no resource-based policy allows" in said) == ("AccessDeniedException", True)
    principal = {"AWS": f"arn:aws:iam::{OTHER}:user/reader"}
    reading = document(["dynamodb:GetItem", "dynamodb:Query", "dynamodb:Scan"], made, Principal=principal)
    owner.put_resource_policy(ResourceArn=made, Policy=reading)
    assert reader.get_item(TableName=made, Key=key)["Item"] == key
    assert reader.scan(TableName=made)["Items"] == [key]
    assert refusal(reader.put_item, TableName=made, Item=key)[0] == "AccessDeniedException"
    assert "Item" not in reader.get_item(TableName=made, Key={"pk": {"S": "b"}})
    with pytest.raises(ClientError, match="ResourceNotFound"):
        reader.get_item(TableName="shared", Key=key)
    denied = document("dynamodb:*", made, "Deny", Principal="*")
    owner.put_resource_policy(ResourceArn=made, Policy=denied)
    assert "explicit deny" in refusal(owner.get_item, TableName="shared", Key=key)[1]


def test_an_experiment_of_several_accounts_assumes_their_roles(connect: Connect) -> None:
    iam, fis = connect("iam"), connect("fis")
    iam.create_role(RoleName="orchestrator", AssumeRolePolicyDocument=trust({"Service": "fis.amazonaws.com"}))
    theirs = connect("iam", account=OTHER)
    target = theirs.create_role(RoleName="target", AssumeRolePolicyDocument=trust({"AWS": ACCOUNT}))["Role"]["Arn"]
    named = fis.create_experiment_template(
        description="d",
        roleArn=f"arn:aws:iam::{ACCOUNT}:role/orchestrator",
        stopConditions=[{"source": "none"}],
        actions={"wait": {"actionId": "aws:fis:wait", "parameters": {"duration": "PT1M"}}},
        experimentOptions={"accountTargeting": "multi-account"},
    )["experimentTemplate"]["id"]
    fis.create_target_account_configuration(experimentTemplateId=named, accountId=OTHER, roleArn=target)

    def outcome() -> tuple[str, str]:
        """The state, and its reason, that a rehearsal comes to."""
        begun = fis.start_experiment(experimentTemplateId=named, experimentOptions={"actionsMode": "skip-all"})
        for _ in range(POLLS):
            state = fis.get_experiment(id=begun["experiment"]["id"])["experiment"]["state"]
            if state["status"] in ("completed", "failed"):
                return state["status"], state["reason"]
        raise AssertionError(state)

    status, reason = outcome()
    assert (status, f"The role of the account {OTHER} failed" in reason) == ("failed", True)
    policy = document("sts:AssumeRole", target)
    iam.put_role_policy(RoleName="orchestrator", PolicyName="p", PolicyDocument=policy)
    assert outcome()[0] == "completed"
