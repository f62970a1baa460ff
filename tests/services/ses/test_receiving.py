"""Receipt rules: kept in their order, and met by mails that come in."""

from __future__ import annotations

import json
import sys
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest

from kumoi.services.ses.receipt_records import Filter
from kumoi.services.ses.receipt_rules import let_in, meets

RAW = b"From: Ann <ann@example.com>\r\nTo: help@shop.example\r\nSubject: Help\r\n\r\nIt is broken"


@pytest.mark.parametrize(
    ("conditions", "recipient", "expected"),
    [
        ((), "a@b.c", True),
        (("Help@shop.example",), "help@Shop.example", True),
        (("help@shop.example",), "other@shop.example", False),
        (("shop.example",), "any@shop.example", True),
        (("shop.example",), "any@mail.shop.example", False),
        ((".shop.example",), "any@mail.shop.example", True),
        ((".shop.example",), "any@shop.example", False),
    ],
)
def test_whom_rules_are_for(conditions: tuple[str, ...], recipient: str, expected: bool) -> None:
    assert meets(conditions, recipient) is expected


def test_filters_let_in_who_is_not_blocked_or_allowed_all_the_same() -> None:
    blocked = Filter(name="b", policy="Block", cidr="10.0.0.0/8")
    allowed = Filter(name="a", policy="Allow", cidr="10.0.0.1")
    assert [let_in([blocked, allowed], one) for one in ("10.0.0.1", "10.0.0.2", "192.0.2.1", "::1")] == [
        True,
        False,
        True,
        True,
    ]


@pytest.fixture
def come_in(kumoi: Any) -> Callable[..., tuple[int, dict[str, Any]]]:
    """Have a mail come in: the status, and what is answered."""

    def posted(raw: bytes = RAW, **query: str) -> tuple[int, dict[str, Any]]:
        text = urllib.parse.urlencode({"account": kumoi.account, **query})
        request = urllib.request.Request(f"{kumoi.url}/_kumoi/ses-inbound?{text}", raw, method="POST")
        try:
            with urllib.request.urlopen(request) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.load(error)

    return posted


@pytest.fixture
def rule(ses: Any) -> Callable[..., None]:
    """Put a rule into the active rule set, behind the others."""
    ses.create_receipt_rule_set(RuleSetName="main")
    ses.set_active_receipt_rule_set(RuleSetName="main")
    names: list[str] = []

    def added(name: str, *actions: dict[str, Any], recipients: tuple[str, ...] = ("shop.example",)) -> None:
        made = {"Name": name, "Enabled": True, "ScanEnabled": True, "Recipients": recipients, "Actions": actions}
        after = {"After": names[-1]} if names else {}
        ses.create_receipt_rule(RuleSetName="main", Rule=made, **after)
        names.append(name)

    return added


def test_a_mail_is_stored_and_told_of(kumoi: Any, rule: Any, come_in: Any) -> None:
    s3, sqs, sns = kumoi.client("s3"), kumoi.client("sqs"), kumoi.client("sns")
    s3.create_bucket(Bucket="mails")
    topic = sns.create_topic(Name="mails")["TopicArn"]
    url = sqs.create_queue(QueueName="mails")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes={"RawMessageDelivery": "true"})
    rule(
        "store",
        {"AddHeaderAction": {"HeaderName": "X-Seen", "HeaderValue": "yes"}},
        {"S3Action": {"BucketName": "mails", "ObjectKeyPrefix": "in/", "TopicArn": topic}},
    )
    status, answer = come_in()
    assert (status, answer["rules"]) == (200, ["store"])
    stored = s3.get_object(Bucket="mails", Key=f"in/{answer['messageId']}")["Body"].read()
    assert stored == b"X-Seen: yes\n" + RAW
    told = json.loads(sqs.receive_message(QueueUrl=url, WaitTimeSeconds=20)["Messages"][0]["Body"])
    assert told["notificationType"] == "Received"
    assert told["receipt"]["action"]["objectKey"] == f"in/{answer['messageId']}"
    assert told["receipt"]["spamVerdict"] == {"status": "PASS"}
    assert told["mail"]["commonHeaders"]["subject"] == "Help"
    assert told["mail"]["source"] == "ann@example.com"


