"""What pages of other origins may ask, and read of the answers."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from email.message import Message
from typing import Any

import pytest

ORIGIN = "http://localhost:8000"


def ask(kumoi: Any, method: str, body: Any = None, **headers: str) -> tuple[int, Message, Any]:
    """(status, headers, body) of a request by a page."""
    data = None if body is None else json.dumps(body).encode()
    sent = {"origin": ORIGIN, **{name.replace("_", "-"): value for name, value in headers.items()}}
    request = urllib.request.Request(f"{kumoi.url}/", data=data, headers=sent, method=method)
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, answer.headers, json.loads(answer.read() or b"null")
    except urllib.error.HTTPError as error:
        return error.code, error.headers, json.loads(error.read())


def test_a_browser_lets_a_page_send_what_is_not_signed(kumoi: Any) -> None:
    wanted = "Authorization,cache-control,content-type,x-amz-target,x-amz-user-agent,x-amz-date"
    asked = {"access_control_request_method": "POST", "access_control_request_headers": wanted}
    status, headers, _ = ask(kumoi, "OPTIONS", **asked)
    assert status == 200
    assert headers["access-control-allow-origin"] == "*"
    assert headers["access-control-allow-headers"] == "cache-control, content-type, x-amz-target, x-amz-user-agent"


@pytest.mark.parametrize(
    ("target", "error"),
    [
        ("AWSCognitoIdentityProviderService.InitiateAuth", "ResourceNotFoundException"),
        ("AWSCognitoIdentityService.GetId", "ResourceNotFoundException"),
    ],
)
def test_a_page_reads_answers_of_pools(kumoi: Any, target: str, error: str) -> None:
    body = {"ClientId": "x" * 26, "AuthFlow": "USER_SRP_AUTH", "IdentityPoolId": f"us-east-1:{'0' * 8}-0-0-0-0"}
    status, headers, told = ask(kumoi, "POST", body, x_amz_target=target, content_type="application/x-amz-json-1.1")
    assert (status, told["__type"].rpartition("#")[2]) == (400, error)
    assert headers["access-control-allow-origin"] == "*"


@pytest.mark.parametrize("target", ["AWSCognitoIdentityProviderService.ListUserPools", "DynamoDB_20120810.ListTables"])
def test_a_page_does_not_act_for_the_account(kumoi: Any, target: str) -> None:
    kind = {"x_amz_target": target, "content_type": "application/x-amz-json-1.1"}
    status, _, told = ask(kumoi, "POST", {"MaxResults": 1}, **kind)
    assert status in (400, 403)
    assert told["__type"].rpartition("#")[2].startswith("MissingAuthenticationToken")
