"""An API's cache, on the platform's clock; and functions called in batches."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from kumoi.services.appsync.caching import Cache, answer_key, named, usable_key, values
from kumoi.services.appsync.plane import _held
from kumoi.services.appsync.records import ApiCache
from kumoi.services.appsync.resolving.field import Caller

pytestmark = pytest.mark.kumoi_clock

Ask = Callable[..., dict[str, Any]]
COUNTED = """
import json
calls = []
def handler(event, context):
    calls.append(event)
    if isinstance(event, list):
        return [answer(one, len(event)) for one in event] if event[0] != "short" else []
    return {"id": str(len(calls)), "n": event["arguments"].get("id") and len(calls)}
def answer(event, size):
    if isinstance(event, dict) and event.get("source", {}).get("id") == "2":
        return {"data": None, "errorMessage": "no note", "errorType": "NoNote"}
    if isinstance(event, dict):
        return {"data": f"{event['info']['fieldName']} {event['source']['id']} of {size}"}
    return f"{event} of {size}"
"""


@pytest.fixture
def counted(kumoi: Any, client: Any, api: str, zipped: Callable[[dict[str, str]], bytes]) -> str:
    """A data source of a function that counts its calls."""
    functions = kumoi.client("lambda")
    arn = functions.create_function(
        FunctionName="f",
        Runtime="python3.12",
        Role="arn:aws:iam::000000000000:role/lambda",
        Handler="app.handler",
        Code={"ZipFile": zipped({"app.py": COUNTED})},
    )["FunctionArn"]
    functions.get_waiter("function_active_v2").wait(FunctionName="f")
    client.create_data_source(apiId=api, name="f", type="AWS_LAMBDA", lambdaConfig={"lambdaFunctionArn": arn})
    return "f"


def id_of(ask: Ask, id: str) -> str:
    return str(ask(f'{{ get(id: "{id}") {{ id }} }}')["data"]["get"]["id"])


def resolver(client: Any, api: str, field: str = "get", of: str = "Query", **more: Any) -> None:
    client.create_resolver(apiId=api, typeName=of, fieldName=field, **{"dataSourceName": "f", **more})


def test_results_of_resolvers_are_held(kumoi: Any, client: Any, api: str, ask: Ask, counted: str) -> None:
    resolver(client, api, cachingConfig={"ttl": 60, "cachingKeys": ["$context.arguments.id"]})
    evict = '$extensions.evictFromApiCache("Query", "get", {"context.arguments.id": $ctx.args.id})'
    none = {"requestMappingTemplate": f'{evict}{{"version":"2018-05-29"}}', "responseMappingTemplate": "null"}
    resolver(client, api, "remove", "Mutation", dataSourceName="none", **none)
    code = """
