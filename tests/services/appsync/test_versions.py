"""Versioned data sources, as Amplify's DataStore sees them: versions, conflicts, deleted items, and catching up."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

pytestmark = pytest.mark.kumoi_clock

SDL = """
type Item {
  id: ID! title: String n: Int tags: [String]
  _version: Int _lastChangedAt: AWSTimestamp _deleted: Boolean _ttl: AWSTimestamp
}
type Page { items: [Item] nextToken: String startedAt: AWSTimestamp }
type Query { sync(limit: Int, nextToken: String, lastSync: AWSTimestamp): Page get(id: ID!): Item }
input Change { id: ID! title: String n: Int tags: [String] _version: Int }
type Mutation { create(input: Change!): Item update(input: Change!): Item remove(input: Change!): Item }
"""
RESPONSE = """
#if($ctx.error) $util.error($ctx.error.message, $ctx.error.type, $ctx.result) #end
$util.toJson($ctx.result)
"""
KEY = '"version": "2018-05-29", "key": {"id": $util.dynamodb.toDynamoDBJson($ctx.args.input.id)}'
VERSION = '"_version": $util.toJson($ctx.args.input["_version"])'
CREATE = f"""
#set($values = $util.map.copyAndRemoveAllKeys($ctx.args.input, ["_version"]))
{{{KEY}, "operation": "PutItem", "attributeValues": $util.dynamodb.toMapValuesJson($values),
"condition": {{"expression": "attribute_not_exists(id)"}}}}"""
UPDATE = f"""
#set($values = {{}}) #set($sets = []) #set($names = {{}})
#foreach($entry in $util.map.copyAndRemoveAllKeys($ctx.args.input, ["id", "_version"]).entrySet())
  $util.qr($values.put(":$entry.key", $util.dynamodb.toDynamoDB($entry.value)))
  $util.qr($names.put("#$entry.key", "$entry.key"))
  $util.qr($sets.add("#$entry.key = :$entry.key"))
