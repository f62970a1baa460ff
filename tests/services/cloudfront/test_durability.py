"""What was acknowledged outlives kill -9, and serves again."""

from __future__ import annotations

import http.client
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest

Config = Callable[..., dict[str, Any]]


def get(url: str, host: str, path: str) -> tuple[int, bytes, str]:
    address = urlsplit(url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=60)
    try:
        connection.request("GET", path, headers={"Host": host})
        answer = connection.getresponse()
        return answer.status, answer.read(), answer.getheader("X-Cache", "")
    finally:
        connection.close()


@pytest.mark.slow
def test_everything_outlives_a_kill(killable: Any, config: Config, zipped: Callable[[dict[str, str]], bytes]) -> None:
    killable.start()
    cloudfront, s3 = killable.client("cloudfront"), killable.client("s3")
    s3.create_bucket(Bucket="pages")
    s3.put_object(Bucket="pages", Key="index.html", Body=b"home")
    settings = {"Comment": "", "Runtime": "cloudfront-js-2.0"}
    code = b"function handler(e) { e.request.uri += 'index.html'; return e.request }"
    made = cloudfront.create_function(Name="f", FunctionConfig=settings, FunctionCode=code)
    cloudfront.publish_function(Name="f", IfMatch=made["ETag"])
    arn = made["FunctionSummary"]["FunctionMetadata"]["FunctionARN"]
    source = "def handler(e, c):\n    r = e['Records'][0]['cf']['response']\n"
    source += "    r['headers']['x-edge'] = [{'value': 'yes'}]\n    return r\n"
    function = killable.client("lambda").create_function(
        FunctionName="g",
        Runtime="python3.12",
        Handler="a.handler",
        Role="arn:aws:iam::000000000000:role/r",
        Code={"ZipFile": zipped({"a.py": source})},
        Publish=True,
    )
    behaviour = {
        "FunctionAssociations": {"Quantity": 1, "Items": [{"EventType": "viewer-request", "FunctionARN": arn}]},
        "LambdaFunctionAssociations": {
            "Quantity": 1,
            "Items": [{"EventType": "origin-response", "LambdaFunctionARN": f"{function['FunctionArn']}:1"}],
        },
    }
    aliases = {"Quantity": 1, "Items": ["www.example.com"]}
    given = config("pages.s3.us-east-1.amazonaws.com", behaviour=behaviour, Aliases=aliases)
    distribution = cloudfront.create_distribution(DistributionConfig=given)["Distribution"]
    batch = {"Paths": {"Quantity": 1, "Items": ["/*"]}, "CallerReference": "1"}
    cloudfront.create_invalidation(DistributionId=distribution["Id"], InvalidationBatch=batch)
    killable.kill()
    killable.start()
    assert get(killable.url, "www.example.com", "/") == (200, b"home", "Miss from cloudfront")
    assert get(killable.url, distribution["DomainName"], "/") == (200, b"home", "Hit from cloudfront")
    listed = cloudfront.list_invalidations(DistributionId=distribution["Id"])["InvalidationList"]
    assert listed["Quantity"] == 1