import { extensions } from '@aws-appsync/utils';
export const request = () => ({ payload: null });
export function response(ctx) { extensions.evictFromApiCache('Query', 'get', { 'ctx.args.id': ctx.args.id }); }
"""
    runtime = {"name": "APPSYNC_JS", "runtimeVersion": "1.0.0"}
    resolver(client, api, "put", "Mutation", dataSourceName="none", code=code, runtime=runtime)
    assert id_of(ask, "a") != id_of(ask, "a"), "there is no cache yet"
    given = {"apiId": api, "ttl": 3600, "apiCachingBehavior": "PER_RESOLVER_CACHING", "type": "SMALL"}
    cache = client.create_api_cache(**given)["apiCache"]
    assert (cache["status"], cache["ttl"], cache["type"]) == ("AVAILABLE", 3600, "SMALL")
    assert (cache["atRestEncryptionEnabled"], cache["transitEncryptionEnabled"]) == (False, False)
    first = id_of(ask, "a")
    assert id_of(ask, "a") == first != id_of(ask, "b")
    kumoi.advance(61)
    second = id_of(ask, "a")
    assert second == id_of(ask, "a") != first

    gone = {"apiCacheEntriesDeleted": 1}
    assert ask('mutation { remove(id: "a") { id } }') == {"data": {"remove": None}, "extensions": gone}
    assert ask('mutation { remove(id: "a") { id } }') == {"data": {"remove": None}}
    third = id_of(ask, "a")
    assert third == id_of(ask, "a") != second
    assert ask('mutation { put(id: "a") { id } }')["extensions"] == gone
    fourth = id_of(ask, "a")
    client.flush_api_cache(apiId=api)
    fifth = id_of(ask, "a")
    assert len({third, fourth, fifth}) == 3

    client.update_api_cache(**{**given, "apiCachingBehavior": "OPERATION_LEVEL_CACHING", "ttl": 10})
    sixth = id_of(ask, "a")
    assert sixth == id_of(ask, "a") != fifth
    assert sixth != ask('{ get(id: "a") { id } hello }')["data"]["get"]["id"], "another query"
    kumoi.advance(11)
    assert id_of(ask, "a") != sixth

    client.update_api_cache(**{**given, "apiCachingBehavior": "FULL_REQUEST_CACHING"})
    seventh = id_of(ask, "a")
    assert seventh == ask('{ get(id: "a") { id } hello }')["data"]["get"]["id"]
    client.delete_api_cache(apiId=api)
    assert id_of(ask, "a") != seventh
    with pytest.raises(ClientError, match="NotFoundException"):
        client.get_api_cache(apiId=api)


def test_what_cannot_be_a_cache_is_refused(client: Any, api: str) -> None:
    given = {"apiId": api, "ttl": 60, "apiCachingBehavior": "FULL_REQUEST_CACHING", "type": "T2_SMALL"}
    for operation, params in (
        (client.flush_api_cache, {"apiId": api}),
        (client.update_api_cache, given),
        (client.delete_api_cache, {"apiId": api}),
        (client.get_api_cache, {"apiId": "nope"}),
    ):
        with pytest.raises(ClientError, match="NotFoundException"):
            operation(**params)
    with pytest.raises(ClientError, match="BadRequestException"):
        client.create_api_cache(**{**given, "ttl": 3601})
    client.create_api_cache(**given)
    with pytest.raises(ClientError, match="BadRequestException"):
        client.create_api_cache(**given)
    for config in ({"ttl": 0}, {"ttl": 60, "cachingKeys": ["context.result"]}, {"ttl": 60, "cachingKeys": ["x"] * 26}):
        with pytest.raises(ClientError, match="BadRequestException"):
            resolver(client, api, dataSourceName="none", cachingConfig=config)


def test_siblings_are_resolved_by_one_call(client: Any, api: str, ask: Ask, counted: str) -> None:
    items = '{"version":"2018-05-29","payload":[{"id":"1"},{"id":"2"},{"id":"3"}]}'
    none = {"requestMappingTemplate": items, "responseMappingTemplate": "$util.toJson($ctx.result)"}
    resolver(client, api, "list", dataSourceName="none", **none)
    resolver(client, api, "note", "P", maxBatchSize=2)
    answer = ask("{ list { id note } }")
    assert answer["data"]["list"] == [
        {"id": "1", "note": "note 1 of 2"},
        {"id": "2", "note": None},
        {"id": "3", "note": "note 3 of 1"},
    ]
    (error,) = answer["errors"]
    assert (error["path"], error["message"], error["errorType"]) == (["list", 1, "note"], "no note", "NoNote")

    def request(payload: str) -> str:
        return f'{{"version":"2018-05-29","operation":"BatchInvoke","payload":{payload}}}'

    given = {"apiId": api, "typeName": "P", "fieldName": "note", "dataSourceName": "f"}
    second = '#if($ctx.source.id == "2")$util.error("not me")#end'
    responds = {"responseMappingTemplate": "$util.toJson($ctx.result)"}
    client.update_resolver(**given, requestMappingTemplate=second + request('"$ctx.source.id"'), **responds)
    answer = ask("{ list { id note } }")
    assert [one["note"] for one in answer["data"]["list"]] == ["1 of 2", None, "3 of 2"]
    assert answer["errors"][0]["message"] == "not me"

    client.update_resolver(
        **given, requestMappingTemplate=request('"short"'), responseMappingTemplate="$util.error($ctx.error.message)"
    )
    answer = ask("{ list { id note } }")
    assert [error["path"][1] for error in answer["errors"]] == [0, 1, 2]
    assert answer["errors"][0]["message"] == "The answer to a batch of 3 has 0 items."


def test_keys_by_their_names() -> None:
    assert named("$ctx.args.id") == named("context.arguments.id") == "context.arguments.id"
    assert usable_key("context.identity.claims.cognito:username") and not usable_key("context.stash.x")
    context = {"arguments": {"id": 1}, "source": None, "identity": {"sub": "s"}}
    assert values(["ctx.args.id", "context.source.id", "context.identity"], context) == [
        ("context.arguments.id", 1),
        ("context.source.id", None),
        ("context.identity", {"sub": "s"}),
    ]


def test_the_least_used_entries_go_first() -> None:
    cache = Cache(most=1_100)
    cache.put(("a",), b"12345", 10)
    cache.put(("b",), b"12345", 10)
    assert cache.get(("a",), 1) == b"12345"
    cache.put(("c",), b"123", 10)
    assert (cache.get(("b",), 1), cache.get(("a",), 1), cache.get(("a",), 10)) == (None, b"12345", None)
    assert cache.evict(("c",), 1) and not cache.evict(("c",), 1)


def test_what_was_asked_with_counts_too() -> None:
    cache = Cache(most=1_000)
    cache.put(("api", b"?" * 600), b"", 10)
    assert cache.get(("api", b"?" * 600), 1) is None, "it alone takes more"
    cache.put(("api", b"?"), b"!", 10)
    assert cache.get(("api", b"?"), 1) == b"!"


def test_an_answer_is_held_for_who_asked_so() -> None:
    cache = ApiCache(api="a", version="1", properties={})
    asked: dict[str, Any] = {
        "request": {"query": "{ hello }", "variables": {}},
        "mode": "OPENID_CONNECT",
        "identity": {"sub": "ann", "sourceIp": ["1.1.1.1"]},
        "denied": frozenset(),
        "headers": {"x-mine": "1", "authorization": "one"},
    }
    key = answer_key(cache, **asked)
    for changed in (
        {"request": {"query": "{ hello }", "variables": {"a": 1}}},
        {"mode": "AWS_LAMBDA"},
        {"identity": {"sub": "bob"}},
        {"denied": frozenset({"Query.hello"})},
        {"headers": {"x-mine": "2"}},
    ):
        assert answer_key(cache, **{**asked, **changed}) != key, changed
    same = {"identity": {"sub": "ann", "sourceIp": ["2.2.2.2"]}, "headers": {"x-mine": "1", "authorization": "two"}}
    assert answer_key(cache, **{**asked, **same}) == key


@pytest.mark.parametrize(("mode", "enforces", "held"), [("AWS_IAM", True, False), ("AWS_IAM", False, True)])
def test_policies_that_are_enforced_decide_each_time(mode: str, enforces: bool, held: bool) -> None:
    cache = ApiCache(api="a", version="1", properties={"apiCachingBehavior": "OPERATION_LEVEL_CACHING"})
    call = SimpleNamespace(doorway=SimpleNamespace(identity=SimpleNamespace(enforces=enforces)))
    asked: Any = SimpleNamespace(call=call, caller=Caller(mode), cache=cache, headers={})
    assert (_held(asked, {"query": "{ hello }"}) is not None) is held
