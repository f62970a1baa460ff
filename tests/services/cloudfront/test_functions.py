"""CloudFront functions: their control plane, what they do to requests and responses, and where they fail."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from kumoi.services.cloudfront.functions import key_values
from kumoi.services.cloudfront.functions.key_values import KeyValues, Snapshot

Config = Callable[..., dict[str, Any]]
View = Callable[..., Any]


def code_of(caught: pytest.ExceptionInfo[ClientError]) -> str:
    return str(caught.value.response["Error"]["Code"])


def make(
    kumoi: Any, code: str, name: str = "f", runtime: str = "cloudfront-js-2.0", stores: list[str] | None = None
) -> str:
    client = kumoi.client("cloudfront")
    settings: dict[str, Any] = {"Comment": "", "Runtime": runtime}
    if stores:
        listed = [{"KeyValueStoreARN": arn} for arn in stores]
        settings["KeyValueStoreAssociations"] = {"Quantity": len(listed), "Items": listed}
    made = client.create_function(Name=name, FunctionConfig=settings, FunctionCode=code.encode())
    client.publish_function(Name=name, IfMatch=made["ETag"])
    return str(made["FunctionSummary"]["FunctionMetadata"]["FunctionARN"])


def attach(**functions: str) -> dict[str, Any]:
    found = [{"EventType": event.replace("_", "-"), "FunctionARN": arn} for event, arn in functions.items()]
    return {"FunctionAssociations": {"Quantity": len(found), "Items": found}}


@pytest.fixture
def site(kumoi: Any, config: Config) -> Callable[..., str]:
    """A distribution in front of a bucket with a few pages."""
    bucket = f"pages-{kumoi.account}"
    s3 = kumoi.client("s3")
    s3.create_bucket(Bucket=bucket)
    for key in ("index.html", "sub/index.html", "b.html"):
        s3.put_object(Bucket=bucket, Key=key, Body=key.encode(), ContentType="text/html")

    def made(**behaviour: Any) -> str:
        given = config(f"{bucket}.s3.us-east-1.amazonaws.com", behaviour=behaviour)
        return str(
            kumoi.client("cloudfront").create_distribution(DistributionConfig=given)["Distribution"]["DomainName"]
        )

    return made


def test_the_life_of_a_function(kumoi: Any, config: Config) -> None:
    client = kumoi.client("cloudfront")
    settings = {"Comment": "one", "Runtime": "cloudfront-js-2.0"}
    made = client.create_function(Name="life", FunctionConfig=settings, FunctionCode=b"function handler(e) {}")
    assert made["FunctionSummary"]["Status"] == "UNPUBLISHED"
    arn = made["FunctionSummary"]["FunctionMetadata"]["FunctionARN"]
    assert arn == f"arn:aws:cloudfront::{kumoi.account}:function/life"
    with pytest.raises(ClientError) as caught:
        client.create_function(Name="life", FunctionConfig=settings, FunctionCode=b"x")
    assert code_of(caught) == "FunctionAlreadyExists"
    with pytest.raises(ClientError) as caught:
        client.create_distribution(DistributionConfig=config(behaviour=attach(viewer_request=arn)))
    assert code_of(caught) == "InvalidFunctionAssociation"
    with pytest.raises(ClientError) as caught:
        client.describe_function(Name="life", Stage="LIVE")
    assert code_of(caught) == "NoSuchFunctionExists"
    client.publish_function(Name="life", IfMatch=made["ETag"])
    changed = client.update_function(
        Name="life", IfMatch=made["ETag"], FunctionConfig=settings, FunctionCode=b"function handler(e) { return 1 }"
    )
    assert client.get_function(Name="life", Stage="LIVE")["FunctionCode"].read() == b"function handler(e) {}"
    got = client.get_function(Name="life")
    got["FunctionCode"].close()
    assert got["ContentType"] == "application/octet-stream"
    assert got["ETag"] == changed["ETag"] != made["ETag"]
    client.create_distribution(DistributionConfig=config(behaviour=attach(viewer_request=arn)))
    listed = client.list_functions(Stage="LIVE")["FunctionList"]["Items"]
    assert [(one["Name"], one["Status"]) for one in listed] == [("life", "DEPLOYED")]
    with pytest.raises(ClientError) as caught:
        client.delete_function(Name="life", IfMatch=changed["ETag"])
    assert code_of(caught) == "FunctionInUse"
    with pytest.raises(ClientError) as caught:
        client.create_function(Name="big", FunctionConfig=settings, FunctionCode=b"x" * 10_241)
    assert code_of(caught) == "FunctionSizeLimitExceeded"


EVENT = {
    "version": "1.0",
    "context": {"eventType": "viewer-request"},
    "viewer": {"ip": "1.2.3.4"},
    "request": {"method": "GET", "uri": "/", "querystring": {}, "headers": {}, "cookies": {}},
}
TESTED: list[tuple[str, str, str, Any, str]] = [
    ("2.0", "function handler(e) { e.request.uri += 'x'; return e.request }", "/x", [], ""),
    ("2.0", "const handler = async (e) => { console.log('hi'); return e.request }", "/", ["hi"], ""),
    ("2.0", "function handler(e) { return {statusCode: 302} }", "302", [], ""),
    ("2.0", "function handler(e) { throw new Error('broken') }", "", [], "Error: broken"),
    ("2.0", "function handler(e) {", "", [], "SyntaxError"),
    ("1.0", "function handler(e) { const x = 1; return e.request }", "", [], 'Token "const" not supported'),
    (
        "1.0",
        "var c = require('crypto'); function handler(e) { var r = e.request;"
        " r.uri = '/' + c.createHash('sha256').update('abc').digest('hex').slice(0, 8); return r }",
        "/ba7816bf",
        [],
        "",
    ),
    (
        "2.0",
        "import qs from 'querystring';"
        " function handler(e) { return {statusCode: 200, body: qs.stringify({a: [1, 2]})} }",
        "a=1&a=2",
        [],
        "",
    ),
]


@pytest.mark.parametrize(("runtime", "code", "output", "logs", "error"), TESTED)
def test_testing_a_function(kumoi: Any, runtime: str, code: str, output: str, logs: Any, error: str) -> None:
    client = kumoi.client("cloudfront")
    settings = {"Comment": "", "Runtime": f"cloudfront-js-{runtime}"}
    made = client.create_function(Name="tested", FunctionConfig=settings, FunctionCode=code.encode())
    event = json.dumps(EVENT).encode()
    result = client.test_function(Name="tested", IfMatch=made["ETag"], EventObject=event)["TestResult"]
    assert result.get("FunctionExecutionLogs", []) == logs
    assert error in result["FunctionErrorMessage"]
    assert output in result["FunctionOutput"]
    assert bool(result["FunctionOutput"]) == bool(output)
    assert 0 <= int(result["ComputeUtilization"]) <= 100


def test_rewriting_a_request(kumoi: Any, site: Callable[..., str], view: View) -> None:
    arn = make(
        kumoi,
        """function handler(event) {
            const request = event.request;
            if (request.uri.endsWith('/')) request.uri += 'index.html';
            if (request.cookies.group && request.cookies.group.value === 'b') request.uri = '/b.html';
            return request;
        }""",
    )
    domain = site(**attach(viewer_request=arn))
    assert view(domain, "/sub/").body == b"sub/index.html"
    assert view(domain, "/sub/").headers["x-cache"] == "Hit from cloudfront"
    assert view(domain, "/sub/", Cookie="group=b; other=1").body == b"b.html"


def test_answering_at_the_edge(kumoi: Any, site: Callable[..., str], view: View) -> None:
    arn = make(
        kumoi,
        """function handler(event) {
            const given = event.request.headers.authorization;
            if (given && given.value === 'Basic ' + btoa('me:secret')) return event.request;
            return {statusCode: 401, statusDescription: 'Unauthorized',
                    headers: {'www-authenticate': {value: 'Basic realm="x"'}},
                    cookies: {seen: {value: '1', attributes: 'Path=/; Secure'}}, body: 'who?'};
        }""",
    )
    domain = site(**attach(viewer_request=arn))
    refused = view(domain, "/index.html")
    assert (refused.status, refused.body) == (401, b"who?")
    assert refused.headers["www-authenticate"] == 'Basic realm="x"'
    assert refused.headers["set-cookie"] == "seen=1; Path=/; Secure"
    assert refused.headers["x-cache"] == "FunctionGeneratedResponse from cloudfront"
    assert view(domain, "/index.html", Authorization="Basic bWU6c2VjcmV0").body == b"index.html"


def test_changing_a_response(kumoi: Any, site: Callable[..., str], view: View) -> None:
    arn = make(
        kumoi,
        """function handler(event) {
            const response = event.response;
            response.headers['content-security-policy'] = {value: "default-src 'self'"};
            response.headers['x-status'] = {value: String(response.statusCode)};
            return response;
        }""",
    )
    domain = site(**attach(viewer_response=arn))
    for cached in ("Miss", "Hit"):
        answer = view(domain, "/index.html")
        assert answer.headers["x-cache"] == f"{cached} from cloudfront"
        assert answer.headers["content-security-policy"] == "default-src 'self'"
        assert answer.headers["x-status"] == "200"
    assert "x-status" not in view(domain, "/missing.html").headers


FAILING = [
    ("function handler(e) { throw new Error('oh no') }", 503, "FunctionExecutionError", "oh no"),
    ("function handler(e) { while (true) {} }", 503, "FunctionExecutionError", "CPU time"),
    ("function handler(e) {}", 502, "FunctionValidationError", "must return"),
    (
        "function handler(e) { e.request.headers.host = {value: 'x'}; return e.request }",
        502,
        "FunctionValidationError",
        "host",
    ),
    ("function handler(e) { e.request.method = 'PUT'; return e.request }", 502, "FunctionValidationError", "method"),
    ("function handler(e) { return {statusCode: '200'} }", 502, "FunctionValidationError", "statusCode"),
    (
        "function handler(e) { e.request.headers['x-cache'] = {value: 'x'}; return e.request }",
        502,
        "FunctionValidationError",
        "x-cache",
    ),
]


@pytest.mark.parametrize(("code", "status", "cache", "rule"), FAILING)
def test_failing_tells_why(
    kumoi: Any, site: Callable[..., str], view: View, code: str, status: int, cache: str, rule: str
) -> None:
    domain = site(**attach(viewer_request=make(kumoi, code)))
    answer = view(domain, "/index.html")
    assert (answer.status, answer.headers["x-cache"]) == (status, f"{cache} from cloudfront")
    hint = json.loads(answer.headers["x-kumoi-edge-error"])
    assert (hint["trigger"], hint["function"]) == ("viewer-request", "f")
    assert rule in hint["rule"]


def test_key_value_stores(kumoi: Any, site: Callable[..., str], view: View) -> None:
    client = kumoi.client("cloudfront")
    s3 = kumoi.client("s3")
    bucket = f"import-{kumoi.account}"
    s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="pairs.json", Body=b'{"data": [{"key": "/old", "value": "/index.html"}]}')
    source = {"SourceType": "S3", "SourceARN": f"arn:aws:s3:::{bucket}/pairs.json"}
    made = client.create_key_value_store(Name="redirects", ImportSource=source)
    arn = made["KeyValueStore"]["ARN"]
    data = kumoi.client("cloudfront-keyvaluestore", signature_version="v4")

    def unprefixed(params: dict[str, Any], **_more: Any) -> None:
        params["url"] = params["url"].replace(f"//{kumoi.account}.", "//")  # which only names of localhost could have

    data.meta.events.register("before-call.cloudfront-keyvaluestore", unprefixed)
    described = data.describe_key_value_store(KvsARN=arn)
    assert (described["ItemCount"], described["Status"]) == (1, "READY")
    code = """
        import cf from 'cloudfront';
        const store = cf.kvs();
        async function handler(event) {
            const request = event.request;
            if (await store.exists(request.uri)) request.uri = await store.get(request.uri);
            else if (request.uri === '/count') return {statusCode: 200, body: String(await store.count())};
            else if (request.uri === '/json') {
                return {statusCode: 200, body: (await store.get('j', {format: 'json'})).a};
            }
            return request;
        }"""
    function = make(kumoi, code, stores=[arn])
    domain = site(**attach(viewer_request=function))
    assert view(domain, "/old").body == b"index.html"
    put = data.put_key(KvsARN=arn, Key="/older", Value="/b.html", IfMatch=described["ETag"])
    assert view(domain, "/older").body == b"b.html"
    with pytest.raises(ClientError) as caught:
        data.put_key(KvsARN=arn, Key="x", Value="y", IfMatch=described["ETag"])
    assert code_of(caught) == "ConflictException"
    changed = data.update_keys(
        KvsARN=arn, IfMatch=put["ETag"], Puts=[{"Key": "j", "Value": '{"a":"deep"}'}], Deletes=[{"Key": "/old"}]
    )
    assert changed["ItemCount"] == 2
    assert [one["Key"] for one in data.list_keys(KvsARN=arn)["Items"]] == ["/older", "j"]
    assert view(domain, "/count").body == b"2"
    assert view(domain, "/json").body == b"deep"
    with pytest.raises(ClientError) as caught:
        data.get_key(KvsARN=arn, Key="/old")
    assert code_of(caught) == "ResourceNotFoundException"
    with pytest.raises(ClientError) as caught:
        client.delete_key_value_store(Name="redirects", IfMatch=made["ETag"])
    assert code_of(caught) == "CannotDeleteEntityWhileInUse"


def test_choosing_the_origin(kumoi: Any, site: Callable[..., str], view: View) -> None:
    bucket = f"other-{kumoi.account}"
    s3 = kumoi.client("s3")
    s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="index.html", Body=b"other")
    code = f"""import cf from 'cloudfront';
        function handler(event) {{
            cf.updateRequestOrigin({{domainName: '{bucket}.s3.us-east-1.amazonaws.com'}});
            return event.request;
        }}"""
    assert view(site(**attach(viewer_request=make(kumoi, code))), "/index.html").body == b"other"


def test_logs_are_in_us_east_1(kumoi: Any, site: Callable[..., str], view: View) -> None:
    arn = make(kumoi, "function handler(e) { console.log('seen', e.request.uri); return e.request }", name="logs")
    answer = view(site(**attach(viewer_request=arn)), "/index.html", x_kumoi_pop="NRT")
    logs = kumoi.client("logs")
    deadline = time.monotonic() + 60
    events: list[Any] = []
    while not events and time.monotonic() < deadline:
        try:
            events = logs.filter_log_events(logGroupName="/aws/cloudfront/function/logs")["events"]
        except logs.exceptions.ResourceNotFoundException:
            continue
    id = answer.headers["x-amz-cf-id"]
    lines = [event["message"] for event in events]
    assert lines[1:] == [f"{id} seen /index.html", f"{id} END"]
    assert lines[0].startswith(f"{id} START DistributionID: E")


def test_tags_of_a_function_are_refused(kumoi: Any) -> None:
    settings = {"Comment": "", "Runtime": "cloudfront-js-2.0"}
    tags = {"Items": [{"Key": "a", "Value": "b"}]}
    with pytest.raises(ClientError) as caught:
        kumoi.client("cloudfront").create_function(
            Name="tagged", FunctionConfig=settings, FunctionCode=b"function handler() {}", Tags=tags
        )
    assert code_of(caught) == "NotImplemented"


def test_what_was_read_while_a_store_changed_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    stores = KeyValues()
    read: list[Snapshot] = []

    async def slow(_state: Any, arn: str) -> Snapshot:
        read.append(Snapshot("id", "name", arn, f"v{len(read)}", "", "", {}))
        if len(read) == 1:
            stores.forget(arn)
        return read[-1]

    monkeypatch.setattr(key_values, "_read", slow)
    state: Any = None

    async def twice() -> list[str]:
        return [one.version for _ in range(3) if (one := await stores.of_arn(state, "arn")) is not None]

    assert asyncio.run(twice()) == ["v0", "v1", "v1"]
