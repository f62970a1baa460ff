"""Custom resources: functions that make, change and delete what CloudFormation knows nothing of."""

from __future__ import annotations

import json
import shutil
import threading
import urllib.request
from typing import Any

import pytest

pytestmark = pytest.mark.kumoi_clock

PROVIDER = """
import json, urllib.request, boto3

def handler(event, context):
    s3 = boto3.client("s3")
    log = json.dumps({k: event.get(k) for k in ("RequestType", "PhysicalResourceId", "ResourceProperties",
                                                "OldResourceProperties", "ResourceType")})
    boto3.client("sqs").send_message(QueueUrl=event["ResourceProperties"]["Log"], MessageBody=log)
    wanted = event["ResourceProperties"].get("Fail") or ""
    failed = event["RequestType"] in wanted
    answer = {"Status": "FAILED" if failed else "SUCCESS", "Reason": "as asked", "StackId": event["StackId"],
              "RequestId": event["RequestId"], "LogicalResourceId": event["LogicalResourceId"],
              "PhysicalResourceId": event["ResourceProperties"].get("Id") or event.get("PhysicalResourceId") or "made",
              "Data": {"Colour": "blue", "Nested.Key": 7}}
    if wanted == "raise":
        raise RuntimeError("no idea")
    if wanted == "silence":
        return
    request = urllib.request.Request(event["ResponseURL"], json.dumps(answer).encode(), {"content-type": ""},
                                     method="PUT")
    urllib.request.urlopen(request).close()
"""


@pytest.fixture
def log(kumoi: Any) -> str:
    return str(kumoi.client("sqs").create_queue(QueueName="log")["QueueUrl"])


@pytest.fixture
def told(kumoi: Any, log: str) -> Any:
    """What the function was asked since the last look, in order."""

    def read() -> list[dict[str, Any]]:
        sqs, found = kumoi.client("sqs"), []
        while messages := sqs.receive_message(QueueUrl=log, MaxNumberOfMessages=10).get("Messages"):
            for one in messages:
                found.append(json.loads(one["Body"]))
                sqs.delete_message(QueueUrl=log, ReceiptHandle=one["ReceiptHandle"])
        return found

    return read


def custom(token: str, log: str, **properties: Any) -> dict[str, Any]:
    return {"Type": "Custom::Thing", "Properties": {"ServiceToken": token, "Log": log, **properties}}


OUTPUTS = {
    "Id": {"Value": {"Ref": "Thing"}},
    "Colour": {"Value": {"Fn::Sub": "${Thing.Colour}-${Thing.Nested.Key}"}},
}


def test_a_function_makes_changes_replaces_and_deletes(stacks: Any, function: Any, log: str, told: Any) -> None:
    token = function("provider", PROVIDER)
    done = stacks.deploy("s", {"Thing": custom(token, log, Size=5, On=True, Deep={"a": [1]})}, Outputs=OUTPUTS)
    assert done["StackStatus"] == "CREATE_COMPLETE", stacks.reasons("s")
    assert stacks.outputs("s") == {"Id": "made", "Colour": "blue-7"}
    (created,) = told()
    assert created["RequestType"] == "Create"
    assert created["ResourceType"] == "Custom::Thing"
    assert created["PhysicalResourceId"] is None
    assert created["ResourceProperties"] == {
        "ServiceToken": token,
        "Log": log,
        "Size": "5",
        "On": "true",
        "Deep": {"a": ["1"]},
    }
    stacks.deploy("s", {"Thing": custom(token, log, Size=6)}, Outputs=OUTPUTS)
    (updated,) = told()
    assert (updated["RequestType"], updated["PhysicalResourceId"]) == ("Update", "made")
    assert updated["OldResourceProperties"]["Size"] == "5"
    stacks.deploy("s", {"Thing": custom(token, log, Id="other")}, Outputs=OUTPUTS)
    assert [(one["RequestType"], one["PhysicalResourceId"]) for one in told()] == [
        ("Update", "made"),
        ("Delete", "made"),
    ]
    assert stacks.outputs("s")["Id"] == "other"
    stacks.delete("s")
    assert [(one["RequestType"], one["PhysicalResourceId"]) for one in told()] == [("Delete", "other")]