#end
#set($text = "SET ")
#foreach($one in $sets)#set($text = "$text$one")#if($foreach.hasNext)#set($text = "$text, ")#end#end
{{{KEY}, {VERSION}, "operation": "UpdateItem", "update": {{"expression": "$text",
 "expressionNames": $util.toJson($names), "expressionValues": $util.toJson($values)}}}}"""
DELETE = f'{{{KEY}, {VERSION}, "operation": "DeleteItem"}}'
SYNC = """{"version": "2018-05-29", "operation": "Sync",
"limit": $util.toJson($util.defaultIfNull($ctx.args.limit, 100)),
"nextToken": $util.toJson($ctx.args.nextToken), "lastSync": $util.toJson($ctx.args.lastSync)}"""
GET = '{"version": "2018-05-29", "operation": "GetItem", "key": {"id": $util.dynamodb.toDynamoDBJson($ctx.args.id)}}'
ITEM = "{ id title n tags _version _lastChangedAt _deleted _ttl }"
BASE_MINUTES, DELTA_MINUTES = 60, 30


class Store:
    """An API over a versioned table, its conflicts handled in one way."""

    def __init__(self, kumoi: Any, client: Any, post: Callable[..., Any], sync: dict[str, Any], base: int) -> None:
        self.kumoi, self._post = kumoi, post
        tables = kumoi.client("dynamodb")
        for name, keys in (("base", ["id"]), ("delta", ["ds_pk", "ds_sk"])):
            tables.create_table(
                TableName=name,
                BillingMode="PAY_PER_REQUEST",
                KeySchema=[{"AttributeName": key, "KeyType": "RANGE" if at else "HASH"} for at, key in enumerate(keys)],
                AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in keys],
            )
        self._api = client.create_graphql_api(name="s", authenticationType="API_KEY")["graphqlApi"]["apiId"]
        client.start_schema_creation(apiId=self._api, definition=SDL.encode())
        delta = {"baseTableTTL": base, "deltaSyncTableName": "delta", "deltaSyncTableTTL": DELTA_MINUTES}
        client.create_data_source(
            apiId=self._api,
            name="Items",
            type="AMAZON_DYNAMODB",
            dynamodbConfig={
                "tableName": "base",
                "awsRegion": "us-east-1",
                "versioned": True,
                "deltaSyncConfig": delta,
            },
        )
        for type_name, field, template in (
            *(("Mutation", "create", CREATE), ("Mutation", "update", UPDATE), ("Mutation", "remove", DELETE)),
            *(("Query", "sync", SYNC), ("Query", "get", GET)),
        ):
            client.create_resolver(
                apiId=self._api,
                typeName=type_name,
                fieldName=field,
                dataSourceName="Items",
                requestMappingTemplate=template,
                responseMappingTemplate=RESPONSE,
                **({"syncConfig": sync} if type_name == "Mutation" else {}),
            )
        self._key = client.create_api_key(apiId=self._api)["apiKey"]["id"]

    def ask(self, query: str, **variables: Any) -> dict[str, Any]:
        body = json.dumps({"query": query, "variables": variables}).encode()
        status, answer = self._post(self._api, body, x_api_key=self._key)
        assert status == 200, answer
        found: dict[str, Any] = answer
        return found

    def change(self, what: str, **given: Any) -> dict[str, Any]:
        answer = self.ask(f"mutation($i: Change!) {{ {what}(input: $i) {ITEM} }}", i=given)
        assert "errors" not in answer, answer
        found: dict[str, Any] = answer["data"][what]
        return found

    def refused(self, what: str, **given: Any) -> dict[str, Any]:
        (error,) = self.ask(f"mutation($i: Change!) {{ {what}(input: $i) {ITEM} }}", i=given)["errors"]
        found: dict[str, Any] = error
        return found

    def sync(self, **given: Any) -> dict[str, Any]:
        query = "query($limit: Int, $nextToken: String, $lastSync: AWSTimestamp)"
        asked = (
            f"sync(limit: $limit, nextToken: $nextToken, lastSync: $lastSync) {{ items {ITEM} nextToken startedAt }}"
        )
        answer = self.ask(f"{query} {{ {asked} }}", **given)
        assert "errors" not in answer, answer
        found: dict[str, Any] = answer["data"]["sync"]
        return found


@pytest.fixture
def store(kumoi: Any, client: Any, post: Callable[..., Any]) -> Callable[..., Store]:
    def make(handler: str = "OPTIMISTIC_CONCURRENCY", base: int = BASE_MINUTES, **more: Any) -> Store:
        sync = {"conflictDetection": "VERSION", "conflictHandler": handler, **more}
        return Store(kumoi, client, post, sync, base)

    return make


def test_an_older_version_is_refused_with_the_item_as_it_is(store: Callable[..., Store]) -> None:
    items = store()
    made = items.change("create", id="1", title="a")
    assert made["_version"] == 1 and made["_deleted"] is None
    assert made["_lastChangedAt"] >= 1_500_000_000_000
    assert items.change("update", id="1", title="b", _version=1)["_version"] == 2
    error = items.refused("update", id="1", title="c", _version=1)
    assert (error["errorType"], error["message"]) == ("ConflictUnhandled", "Conflict resolver rejects mutation.")
    assert (error["data"]["_version"], error["data"]["title"]) == (2, "b")
    assert items.refused("update", id="1", title="c")["errorType"] == "ConflictUnhandled"
    assert items.refused("remove", id="1", _version=1)["errorType"] == "ConflictUnhandled"
    again = items.refused("create", id="1", title="x")
    assert (again["errorType"], again["data"]["title"]) == ("DynamoDB:ConditionalCheckFailedException", "b")
    rows = items.kumoi.client("dynamodb").scan(TableName="delta")["Items"]
    assert [row["_version"]["N"] for row in rows] == ["1", "2"]
    day = items.kumoi.now().strftime("%Y-%m-%d")
    assert rows[0]["ds_pk"]["S"] == f"Items:{day}" and rows[0]["ds_sk"]["S"].endswith(":1:1")


def test_an_older_version_is_merged(store: Callable[..., Store]) -> None:
    items = store("AUTOMERGE")
    items.change("create", id="1", title="a", tags=["x"])
    items.change("update", id="1", title="b", _version=1)
    merged = items.change("update", id="1", title="c", n=3, tags=["y"], _version=1)
    assert (merged["title"], merged["n"], merged["tags"], merged["_version"]) == ("b", 3, ["x", "y"], 3)
    assert items.refused("remove", id="1", _version=1)["errorType"] == "ConflictUnhandled"


def test_a_function_decides(store: Callable[..., Store], kumoi: Any, zipped: Any) -> None:
    code = """
