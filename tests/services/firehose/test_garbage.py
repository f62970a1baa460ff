"""Whatever a client sends, it is told what is wrong: never a failure of the platform's own."""

from __future__ import annotations

import http.client
import json
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import botocore.session
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kumoi.services.firehose import firehose as service

OPERATIONS = sorted(service.operations)
WORDS = st.sampled_from(
    ["", "x", "ü", "\u0000", "s", "arn:", "arn:aws:s3:::some-bucket", "arn:aws:iam::000000000000:role/r", "*", "{}",
     "arn:aws:kinesis:us-east-1:000000000000:stream/s", "arn:aws:lambda:us-east-1:000000000000:function:f", "AAAA",
     "arn:aws:kms:us-east-1:000000000000:key/00000000-0000-4000-8000-000000000000", "1", "2", "-1", "1e400", "nan",
     "destinationId-000000000001", "!{timestamp:yyyy}/", "!{firehose:random-string}/", "!{timestamp:", "JQ-1.6",
     "!{partitionKeyFromQuery:a}/", "!{partitionKeyFromLambda:a}/", "{a: .a}", "{a: .a[", "{a:", "JSON", "DELIMITED",
     "GZIP", "true", "\\n", "IyMj", "http://localhost/", "https://x/", "http://x/", "Asia/Tokyo", ".json", "UTC"]
)  # fmt: skip
UNBUILT = ("Redshift", "Elasticsearch", "Amazonopen", "AmazonOpen", "Splunk", "Snowflake", "Iceberg", "MSK", "Database")
WRONG = st.one_of(WORDS, st.integers(-(2**70), 2**70), st.booleans(), st.none(), st.lists(WORDS, max_size=2))

USUAL = {
    "BucketARN": ["arn:aws:s3:::some-bucket"],
    "RoleARN": ["arn:aws:iam::000000000000:role/r"],
    "HttpEndpointUrl": ["http://localhost/x", "https://x/"],
    "DeliveryStreamName": ["a", "b", "c"],
    "DeliveryStreamVersionId": ["1", "2", "3"],
    "DestinationId": ["destinationId-000000000001"],
    "Prefix": ["", "a/", "!{timestamp:yyyy}/", "!{firehose:random-string}/", "!{partitionKeyFromQuery:a}/"],
    "ErrorOutputPrefix": ["e/", "e/!{firehose:error-output-type}/"],
    "CustomTimeZone": ["", "UTC", "Asia/Tokyo"],
    "FileExtension": ["", ".json"],
    "Data": ["", "AAAA", "e30="],
}


def of_shape(shape: Any, depth: int = 0) -> st.SearchStrategy[Any]:
    """Mostly what a shape may be, sometimes anything."""
    if shape.type_name == "structure":
        required = {name: of_shape(shape.members[name], depth + 1) for name in shape.required_members}
        others = {name: of_shape(one, depth + 1) for name, one in shape.members.items() if name not in required}
        chosen = st.sets(st.sampled_from(sorted(others)), max_size=2 if depth < 6 else 0) if others else st.just(set())
        return chosen.flatmap(lambda names: st.fixed_dictionaries(required | {one: others[one] for one in names}))
    if shape.type_name == "list":
        return st.lists(of_shape(shape.member, depth + 1), max_size=2)
    if shape.type_name == "map":
        return st.dictionaries(WORDS, WORDS, max_size=2)
    if shape.type_name in ("integer", "long", "float", "double"):
        return st.one_of(st.sampled_from([0, 1, 5, 60, 64, 128, 300]), WRONG)
    if shape.type_name == "boolean":
        return st.one_of(st.booleans(), st.booleans(), WRONG)
    if shape.type_name == "string" and shape.enum:
        return st.one_of(st.sampled_from(shape.enum), st.sampled_from(shape.enum), WRONG)
    usual = USUAL.get(shape.name)
    return st.one_of(WORDS, WRONG) if usual is None else st.one_of(*[st.sampled_from(usual)] * 9, WORDS)


@cache
def members_of(operation: str) -> st.SearchStrategy[Any]:
    """The members of an operation's request, but for those of destinations that are not built."""
    model = botocore.session.get_session().get_service_model("firehose").operation_model(operation)
    shape = model.input_shape
    for name in [name for name in shape.members if name.startswith(UNBUILT)]:
        del shape.members[name]
    return of_shape(shape)


@st.composite
def requests(draw: Any) -> tuple[str, dict[str, Any]]:
    operation = draw(st.sampled_from([*OPERATIONS, *["CreateDeliveryStream", "UpdateDestination"] * 4]))
    asked = draw(members_of(operation))
    for word in ("DestinationConfiguration", "DestinationUpdate"):
        for extra in [name for name in asked if name.endswith(word)][1:]:  # with several, nothing else is looked at
            asked.pop(extra)
    return operation, asked


def test_garbage_is_refused(kumoi: Any) -> None:
    where = urlsplit(kumoi.url)
    connection = http.client.HTTPConnection(str(where.hostname), where.port, timeout=60)
    scope = f"AWS4-HMAC-SHA256 Credential={kumoi.account}/20260101/us-east-1/firehose/aws4_request, SignedHeaders=host"
    headers = {"Authorization": f"{scope}, Signature=00", "Content-Type": "application/x-amz-json-1.1"}
    accepted = set()

    @settings(max_examples=400, suppress_health_check=list(HealthCheck))
    @given(requests())
    def ask(request: tuple[str, dict[str, Any]]) -> None:
        operation, params = request
        target = {"X-Amz-Target": f"Firehose_20150804.{operation}"}
        connection.request("POST", "/", json.dumps(params), {**headers, **target})
        answer = connection.getresponse()
        content = answer.read()
        assert answer.status < 500, (operation, params, content)
        accepted.add((operation, answer.status))

    place = {"RoleARN": "arn:aws:iam::000000000000:role/r", "BucketARN": "arn:aws:s3:::some-bucket"}
    for name in "ab":
        given_name = {"DeliveryStreamName": name, "ExtendedS3DestinationConfiguration": place}
        kumoi.client("firehose").create_delivery_stream(**given_name)
    try:
        ask()
    finally:
        connection.close()
    assert {200, 400} == {status for _, status in accepted}
