"""CloudFront: hits with and without functions, misses to a bucket, against the same bucket asked directly.

    scripts/bench edge

What counts is the server's CPU a request. Where nginx and Varnish are installed, their caches answer the same requests
in the same run, in turns with ours.
"""

from __future__ import annotations

import asyncio
import io
import os
import random
import shutil
import socket
import statistics
import time
import zipfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import boto3
from invoke import kumoi, show
from load import descendants, exchange, free_port, request, server

from kumoi.gateway.http_connection import HttpConnection
from kumoi.gateway.known_heads import KnownHeads
from kumoi.gateway.limits import Limits
from kumoi.gateway.response_writer import DateHeader
from kumoi.gateway.server import Server
from kumoi.platform import Platform, Settings
from kumoi.services.cloudfront.edge.caching import Caching
from kumoi.services.cloudfront.edge.hits import Hits

OPTIMIZED, DISABLED = "658327ea-f89d-4fab-a63d-7e88639e58f6", "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
FUNCTION = b"""function handler(event) {
    const request = event.request;
    if (request.uri.endsWith('/')) request.uri += 'index.html';
    request.headers['x-group'] = { value: request.cookies.group ? request.cookies.group.value : 'a' };
    return request;
}"""
BEHIND = b"""function handler(event) {
    event.response.headers['strict-transport-security'] = { value: 'max-age=63072000' };
    return event.response;
}"""
LAMBDA = "def handler(event, context):\n    return event['Records'][0]['cf']['request']\n"
SIGNED = {
    "Authorization": "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/s3/aws4_request, SignedHeaders=host,"
    f" Signature={'0' * 64}"
}
NGINX = """
daemon off; master_process off; {user} pid {root}/pid; error_log {root}/error;
events {{ worker_connections 256; }}
http {{
  access_log {root}/log; tcp_nopush off; tcp_nodelay on; keepalive_requests 1000000;
  proxy_cache_path {root}/cache keys_zone=z:10m;
  server {{ listen 127.0.0.1:{port}; location / {{
    proxy_pass {origin}/; proxy_cache z; proxy_cache_valid 200 1h; add_header X-Cache $upstream_cache_status; }} }}
}}
"""


ROUNDS = 3
"""How often what is compared takes turns."""
VARNISH = """
vcl 4.1;
backend origin {{ .host = "127.0.0.1"; .port = "{port}"; }}
sub vcl_recv {{ unset req.http.cookie; }}
sub vcl_backend_fetch {{ set bereq.http.host = "{host}"; }}
"""


def main() -> None:
    asyncio.run(lookups())
    port = free_port()
    with TemporaryDirectory() as data, server(kumoi(port, data), port) as (pid, _ready):
        domains = create(port)
        compared(port, pid, domains)
        for name, key, count in (
            ("S3 GetObject, 1 KB", None, 4000),
            ("hit, function at viewer-request", "function", 8000),
            ("hit, function at viewer-response", "behind", 8000),
            ("hit, functions at both", "both", 8000),
            ("miss to the bucket, 1 KB", "uncached", 3000),
            ("miss, Lambda@Edge at origin-request", "lambda", 1500),
        ):
            asked = request("GET", "/bench-edge/1k", headers=SIGNED) if key is None else viewer("/1k", domains[key])
            show(name, port, asked, count, 8, pid)


def viewer(path: str, host: str) -> bytes:
    """A request as viewers send it: unsigned."""
    return f"GET {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: bench/1.0\r\nAccept: */*\r\n\r\n".encode()


