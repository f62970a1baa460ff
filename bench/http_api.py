"""An HTTP API in front of a warm Python function, against Invoke of the same function on the same platform.

    scripts/bench http_api

What counts is the server's CPU a request: routing, the event and the answer may cost 0.4 of an invocation.
"""

from __future__ import annotations

from tempfile import TemporaryDirectory

import boto3
from invoke import EVENT, INVOKE, create, kumoi, show
from load import free_port, request, server


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
        host = {"Host": f"{api_id}.execute-api.localhost", "Content-Type": "application/json"}
        through = request("POST", "/pets/7", EVENT, host)
        for concurrency in (1, 8):
            direct = show("Invoke", port, INVOKE, 4000, concurrency, pid)
            api = show("HTTP API", port, through, 4000, concurrency, pid)
            print(f"  CPU a request: {api.cpu_us / direct.cpu_us:.2f} × Invoke's (limit 1.4)")


if __name__ == "__main__":
    main()
