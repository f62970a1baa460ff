"""Whatever a client sends, it is told what is wrong: never a failure of the platform's own."""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

Make = Callable[..., dict[str, Any]]

EXPECTED = {
    "ValidationException",
    "SerializationException",
    "ResourceNotFoundException",
    "ConditionalCheckFailedException",
    "TransactionCanceledException",
    "NotImplemented",
}
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**20), 10**20) | st.floats(allow_nan=False) | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
attribute_values = st.recursive(
    st.fixed_dictionaries({"S": st.text(max_size=5)})
    | st.fixed_dictionaries({"N": st.sampled_from(["1", "-0", "1e200", "1e-131", "x", "", "0.1" * 9, "9" * 39])})
    | st.fixed_dictionaries({"B": st.sampled_from(["", "AA==", "AP8=", "not base64"])})
    | st.fixed_dictionaries({"BOOL": st.booleans()})
    | st.fixed_dictionaries({"NULL": st.booleans()})
    | st.fixed_dictionaries({"SS": st.lists(st.sampled_from(["a", "b", ""]), max_size=3)})
    | st.fixed_dictionaries({"NS": st.lists(st.sampled_from(["1", "1.0", "x"]), max_size=3)})
    | json_values,
    lambda inner: (
        st.fixed_dictionaries({"L": st.lists(inner, max_size=3)})
        | st.fixed_dictionaries({"M": st.dictionaries(st.sampled_from("abc"), inner, max_size=2)})
    ),
    max_leaves=5,
)
items = st.dictionaries(st.sampled_from(["pk", "sk", "g", "x", "#n", ":v"]), attribute_values, max_size=4) | json_values
WORDS = (
    "pk sk x #n :v = <> ( ) AND OR NOT BETWEEN IN , . [0] SET ADD REMOVE DELETE + - é \x00 begins_with size contains"
)
FUNCTIONS = "if_not_exists list_append attribute_type attribute_exists attribute_not_exists"
words = st.sampled_from(f"{WORDS} {FUNCTIONS}".split(" "))
expressions = st.lists(words, max_size=8).map(" ".join) | json_values
names = st.dictionaries(st.sampled_from(["#n", "#m", "n"]), st.sampled_from(["pk", "x", "a.b", ""]), max_size=2)
members: dict[str, st.SearchStrategy[Any]] = {
    "Item": items,
    "Key": items,
    "ExclusiveStartKey": items,
    "ConditionExpression": expressions,
    "FilterExpression": expressions,
    "KeyConditionExpression": expressions,
    "ProjectionExpression": expressions,
    "UpdateExpression": expressions,
    "ExpressionAttributeNames": names | json_values,
    "ExpressionAttributeValues": items,
    "AttributesToGet": st.lists(st.text(max_size=3), max_size=2) | json_values,
    "Expected": st.dictionaries(
        st.sampled_from(["pk", "x"]),
        st.dictionaries(
            st.sampled_from(["Value", "Exists", "ComparisonOperator", "AttributeValueList"]),
            attribute_values
            | st.booleans()
            | st.sampled_from(["EQ", "IN", "BETWEEN", "NULL", "?"])
            | st.lists(attribute_values, max_size=2),
            max_size=3,
        ),
        max_size=2,
    ),
    "IndexName": st.sampled_from(["by-g", "none", ""]),
    "Limit": st.integers(-1, 3) | json_values,
    "Select": st.sampled_from(["COUNT", "ALL_ATTRIBUTES", "SPECIFIC_ATTRIBUTES", "?"]),
    "ReturnValues": st.sampled_from(["ALL_NEW", "UPDATED_NEW", "UPDATED_OLD", "?"]),
    "Segment": st.integers(-1, 3),
    "TotalSegments": st.integers(-1, 3),
    "RequestItems": st.dictionaries(
        st.sampled_from(["table", "none"]),
        st.lists(st.fixed_dictionaries({"PutRequest": st.fixed_dictionaries({"Item": items})}), max_size=2)
        | st.fixed_dictionaries({"Keys": st.lists(items, max_size=2)}),
        max_size=2,
    )
    | json_values,
    "TransactItems": st.lists(
        st.dictionaries(
            st.sampled_from(["Put", "Get", "Update", "Delete", "ConditionCheck"]),
            st.fixed_dictionaries(
                {"TableName": st.just("table")},
                optional={
                    "Item": items,
                    "Key": items,
                    "UpdateExpression": expressions,
                    "ConditionExpression": expressions,
                    "ExpressionAttributeValues": items,
                },
            ),
            max_size=2,
        ),
        max_size=3,
    ),
}
OPERATIONS = (
    "PutItem GetItem UpdateItem DeleteItem Query Scan BatchGetItem BatchWriteItem TransactWriteItems TransactGetItems "
    "CreateTable UpdateTable TagResource UpdateTimeToLive"
)
operations = st.sampled_from(OPERATIONS.split())


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    operation=operations,
    chosen=st.lists(st.sampled_from(sorted(members)), max_size=5, unique=True).flatmap(
        lambda names: st.fixed_dictionaries({name: members[name] for name in names})
    ),
)
def test_garbage_is_refused_not_suffered(
    kumoi: Any, client: Any, make: Make, operation: str, chosen: dict[str, Any]
) -> None:
    if "table" not in client.list_tables()["TableNames"]:
        make("table", "pk:S", "sk:N", gsi={"by-g": ("g:S",)})
    address = urlsplit(kumoi.url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port)
    headers = {
        "X-Amz-Target": f"DynamoDB_20120810.{operation}",
        "Content-Type": "application/x-amz-json-1.0",
        "Authorization": f"AWS4-HMAC-SHA256 Credential={kumoi.account}/20260101/us-east-1/dynamodb/aws4_request, "
        f"SignedHeaders=host, Signature={'0' * 64}",
    }
    connection.request("POST", "/", json.dumps({"TableName": "table", **chosen}), headers)
    answer = connection.getresponse()
    body = json.loads(answer.read())
    connection.close()
    assert answer.status in (200, 400), (answer.status, body)
    if answer.status == 400:
        assert body["__type"].rpartition("#")[2] in EXPECTED, body