def compared(port: int, pid: int, domains: dict[str, str]) -> None:
    """Hits of ours, with and without a standard log, beside nginx's and Varnish's, in turns."""
    with ExitStack() as stack:
        rivals = [("kumoi", port, pid, domains["plain"]), ("kumoi, logging", port, pid, domains["logged"])]
        for name, start in (("nginx", nginx), ("varnish", varnish)):
            if (found := start(stack, port, domains["plain"])) is not None:
                rivals.append((name, *found, "bench"))
        for path, count in (("/1k", 40_000), ("/100k", 16_000)):
            costs: dict[str, list[float]] = {}
            for _ in range(ROUNDS):
                for name, at, process, host in rivals:
                    cost = show(f"{name}, hit, {path[1:]}", at, viewer(path, host), count, 8, process).cpu_us
                    costs.setdefault(name, []).append(cost)
            middle = {name: statistics.median(found) for name, found in costs.items()}
            for name in rivals[2:]:
                of = {ours: middle[name[0]] / middle[ours] for ours in ("kumoi", "kumoi, logging")}
                print(
                    f"  {path[1:]}: per CPU second {of['kumoi']:.2f} ×, logging {of['kumoi, logging']:.2f} × {name[0]}"
                )


def nginx(stack: ExitStack, port: int, domain: str) -> tuple[int, int] | None:
    """Port and process of nginx's cache in front of a distribution; None where it is not installed."""
    if (program := shutil.which("nginx")) is None:
        return None
    folder, own = stack.enter_context(TemporaryDirectory()), free_port()
    config = Path(folder) / "nginx.conf"
    user = "user root;" if os.geteuid() == 0 else ""  # or its worker may not write below the folder
    origin = f"http://127.0.0.1:{port}/_kumoi/cloudfront/{domain.partition('.')[0]}"
    config.write_text(NGINX.format(root=folder, port=own, origin=origin, user=user))
    process, _ready = stack.enter_context(server([program, "-c", str(config), "-p", folder], own))
    return own, process


def varnish(stack: ExitStack, port: int, domain: str) -> tuple[int, int] | None:
    """Port and process of Varnish's cache, in memory, in front of a distribution; None where it is not installed."""
    if (program := shutil.which("varnishd", path=f"{os.environ['PATH']}:/usr/sbin")) is None:
        return None
    folder, own = stack.enter_context(TemporaryDirectory()), free_port()
    config = Path(folder) / "bench.vcl"
    config.write_text(VARNISH.format(port=port, host=domain))
    where = ["-n", f"{folder}/work", "-f", str(config), "-a", f"127.0.0.1:{own}", "-s", "malloc,128m", "-j", "none"]
    manager, _ready = stack.enter_context(server([program, "-F", *where], own))
    worker = descendants(manager)
    return own, worker[-1]


async def lookups() -> None:
    """What a hit costs among few objects and among many, without sockets, in an order that no cache foresees.

    Every object that is asked for was asked for before: its head is written out.
    """
    async with Platform(Settings(port=0, xray_port=0)) as platform:
        domain = (await asyncio.to_thread(create, platform.port, ("plain",)))["plain"]
        exchanged = socket.create_connection(("127.0.0.1", platform.port))
        await asyncio.to_thread(exchange, exchanged, viewer("/1k", domain))
        await asyncio.to_thread(exchange, exchanged, viewer("/1k", domain))
        hits, store = platform.parts[Hits], platform.parts[Caching].store
        store._capacity, hits.alone = 1 << 40, 0
        [(pop, distribution, key)] = store._objects
        [one] = store._objects.values()
        turnstile = platform._turnstile
        assert turnstile is not None
        told, heads = (lambda _: None), KnownHeads(Limits())
        shared = Server(turnstile, None, Limits(), DateHeader(), told, told, heads, repeats=turnstile.repeats)
        connection = HttpConnection(shared, exchanged, secure=False)
        connection.connection_made(Nowhere())
        for count in (1_000, 1_000_000):
            for number in range(len(store) - 1, count):
                store.put((pop, distribution, ("GET", f"/{number}.png", *key[2:])), replace(one, framed=None))
            asked = [viewer(f"/{number}.png", domain) for number in random.Random(7).choices(range(count), k=50_000)]
            costs = []
            for _ in range(4):
                began = time.thread_time()
                for data in asked:
                    connection.data_received(data)
                costs.append((time.thread_time() - began) / len(asked) * 1e6)
                await asyncio.sleep(0.2)
            print(f"a hit among {count:9,} objects, without sockets {min(costs[1:]):8.2f} µs")


