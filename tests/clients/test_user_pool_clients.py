"""pycognito (SRP, refresh, tokens verified by PyJWT) and the AWS CLI use user pools and GraphQL APIs, unmodified."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow

PASSWORD = "Correct-horse-7"


def test_pycognito_signs_up_and_in(kumoi: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from pycognito import Cognito

    for name, value in kumoi.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("boto3.DEFAULT_SESSION", None)  # which remembers another test's account
    users = kumoi.client("cognito-idp")
    pool = users.create_user_pool(PoolName="people", AutoVerifiedAttributes=["email"])["UserPool"]["Id"]
    flows = ["ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"]
    app = users.create_user_pool_client(UserPoolId=pool, ClientName="app", ExplicitAuthFlows=flows)
    person = Cognito(pool, app["UserPoolClient"]["ClientId"], user_pool_region="us-east-1", username="ann")
    with urllib.request.urlopen(f"{kumoi.url}/{pool}/.well-known/jwks.json") as answer:
        person.pool_jwk = json.load(answer)  # which it would read at AWS's address of the pool
    person.set_base_attributes(email="ann@example.com")
    person.register("ann", PASSWORD)
    events = kumoi.client("logs").filter_log_events(logGroupName=f"/kumoi/cognito/{pool}")["events"]
    person.confirm_sign_up(json.loads(events[-1]["message"])["code"], username="ann")
    with pytest.raises(person.client.exceptions.NotAuthorizedException):
        person.authenticate(password="Wrong-horse-7")
    person.authenticate(password=PASSWORD)
    person.verify_tokens()
    assert person.id_claims["email"] == "ann@example.com"
    before = person.access_token
    person.renew_access_token()
    person.verify_tokens()
    assert person.access_token != before
    assert person.get_user().email == "ann@example.com"


def test_the_aws_cli_makes_a_pool_and_an_api(kumoi: Any, aws_cli: Callable[..., str], tmp_path: Path) -> None:
    def aws(*arguments: str) -> Any:
        printed = aws_cli("--output", "json", *arguments, environment=kumoi.environment)
        return json.loads(printed) if printed.strip() else None

    pool = aws("cognito-idp", "create-user-pool", "--pool-name", "people")["UserPool"]["Id"]
    kind = ["--authentication-type", "AMAZON_COGNITO_USER_POOLS"]
    config = f"userPoolId={pool},awsRegion=us-east-1,defaultAction=ALLOW"
    api = aws("appsync", "create-graphql-api", "--name", "a", *kind, "--user-pool-config", config)["graphqlApi"]
    schema, read = tmp_path / "schema.graphql", tmp_path / "read.graphql"
    schema.write_text("type Query {\n  hello: String\n}\n")
    of = ["--api-id", api["apiId"]]
    aws("appsync", "start-schema-creation", *of, "--definition", f"fileb://{schema}")
    command = ["get-introspection-schema", *of, "--format", "SDL", str(read)]
    aws("appsync", *command)
    assert "hello: String" in read.read_text()
