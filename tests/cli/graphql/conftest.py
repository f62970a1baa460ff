"""An API made of a schema by `kumoi graphql new`, and how tests ask it."""

from __future__ import annotations

import json
import os
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from kumoi.cli import main

Run = Callable[..., Result]
PASSWORD = "Secret-passw0rd"


@pytest.fixture
def run(kumoi: Any, tmp_path: Path) -> Run:
    own = {"KUMOI_URL": kumoi.url, "KUMOI_DATA": str(tmp_path / "none"), "NO_COLOR": "1"}
    environment = {**os.environ, **kumoi.environment, **own}

    def act(*arguments: Any) -> Result:
        return CliRunner(env=environment).invoke(main, ["graphql", *map(str, arguments)], prog_name="kumoi")

    return act


class Api:
    """An API made of a schema."""

    def __init__(self, run: Run, kumoi: Any, place: Path, name: str, *options: str) -> None:
        self.kumoi, self.run, self.name, self.place, self.options = kumoi, run, name, place, options
        self.outputs: dict[str, str] = {}

    def deploy(self, sdl: str) -> Result:
        path = self.place / "schema.graphql"
        path.write_text(sdl)
        made = self.run("new", path, "--name", self.name, *self.options)
        assert made.exit_code == 0, made.output
        (stack,) = self.kumoi.client("cloudformation").describe_stacks(StackName=self.name)["Stacks"]
        self.outputs = {one["OutputKey"]: one["OutputValue"] for one in stack["Outputs"]}
        return made

    def ask(self, query: str, token: str | None = None, **variables: Any) -> dict[str, Any]:
        key = {"authorization": token} if token else {"x-api-key": self.outputs["GraphQLAPIKey"]}
        request = urllib.request.Request(
            f"{self.kumoi.url}/graphql/{self.outputs['GraphQLAPIId']}",
            json.dumps({"query": query, "variables": variables}).encode(),
            {"content-type": "application/json", **key},
        )
        with urllib.request.urlopen(request) as answer:
            found: dict[str, Any] = json.loads(answer.read())
        return found

    def get(self, query: str, token: str | None = None, **variables: Any) -> Any:
        answer = self.ask(query, token, **variables)
        assert "errors" not in answer, json.dumps(answer)
        return next(iter(answer["data"].values()))

    def refused(self, query: str, token: str | None = None, **variables: Any) -> str:
        answer = self.ask(query, token, **variables)
        assert answer.get("errors"), answer
        return str(answer["errors"][0].get("errorType"))

    def user(self, name: str, *groups: str) -> str:
        """The id token of a new user."""
        pool, users = self.outputs["UserPoolId"], self.kumoi.client("cognito-idp")
        email = f"{name}@example.com"
        users.admin_create_user(UserPoolId=pool, Username=email, UserAttributes=[{"Name": "email", "Value": email}])
        users.admin_set_user_password(UserPoolId=pool, Username=email, Password=PASSWORD, Permanent=True)
        for group in groups:
            users.admin_add_user_to_group(UserPoolId=pool, Username=email, GroupName=group)
        answer = users.initiate_auth(
            ClientId=self.outputs["UserPoolClientId"],
            AuthFlow="USER_PASSWORD_AUTH",
            AuthParameters={"USERNAME": email, "PASSWORD": PASSWORD},
        )
        return str(answer["AuthenticationResult"]["IdToken"])


@pytest.fixture
def api(run: Run, kumoi: Any, tmp_path: Path) -> Callable[..., Api]:
    def make(sdl: str, *options: str, name: str = "app") -> Api:
        made = Api(run, kumoi, tmp_path, name, *options)
        made.deploy(sdl)
        return made

    return make
