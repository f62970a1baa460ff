"""People write notes through an API that was made of a schema."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

import boto3

NAME = "team-notes"
PASSWORD = "Correct-horse-7"  # everybody's, here
SCHEMA = Path(__file__).with_name("schema.graphql")


def deploy() -> dict[str, str]:
    """Make the API; the outputs of its stack."""
    subprocess.run([sys.executable, "-m", "kumoi", "graphql", "new", str(SCHEMA), "--name", NAME], check=True)
    (stack,) = boto3.client("cloudformation").describe_stacks(StackName=NAME)["Stacks"]
    return {one["OutputKey"]: one["OutputValue"] for one in stack["Outputs"]}


def sign_in(outputs: dict[str, str], email: str, *groups: str) -> str:
    """A token of a new user."""
    users, pool = boto3.client("cognito-idp"), outputs["UserPoolId"]
    users.admin_create_user(UserPoolId=pool, Username=email, UserAttributes=[{"Name": "email", "Value": email}])
    users.admin_set_user_password(UserPoolId=pool, Username=email, Password=PASSWORD, Permanent=True)
    for group in groups:
        users.admin_add_user_to_group(UserPoolId=pool, Username=email, GroupName=group)
    answer = users.initiate_auth(
        ClientId=outputs["UserPoolClientId"],
        AuthFlow="USER_PASSWORD_AUTH",
        AuthParameters={"USERNAME": email, "PASSWORD": PASSWORD},
    )
    return str(answer["AuthenticationResult"]["IdToken"])


def ask(outputs: dict[str, str], token: str, query: str, **variables: Any) -> dict[str, Any]:
    """What the API answers to somebody."""
    body = json.dumps({"query": query, "variables": variables}).encode()
    headers = {"content-type": "application/json", "authorization": token}
    with urllib.request.urlopen(urllib.request.Request(outputs["GraphQLAPIEndpoint"], body, headers)) as answer:
        found: dict[str, Any] = json.loads(answer.read())
    return found


def main() -> None:
    outputs = deploy()
    lead, ann = sign_in(outputs, "lead@example.com", "Leads"), sign_in(outputs, "ann@example.com")
    team = ask(outputs, lead, 'mutation { createTeam(input: {name: "red"}) { id } }')["data"]["createTeam"]["id"]
    write = "mutation($n: CreateNoteInput!) { createNote(input: $n) { id text state } }"
    print(ask(outputs, ann, write, n={"text": "buy paint", "teamNotesId": team}))
    print(ask(outputs, ann, 'mutation { createTeam(input: {name: "mine"}) { id } }')["errors"][0]["message"])
    print(ask(outputs, lead, "{ listTeams { items { name notes { items { text owner } } } } }"))
    print(ask(outputs, lead, "{ notesByState(state: OPEN) { items { text } } }"))


if __name__ == "__main__":
    main()
