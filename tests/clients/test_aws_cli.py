"""AWS CLI v1, unmodified, drives a function from creation to deletion and reads its log."""

from __future__ import annotations

import json
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Aws = Callable[..., Any]


@pytest.fixture
def aws(kumoi: Any, aws_cli: Callable[..., str]) -> Aws:
    def run(*arguments: str) -> Any:
        printed = aws_cli("--output", "json", *arguments, environment=kumoi.environment)
        return json.loads(printed) if printed.strip().startswith(("{", "[")) else printed

    return run


@pytest.mark.slow
def test_create_wait_invoke_update_publish_delete(aws: Aws, tmp_path: Path, zipped: Any) -> None:
    code = tmp_path / "code.zip"
    code.write_bytes(zipped({"app.py": "def handler(event, context):\n    print('seen')\n    return event\n"}))
    runtime = f"python3.{sys.version_info.minor}"
    trust = '{"Version": "2012-10-17", "Statement": []}'
    role = aws("iam", "create-role", "--role-name", "r", "--assume-role-policy-document", trust)["Role"]["Arn"]
    create = ["--function-name", "f", "--runtime", runtime, "--handler", "app.handler", "--role", role]
    aws("lambda", "create-function", *create, "--zip-file", f"fileb://{code}")
    aws("lambda", "wait", "function-active-v2", "--function-name", "f")
    out = tmp_path / "out.json"
    answer = aws("lambda", "invoke", "--function-name", "f", "--payload", '{"a": 1}', str(out))
    assert answer["StatusCode"] == 200
    assert json.loads(out.read_text()) == {"a": 1}
    code.write_bytes(zipped({"app.py": "def handler(event, context):\n    return 'two'\n"}))
    aws("lambda", "update-function-code", "--function-name", "f", "--zip-file", f"fileb://{code}")
    aws("lambda", "wait", "function-updated-v2", "--function-name", "f")
    assert aws("lambda", "publish-version", "--function-name", "f")["Version"] == "1"
    aws("lambda", "invoke", "--function-name", "f:1", str(out))
    assert json.loads(out.read_text()) == "two"
    events = aws("logs", "filter-log-events", "--log-group-name", "/aws/lambda/f", "--filter-pattern", "seen")["events"]
    assert [event["message"] for event in events] == ["seen\n"]
    aws("lambda", "delete-function", "--function-name", "f")
    assert aws("lambda", "list-functions")["Functions"] == []
    assert aws("sts", "get-caller-identity")["Arn"].endswith(":root")


@pytest.mark.slow
def test_versions_aliases_layers_urls_and_destinations(aws: Aws, tmp_path: Path, zipped: Any) -> None:
    code, layer, out = tmp_path / "code.zip", tmp_path / "layer.zip", tmp_path / "out.json"
    code.write_bytes(zipped({"app.py": "import shared\ndef handler(event, context):\n    return shared.NAME\n"}))
    layer.write_bytes(zipped({"python/shared.py": "NAME = 'from the layer'\n"}))
    runtime = f"python3.{sys.version_info.minor}"
    arn = aws(
        *("lambda", "publish-layer-version", "--layer-name", "shared", "--zip-file", f"fileb://{layer}"),
        *("--compatible-runtimes", runtime),
    )["LayerVersionArn"]
    role = "arn:aws:iam::000000000000:role/r"
    for name in ("f", "told"):
        aws(
            *("lambda", "create-function", "--function-name", name, "--runtime", runtime, "--role", role),
            *("--handler", "app.handler", "--zip-file", f"fileb://{code}", "--layers", arn),
        )
    told = aws("lambda", "get-function-configuration", "--function-name", "told")["FunctionArn"]
    aws("lambda", "publish-version", "--function-name", "f")
    alias = aws("lambda", "create-alias", "--function-name", "f", "--name", "live", "--function-version", "1")
    assert alias["AliasArn"].endswith(":f:live")
    aws("lambda", "invoke", "--function-name", "f:live", str(out))
    assert json.loads(out.read_text()) == "from the layer"
    url = aws(
        *("lambda", "create-function-url-config", "--function-name", "f", "--qualifier", "live"),
        *("--auth-type", "NONE"),
    )["FunctionUrl"]
    with urllib.request.urlopen(url) as answer:
        assert answer.read() == b"from the layer"
    aws(
        *("lambda", "put-function-event-invoke-config", "--function-name", "f", "--maximum-retry-attempts", "0"),
        *("--destination-config", json.dumps({"OnSuccess": {"Destination": told}})),
    )
    aws("lambda", "invoke", "--function-name", "f", "--invocation-type", "Event", "--payload", "{}", str(out))
    deadline = time.monotonic() + 60
    while not (streams := _streams(aws, "told")):
        assert time.monotonic() < deadline, "the destination was not told"
    assert streams[0]["logStreamName"]


