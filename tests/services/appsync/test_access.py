"""What the explorer's page is told of an API, and who is not told."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any

import pytest


def told(kumoi: Any, api: str, **headers: str) -> tuple[int, dict[str, Any]]:
    request = urllib.request.Request(f"{kumoi.url}/_kumoi/appsync-access/{api}", headers=headers)
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())


def test_ways_of_authorization_and_keys(kumoi: Any, client: Any, api: str) -> None:
    pool = kumoi.client("cognito-idp").create_user_pool(PoolName="p")["UserPool"]["Id"]
    made = kumoi.client("cognito-idp").create_user_pool_client(UserPoolId=pool, ClientName="web")["UserPoolClient"]
    users = {"userPoolId": pool, "awsRegion": "us-east-1"}
    client.update_graphql_api(
        apiId=api,
        name="renamed",
        authenticationType="API_KEY",
        additionalAuthenticationProviders=[
            {"authenticationType": "AMAZON_COGNITO_USER_POOLS", "userPoolConfig": users}
        ],
    )
    key = client.create_api_key(apiId=api, description="mine")["apiKey"]
    status, access = told(kumoi, api)
    assert (status, access["name"], access["modes"]) == (200, "renamed", ["API_KEY", "AMAZON_COGNITO_USER_POOLS"])
    assert access["keys"] == [{"id": key["id"], "expires": float(key["expires"]), "description": "mine"}]
    assert access["client"] == made["ClientId"]


@pytest.mark.parametrize("headers", [{"Origin": "https://evil.test"}, {"Origin": "null"}, {"Host": "rebound.example"}])
def test_other_pages_are_told_nothing(kumoi: Any, client: Any, api: str, headers: dict[str, str]) -> None:
    client.create_api_key(apiId=api)
    assert told(kumoi, api, **headers) == (403, {"message": "Pages of other origins are refused."})


def test_an_api_that_is_none(kumoi: Any) -> None:
    assert told(kumoi, "nope") == (404, {"message": "There is no API nope."})
