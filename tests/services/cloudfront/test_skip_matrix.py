"""Which of the four functions run: every row of the matrix, with a real client, told by what they leave behind."""

from __future__ import annotations

import http.server
import json
import threading
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

pytestmark = pytest.mark.kumoi_clock

VIEWER_REQUEST = b"""function handler(event) {
    if (event.request.uri === '/answered') return { statusCode: 204 };
    return event.request;
}"""
VIEWER_RESPONSE = b"function handler(event) { return event.response; }"
ORIGIN_REQUEST = """
def handler(event, context):
    request = event["Records"][0]["cf"]["request"]
    return {"status": "200", "body": "made"} if request["uri"] == "/made" else request
"""
ORIGIN_RESPONSE = """
def handler(event, context):
    cf = event["Records"][0]["cf"]
    if cf["request"]["uri"] == "/rewritten":
        cf["response"]["status"] = "200"
    return cf["response"]
"""
STATUSES = {"/missing": 404, "/rewritten": 404, "/broken": 500}
ALL = {"viewer-request": 1, "origin-request": 1, "origin-response": 1, "viewer-response": 1}
TO_ORIGIN = {"viewer-request": 1, "origin-request": 1, "origin-response": 1}


@pytest.fixture
def port() -> Iterator[int]:
    """A server that knows its pages by their tag."""

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            known = self.headers.get("If-None-Match") is not None
            self.send_response(304 if known else STATUSES.get(self.path, 200))
            self.send_header("ETag", '"one"')
            self.send_header("Cache-Control", "max-age=60")
            self.send_header("Content-Length", "0" if known else "4")
            self.end_headers()
            self.wfile.write(b"" if known else b"page")

        def log_message(self, *_args: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()


@pytest.fixture
def domain(kumoi: Any, config: Callable[..., Any], port: int, zipped: Callable[..., bytes]) -> str:
    client = kumoi.client("cloudfront")
    small, large = [], []
    for event, code in (("viewer-request", VIEWER_REQUEST), ("viewer-response", VIEWER_RESPONSE)):
        settings = {"Comment": "", "Runtime": "cloudfront-js-2.0"}
        made = client.create_function(Name=event, FunctionConfig=settings, FunctionCode=code)
        client.publish_function(Name=event, IfMatch=made["ETag"])
        small.append({"EventType": event, "FunctionARN": made["FunctionSummary"]["FunctionMetadata"]["FunctionARN"]})
    for event, source in (("origin-request", ORIGIN_REQUEST), ("origin-response", ORIGIN_RESPONSE)):
        version = kumoi.client("lambda").create_function(
            FunctionName=event,
            Runtime="python3.12",
            Handler="app.handler",
            Role=f"arn:aws:iam::{kumoi.account}:role/edge",
            Code={"ZipFile": zipped({"app.py": source})},
            Publish=True,
        )
        large.append({"EventType": event, "LambdaFunctionARN": f"{version['FunctionArn']}:1"})
    pem = (
        ec.generate_private_key(ec.SECP256R1())
        .public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    told = {"CallerReference": "1", "Name": "key", "EncodedKey": pem.decode()}
    key = client.create_public_key(PublicKeyConfig=told)["PublicKey"]["Id"]
    group = client.create_key_group(KeyGroupConfig={"Name": "group", "Items": [key]})["KeyGroup"]["Id"]
    server = {"HTTPPort": port, "HTTPSPort": 443, "OriginProtocolPolicy": "http-only"}
    given = config(
        Origins={"Quantity": 1, "Items": [{"Id": "one", "DomainName": "localhost", "CustomOriginConfig": server}]},
        behaviour={
            "ViewerProtocolPolicy": "redirect-to-https",
            "FunctionAssociations": {"Quantity": 2, "Items": small},
            "LambdaFunctionAssociations": {"Quantity": 2, "Items": large},
        },
        CustomErrorResponses={
            "Quantity": 1,
            "Items": [{"ErrorCode": 500, "ResponsePagePath": "/sorry", "ResponseCode": "503"}],
        },
        Restrictions={"GeoRestriction": {"RestrictionType": "blacklist", "Quantity": 1, "Items": ["KP"]}},
    )
    signed = {**given["DefaultCacheBehavior"], "PathPattern": "/signed/*"}
    signed["TrustedKeyGroups"] = {"Enabled": True, "Quantity": 1, "Items": [group]}
    given["CacheBehaviors"] = {"Quantity": 1, "Items": [signed]}
    return str(client.create_distribution(DistributionConfig=given)["Distribution"]["DomainName"])


def test_every_row(kumoi: Any, domain: str, view: Callable[..., Any]) -> None:
    def hops(wanted: str) -> dict[str, Any]:
        url = f"{kumoi.url}/_kumoi/hops?account={kumoi.account}&{wanted}"
        with urllib.request.urlopen(url, timeout=60) as answer:
            return dict(json.load(answer))

    def ran(path: str, method: str = "GET", **headers: str) -> tuple[int, str, dict[str, int]]:
        """The status, what X-Cache says, and how often each function ran."""
        before = hops("limit=0")["recorded"]
        answer = view(domain, path, method, **headers)
        found: Counter[str] = Counter()
        for hop in hops(f"after={before}")["hops"]:
            if hop["operation"] == "cloudfront-edge":
                units = [unit.partition("/") for unit in hop["units"]]
                found.update(name for kind, _, name in units if kind == "cloudfront:utilization")
            elif hop["operation"] == "Invoke":
                found[hop["target"].rpartition("us-east-1.")[2]] += 1
        return answer.status, answer.headers["x-cache"].split(" ")[0], dict(found)

    seen = {"viewer-request": 1, "viewer-response": 1}
    assert ran("/page") == (200, "Miss", ALL)
    assert ran("/page") == (200, "Hit", seen)
    kumoi.advance(61)
    assert ran("/page") == (200, "RefreshHit", ALL)
    assert ran("/missing") == (404, "Error", TO_ORIGIN)
    assert ran("/missing") == (404, "Error", {"viewer-request": 1})
    assert ran("/rewritten") == (200, "Miss", TO_ORIGIN)
    assert ran("/broken") == (503, "Error", {"viewer-request": 1, "origin-request": 2, "origin-response": 2})
    assert ran("/answered") == (204, "FunctionGeneratedResponse", {"viewer-request": 1})
    assert ran("/made") == (200, "LambdaGeneratedResponse", {**seen, "origin-request": 1})
    assert ran("/made") == (200, "Hit", seen)
    assert ran("/page", X_Forwarded_Proto="http") == (301, "Redirect", {})
    assert ran("/page", x_kumoi_viewer_country="KP") == (403, "Error", {})
    assert ran("/page", "POST") == (403, "Error", {})
    assert ran("/signed/page") == (403, "Error", {})