def _streams(aws: Aws, function: str) -> Any:
    """The log streams of a function that has run; none before it has."""
    groups = aws("logs", "describe-log-groups", "--log-group-name-prefix", f"/aws/lambda/{function}")["logGroups"]
    if not groups:
        return []
    return aws("logs", "describe-log-streams", "--log-group-name", groups[0]["logGroupName"])["logStreams"]


TEMPLATE = """
Parameters: {Days: {Type: Number, Default: 7}}
Resources:
  Jobs: {Type: AWS::SQS::Queue}
  Log:
    Type: AWS::Logs::LogGroup
    Properties: {RetentionInDays: !Ref Days}
Outputs: {Queue: {Value: !GetAtt Jobs.Arn}}
"""


@pytest.mark.slow
def test_cloudformation_deploy(aws: Aws, tmp_path: Path) -> None:
    template = tmp_path / "template.yaml"
    template.write_text(TEMPLATE)
    deploy = ["cloudformation", "deploy", "--stack-name", "jobs", "--template-file", str(template)]
    assert "Successfully created/updated stack - jobs" in aws(*deploy)
    (stack,) = aws("cloudformation", "describe-stacks", "--stack-name", "jobs")["Stacks"]
    assert stack["Outputs"][0]["OutputValue"].startswith("arn:aws:sqs:")
    assert "No changes to deploy" in aws(*deploy, "--no-fail-on-empty-changeset")
    aws(*deploy, "--parameter-overrides", "Days=14")
    (group,) = aws("logs", "describe-log-groups")["logGroups"]
    assert group["retentionInDays"] == 14
    aws("cloudformation", "delete-stack", "--stack-name", "jobs")
    aws("cloudformation", "wait", "stack-delete-complete", "--stack-name", "jobs")
    assert aws("logs", "describe-log-groups")["logGroups"] == []


def test_a_zone_its_records_and_a_certificate(aws: Aws, tmp_path: Path) -> None:
    zone = aws("route53", "create-hosted-zone", "--name", "cli.example", "--caller-reference", "1")["HostedZone"]["Id"]
    given = ("--domain-name", "cli.example", "--validation-method", "DNS")
    arn = aws("acm", "request-certificate", *given)["CertificateArn"]
    told = aws("acm", "describe-certificate", "--certificate-arn", arn)["Certificate"]
    assert told["Status"] == "PENDING_VALIDATION"
    record = told["DomainValidationOptions"][0]["ResourceRecord"]
    one = {"Name": record["Name"], "Type": "CNAME", "TTL": 60, "ResourceRecords": [{"Value": record["Value"]}]}
    batch = tmp_path / "batch.json"
    batch.write_text(json.dumps({"Changes": [{"Action": "UPSERT", "ResourceRecordSet": one}]}))
    changing = ("--hosted-zone-id", zone, "--change-batch", f"file://{batch}")
    change = aws("route53", "change-resource-record-sets", *changing)["ChangeInfo"]["Id"]
    aws("route53", "wait", "resource-record-sets-changed", "--id", change)
    aws("acm", "wait", "certificate-validated", "--certificate-arn", arn)
    got = aws("acm", "get-certificate", "--certificate-arn", arn)
    assert got["Certificate"].startswith("-----BEGIN CERTIFICATE-----")
    sets = aws("route53", "list-resource-record-sets", "--hosted-zone-id", zone)["ResourceRecordSets"]
    assert [one["Type"] for one in sets] == ["NS", "SOA", "CNAME"]
