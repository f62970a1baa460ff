"""What the log of an API tells of requests and their fields."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from kumoi.services.appsync.resolving.journal import MOST_BYTES, Journal

RUNTIME = {"name": "APPSYNC_JS", "runtimeVersion": "1.0.0"}
CODE = """
export const request = (ctx) => { console.log('asked', ctx.args); return { payload: ctx.args.id }; }
export const response = (ctx) => ({ id: ctx.result, n: 1 })
"""
KEY = re.compile(r"da2-[0-9a-z]{26}")
"""An API key; a request's id may have `da2-` in it, too."""
GET = "query One($id: ID!) { get(id: $id) { id } hello }"


@pytest.fixture
def lines(client: Any, kumoi: Any, api: str, resolve: Any, ask: Any) -> Callable[..., list[Any]]:
    """Ask, and read what the log tells: texts without the request's id, and objects."""
    resolve("get", code=CODE)
    resolve("hello", '{"version": "2018-05-29", "payload": "hi"}', '$util.error("not today", "Shy")')
    logs = kumoi.client("logs")

    def told(level: str, **config: Any) -> list[Any]:
        role = "arn:aws:iam::000000000000:role/logs"
        client.update_graphql_api(
            apiId=api,
            name="api",
            authenticationType="API_KEY",
            logConfig={"fieldLogLevel": level, "cloudWatchLogsRoleArn": role, **config},
        )
        before = len(read())
        answer = ask(GET, id="7")
        assert answer["data"] == {"get": {"id": "7"}, "hello": None}
        found: list[str] = []
        while not found or not found[-1].endswith("End Request"):  # it is written behind the answer
            found = read()[before:]
        first = found[0].partition(" ")[0]
        return [json.loads(one) if one.startswith("{") else one.removeprefix(f"{first} ") for one in found]

    def read() -> list[str]:
        try:
            return [one["message"] for one in logs.filter_log_events(logGroupName=f"/aws/appsync/apis/{api}")["events"]]
        except logs.exceptions.ResourceNotFoundException:
            return []

    return told


def kinds(lines: list[Any]) -> list[tuple[str, Any]]:
    return [(one["logType"], one.get("path")) for one in lines if isinstance(one, dict)]


def test_levels(lines: Callable[..., list[Any]], api: str) -> None:
    none = lines("NONE")
    assert none[0] == "Begin Request" and none[-2:] == ["Tokens Consumed: 1", "End Request"]
    assert none[1] == f'GraphQL Query: {GET}, Operation: null, Variables: {{"id":"7"}}'
    assert "x-api-key: ****" in none[2] and not KEY.search(str(none))
    assert kinds(none) == [("ExecutionSummary", None), ("RequestSummary", None)]
    summary = none[4]
    assert (summary["statusCode"], summary["graphQLAPIId"]) == (200, api)

    failed = lines("ERROR")
    assert kinds(failed)[:-2] == [("RequestMapping", ["hello"]), ("ResponseMapping", ["hello"])]
    assert [one["errors"] for one in failed if isinstance(one, dict) and "errors" in one] == [[], ["not today"]]
    assert not any("asked" in one for one in failed if isinstance(one, str))

    everything = lines("ALL")
    assert 'INFO - asked {"id":"7"}' in everything
    assert sorted(kind for kind, path in kinds(everything) if path == ["get"]) == [
        "RequestFunctionEvaluation", "ResponseFunctionEvaluation", "Tracing"
    ]  # fmt: skip
    request = next(one for one in everything if isinstance(one, dict) and one["logType"] == "RequestFunctionEvaluation")
    assert request["evaluationResult"] == {"payload": "7"}
    assert request["context"]["arguments"] == {"id": "7"}
    assert request["context"]["request"]["headers"]["x-api-key"] == "****"
    assert not KEY.search(str(everything)) and "env" not in request["context"]
    assert request["resolverArn"].endswith("/types/Query/resolvers/get") and request["fieldInError"] is False


def test_what_may_not_be_told(lines: Callable[..., list[Any]]) -> None:
    everything = lines("ALL", excludeVerboseContent=True)
    assert not any("Headers" in one for one in everything if isinstance(one, str))
    entries = [one for one in everything if isinstance(one, dict)]
    assert not any({"context", "transformedTemplate", "evaluationResult"} & set(one) for one in entries)


def test_a_journal_has_its_bounds() -> None:
    journal = Journal({}, "arn", whole=True, verbose=True)
    for _ in range(300):
        journal._add((), {"logType": "Tracing", "context": "x" * 100_000})
    assert sum(map(len, journal.texts())) < MOST_BYTES + 200_000
