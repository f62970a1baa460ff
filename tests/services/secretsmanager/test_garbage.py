"""Whatever a client sends, it is told what is wrong: never a failure of the platform's own."""

from __future__ import annotations

import http.client
import json
from typing import Any
from urllib.parse import urlsplit

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

OPERATIONS = (
    *("BatchGetSecretValue", "CancelRotateSecret", "CreateSecret", "DeleteResourcePolicy", "DeleteSecret"),
    *("DescribeSecret", "GetRandomPassword", "GetResourcePolicy", "GetSecretValue", "ListSecretVersionIds"),
    *("ListSecrets", "PutResourcePolicy", "PutSecretValue", "RemoveRegionsFromReplication"),
    *("ReplicateSecretToRegions", "RestoreSecret", "RotateSecret", "StopReplicationToReplica", "TagResource"),
    *("UntagResource", "UpdateSecret", "UpdateSecretVersionStage", "ValidateResourcePolicy"),
)
words = st.sampled_from(
    ["", "s", "s-a1b2c3", "/", "ü", "\u0000", "arn:aws:secretsmanager:us-east-1:000000000000:secret:s-a1b2c3", "arn:",
     "arn:aws:lambda:us-east-1:000000000000:function:f", "AWSCURRENT", "AWSPENDING", "x" * 32, "{}", "[]", "e30=",
     '{"Statement":[]}', '{"Statement":{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"a:b","Resource":"*"}}',
     "eu-west-1", "us-east-1", "W10=", "WzEsMl0=", "WyJhIiwiYiJd", "name", "all", "!", "asc", "rate(10 days)", "2h"]
)  # fmt: skip
anything = st.one_of(words, st.integers(-(2**70), 2**70), st.booleans(), st.none(), st.lists(words, max_size=3))
filters = st.lists(
    st.dictionaries(st.sampled_from(["Key", "Values"]), st.one_of(words, st.lists(words, max_size=2))), max_size=2
)
rules = st.dictionaries(
    st.sampled_from(["AutomaticallyAfterDays", "ScheduleExpression", "Duration"]), st.one_of(words, st.integers())
)
members = st.fixed_dictionaries(
    {"SecretId": words},
    optional={
        "Name": anything, "SecretString": anything, "SecretBinary": words, "ClientRequestToken": words,
        "VersionId": words, "VersionStage": words, "VersionStages": st.lists(words, max_size=2),
        "MoveToVersionId": words, "RemoveFromVersionId": words, "Description": anything, "KmsKeyId": words,
        "Tags": st.lists(st.dictionaries(st.sampled_from(["Key", "Value"]), words), max_size=2),
        "TagKeys": st.lists(words, max_size=2), "Filters": filters, "SecretIdList": st.lists(words, max_size=2),
        "MaxResults": anything, "NextToken": words, "SortBy": words, "SortOrder": words, "ResourcePolicy": words,
        "RecoveryWindowInDays": anything, "ForceDeleteWithoutRecovery": st.booleans(), "RotationRules": rules,
        "RotationLambdaARN": words, "RotateImmediately": st.booleans(), "PasswordLength": anything,
        "ExcludeCharacters": words, "ExcludeNumbers": st.booleans(), "IncludeDeprecated": st.booleans(),
        "AddReplicaRegions": st.lists(st.dictionaries(st.sampled_from(["Region", "KmsKeyId"]), words), max_size=2),
        "RemoveReplicaRegions": st.lists(words, max_size=2), "BlockPublicPolicy": st.booleans(),
    },
)  # fmt: skip


@settings(max_examples=250, deadline=None, suppress_health_check=list(HealthCheck))
@given(operation=st.sampled_from(OPERATIONS), params=members)
def test_garbage_is_refused_not_suffered(kumoi: Any, operation: str, params: dict[str, Any]) -> None:
    address = urlsplit(kumoi.url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=60)
    scope = f"{kumoi.account}/20260101/us-east-1/secretsmanager/aws4_request"
    headers = {
        "X-Amz-Target": f"secretsmanager.{operation}",
        "Content-Type": "application/x-amz-json-1.1",
        "Authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0",
    }
    connection.request("POST", "/", json.dumps(params), headers)
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    assert answer.status < 500, body
    assert answer.status == 200 or json.loads(body)["__type"]
