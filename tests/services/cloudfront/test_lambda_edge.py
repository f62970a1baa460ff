"""Lambda@Edge functions on real sandboxes, in the way of real requests."""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

Config = Callable[..., dict[str, Any]]
View = Callable[..., Any]
Zipped = Callable[[dict[str, str]], bytes]


@pytest.fixture
def edge_function(kumoi: Any, zipped: Zipped) -> Callable[..., str]:
    """Publish a function for the edge; the ARN of its version."""

    def made(name: str, code: str, runtime: str = "python3.12", **members: Any) -> str:
        file, handler = ("index.mjs", "index.handler") if runtime.startswith("node") else ("app.py", "app.handler")
        answer = kumoi.client("lambda").create_function(
            FunctionName=name,
            Runtime=runtime,
            Handler=handler,
            Role=f"arn:aws:iam::{kumoi.account}:role/edge",
            Code={"ZipFile": zipped({file: code})},
            Publish=True,
            **{"Timeout": 5, **members},
        )
        return f"{answer['FunctionArn']}:{answer['Version']}"

    return made


@pytest.fixture
def site(kumoi: Any, config: Config) -> Callable[..., dict[str, Any]]:
    bucket = f"edge-{kumoi.account}"
    s3 = kumoi.client("s3")
    s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="index.html", Body=b"home", ContentType="text/html")
    s3.put_object(Bucket=bucket, Key="de/index.html", Body=b"zuhause", ContentType="text/html")

    def made(include_body: bool = False, behaviour: dict[str, Any] | None = None, **functions: str) -> dict[str, Any]:
        found = [
            {"EventType": event.replace("_", "-"), "LambdaFunctionARN": arn, "IncludeBody": include_body}
            for event, arn in functions.items()
        ]
        given = config(
            f"{bucket}.s3.us-east-1.amazonaws.com",
            behaviour={
                "LambdaFunctionAssociations": {"Quantity": len(found), "Items": found},
                **(behaviour or {}),
            },
        )
        answer = kumoi.client("cloudfront").create_distribution(DistributionConfig=given)
        return dict(answer["Distribution"])

    return made


ORIGIN_REQUEST = """
import os
def handler(event, context):
    request = event["Records"][0]["cf"]["request"]
    print("origin", request["origin"]["s3"]["domainName"], os.environ["AWS_REGION"], context.function_name)
    request["uri"] = "/de" + request["uri"]
    return request
"""
ORIGIN_RESPONSE = """
export const handler = async (event) => {
    const { request, response } = event.Records[0].cf;
    response.headers['x-seen'] = [{ key: 'X-Seen', value: request.uri + ' ' + response.status }];
    return response;
};
"""


def test_functions_around_the_origin(
    kumoi: Any, edge_function: Callable[..., str], site: Callable[..., dict[str, Any]], view: View
) -> None:
    made = site(
        origin_request=edge_function("to-origin", ORIGIN_REQUEST),
        origin_response=edge_function("from-origin", ORIGIN_RESPONSE, "nodejs20.x"),
    )
    for cached in ("Miss", "Hit"):
        answer = view(made["DomainName"], "/index.html", x_kumoi_pop="NRT")
        assert (answer.body, answer.headers["x-seen"]) == (b"zuhause", "/de/index.html 200")
        assert answer.headers["x-cache"] == f"{cached} from cloudfront"
    tokyo = _logs(kumoi, "ap-northeast-1", "/aws/lambda/us-east-1.to-origin", "origin")
    assert tokyo == f"origin edge-{kumoi.account}.s3.us-east-1.amazonaws.com ap-northeast-1 us-east-1.to-origin"


def _logs(kumoi: Any, region: str, group: str, wanted: str) -> str:
    """The first line of a group that begins so; it is written behind the answer."""
    client = boto3.client(
        "logs",
        endpoint_url=kumoi.url,
        region_name=region,
        aws_access_key_id=kumoi.account,
        aws_secret_access_key="test",
    )
    try:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                events = client.filter_log_events(logGroupName=group)["events"]
            except client.exceptions.ResourceNotFoundException:
                continue
            for event in events:
                if wanted in event["message"]:
                    return str(event["message"]).strip()
        raise AssertionError(f"{group} in {region} has no line with {wanted}")
    finally:
        client.close()


