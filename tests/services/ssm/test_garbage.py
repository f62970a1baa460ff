"""Whatever a client sends, it is told what is wrong: never a failure of the platform's own."""

from __future__ import annotations

import http.client
import json
from typing import Any
from urllib.parse import urlsplit

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

OPERATIONS = (
    *("PutParameter", "GetParameter", "GetParameters", "GetParametersByPath", "GetParameterHistory"),
    *("DescribeParameters", "DeleteParameter", "DeleteParameters", "LabelParameterVersion"),
    *("UnlabelParameterVersion", "AddTagsToResource", "RemoveTagsFromResource", "ListTagsForResource"),
)
words = st.sampled_from(
    ["", "p", "p:1", "p:x", "p:", "/", "/a/b", "//", "ü", "\u0000", "arn:aws:ssm:us-east-1:000000000000:parameter/p",
     "arn:", "aws", "/aws/service/x", "/aws/reference/secretsmanager/none", "String", "SecureString", "Advanced",
     "[]", "{}", '[{"Type":"Expiration","Version":"1.0","Attributes":{"Timestamp":"x"}}]', "Parameter", "{{x}}",
     "text", "aws:ec2:image", "MTIz", "%", "\U0001f600", "(", "9" * 30, "tag:x", "Name", "Label", "BeginsWith"]
)  # fmt: skip
anything = st.one_of(words, st.integers(-(2**70), 2**70), st.booleans(), st.none(), st.lists(words, max_size=3))
filters = st.lists(
    st.dictionaries(st.sampled_from(["Key", "Option", "Values"]), st.one_of(words, st.lists(words, max_size=2))),
    max_size=2,
)
tags = st.lists(st.dictionaries(st.sampled_from(["Key", "Value"]), words), max_size=2)
members = st.fixed_dictionaries(
    {},
    optional={
        "Name": anything, "Names": st.lists(words, max_size=3), "Path": words, "Value": anything, "Type": words,
        "Overwrite": st.booleans(), "KeyId": words, "AllowedPattern": words, "Tier": words, "Policies": words,
        "DataType": words, "Description": anything, "Labels": st.lists(words, max_size=3), "ParameterVersion": anything,
        "Filters": filters, "ParameterFilters": filters, "MaxResults": anything, "NextToken": words, "Tags": tags,
        "TagKeys": st.lists(words, max_size=2), "ResourceType": words, "ResourceId": words,
        "WithDecryption": st.booleans(), "Recursive": st.booleans(), "Shared": st.booleans(),
    },
)  # fmt: skip


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(operation=st.sampled_from(OPERATIONS), params=members)
def test_garbage_is_refused_not_suffered(kumoi: Any, operation: str, params: dict[str, Any]) -> None:
    address = urlsplit(kumoi.url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=60)
    scope = f"{kumoi.account}/20260101/us-east-1/ssm/aws4_request"
    headers = {
        "X-Amz-Target": f"AmazonSSM.{operation}",
        "Content-Type": "application/x-amz-json-1.1",
        "Authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0",
    }
    connection.request("POST", "/", json.dumps(params), headers)
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    assert answer.status < 500, body
    assert answer.status == 200 or json.loads(body)["__type"]
