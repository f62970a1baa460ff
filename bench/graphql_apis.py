"""GraphQL requests, against strawberry on uvicorn, Apollo Server and mercurius (without JIT) in the same run.

    PEERS=/path/with/node_modules/and/py scripts/bench graphql_apis

`PEERS` is a directory with `node_modules` (@apollo/server, mercurius, fastify, graphql) and a virtual environment `py`
(strawberry-graphql, uvicorn, uvloop, httptools). Kumoi takes its whole way: the API by its address, a key, the compiled
plan, resolvers in VTL or JavaScript, errors, the hop of each call. What counts is the server's CPU a request.
"""

from __future__ import annotations

import json
import os
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import boto3
from load import exchange, free_port, load, server

SDL = """
type Query { hello: String list: [Item!] js: String }
type Item { id: ID! name: String n: Int price: Float ok: Boolean }
"""
HELLO = "{ hello }"
LIST = "{ list { id name n price ok } }"
ITEMS = [{"id": str(n), "name": f"item {n}", "n": n, "price": n + 0.5, "ok": n % 2 == 0} for n in range(100)]
ROUNDS = 5

STRAWBERRY = f"""
import strawberry
from strawberry.asgi import GraphQL
ITEMS = {ITEMS!r}
@strawberry.type
class Item:
    id: strawberry.ID
    name: str | None
    n: int | None
    price: float | None
    ok: bool | None
@strawberry.type
class Query:
    @strawberry.field
    async def hello(self) -> str | None:
        return "world"
    @strawberry.field
    async def list(self) -> list[Item] | None:
        return [Item(**one) for one in ITEMS]
app = GraphQL(strawberry.Schema(Query))
"""
RESOLVERS = "{ Query: { hello: async () => 'world', list: async () => ITEMS } }"
APOLLO = f"""
const {{ ApolloServer }} = require('@apollo/server');
const {{ startStandaloneServer }} = require('@apollo/server/standalone');
const ITEMS = {json.dumps(ITEMS)};
const server = new ApolloServer({{ typeDefs: `{SDL}`, resolvers: {RESOLVERS} }});
startStandaloneServer(server, {{ listen: {{ port: +process.argv[2], host: '127.0.0.1' }} }});
"""
MERCURIUS = f"""
const app = require('fastify')();
const ITEMS = {json.dumps(ITEMS)};
app.register(require('mercurius'), {{ schema: `{SDL}`, resolvers: {RESOLVERS} }});
app.listen({{ port: +process.argv[2], host: '127.0.0.1' }});
"""
CODE = """
export function request(ctx) { return { payload: { name: ctx.args.name ?? 'world', at: ctx.info.fieldName } } }
export function response(ctx) { return `hello ${ctx.result.name}` }
"""


class Target(NamedTuple):
    """A server to ask: where, and by which headers."""

    name: str
    port: int
    pid: int
    path: str
    headers: dict[str, str]


def main() -> None:
    with ExitStack() as stack, TemporaryDirectory() as data:
        targets = [stack.enter_context(kumoi(data))]
        if "PEERS" in os.environ:
            targets += [stack.enter_context(peer(name, Path(os.environ["PEERS"]))) for name in PEERS]
        else:
            print("PEERS names no directory with peers: no comparison")
        for text, count in ((HELLO, 4000), (LIST, 1000)):
            costs = measured(targets, text, count)
            print(text)
            for name, cost in costs.items():
                print(f"  {name:12} {cost:7.0f} µs of CPU a request, {cost / costs['kumoi']:.2f} × Kumoi's")
        own = targets[:1]
        plain, vtl, js = (measured(own, text, 4000)["kumoi"] for text in ("{ __typename }", HELLO, "{ js }"))
        print(f"no resolver {plain:.0f} µs, one in VTL {vtl:.0f} µs, one in JavaScript {js:.0f} µs")
        print(f"  JavaScript costs {js - plain:.0f} µs (limit 150), VTL {vtl / plain:.2f} × a plain field (limit 2)")
    first_query()


