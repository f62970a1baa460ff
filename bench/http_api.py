"""An HTTP API in front of a warm Python function, against Invoke of the same function on the same platform.

    scripts/bench http_api

What counts is the server's CPU a request: routing, the event and the answer may cost 0.4 of an invocation. Both are
asked in turn, and the least of the rounds is taken: other work on the machine only ever adds to it. As at AWS, the API
has a permission to invoke the function, and its clients sign nothing.
"""

from __future__ import annotations

import json
import socket
from tempfile import TemporaryDirectory

import boto3
from invoke import EVENT, INVOKE, create, kumoi, show
from load import exchange, free_port, request, server

ROUNDS = 5


def main() -> None:
    port = free_port()
    with TemporaryDirectory() as data, server(kumoi(port, data), port) as (pid, _ready):
        create(port)
        client = boto3.client(
            "apigatewayv2",
            endpoint_url=f"http://127.0.0.1:{port}",
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )
        arn = "arn:aws:lambda:us-east-1:000000000000:function:bench"
        api_id = client.create_api(Name="bench", ProtocolType="HTTP", Target=arn)["ApiId"]
        permission = {
            "StatementId": "api",
            "Action": "lambda:InvokeFunction",
            "Principal": "apigateway.amazonaws.com",
            "SourceArn": f"arn:aws:execute-api:us-east-1:000000000000:{api_id}/*",
        }
        allowed = request("POST", "/2015-03-31/functions/bench/policy", json.dumps(permission).encode())
        with socket.create_connection(("127.0.0.1", port)) as connection:
            status, answer = exchange(connection, allowed)
            assert status == 201, answer
        host = {"Host": f"{api_id}.execute-api.localhost", "Content-Type": "application/json"}
        through = request("POST", "/pets/7", EVENT, host, signed=False)
        for concurrency in (1, 8):
            rounds = [
                [show(name, port, asked, 2000, concurrency, pid).cpu_us for name, asked in targets(through)]
                for _ in range(ROUNDS)
            ]
            direct, api = map(min, zip(*rounds, strict=True))
            print(f"  CPU a request: {direct:.0f} µs and {api:.0f} µs, {api / direct:.2f} × Invoke's (limit 1.4)")


def targets(through: bytes) -> list[tuple[str, bytes]]:
    return [("Invoke", INVOKE), ("HTTP API", through)]


if __name__ == "__main__":
    main()