VIEWER = """
import json
def handler(event, context):
    cf = event["Records"][0]["cf"]
    request = cf["request"]
    if request["uri"] == "/login":
        body = json.dumps({"type": cf["config"]["eventType"], "body": request["body"]})
        return {"status": "200", "headers": {"content-type": [{"value": "application/json"}]}, "body": body}
    if request["uri"] == "/broken":
        request["headers"]["host"][0]["value"] = "other"
    if request["uri"] == "/raises":
        raise RuntimeError("not today")
    if request["uri"] == "/nothing":
        return None
    if request["uri"] == "/text":
        return "text"
    if request["uri"] == "/disallowed":
        request["headers"]["x-amz-cf-id"] = [{"value": "1"}]
    if request["uri"] == "/large":
        return {"status": "200", "body": "x" * 41_000}
    if request["uri"] == "/nan":
        return {"status": "200", "body": float("nan")}
    if request["uri"] == "/exits":
        import os
        os._exit(1)
    return request
"""


def test_answers_and_failures_at_viewer_request(
    kumoi: Any, edge_function: Callable[..., str], site: Callable[..., dict[str, Any]], view: View
) -> None:
    arn = edge_function("viewer", VIEWER)
    made = site(include_body=True, viewer_request=arn)
    domain = made["DomainName"]
    assert view(domain, "/index.html").body == b"home"
    answer = view(domain, "/login")
    assert answer.headers["x-cache"] == "LambdaGeneratedResponse from cloudfront"
    assert json.loads(answer.body) == {
        "type": "viewer-request",
        "body": {"action": "read-only", "data": "", "encoding": "base64", "inputTruncated": False},
    }
    broken = view(domain, "/broken")
    assert (broken.status, broken.headers["x-cache"]) == (502, "LambdaValidationError from cloudfront")
    assert b"The function tried to add, delete, or change a read-only header." in broken.body
    hint = json.loads(broken.headers["x-kumoi-edge-error"])
    assert (hint["trigger"], hint["function"], hint["header"]) == ("viewer-request", arn, "Host")
    raised = view(domain, "/raises")
    assert (raised.status, raised.headers["x-cache"]) == (503, "LambdaExecutionError from cloudfront")
    assert "not today" in raised.headers["x-kumoi-edge-error"]
    for path, status, cache, rule in (
        ("/nothing", 502, "LambdaValidationError", "object"),
        ("/text", 502, "LambdaValidationError", "object"),
        ("/disallowed", 502, "LambdaValidationError", "X-Amz-Cf-Id"),
        ("/large", 502, "LambdaValidationError", "limit"),
        ("/nan", 502, "LambdaValidationError", ""),
        ("/exits", 503, "LambdaExecutionError", ""),
    ):
        failed = view(domain, path)
        assert (failed.status, failed.headers["x-cache"]) == (status, f"{cache} from cloudfront"), path
        assert rule.lower() in failed.headers["x-kumoi-edge-error"].lower(), path
    fault = {"id": kumoi.account, "account": kumoi.account, "service": "lambda", "operation": "Invoke"}
    body = json.dumps({**fault, "action": "fail", "error": "throttle"}).encode()
    urllib.request.urlopen(f"{kumoi.url}/_kumoi/faults", body, timeout=60).close()
    throttled = view(domain, "/index.html")
    taken_back = urllib.request.Request(f"{kumoi.url}/_kumoi/faults?id={kumoi.account}", method="DELETE")
    urllib.request.urlopen(taken_back, timeout=60).close()
    assert (throttled.status, throttled.headers["x-cache"]) == (503, "LambdaLimitExceeded from cloudfront")
    group = f"/aws/cloudfront/LambdaEdge/{made['Id']}"
    assert "headerName : Host." in _logs(kumoi, "us-east-1", group, "read-only")


