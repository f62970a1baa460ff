"""`kumoi graphql`: make an API of a schema, list the APIs, print a schema, run a query."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import click

from kumoi.cli.connection import Connection, data_option, json_option

_SECONDS = 60
"""How long a query may take: twice what AppSync gives it."""
CONFLICTS = {"automerge": "AUTOMERGE", "optimistic": "OPTIMISTIC_CONCURRENCY"}


@click.group("graphql")
def command() -> None:
    """Make a GraphQL API of a schema with Amplify's directives, list APIs, print schemas, run queries."""


@command.command("new")
@click.argument("schema", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--name", help="The API's and its stack's name.  [default: the file's]")
@click.option("--env", "environment", default="dev", show_default=True, help="What ends the names of tables.")
@click.option(
    "--conflicts",
    type=click.Choice(list(CONFLICTS)),
    help="Version items and handle conflicts so, as Amplify's DataStore needs it.",
)
@click.option("--issuer", help="Who issues the tokens of rules with the provider oidc, as a URL.")
@click.option("--clients", help="A pattern that the client of such a token has to match.")
@click.option("--authorizer", help="The function that rules with the provider function ask, by name or ARN.")
@click.option("--plan", "only_plan", is_flag=True, help="Show what would change, and change nothing.")
@click.option("--watch", is_flag=True, help="Change the API again whenever the schema changes.")
@click.option("--template", "only_template", is_flag=True, help="Print the CloudFormation template only.")
@click.option("--sdl", "only_sdl", is_flag=True, help="Print the schema that the API would get only.")
@click.option(
    "--config",
    "configs",
    multiple=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the configuration of Amplify's libraries: to amplify_outputs.json, or to a .js file as aws-exports.",
)
@data_option
def new(
    schema: Path,
    name: str | None,
    environment: str,
    conflicts: str | None,
    issuer: str | None,
    clients: str | None,
    authorizer: str | None,
    only_plan: bool,
    watch: bool,
    only_template: bool,
    only_sdl: bool,
    configs: tuple[Path, ...],
    data: Path | None,
) -> None:
    """Make an API of SCHEMA: its types with @model become tables, with queries, mutations and subscriptions.

    Run again after a change, it changes the API.
    """
    from kumoi.amplify_schema.models import Strangers
    from kumoi.cli.deploy import default_name
    from kumoi.cli.deploying.backend import Wanted, deploy, plan, printed
    from kumoi.cli.deploying.backend import watch as watching

    handler = None if conflicts is None else CONFLICTS[conflicts]
    strangers = Strangers(issuer, clients, authorizer)
    wanted = Wanted(schema, name or default_name(schema), environment, handler, configs, data, strangers)
    if only_sdl or only_template:
        click.echo(printed(wanted, template=only_template))
    elif only_plan:
        plan(wanted)
    elif watch:
        watching(wanted)
    else:
        deploy(wanted)


@command.command("list")
@json_option
@data_option
def list_apis(as_json: bool, data: Path | None) -> None:
    """List the GraphQL APIs."""
    apis = _apis(data)
    if as_json:
        click.echo(
            json.dumps([{"name": api["name"], "apiId": api["apiId"], "url": api["uris"]["GRAPHQL"]} for api in apis])
        )
        return
    for api in apis:
        modes = [api, *api.get("additionalAuthenticationProviders", [])]
        how = ", ".join(mode["authenticationType"] for mode in modes)
        click.echo(f"{click.style(api['name'], bold=True)}  {api['apiId']}  {how}  {api['uris']['GRAPHQL']}")


@command.command("schema")
@click.argument("api")
@data_option
def print_schema(api: str, data: Path | None) -> None:
    """Print the schema of API (its name or id)."""
    from botocore.exceptions import ClientError

    from kumoi.cli.sdk_client import client

    found = _api(api, data)
    try:
        answer = client("appsync", data).get_introspection_schema(apiId=found["apiId"], format="SDL")
    except ClientError as error:
        raise click.ClickException(error.response["Error"]["Message"]) from None
    click.echo(answer["schema"].read().decode())


@command.command("query")
@click.argument("api")
@click.argument("query")
@click.option("--variables", default="{}", metavar="JSON", help="The query's variables.")
@click.option("--token", help="A token of a user, instead of an API key.")
@data_option
def query(api: str, query: str, variables: str, token: str | None, data: Path | None) -> None:
    """Run QUERY against API (its name or id), with its first API key or a token; exits with 1 when it has errors."""
    from kumoi.cli.sdk_client import client

    try:
        given = json.loads(variables)
    except ValueError as error:
        raise click.ClickException(f"--variables is no JSON: {error}") from None
    found = _api(api, data)
    headers = {"content-type": "application/json"}
    if token is not None:
        headers["authorization"] = token
    else:
        keys = client("appsync", data).list_api_keys(apiId=found["apiId"])["apiKeys"]
        if not keys:
            raise click.ClickException(f"{found['name']} has no API key: give --token.")
        headers["x-api-key"] = keys[0]["id"]
    url = f"{Connection.find(data).url}/_kumoi/appsync-api/{found['apiId']}/graphql"
    body = json.dumps({"query": query, "variables": given}).encode()
    request = urllib.request.Request(url, data=body, headers=headers)  # noqa: S310  (the platform's own address)
    try:
        with urllib.request.urlopen(request, timeout=_SECONDS) as answer:  # noqa: S310
            result = json.loads(answer.read())
    except urllib.error.HTTPError as error:
        result = json.loads(error.read())
    except OSError as error:  # nobody is there, or there is no answer in time
        raise click.ClickException(f"{url} does not answer: {error}") from None
    click.echo(json.dumps(result, indent=2, ensure_ascii=False))
    if result.get("errors"):
        raise SystemExit(1)


def _apis(data: Path | None) -> list[dict[str, Any]]:
    from botocore.exceptions import ClientError

    from kumoi.cli.sdk_client import client

    try:
        pages = client("appsync", data).get_paginator("list_graphql_apis").paginate()
        return [api for page in pages for api in page["graphqlApis"]]
    except ClientError as error:
        raise click.ClickException(error.response["Error"]["Message"]) from None


def _api(wanted: str, data: Path | None) -> dict[str, Any]:
    found = [api for api in _apis(data) if wanted in (api["name"], api["apiId"])]
    if not found:
        raise click.ClickException(f"there is no GraphQL API {wanted}: kumoi graphql list shows them.")
    if len(found) > 1:
        raise click.ClickException(f"{len(found)} APIs are named {wanted}: give the id.")
    return found[0]
