"""Records go to an HTTP endpoint as AWS writes them; what it does not take goes to S3."""

from __future__ import annotations

import base64
import gzip
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

ROLE = "arn:aws:iam::000000000000:role/firehose"
pytestmark = pytest.mark.kumoi_clock


class Endpoint:
    """An HTTP endpoint that answers `status`, and notes what it is asked."""

    def __init__(self) -> None:
        self.status = 200
        self.answers_wrongly = False
        self.requests: list[tuple[dict[str, str], bytes]] = []
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                headers = {name.lower(): value for name, value in self.headers.items()}
                endpoint.requests.append((headers, self.rfile.read(int(headers["content-length"]))))
                identifier = "other" if endpoint.answers_wrongly else headers["x-amz-firehose-request-id"]
                told: dict[str, Any] = {"requestId": identifier, "timestamp": 1}
                if endpoint.status != 200:
                    told["errorMessage"] = "not now"
                content = json.dumps(told).encode()
                self.send_response(endpoint.status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: Any) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/in?a=b"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    made = Endpoint()
    yield made
    made.close()


@pytest.fixture
def to_endpoint(firehose: Any, bucket: str, endpoint: Endpoint) -> Callable[..., None]:
    def made(*, key: str | None = None, **settings: Any) -> None:
        where = {"Url": endpoint.url, "Name": "mine", **({} if key is None else {"AccessKey": key})}
        destination = {
            "EndpointConfiguration": where,
            "BufferingHints": {"IntervalInSeconds": 60, "SizeInMBs": 1},
            "RoleARN": ROLE,
            "S3Configuration": {"RoleARN": ROLE, "BucketARN": f"arn:aws:s3:::{bucket}"},
            **settings,
        }
        firehose.create_delivery_stream(DeliveryStreamName="clicks", HttpEndpointDestinationConfiguration=destination)

    return made


def put(firehose: Any, *contents: bytes) -> None:
    firehose.put_record_batch(DeliveryStreamName="clicks", Records=[{"Data": one} for one in contents])


def test_records_come_as_aws_sends_them(
    kumoi: Any, firehose: Any, to_endpoint: Callable[..., None], endpoint: Endpoint, objects: Any
) -> None:
    attributes = [{"AttributeName": "env", "AttributeValue": "test"}]
    to_endpoint(key="s3cret", RequestConfiguration={"ContentEncoding": "GZIP", "CommonAttributes": attributes})
    put(firehose, b"a", b"")
    kumoi.advance(60)
    [(headers, body)] = endpoint.requests
    told = json.loads(gzip.decompress(body))
    assert [base64.b64decode(one["data"]) for one in told["records"]] == [b"a", b""]
    assert headers["x-amz-firehose-request-id"] == told["requestId"]
    assert headers["x-amz-firehose-protocol-version"] == "1.0"
    assert headers["x-amz-firehose-source-arn"].endswith(":deliverystream/clicks")
    assert headers["x-amz-firehose-access-key"] == "s3cret"
    assert json.loads(headers["x-amz-firehose-common-attributes"]) == {"commonAttributes": {"env": "test"}}
    assert (headers["content-type"], headers["content-encoding"]) == ("application/json", "gzip")
    assert objects() == {}
    [described] = firehose.describe_delivery_stream(DeliveryStreamName="clicks")["DeliveryStreamDescription"][
        "Destinations"
    ]
    shown = described["HttpEndpointDestinationDescription"]
    assert shown["EndpointConfiguration"] == {"Url": endpoint.url, "Name": "mine"}
    assert (shown["RetryOptions"], shown["S3BackupMode"]) == ({"DurationInSeconds": 300}, "FailedDataOnly")


def test_a_request_is_tried_again_under_its_id(
    kumoi: Any, firehose: Any, to_endpoint: Callable[..., None], endpoint: Endpoint, objects: Any
) -> None:
    to_endpoint()
    endpoint.status = 503
    put(firehose, b"a")
    kumoi.advance(70)
    assert len(endpoint.requests) > 1
    endpoint.status = 200
    kumoi.advance(60)
    assert len({headers["x-amz-firehose-request-id"] for headers, _ in endpoint.requests}) == 1
    count = len(endpoint.requests)
    kumoi.advance(900)
    assert len(endpoint.requests) == count
    assert objects() == {}


@pytest.mark.parametrize("how", ["status", "answer", "too large"])
def test_what_is_not_taken_in_time_goes_to_s3(
    kumoi: Any, firehose: Any, to_endpoint: Callable[..., None], endpoint: Endpoint, objects: Any, how: str
) -> None:
    to_endpoint(RetryOptions={"DurationInSeconds": 30})
    endpoint.status = {"status": 500, "answer": 200, "too large": 413}[how]
    endpoint.answers_wrongly = how == "answer"
    put(firehose, b"a", b"b")
    kumoi.advance(200)
    [(key, content)] = objects().items()
    assert key.startswith("http-endpoint-failed/2")
    lines = [json.loads(line) for line in content.splitlines()]
    assert [base64.b64decode(one["rawData"]) for one in lines] == [b"a", b"b"]
    assert (lines[0]["attemptsMade"] == 1) is (how == "too large")
    endpoint.status, endpoint.answers_wrongly = 200, False
    put(firehose, b"next")
    kumoi.advance(60)
    assert json.loads(endpoint.requests[-1][1])["records"] == [{"data": base64.b64encode(b"next").decode()}]


def test_all_records_are_backed_up_where_wanted(
    kumoi: Any, firehose: Any, to_endpoint: Callable[..., None], endpoint: Endpoint, objects: Any
) -> None:
    to_endpoint(S3BackupMode="AllData")
    put(firehose, b"a", b"b")
    kumoi.advance(60)
    assert list(objects().values()) == [b"ab"]
    assert len(endpoint.requests) == 1


def test_the_access_key_may_be_a_secret(
    kumoi: Any, firehose: Any, to_endpoint: Callable[..., None], endpoint: Endpoint
) -> None:
    secret = kumoi.client("secretsmanager").create_secret(Name="s", SecretString='{"api_key": "hidden"}')["ARN"]
    to_endpoint(SecretsManagerConfiguration={"Enabled": True, "SecretARN": secret, "RoleARN": ROLE})
    put(firehose, b"a")
    kumoi.advance(60)
    assert endpoint.requests[0][0]["x-amz-firehose-access-key"] == "hidden"


def test_a_secret_that_has_no_key_fails_as_an_endpoint_does(
    kumoi: Any, firehose: Any, to_endpoint: Callable[..., None], endpoint: Endpoint, objects: Any
) -> None:
    secret = kumoi.client("secretsmanager").create_secret(Name="s", SecretString="plain")["ARN"]
    settings = {"Enabled": True, "SecretARN": secret, "RoleARN": ROLE}
    to_endpoint(SecretsManagerConfiguration=settings, RetryOptions={"DurationInSeconds": 0})
    put(firehose, b"a")
    kumoi.advance(60)
    [content] = objects().values()
    assert json.loads(content)["errorCode"] == "HttpEndpoint.InvalidSecret"
    assert endpoint.requests == []


def test_urls_are_of_https_or_of_this_machine(
    to_endpoint: Callable[..., None], refused: Callable[..., tuple[str, str]]
) -> None:
    _, text = refused(to_endpoint, EndpointConfiguration={"Url": "http://example.com/"})
    assert "must begin with https://" in text