def test_failures_are_told_and_rolled_back(stacks: Any, function: Any, log: str, told: Any) -> None:
    token = function("provider", PROVIDER)
    for name, wanted, reason in (
        ("refusing", "Create", "Received response status [FAILED] from custom resource. Message returned: as asked"),
        ("raising", "raise", "RuntimeError"),
    ):
        done = stacks.deploy(name, {"Thing": custom(token, log, Fail=wanted)})
        assert done["StackStatus"].startswith("ROLLBACK_"), done
        assert any(reason in one for one in stacks.reasons(name)), stacks.reasons(name)
        assert told()[0]["RequestType"] == "Create"
    stacks.deploy("s", {"Thing": custom(token, log)})
    told()
    failed = stacks.deploy("s", {"Thing": custom(token, log, Fail="Update", Id="new")})
    assert failed["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    asked = told()
    assert [one["RequestType"] for one in asked] == ["Update", "Update"]
    assert "Fail" not in asked[1]["ResourceProperties"]


IN_NODE = """
const https = require("https");
exports.handler = (event, context) => {
  const answer = JSON.stringify({
    Status: "SUCCESS", Reason: "", PhysicalResourceId: context.logStreamName, StackId: event.StackId,
    RequestId: event.RequestId, LogicalResourceId: event.LogicalResourceId, Data: { Made: "in node" },
  });
  const { hostname, pathname, search } = new URL(event.ResponseURL);
  const options = { hostname, port: 443, path: pathname + search, method: "PUT",
                    headers: { "content-type": "", "content-length": answer.length } };
  const request = https.request(options, () => context.done());
  request.on("error", (error) => context.done(error));
  request.end(answer);
};
"""


@pytest.mark.skipif(shutil.which("node") is None, reason="Node.js is not installed")
def test_handlers_in_node_answer_as_awss_do(kumoi: Any, stacks: Any, zipped: Any) -> None:
    made = kumoi.client("lambda").create_function(
        FunctionName="node",
        Runtime="nodejs20.x",
        Handler="index.handler",
        Timeout=60,
        Role=f"arn:aws:iam::{kumoi.account}:role/any",
        Code={"ZipFile": zipped({"index.js": IN_NODE})},
    )
    thing = {"Type": "AWS::CloudFormation::CustomResource", "Properties": {"ServiceToken": made["FunctionArn"]}}
    outputs = {"Made": {"Value": {"Fn::GetAtt": ["Thing", "Made"]}}}
    done = stacks.deploy("s", {"Thing": thing}, Outputs=outputs)
    assert done["StackStatus"] == "CREATE_COMPLETE", stacks.reasons("s")
    assert stacks.outputs("s") == {"Made": "in node"}
    stacks.delete("s")


INLINE = {
    "python3.12": """
import cfnresponse
def handler(event, context):
    cfnresponse.send(event, context, cfnresponse.SUCCESS, {"Made": "in Python"}, "id")
""",
    "nodejs20.x": """
const response = require("cfn-response");
exports.handler = (event, context) => { response.send(event, context, response.SUCCESS, { Made: "in Node" }, "id"); };
""",
}


@pytest.mark.skipif(shutil.which("node") is None, reason="Node.js is not installed")
def test_code_in_templates_has_awss_modules(stacks: Any) -> None:
    resources: dict[str, Any] = {}
    for name, (runtime, code) in zip(("Python", "Node"), INLINE.items(), strict=True):
        resources[f"{name}Function"] = {
            "Type": "AWS::Lambda::Function",
            "Properties": {
                "Runtime": runtime,
                "Handler": "index.handler",
                "Timeout": 30,
                "Code": {"ZipFile": code},
                "Role": "arn:aws:iam::000000000000:role/any",
            },
        }
        token = {"Fn::GetAtt": [f"{name}Function", "Arn"]}
        resources[name] = {"Type": "Custom::Thing", "Properties": {"ServiceToken": token}}
    outputs = {name: {"Value": {"Fn::GetAtt": [name, "Made"]}} for name in ("Python", "Node")}
    done = stacks.deploy("s", resources, Outputs=outputs)
    assert done["StackStatus"] == "CREATE_COMPLETE", stacks.reasons("s")
    assert stacks.outputs("s") == {"Python": "in Python", "Node": "in Node"}
    stacks.delete("s")


def test_silence_ends_at_the_deadline(kumoi: Any, stacks: Any, function: Any, log: str) -> None:
    token = function("provider", PROVIDER)
    waiting = threading.Thread(
        target=stacks.deploy, args=("s", {"Thing": custom(token, log, Fail="silence", ServiceTimeout=900)})
    )
    waiting.start()
    sqs = kumoi.client("sqs")
    while not sqs.receive_message(QueueUrl=log, WaitTimeSeconds=20).get("Messages"):
        continue
    kumoi.advance(800)
    assert stacks.status("s") == "CREATE_IN_PROGRESS"
    kumoi.advance(101)
    while stacks.status("s") != "ROLLBACK_IN_PROGRESS":  # the deletion is answered as little
        continue
    assert any("did not receive a response from your Custom Resource" in one for one in stacks.reasons("s"))
    kumoi.advance(901)
    waiting.join()
    assert stacks.settled("s")["StackStatus"] == "ROLLBACK_FAILED"


def test_answers_nobody_waits_for_are_refused(kumoi: Any) -> None:
    for path, body in (("unknown", b"{}"), ("", b"{}"), ("x/y", b"\xff")):
        request = urllib.request.Request(f"{kumoi.url}/_kumoi/cloudformation-response/{path}", body, method="PUT")
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(request)
        assert refused.value.code == 403
        refused.value.close()


CONDITION = {"Type": "AWS::CloudFormation::WaitCondition", "DependsOn": "Handle"}
HANDLE = {"Type": "AWS::CloudFormation::WaitConditionHandle"}


def waits(count: int, timeout: int = 600) -> dict[str, Any]:
    properties = {"Handle": {"Ref": "Handle"}, "Timeout": timeout, "Count": count}
    return {"Handle": HANDLE, "Wait": CONDITION | {"Properties": properties}}


def handle_of(stacks: Any, name: str) -> str:
    """The URL of the handle, once the condition waits."""
    while True:
        found = stacks.client.describe_stack_resources(StackName=name)["StackResources"] if stacks.status(name) else []
        status = {one["LogicalResourceId"]: one for one in found}
        if status.get("Wait", {}).get("ResourceStatus") == "CREATE_IN_PROGRESS":
            return str(status["Handle"]["PhysicalResourceId"])


def signal(url: str, **answer: str) -> int:
    request = urllib.request.Request(url, json.dumps(answer).encode(), {"content-type": ""}, method="PUT")
    with urllib.request.urlopen(request) as done:
        return int(done.status)


def test_a_wait_condition_is_complete_once_it_was_signalled(stacks: Any) -> None:
    outputs = {"Data": {"Value": {"Fn::GetAtt": ["Wait", "Data"]}}}
    waiting = threading.Thread(target=stacks.deploy, args=("s", waits(2)), kwargs={"Outputs": outputs})
    waiting.start()
    url = handle_of(stacks, "s")
    assert signal(url, Status="SUCCESS", UniqueId="one", Data="1", Reason="") == 200
    signal(url, Status="SUCCESS", UniqueId="one", Data="again")
    for body, method, status in ((b"no JSON", "PUT", 400), (b"{}", "POST", 405), (b"x" * 5000, "PUT", 413)):
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(urllib.request.Request(url, body, method=method))
        assert refused.value.code == status
        refused.value.close()
    assert stacks.status("s") == "CREATE_IN_PROGRESS"
    signal(url, Status="SUCCESS", UniqueId="two", Data="2")
    waiting.join()
    assert stacks.settled("s")["StackStatus"] == "CREATE_COMPLETE"
    assert json.loads(stacks.outputs("s")["Data"]) == {"one": "again", "two": "2"}


def test_a_wait_condition_fails_by_a_signal_or_by_time(kumoi: Any, stacks: Any) -> None:
    waiting = threading.Thread(target=stacks.deploy, args=("s", waits(1)))
    waiting.start()
    signal(handle_of(stacks, "s"), Status="FAILURE", UniqueId="x", Reason="no disk")
    waiting.join()
    assert stacks.settled("s")["StackStatus"] == "ROLLBACK_COMPLETE"
    assert any("received failed message: 'no disk' for uniqueId: x" in one for one in stacks.reasons("s"))
    waiting = threading.Thread(target=stacks.deploy, args=("t", waits(1, 60)))
    waiting.start()
    handle_of(stacks, "t")
    kumoi.advance(61)
    waiting.join()
    assert any("Wait timed out" in one for one in stacks.reasons("t"))


def test_a_creation_policy_waits_for_signal_resource(stacks: Any) -> None:
    policy = {"ResourceSignal": {"Count": 1, "Timeout": "PT10M"}}
    resources = {"Wait": {"Type": "AWS::CloudFormation::WaitCondition", "CreationPolicy": policy}}
    waiting = threading.Thread(target=stacks.deploy, args=("s", resources))
    waiting.start()
    while not stacks.status("s") or not stacks.client.describe_stack_resources(StackName="s")["StackResources"]:
        continue
    stacks.client.signal_resource(StackName="s", LogicalResourceId="Wait", UniqueId="i-1", Status="SUCCESS")
    waiting.join()
    assert stacks.settled("s")["StackStatus"] == "CREATE_COMPLETE"


def test_what_is_signalled_to_have_failed_is_taken_away(kumoi: Any, stacks: Any) -> None:
    policy = {"ResourceSignal": {"Count": {"Ref": "Count"}, "Timeout": "PT10M"}}
    queue = {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "stated"}, "CreationPolicy": policy}
    parameters = {"Count": {"Type": "Number", "Default": "2"}}
    waiting = threading.Thread(target=stacks.deploy, args=("s", {"Queue": queue}), kwargs={"Parameters": parameters})
    waiting.start()
    while not kumoi.client("sqs").list_queues().get("QueueUrls"):
        continue
    for unique, status in (("i-1", "SUCCESS"), ("i-2", "FAILURE")):
        stacks.client.signal_resource(StackName="s", LogicalResourceId="Queue", UniqueId=unique, Status=status)
    waiting.join()
    assert stacks.settled("s")["StackStatus"] == "ROLLBACK_COMPLETE"
    assert any("for uniqueId: i-2" in one for one in stacks.reasons("s"))
    assert "QueueUrls" not in kumoi.client("sqs").list_queues()