def test_a_replicated_function_cannot_be_deleted(
    kumoi: Any, edge_function: Callable[..., str], site: Callable[..., dict[str, Any]]
) -> None:
    arn = edge_function("kept", ORIGIN_REQUEST)
    made = site(origin_request=arn)
    functions, client = kumoi.client("lambda"), kumoi.client("cloudfront")
    with pytest.raises(ClientError) as caught:
        functions.delete_function(FunctionName="kept")
    assert "because it is a replicated function" in caught.value.response["Error"]["Message"]
    assert [one["FunctionName"] for one in functions.list_functions()["Functions"]] == ["kept"]
    replicas = functions.list_functions(MasterRegion="us-east-1", FunctionVersion="ALL")["Functions"]
    assert [(one["FunctionName"], one["MasterArn"]) for one in replicas] == [("us-east-1.kept", arn)]
    tokyo = boto3.client(
        "lambda",
        endpoint_url=kumoi.url,
        region_name="ap-northeast-1",
        aws_access_key_id=kumoi.account,
        aws_secret_access_key="test",
    )
    assert tokyo.get_function_configuration(FunctionName="us-east-1.kept", Qualifier="1")["MasterArn"] == arn
    tokyo.close()
    roles = {role["RoleName"] for role in kumoi.client("iam").list_roles()["Roles"]}
    assert {"AWSServiceRoleForLambdaReplicator", "AWSServiceRoleForCloudFrontLogger"} <= roles
    got = client.get_distribution_config(Id=made["Id"])
    got["DistributionConfig"]["DefaultCacheBehavior"]["LambdaFunctionAssociations"] = {"Quantity": 0}
    client.update_distribution(Id=made["Id"], IfMatch=got["ETag"], DistributionConfig=got["DistributionConfig"])
    functions.delete_function(FunctionName="kept")
    assert functions.list_functions(MasterRegion="us-east-1", FunctionVersion="ALL")["Functions"] == []


def test_what_cannot_be_associated(
    kumoi: Any, edge_function: Callable[..., str], site: Callable[..., dict[str, Any]]
) -> None:
    arn = edge_function("plain", ORIGIN_REQUEST)
    with_variables = edge_function("variables", ORIGIN_REQUEST, Environment={"Variables": {"AB": "1"}})
    large = edge_function("large", ORIGIN_REQUEST, MemorySize=256)
    unqualified = arn.rpartition(":")[0]
    for events, message in (
        ({"origin_request": unqualified}, "must reference a specific function version"),
        ({"origin_request": f"{unqualified}:$LATEST"}, "must reference a specific function version"),
        ({"origin_request": f"{unqualified}:7"}, "cannot retrieve the specified Lambda function"),
        ({"origin_request": arn.replace("us-east-1", "eu-west-1")}, "must be in region 'us-east-1'"),
        ({"origin_request": with_variables}, "cannot have environment variables"),
        ({"viewer_request": large}, "256 Max allowed: 128"),
    ):
        with pytest.raises(ClientError) as caught:
            site(**events)
        error = caught.value.response["Error"]
        assert error["Code"] == "InvalidLambdaFunctionAssociation"
        assert message in error["Message"]
    trust = {
        "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]
    }
    kumoi.client("iam").create_role(
        RoleName="edge", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", **trust})
    )
    with pytest.raises(ClientError, match=r"assumable with edgelambda\.amazonaws\.com"):
        site(origin_request=arn)


MATRIX = """
def handler(event, context):
    cf = event["Records"][0]["cf"]
    kind = cf["config"]["eventType"]
    if kind.endswith("request"):
        if kind == "origin-request" and cf["request"]["uri"] == "/made":
            return {"status": "200", "headers": {"x-made": [{"value": kind}]}, "body": "made"}
        return cf["request"]
    cf["response"]["headers"]["x-" + kind] = [{"value": "ran"}]
    return cf["response"]
"""


def test_which_functions_run(
    kumoi: Any, edge_function: Callable[..., str], site: Callable[..., dict[str, Any]], view: View
) -> None:
    arn = edge_function("matrix", MATRIX)
    made = site(origin_request=arn, origin_response=arn, viewer_response=arn)

    def ran(path: str) -> tuple[str, list[str]]:
        answer = view(made["DomainName"], path)
        events = ("made", "origin-response", "viewer-response")
        return answer.headers["x-cache"].split(" ")[0], [one for one in events if f"x-{one}" in answer.headers]

    assert ran("/index.html") == ("Miss", ["origin-response", "viewer-response"])
    assert ran("/index.html") == (
        "Hit",
        ["origin-response", "viewer-response"],
    )  # the first one is kept with the object
    assert ran("/nothing") == ("Error", ["origin-response"])
    assert ran("/made") == ("LambdaGeneratedResponse", ["made", "viewer-response"])
    assert ran("/made") == ("Hit", ["made", "viewer-response"])