def handler(event, context):
    old, new = event["existingItem"], event["newItem"]
    if new is None: return {"action": "REMOVE"}
    if new["title"] == "reject": return {"action": "REJECT"}
    if new["title"] == "odd": return "odd"
    return {"action": "RESOLVE", "item": {**old, "title": old["title"] + new["title"] + event["resolver"]["field"]}}
"""
    function = kumoi.client("lambda").create_function(
        FunctionName="decide",
        Runtime="python3.12",
        Role="arn:aws:iam::000000000000:role/r",
        Handler="app.handler",
        Code={"ZipFile": zipped({"app.py": code})},
    )["FunctionArn"]
    items = store("LAMBDA", lambdaConflictHandlerConfig={"lambdaConflictHandlerArn": function})
    items.change("create", id="1", title="a")
    items.change("update", id="1", title="b", _version=1)
    resolved = items.change("update", id="1", title="c", _version=1)
    assert (resolved["title"], resolved["_version"]) == ("bcupdate", 3)
    assert items.refused("update", id="1", title="reject", _version=1)["errorType"] == "ConflictUnhandled"
    assert items.refused("update", id="1", title="odd", _version=1)["errorType"] == "ConflictHandler"
    assert items.change("remove", id="1", _version=1)["_deleted"] is True


def test_catching_up(store: Callable[..., Store]) -> None:
    items = store()
    for id in "123":
        items.change("create", id=id, title=id)
    first = items.sync(limit=2)
    assert len(first["items"]) == 2 and first["nextToken"]
    last = items.sync(limit=2, nextToken=first["nextToken"])
    assert (len(last["items"]), last["nextToken"], last["startedAt"]) == (1, None, first["startedAt"])
    items.kumoi.advance(60)
    gone = items.change("remove", id="2", _version=1)
    assert gone["_deleted"] is True and gone["_version"] == 2
    assert gone["_ttl"] == gone["_lastChangedAt"] // 1000 + BASE_MINUTES * 60
    items.change("update", id="3", title="new", _version=1)
    assert items.ask('{ get(id: "2") { _deleted } }')["data"] == {"get": {"_deleted": True}}
    changes = items.sync(lastSync=first["startedAt"] + 1000)
    assert [(one["id"], one["_version"], one["_deleted"]) for one in changes["items"]] == [
        ("2", 2, True),
        ("3", 2, None),
    ]
    paged = items.sync(lastSync=first["startedAt"] + 1000, limit=1)
    assert [one["id"] for one in items.sync(nextToken=paged["nextToken"], limit=1)["items"]] == ["3"]
    assert items.sync(lastSync=changes["startedAt"] + 1000)["items"] == []
    everything = items.sync()
    assert {one["id"]: one["_deleted"] for one in everything["items"]} == {"1": None, "2": True, "3": None}
    items.kumoi.advance(DELTA_MINUTES * 60 + 60)
    assert len(items.sync(lastSync=changes["startedAt"])["items"]) == 3, "away for too long: everything"
    assert "errors" in items.ask('{ sync(nextToken: "e30=") { startedAt } }')


def test_a_day_changes_while_a_client_is_away(store: Callable[..., Store]) -> None:
    items = store()
    now = items.kumoi.now()
    items.kumoi.advance((24 * 3600 - 60) - (now.hour * 3600 + now.minute * 60 + now.second))
    started = items.sync()["startedAt"]
    items.change("create", id="1", title="before midnight")
    items.kumoi.advance(120)
    items.change("create", id="2", title="after midnight")
    found = items.sync(lastSync=started)
    assert [one["id"] for one in found["items"]] == ["1", "2"]
    page = items.sync(lastSync=started, limit=1)
    assert [one["id"] for one in page["items"]] == ["1"]
    assert [one["id"] for one in items.sync(nextToken=page["nextToken"], limit=1)["items"]] == ["2"]


def test_deleted_items_that_are_not_kept(store: Callable[..., Store]) -> None:
    items = store(base=0)
    items.change("create", id="1", title="a")
    assert items.change("remove", id="1", _version=1)["_deleted"] is True
    assert items.ask('{ get(id: "1") { id } }')["data"] == {"get": None}
    assert items.ask('mutation { remove(input: {id: "1", _version: 2}) { id } }') == {"data": {"remove": None}}
