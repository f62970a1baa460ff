"""`kumoi graphql`: make an API of a schema, list the APIs, print a schema, run a query."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from contextlib import closing
from pathlib import Path
from typing import Any

import click

from kumoi.cli.connection import Connection, data_option, json_option

YEAR = 365 * 86_400
HOUR = 3600
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
@click.option("--plan", "only_plan", is_flag=True, help="Show what would change, and change nothing.")
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
    only_plan: bool,
    only_template: bool,
    only_sdl: bool,
    configs: tuple[Path, ...],
    data: Path | None,
) -> None:
    """Make an API of SCHEMA: its types with @model become tables, with queries, mutations and subscriptions.

    Run again after a change, it changes the API.
    """
    from kumoi.amplify_schema import SchemaProblem, compiled
    from kumoi.cli.deploy import default_name

    name = name or default_name(schema)
    try:
        backend = compiled(schema.read_text("utf-8"), name, CONFLICTS.get(conflicts or ""))
    except UnicodeDecodeError:
        raise click.ClickException(f"{schema} is no text.") from None
    except SchemaProblem as problem:
        raise click.ClickException(f"{schema}: {problem}") from None
    if only_sdl or only_template:
        click.echo(backend.sdl if only_sdl else json.dumps(backend.template, indent=2))
        return
    for note in backend.notes:
        click.secho(f"note: {note}", fg="yellow", err=True)
    outputs = _deployed(name, backend.template, environment, only_plan, data)
    if outputs is None:
        return
    for path in configs:
        _write_config(path, outputs, data)
    _show(name, outputs, Connection.find(data).url)


def _deployed(
    name: str, template: dict[str, Any], environment: str, only_plan: bool, data: Path | None
) -> dict[str, str] | None:
    """Bring the stack to the template; its outputs, or None where that was only planned."""
    from botocore.exceptions import ClientError

    from kumoi.cli.deploying.artifacts import Artifacts
    from kumoi.cli.deploying.stack import Deployer
    from kumoi.cli.deploying.telling import show_event, show_plan
    from kumoi.cli.sdk_client import client

    began = time.monotonic()
    with (
        closing(client("cloudformation", data)) as stacks,
        closing(client("sts", data)) as sts,
        closing(client("s3", data)) as s3,
    ):
        try:
            artifacts = Artifacts(s3, sts.get_caller_identity()["Account"], stacks.meta.region_name)
            deployer = Deployer(stacks, artifacts)
            if not only_plan:
                deployer.clear(name)
            given = {"env": environment}
            before = deployer.find(name) or {}
            has_key = any(one["ParameterKey"] == "ApiKeyExpires" for one in before.get("Parameters", []))
            if "ApiKeyExpires" in template["Parameters"] and not has_key:
                now = float(Connection.find(data).ask("GET", "clock")["now"])
                given["ApiKeyExpires"] = str(int(now + YEAR) // HOUR * HOUR)
            plan = deployer.plan(name, template, given, {"kumoi:made-by": "graphql new"})
            if only_plan:
                if plan is None:
                    click.echo(f"{name}: nothing would change.")
                else:
                    show_plan(plan.changes)
                    deployer.drop(plan)
                return None
            failed = []
            for event in deployer.carry_out(plan) if plan is not None else ():
                if event["ResourceStatus"].endswith("_FAILED"):
                    failed.append(event)
            stack = deployer.find(name) or {"StackStatus": "DELETE_COMPLETE"}
        except ClientError as error:
            raise click.ClickException(error.response["Error"]["Message"]) from None
    if plan is not None and stack["StackStatus"] not in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
        for event in failed:
            show_event(event)
        raise click.ClickException(f"{name} is {stack['StackStatus']}; what failed stands above.")
    what = "is as it should be" if plan is None else f"{len(plan.changes)} changes"
    click.echo(click.style(f"{name}: {what} ({time.monotonic() - began:.2f} s)", bold=True))
    return {one["OutputKey"]: one["OutputValue"] for one in stack.get("Outputs", [])}


def _show(name: str, outputs: dict[str, str], url: str) -> None:
    api = outputs["GraphQLAPIId"]
    told = {
        "endpoint": outputs["GraphQLAPIEndpoint"],
        "realtime": outputs["GraphQLAPIRealtime"],
        "API key": outputs.get("GraphQLAPIKey"),
        "user pool": outputs.get("UserPoolId"),
        "pool client": outputs.get("UserPoolClientId"),
        "explorer": f"{url}/_kumoi/graphql/{api}",
        "query": f"kumoi graphql query {name} '{{ __typename }}'",
    }
    for label, value in told.items():
        if value is not None:
            click.echo(f"  {click.style(label.ljust(11), bold=True)}  {value}")


def _write_config(path: Path, outputs: dict[str, str], data: Path | None) -> None:
    from kumoi.amplify_schema.client_config import amplify_outputs, aws_exports
    from kumoi.cli.connection import environment

    found = environment(Connection.find(data).url)
    place = (found["AWS_DEFAULT_REGION"], found["AWS_ENDPOINT_URL"])
    text = aws_exports(outputs, *place) if path.suffix in (".js", ".mjs", ".ts") else amplify_outputs(outputs, *place)
    path.write_text(text, "utf-8")
    click.echo(f"{path} is written.")


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
        with urllib.request.urlopen(request) as answer:  # noqa: S310
            result = json.loads(answer.read())
    except urllib.error.HTTPError as error:
        result = json.loads(error.read())
    click.echo(json.dumps(result, indent=2, ensure_ascii=False))
    if result.get("errors"):
        raise SystemExit(1)


def _apis(data: Path | None) -> list[dict[str, Any]]:
    from kumoi.cli.sdk_client import client

    pages = client("appsync", data).get_paginator("list_graphql_apis").paginate()
    return [api for page in pages for api in page["graphqlApis"]]


def _api(wanted: str, data: Path | None) -> dict[str, Any]:
    found = [api for api in _apis(data) if wanted in (api["name"], api["apiId"])]
    if not found:
        raise click.ClickException(f"there is no GraphQL API {wanted}: kumoi graphql list shows them.")
    if len(found) > 1:
        raise click.ClickException(f"{len(found)} APIs are named {wanted}: give the id.")
    return found[0]