def test_a_function_decides_whether_rules_go_on(kumoi: Any, rule: Any, come_in: Any, zipped: Any, mailbox: Any) -> None:
    code = (
        "def handler(event, context):\n"
        "    mail = event['Records'][0]['ses']['mail']\n"
        "    return {'disposition': 'STOP_RULE_SET' if 'spam' in mail['commonHeaders']['subject'] else 'CONTINUE'}\n"
    )
    function = kumoi.client("lambda").create_function(
        FunctionName="judge",
        Runtime=f"python3.{sys.version_info.minor}",
        Role=f"arn:aws:iam::{kumoi.account}:role/r",
        Handler="index.handler",
        Code={"ZipFile": zipped({"index.py": code})},
    )["FunctionArn"]
    rule("judge", {"LambdaAction": {"FunctionArn": function, "InvocationType": "RequestResponse"}})
    bounce = {"SmtpReplyCode": "550", "Message": "Nobody is here", "Sender": "no-reply@shop.example"}
    rule("bounce", {"BounceAction": bounce})
    assert come_in()[1]["rules"] == ["judge", "bounce"]
    (bounced,) = mailbox.list(to="ann@example.com")
    assert bounced["subject"] == "Delivery Status Notification (Failure): Help"
    assert come_in(RAW.replace(b"Help", b"spam"))[1]["rules"] == ["judge"]


def test_what_no_rule_is_for_is_refused(ses: Any, rule: Any, come_in: Any) -> None:
    assert come_in()[0] == 422
    rule("stop", {"StopAction": {"Scope": "RuleSet"}}, recipients=("help@shop.example",))
    assert come_in()[0] == 200
    assert come_in(to="other@shop.example")[0] == 422
    ses.create_receipt_filter(Filter={"Name": "f", "IpFilter": {"Policy": "Block", "Cidr": "10.0.0.0/8"}})
    assert come_in(ip="10.1.1.1")[0] == 422
    assert come_in(b"no headers")[0] == 400
    assert come_in(ip="x")[0] == 400


def test_rules_are_kept_in_order(ses: Any, rule: Any, refused: Any) -> None:
    for name in ("a", "b", "c"):
        rule(name, {"StopAction": {"Scope": "RuleSet"}})

    def names() -> list[str]:
        return [one["Name"] for one in ses.describe_active_receipt_rule_set()["Rules"]]

    assert names() == ["a", "b", "c"]
    ses.set_receipt_rule_position(RuleSetName="main", RuleName="c")
    assert names() == ["c", "a", "b"]
    ses.reorder_receipt_rule_set(RuleSetName="main", RuleNames=["a", "b", "c"])
    ses.update_receipt_rule(RuleSetName="main", Rule={"Name": "b", "Enabled": False})
    assert ses.describe_receipt_rule(RuleSetName="main", RuleName="b")["Rule"]["Enabled"] is False
    ses.delete_receipt_rule(RuleSetName="main", RuleName="a")
    ses.clone_receipt_rule_set(RuleSetName="copy", OriginalRuleSetName="main")
    assert [one["Name"] for one in ses.describe_receipt_rule_set(RuleSetName="copy")["Rules"]] == ["b", "c"]
    assert refused(ses.delete_receipt_rule_set, RuleSetName="main")[0] == "CannotDelete"
    assert refused(ses.describe_receipt_rule_set, RuleSetName="x") == (
        "RuleSetDoesNotExist",
        "Rule set does not exist: x",
    )
    taken = {"Name": "b", "Actions": [{"StopAction": {"Scope": "RuleSet"}}]}
    assert refused(ses.create_receipt_rule, RuleSetName="main", Rule=taken)[0] == "AlreadyExists"
    bucket = {"Name": "x", "Actions": [{"S3Action": {"BucketName": "no-such-bucket"}}]}
    assert refused(ses.create_receipt_rule, RuleSetName="main", Rule=bucket)[0] == "InvalidS3Configuration"
    function = {"Name": "x", "Actions": [{"LambdaAction": {"FunctionArn": "arn:aws:lambda:us-east-1:1:function:x"}}]}
    assert refused(ses.create_receipt_rule, RuleSetName="main", Rule=function)[0] == "InvalidLambdaFunction"