def first_query() -> None:
    """The first query after a start, to a schema of 100 types: the library is imported, the schema compiled."""
    types = " ".join(f"type T{n} {{ id: ID! name: String next: T{(n + 1) % 100} all: [T{n}!] }}" for n in range(100))
    port = free_port()
    with TemporaryDirectory() as data:
        command = [sys.executable, "-m", "kumoi", "up", "--port", str(port), "--data", data]
        with server(command, port):
            client = appsync(port)
            api = client.create_graphql_api(name="cold", authenticationType="API_KEY")["graphqlApi"]["apiId"]
            client.start_schema_creation(apiId=api, definition=f"type Query {{ t: T0 }} {types}".encode())
            key = client.create_api_key(apiId=api)["apiKey"]["id"]
        with server(command, port) as (pid, _ready), socket.create_connection(("127.0.0.1", port)) as connection:
            asked = prepared(Target("kumoi", port, pid, f"/graphql/{api}", {"x-api-key": key}), "{ t { name } }")
            began = time.perf_counter()
            exchange(connection, asked)
            first = time.perf_counter() - began
    print(f"first query to a schema of 100 types: {first:.2f} s (limit 0.5)")


def measured(targets: list[Target], text: str, count: int) -> dict[str, float]:
    """CPU microseconds of a request, the least of rounds in which each target is asked in turn.

    Other work on the machine only ever adds to it.
    """
    rounds: dict[str, list[float]] = {target.name: [] for target in targets}
    for target in targets:
        answers(target, text)
        one_round(target, text, count // 2)
    for _ in range(ROUNDS):
        for target in targets:
            rounds[target.name].append(one_round(target, text, count))
    return {name: min(costs) for name, costs in rounds.items()}


def one_round(target: Target, text: str, count: int) -> float:
    return load(target.port, prepared(target, text), count=count, concurrency=8, pid=target.pid).cpu_us


def answers(target: Target, text: str) -> None:
    """Check that a target answers what is asked, without errors."""
    with socket.create_connection(("127.0.0.1", target.port)) as connection:
        status, body = exchange(connection, prepared(target, text))
    found = json.loads(body)
    assert status == 200 and "errors" not in found, (target.name, status, body[:500])
    assert "list" not in found["data"] or len(found["data"]["list"]) == 100, target.name


def prepared(target: Target, text: str) -> bytes:
    body = json.dumps({"query": text}).encode()
    fields = {"Host": f"127.0.0.1:{target.port}", "Content-Type": "application/json", "Content-Length": str(len(body))}
    head = "".join(f"{name}: {value}\r\n" for name, value in (fields | target.headers).items())
    return f"POST {target.path} HTTP/1.1\r\n{head}\r\n".encode() + body


def appsync(port: int) -> Any:
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
    return boto3.client("appsync", endpoint_url=f"http://127.0.0.1:{port}", region_name="us-east-1", **keys)


@contextmanager
def kumoi(data: str) -> Iterator[Target]:
    port = free_port()
    command = [sys.executable, "-m", "kumoi", "up", "--ephemeral", "--port", str(port), "--data", data]
    with server(command, port) as (pid, _ready):
        client = appsync(port)
        api = client.create_graphql_api(name="bench", authenticationType="API_KEY")["graphqlApi"]["apiId"]
        client.start_schema_creation(apiId=api, definition=SDL.encode())
        client.create_data_source(apiId=api, name="none", type="NONE")
        of_query: dict[str, Any] = {"apiId": api, "typeName": "Query", "dataSourceName": "none"}
        for field, value in (("hello", "world"), ("list", ITEMS)):
            client.create_resolver(
                **of_query,
                fieldName=field,
                requestMappingTemplate=json.dumps({"version": "2018-05-29", "payload": value}),
                responseMappingTemplate="$util.toJson($ctx.result)",
            )
        runtime = {"name": "APPSYNC_JS", "runtimeVersion": "1.0.0"}
        client.create_resolver(**of_query, fieldName="js", code=CODE, runtime=runtime)
        key = client.create_api_key(apiId=api)["apiKey"]["id"]
        yield Target("kumoi", port, pid, f"/graphql/{api}", {"x-api-key": key})


@contextmanager
def peer(name: str, place: Path) -> Iterator[Target]:
    source, suffix, path = PEERS[name]
    port = free_port()
    file = place / f"bench_{name}.{suffix}"
    file.write_text(source)
    command = ["node", str(file), str(port)]
    if suffix == "py":
        options = ["--port", str(port), "--loop", "uvloop", "--http", "httptools", "--log-level", "error"]
        command = [str(place / "py/bin/python"), "-m", "uvicorn", "--app-dir", str(place), f"{file.stem}:app", *options]
    with server(command, port, NODE_ENV="production") as (pid, _ready):
        yield Target(name, port, pid, path, {})


PEERS = {
    "strawberry": (STRAWBERRY, "py", "/"),
    "apollo": (APOLLO, "js", "/"),
    "mercurius": (MERCURIUS, "js", "/graphql"),
}

if __name__ == "__main__":
    main()
