"""Whatever a client sends, it is told what is wrong: never a failure of the platform's own."""

from __future__ import annotations

import http.client
import json
from typing import Any
from urllib.parse import urlsplit

import botocore.session
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kumoi.services.kms import kms as service

OPERATIONS = sorted(service.operations)
words = st.sampled_from(
    ["", "x", "ü", "\u0000", "alias/a", "alias/aws/s3", "alias/aws/sqs", "alias/", "arn:", "mrk-" + "0" * 32,
     "00000000-0000-4000-8000-000000000000", "arn:aws:kms:us-east-1:000000000000:key/x", "*", "default", "{}", "AAAA",
     "AQICAHg=", "AQICAHgwMDAwMDAwMDAwMDA=", "MIIB", "us-east-1", "eu-west-1", "AES_256", "RSA_2048", "ECC_NIST_P256",
     "HMAC_256", "SYMMETRIC_DEFAULT", "SIGN_VERIFY", "ENCRYPT_DECRYPT", "GENERATE_VERIFY_MAC", "KEY_AGREEMENT",
     "RSAES_OAEP_SHA_256", "RSASSA_PSS_SHA_256", "ECDSA_SHA_256", "HMAC_SHA_256", "ECDH", "DIGEST", "RAW", "EXTERNAL",
     "KEY_MATERIAL_EXPIRES", "ALL_KEY_MATERIAL", "Decrypt", "Encrypt", "arn:aws:iam::000000000000:root"]
)  # fmt: skip
anything = st.one_of(words, st.integers(-(2**70), 2**70), st.booleans(), st.none(), st.lists(words, max_size=3))
pairs = st.dictionaries(words, words, max_size=3)
tags = st.lists(st.dictionaries(st.sampled_from(["TagKey", "TagValue"]), words), max_size=2)
_LISTS, _MAPS = {"Operations", "TagKeys", "GrantTokens", "ResourceOwners"}, {"EncryptionContext", "Constraints"}


def _members() -> dict[str, st.SearchStrategy[Any]]:
    """Every member that a request of KMS can have."""
    model = botocore.session.get_session().get_service_model("kms")
    names = {name for one in OPERATIONS for name in model.operation_model(one).input_shape.members}
    found: dict[str, st.SearchStrategy[Any]] = {}
    for name in sorted(names - {"KeyId"}):
        if name == "Tags":
            found[name] = tags
        elif name in _LISTS:
            found[name] = st.lists(words, max_size=2)
        elif name in _MAPS or name.endswith("EncryptionContext"):
            found[name] = pairs
        else:
            found[name] = anything
    return found


members = st.fixed_dictionaries({"KeyId": words}, optional=_members())


@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(operation=st.sampled_from(OPERATIONS), params=members)
def test_garbage_is_refused_not_suffered(kumoi: Any, operation: str, params: dict[str, Any]) -> None:
    address = urlsplit(kumoi.url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=60)
    scope = f"{kumoi.account}/20260101/us-east-1/kms/aws4_request"
    headers = {
        "X-Amz-Target": f"TrentService.{operation}",
        "Content-Type": "application/x-amz-json-1.1",
        "Authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0",
    }
    accepted = service.operations[operation].accepts or frozenset()
    known = {name: value for name, value in params.items() if name in accepted}
    connection.request("POST", "/", json.dumps(known), headers)
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    assert answer.status < 500, body
    assert answer.status == 200 or json.loads(body)["__type"]
