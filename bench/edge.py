"""CloudFront: hits with and without functions, misses to a bucket, against the same bucket asked directly.

    scripts/bench edge

What counts is the server's CPU a request. Where nginx is installed, its cache answers the same 1 KB in the same run.
"""

from __future__ import annotations

import io
import os
import random
import shutil
import time
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import boto3
from invoke import kumoi, show
from load import free_port, request, server

from kumoi.services.cloudfront.edge.store import CachedObject, Store

OPTIMIZED, DISABLED = "658327ea-f89d-4fab-a63d-7e88639e58f6", "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
FUNCTION = b"""function handler(event) {
    const request = event.request;
    if (request.uri.endsWith('/')) request.uri += 'index.html';
    request.headers['x-group'] = { value: request.cookies.group ? request.cookies.group.value : 'a' };
    return request;
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


def main() -> None:
    lookups()
    port = free_port()
    with TemporaryDirectory() as data, server(kumoi(port, data), port) as (pid, _ready):
        domains = create(port)
        for name, key, count in (
            ("S3 GetObject, 1 KB", None, 4000),
            ("hit, 1 KB", "plain", 8000),
            ("hit, function at viewer-request", "function", 4000),
            ("miss to the bucket, 1 KB", "uncached", 3000),
            ("miss, Lambda@Edge at origin-request", "lambda", 1500),
        ):
            path = "/bench-edge/1k" if key is None else "/1k"
            host = SIGNED if key is None else {"Host": domains[key]}
            show(name, port, request("GET", path, headers=host), count, 8, pid)
        show("hit, 100 KB", port, request("GET", "/100k", headers={"Host": domains["plain"]}), 3000, 8, pid)
        if nginx := shutil.which("nginx"):
            with TemporaryDirectory() as folder:
                own, config = free_port(), Path(folder) / "nginx.conf"
                user = "user root;" if os.geteuid() == 0 else ""  # or its worker may not write below the folder
                origin = f"http://127.0.0.1:{port}/_kumoi/cloudfront/{domains['plain'].partition('.')[0]}"
                config.write_text(NGINX.format(root=folder, port=own, origin=origin, user=user))
                with server([nginx, "-c", str(config), "-p", folder], own) as (other, _ready):
                    show("nginx, hit, 1 KB", own, request("GET", "/1k"), 8000, 8, other)


def lookups() -> None:
    """What it costs to find an object among few and among many, each asked for in an order that no cache foresees."""
    for count in (1_000, 1_000_000):
        store = Store(capacity=1 << 40)
        wheres = [
            ("IAD89-P1", "E2QWRUHAPOMQZL", ("GET", f"/pictures/{number}.png", "?", "")) for number in range(count)
        ]
        for where in wheres:
            store.put(where, CachedObject(200, [("Content-Type", "image/png")], b"x" * 64, "", 0, 9, 9, None, 0, ()))
        order = random.Random(7).choices(wheres, k=200_000)
        began = time.process_time()
        for where in order:
            store.get(where)
        print(f"finding one of {count:9,} objects          {(time.process_time() - began) / len(order) * 1e6:8.2f} µs")


def create(port: int) -> dict[str, str]:
    """A bucket and distributions in front of it; their domain names."""

    def client(service: str) -> Any:
        return boto3.client(
            service,
            endpoint_url=f"http://127.0.0.1:{port}",
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )

    s3, cloudfront, functions = client("s3"), client("cloudfront"), client("lambda")
    s3.create_bucket(Bucket="bench-edge")
    for key, size in (("1k", 1024), ("100k", 102_400)):
        s3.put_object(Bucket="bench-edge", Key=key, Body=b"x" * size, ContentType="image/png")
    made = cloudfront.create_function(
        Name="bench", FunctionConfig={"Comment": "", "Runtime": "cloudfront-js-2.0"}, FunctionCode=FUNCTION
    )
    cloudfront.publish_function(Name="bench", IfMatch=made["ETag"])
    arn = made["FunctionSummary"]["FunctionMetadata"]["FunctionARN"]
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
    small = {"Quantity": 1, "Items": [{"EventType": "viewer-request", "FunctionARN": arn}]}
    large = {
        "Quantity": 1,
        "Items": [{"EventType": "origin-request", "LambdaFunctionARN": f"{version['FunctionArn']}:1"}],
    }
    behaviours: dict[str, dict[str, Any]] = {
        "plain": {"CachePolicyId": OPTIMIZED},
        "function": {"CachePolicyId": OPTIMIZED, "FunctionAssociations": small},
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
        config = {
            "CallerReference": name,
            "Comment": "",
            "Enabled": True,
            "Origins": {"Quantity": 1, "Items": [origin]},
            "DefaultCacheBehavior": {"TargetOriginId": "o", "ViewerProtocolPolicy": "allow-all", **behaviour},
        }
        domains[name] = cloudfront.create_distribution(DistributionConfig=config)["Distribution"]["DomainName"]
    return domains


if __name__ == "__main__":
    main()
