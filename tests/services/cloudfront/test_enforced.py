"""Origin access where policies are enforced: a bucket's policy lets one distribution in, or nobody."""

from __future__ import annotations

import asyncio
import http.client
import json
from collections.abc import Callable
from typing import Any

import boto3
from botocore.config import Config as BotoConfig

from kumoi.platform import Platform, Settings

Config = Callable[..., dict[str, Any]]


def test_a_bucket_lets_one_distribution_in(config: Config) -> None:
    async def run() -> None:
        async with Platform(Settings(port=0, auth="enforce")) as platform:
            await asyncio.to_thread(_check, platform.url, platform.port, config)

    asyncio.run(run())


def _check(url: str, port: int, config: Config) -> None:
    clients = [
        boto3.client(
            service,
            endpoint_url=url,
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=BotoConfig(retries={"total_max_attempts": 1}),
        )
        for service in ("s3", "cloudfront")
    ]
    s3, cloudfront = clients
    try:
        s3.create_bucket(Bucket="private")
        s3.put_object(Bucket="private", Key="a.txt", Body=b"text")
        control = cloudfront.create_origin_access_control(
            OriginAccessControlConfig={
                "Name": "c",
                "SigningProtocol": "sigv4",
                "SigningBehavior": "always",
                "OriginAccessControlOriginType": "s3",
            }
        )["OriginAccessControl"]["Id"]
        domains, ids = [], []
        for access in (control, control, ""):
            given = config("private.s3.us-east-1.amazonaws.com")
            given["Origins"]["Items"][0]["OriginAccessControlId"] = access
            made = cloudfront.create_distribution(DistributionConfig=given)["Distribution"]
            domains.append(made["DomainName"])
            ids.append(made["ARN"])
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": "cloudfront.amazonaws.com"},
            "Action": "s3:GetObject",
            "Resource": "arn:aws:s3:::private/*",
            "Condition": {"StringEquals": {"AWS:SourceArn": ids[0]}},
        }
        policy = {"Version": "2012-10-17", "Statement": [statement]}
        s3.put_bucket_policy(Bucket="private", Policy=json.dumps(policy))
        assert [_status(port, domain) for domain in domains] == [200, 403, 403]
    finally:
        for client in clients:
            client.close()


def _status(port: int, domain: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request("GET", "/a.txt", headers={"Host": domain})
        return connection.getresponse().status
    finally:
        connection.close()