class Nowhere(asyncio.Transport):
    """Takes answers and drops them."""

    def write(self, data: Any) -> None:
        pass

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        pass

    def is_closing(self) -> bool:
        return False


def create(port: int, only: Sequence[str] = ()) -> dict[str, str]:
    """A bucket and distributions in front of it; their domain names. `only` some of them, where they are named."""

    def client(service: str) -> Any:
        return boto3.client(
            service,
            endpoint_url=f"http://127.0.0.1:{port}",
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )

    s3, cloudfront, functions = client("s3"), client("cloudfront"), client("lambda")
    for bucket in ("bench-edge", "bench-logs"):
        s3.create_bucket(Bucket=bucket)
    for key, size in (("1k", 1024), ("100k", 102_400)):
        s3.put_object(Bucket="bench-edge", Key=key, Body=b"x" * size, ContentType="image/png")
    small = {}
    for event, code in (("viewer-request", FUNCTION), ("viewer-response", BEHIND)):
        made = cloudfront.create_function(
            Name=event, FunctionConfig={"Comment": "", "Runtime": "cloudfront-js-2.0"}, FunctionCode=code
        )
        cloudfront.publish_function(Name=event, IfMatch=made["ETag"])
        small[event] = {"EventType": event, "FunctionARN": made["FunctionSummary"]["FunctionMetadata"]["FunctionARN"]}
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as out:
        out.writestr("app.py", LAMBDA)
    version = functions.create_function(
        FunctionName="bench",
        Runtime="python3.13",
        Handler="app.handler",
        Role="arn:aws:iam::000000000000:role/bench",
        Code={"ZipFile": archive.getvalue()},
        Publish=True,
    )
    large = {
        "Quantity": 1,
        "Items": [{"EventType": "origin-request", "LambdaFunctionARN": f"{version['FunctionArn']}:1"}],
    }
    behaviours: dict[str, dict[str, Any]] = {
        "plain": {"CachePolicyId": OPTIMIZED},
        "logged": {"CachePolicyId": OPTIMIZED},
        "function": {"CachePolicyId": OPTIMIZED, "FunctionAssociations": _these(small["viewer-request"])},
        "behind": {"CachePolicyId": OPTIMIZED, "FunctionAssociations": _these(small["viewer-response"])},
        "both": {"CachePolicyId": OPTIMIZED, "FunctionAssociations": _these(*small.values())},
        "uncached": {"CachePolicyId": DISABLED},
        "lambda": {"CachePolicyId": DISABLED, "LambdaFunctionAssociations": large},
    }
    origin = {
        "Id": "o",
        "DomainName": "bench-edge.s3.us-east-1.amazonaws.com",
        "S3OriginConfig": {"OriginAccessIdentity": ""},
    }
    domains = {}
    for name, behaviour in behaviours.items():
        if only and name not in only:
            continue
        config = {
            "CallerReference": name,
            "Comment": "",
            "Enabled": True,
            "Origins": {"Quantity": 1, "Items": [origin]},
            "DefaultCacheBehavior": {"TargetOriginId": "o", "ViewerProtocolPolicy": "allow-all", **behaviour},
        }
        if name == "logged":
            config["Logging"] = {
                "Enabled": True,
                "IncludeCookies": False,
                "Bucket": "bench-logs.s3.amazonaws.com",
                "Prefix": "",
            }
        domains[name] = cloudfront.create_distribution(DistributionConfig=config)["Distribution"]["DomainName"]
    return domains


def _these(*items: Any) -> dict[str, Any]:
    return {"Quantity": len(items), "Items": list(items)}


if __name__ == "__main__":
    main()
