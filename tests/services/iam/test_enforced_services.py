"""`--auth enforce`: what services do for others, they do in a role, or as the policy of what they reach lets them."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

ACCOUNT, OTHER, REGION = "311111111111", "322222222222", "us-east-1"
Helper = Callable[..., Any]
Connect = Callable[..., Any]


def test_queues_let_other_accounts_and_services_in_by_their_policy(
    connect: Connect, refusal: Helper, eventually: Helper
) -> None:
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

    eventually(both)
    assert any("from afar" in body for body in bodies)
    assert any('"told"' in body for body in bodies)


def test_a_policy_that_is_changed_counts_at_once(connect: Connect, eventually: Helper) -> None:
    sqs, sns = connect("sqs"), connect("sns")
    topic = sns.create_topic(Name="changes")["TopicArn"]
    allowed = {"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage"}
    urls = {name: sqs.create_queue(QueueName=name)["QueueUrl"] for name in ("changing", "lost")}
    arns = {name: f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}" for name in urls}

    def permit(name: str, *statements: dict[str, Any]) -> None:
        policy = (
            json.dumps({"Statement": [{**one, "Resource": arns[name]} for one in statements]}) if statements else ""
        )
        sqs.set_queue_attributes(QueueUrl=urls[name], Attributes={"Policy": policy})

    def arrives(text: str) -> str:
        """The queue that a message published now comes to."""
        sns.publish(TopicArn=topic, Message=text)

        def where() -> str:
            for name, url in urls.items():
                for message in sqs.receive_message(QueueUrl=url, WaitTimeSeconds=0).get("Messages", []):
                    assert json.loads(message["Body"])["Message"] == text
                    sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
                    return name
            return ""

        return str(eventually(where))

    permit("lost", allowed)
    redrive = json.dumps({"deadLetterTargetArn": arns["lost"]})
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arns["changing"], Attributes={"RedrivePolicy": redrive})
    seen = [arrives("1"), arrives("2")]
    permit("changing", allowed)
    seen += [arrives("3"), arrives("4")]
    permit("changing", {**allowed, "Condition": {"ArnEquals": {"aws:SourceArn": f"{topic}-other"}}})
    seen += [arrives("5"), arrives("6")]
    permit("changing", {**allowed, "Condition": {"ArnEquals": {"aws:SourceArn": topic}}})
    seen += [arrives("7"), arrives("8")]
    permit("changing")
    seen.append(arrives("9"))
    assert seen == ["lost", "lost", "changing", "changing", "lost", "lost", "changing", "changing", "lost"]


HANDLER = """
import boto3, os
def handler(event, context):
    table = boto3.client("dynamodb").put_item(TableName="Orders", Item={"id": {"S": event["id"]}})
    return "stored"
"""


def test_a_function_acts_in_its_role_and_needs_a_permission_to_be_invoked(
    connect: Connect, zipped: Callable[[dict[str, str]], bytes], document: Helper, trust: Helper, refusal: Helper
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


def test_a_queues_function_reads_it_in_its_role(
    connect: Connect, zipped: Callable[[dict[str, str]], bytes], trust: Helper, eventually: Helper
) -> None:
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


def test_a_rule_acts_in_the_role_of_its_action(
    connect: Connect, document: Helper, trust: Helper, new_user: Helper, refusal: Helper
) -> None:
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


def test_signed_urls_and_routes_ask_policies(
    connect: Connect, enforcing: str, zipped: Callable[[dict[str, str]], bytes], document: Helper, new_user: Helper
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


def test_deliveries_need_the_targets_policy_or_act_in_a_role(
    connect: Connect, ruling: Callable[..., Any], document: Helper, trust: Helper, eventually: Helper
) -> None:
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

    eventually(all_came)

    def refused() -> Any:
        hops = ruling("hops?limit=2000")["hops"]
        return [one for one in hops if one["target"] == "sqs:closed" and one["operation"] == "SendMessage"]

    assert {(one["outcome"], one["principal"]) for one in eventually(refused)} == {
        ("AccessDenied", "events.amazonaws.com")
    }


def test_an_experiment_of_several_accounts_assumes_their_roles(
    connect: Connect, document: Helper, trust: Helper, eventually: Helper
) -> None:
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

        def ended() -> Any:
            state = fis.get_experiment(id=begun["experiment"]["id"])["experiment"]["state"]
            return state if state["status"] in ("completed", "failed") else None

        state = eventually(ended)
        return state["status"], state["reason"]

    status, reason = outcome()
    assert (status, f"The role of the account {OTHER} failed" in reason) == ("failed", True)
    policy = document("sts:AssumeRole", target)
    iam.put_role_policy(RoleName="orchestrator", PolicyName="p", PolicyDocument=policy)
    assert outcome()[0] == "completed"


def test_targets_are_scaled_in_the_service_s_own_role(
    connect: Connect, document: Helper, new_user: Helper, refusal: Helper, eventually: Helper
) -> None:
    dynamodb = connect("dynamodb")
    dynamodb.create_table(
        TableName="scaled",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        ProvisionedThroughput={"ReadCapacityUnits": 1, "WriteCapacityUnits": 1},
    )
    named = {
        "ServiceNamespace": "dynamodb",
        "ResourceId": "table/scaled",
        "ScalableDimension": "dynamodb:table:ReadCapacityUnits",
    }
    condition = {"StringEquals": {"application-autoscaling:service-namespace": "dynamodb"}}
    key = new_user(connect, "scaler", document("application-autoscaling:*", Condition=condition))
    user = connect("application-autoscaling", key)
    arn = user.register_scalable_target(**named, MinCapacity=2, MaxCapacity=9, Tags={"team": "a"})["ScalableTargetARN"]
    policy = user.put_scaling_policy(
        **named,
        PolicyName="p",
        PolicyType="TargetTrackingScaling",
        TargetTrackingScalingPolicyConfiguration={
            "TargetValue": 50,
            "PredefinedMetricSpecification": {"PredefinedMetricType": "DynamoDBReadCapacityUtilization"},
        },
    )

    def reads() -> int:
        table = dynamodb.describe_table(TableName="scaled")["Table"]
        return int(table["ProvisionedThroughput"]["ReadCapacityUnits"])

    assert reads() == 2
    high = next(one["AlarmName"] for one in policy["Alarms"] if "AlarmHigh" in one["AlarmName"])
    connect("cloudwatch").set_alarm_state(
        AlarmName=high, StateValue="ALARM", StateReason="t", StateReasonData='{"recentDatapoints": [120.0]}'
    )
    eventually(lambda: reads() == 4)
    code, message = refusal(user.describe_scalable_targets, ServiceNamespace="lambda")
    assert code == "AccessDeniedException"
    assert "application-autoscaling:DescribeScalableTargets" in message
    tagged = {"StringEquals": {"aws:ResourceTag/team": "b"}}
    other = connect(
        "application-autoscaling",
        new_user(connect, "scaler-b", document("application-autoscaling:*", Condition=tagged)),
    )
    _, message = refusal(other.deregister_scalable_target, **named)
    assert arn in message
