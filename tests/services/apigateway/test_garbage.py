"""Whatever an operation is sent, and whatever a request to an API looks like, nothing fails inside."""

from __future__ import annotations

import json
import random
import re
from typing import Any
from urllib.parse import quote

from botocore.loaders import Loader

SCOPE = "AWS4-HMAC-SHA256 Credential={}/20260101/us-east-1/apigateway/aws4_request, SignedHeaders=host, Signature=00"
VALUES: list[Any] = [
    *(None, True, 0, -1, 1.5, 10**30, "", "x" * 300, "\u0000", "雲", [], {}, [[]], {"": ""}, [None], {"a": {"b": []}}),
    *("arn:aws:lambda:us-east-1:000000000000:function:f", "{}", "#if(", "(a+", "GET", "200", "TOKEN", "MOCK", "NONE"),
    *("method.request.header.a", "application/json", '{"type": 7}', {"application/json": "$input.json('$["}),
    *([{"op": "replace", "path": "/name", "value": "x"}], [{"op": "add", "path": "/a~1/b/c"}], [{"path": "/"}]),
    *([{"op": "replace", "path": "/*/*/throttling/rateLimit", "value": "nan"}], [{"op": "copy", "from": "/a"}]),
    *([{"op": "add", "path": "/apiStages", "value": ":"}], [{"op": "replace", "path": "/variables/a", "value": None}]),
]


def test_operations(kumoi: Any, client: Any, api: Any, http: Any, mock: Any) -> None:
    made = api(binaryMediaTypes=["a/b"])
    made.method("GET /a", mock, [{"statusCode": "200"}])
    deployment = made.deploy()
    plan = client.create_usage_plan(name="p", apiStages=[{"apiId": made.id, "stage": "dev"}])["id"]
    key = client.create_api_key(name="k", enabled=True)["id"]
    client.create_usage_plan_key(usagePlanId=plan, keyId=key, keyType="API_KEY")
    labels = {
        "restapi_id": made.id,
        "resource_id": made.resource("/a"),
        "parent_id": made.resource("/a"),
        "http_method": "GET",
        "status_code": "200",
        "stage_name": "dev",
        "deployment_id": deployment,
        "usageplanId": plan,
        "keyId": key,
        "api_Key": key,
        "model_name": "Empty",
        "response_type": "THROTTLED",
        "export_type": "swagger",
        "resource_arn": f"arn:aws:apigateway:us-east-1::/restapis/{made.id}",
    }
    model = Loader().load_service_model("apigateway", "service-2")
    chosen = random.Random(7)
    operations = sorted(model["operations"].items())
    served = 0
    for name, operation in operations * 6:
        if name.startswith("Delete"):
            continue
        members = model["shapes"][operation["input"]["shape"]]["members"] if "input" in operation else {}

        def label(match: re.Match[str]) -> str:
            held = labels.get(match[1], "x")
            return quote(held if chosen.random() < 0.8 else chosen.choice(["x", "雲", "{a}", "a/b"]), safe="")

        path = re.sub(r"\{(\w+)\}", label, operation["http"]["requestUri"])
        body: Any = {
            member.get("locationName", key): chosen.choice(VALUES)
            for key, member in members.items()
            if "location" not in member and chosen.random() < 0.8
        }
        if chosen.random() < 0.1:
            body = chosen.choice(VALUES)
        query = chosen.choice(["", "", "position=?", "limit=-1", "embed=methods", "startDate=x&endDate=2026-01-01"])
        url = f"{kumoi.url}{path}{'&' if '?' in path else '?'}{query}"
        headers = {"Authorization": SCOPE.format(kumoi.account), "Content-Type": "application/json"}
        verb = operation["http"]["method"]
        answer = http.request(verb, url, headers=headers, body=json.dumps(body).encode() if verb != "GET" else None)
        assert answer.status < 500 or answer.status == 501, (name, path, body, answer.data)
        served += answer.status < 300
    assert served > 100


TEMPLATES = [
    "$input.json('$.a[?(@.b == 1)]') $input.path('$..*') $util.parseJson($input.body)",
    "$input.params($input.params('q')) $context.identity.none.more"
    " #foreach($k in $input.params().header.keySet())$k#end",
    "#set($context.responseOverride.status = $input.path('$.s'))"
    "#set($context.responseOverride.header = $input.path('$'))",
]
BODIES = [
    b"",
    b"{",
    b"\xff\xfe",
    b"[]",
    b"7",
    b'"a"',
    b'{"a": [{"b": 1}], "s": 99999999999}',
    b"[" * 3000,
    b'{"s": {"x": "\\u0000\\n"}}',
]


def test_requests(api: Any, ask: Any, mock: Any, client: Any) -> None:
    made = api(minimumCompressionSize=0, binaryMediaTypes=["*/*"])
    validator = client.create_request_validator(restApiId=made.id, validateRequestBody=True)["id"]
    for number, template in enumerate(TEMPLATES):
        response = {"statusCode": "200", "responseTemplates": {"application/json": template}}
        header = {"method.response.header.X": "integration.response.body.a", "method.response.header.Y": "context.path"}
        given = {"requestValidatorId": validator, "requestModels": {"application/json": "Error"}} if number == 1 else {}
        both = {"type": "MOCK", "requestTemplates": {"application/json": '{"statusCode": 200}#set($x = "$input.body")'}}
        made.method(f"POST /{number}/{{proxy+}}", both, [{**response, "responseParameters": header}], **given)
    made.deploy()
    for number in range(len(TEMPLATES)):
        for body in BODIES:
            for path in ("x", "%00", "%0d%0aX:y", "a%2Fb?q=%ff&q", "?" + "&" * 50):
                headers = {"Content-Encoding": "gzip"} if body == b"7" else {"Accept": ",;,"}
                answer = ask(made.id, "POST", f"/{number}/{path}", body=body, headers=headers)
                assert answer.status in (200, 400, 403, 500), (number, body, path, answer.data)
                if answer.status == 500:
                    assert answer.json() == {"message": "Internal server error"}
