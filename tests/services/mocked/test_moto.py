"""Services that Kumoi lacks, with and without moto behind them."""

from __future__ import annotations

import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from kumoi.cli.connection import Connection

pytestmark = pytest.mark.slow
KUMOI = [sys.executable, "-m", "kumoi"]


def test_what_nobody_serves_is_an_error_that_says_so(kumoi: Any) -> None:
    with pytest.raises(ClientError) as refused:
        kumoi.client("codecommit").list_repositories()
    assert "does not serve 'CodeCommit_20150413'" in str(refused.value)


def test_moto_answers_what_kumoi_lacks(tmp_path: Path) -> None:
    up = [*KUMOI, "up", "-d", "--ephemeral", "--port", "0", "--data", str(tmp_path), "--moto"]
    subprocess.run(up, check=True, capture_output=True)
    try:
        connection = Connection.find(tmp_path)

        def client(service: str, account: str = "100000000001") -> Any:
            return boto3.client(
                service,
                endpoint_url=connection.url,
                region_name="eu-west-1",
                aws_access_key_id=account,
                aws_secret_access_key="test",
            )

        repositories = client("codecommit")
        made = repositories.create_repository(repositoryName="example")
        assert made["ResponseMetadata"]["HTTPHeaders"]["x-kumoi-mocked"] == "moto"
        assert made["repositoryMetadata"]["Arn"] == "arn:aws:codecommit:eu-west-1:100000000001:example"
        told = repositories.get_repository(repositoryName="example")["repositoryMetadata"]
        assert told["repositoryName"] == "example"
        assert client("servicediscovery", "100000000002").list_namespaces()["Namespaces"] == []
        spaces = client("servicediscovery")
        spaces.create_http_namespace(Name="example.com")
        assert [one["Name"] for one in spaces.list_namespaces()["Namespaces"]] == ["example.com"]
        for ours in (client("sqs").create_queue(QueueName="ours"), client("kms").create_key()):
            assert "x-kumoi-mocked" not in ours["ResponseMetadata"]["HTTPHeaders"]
        hops = connection.ask("GET", "hops", limit="100")["hops"]
        targets = {hop["target"] for hop in hops}
        assert {"mocked:CodeCommit_20150413", "mocked:Route53AutoNaming_v20170314"} <= targets, targets
        assert "moto" in connection.ask("GET", "info")["mocked"]
        signed = {
            "Authorization": "AWS4-HMAC-SHA256 Credential=100000000002/20260101/eu-west-1/codecommit/aws4_request, "
            "SignedHeaders=host, Signature=0"
        }
        for path in ("/moto-api/reset", "/%6doto-api/reset", "//moto-api/reset", "/_kumoi/mocked/"):
            request = urllib.request.Request(connection.url + path, method="POST", headers=signed)
            with pytest.raises(urllib.error.HTTPError) as refused:
                urllib.request.urlopen(request)
            with refused.value as answer:
                assert answer.code == 404
        assert len(spaces.list_namespaces()["Namespaces"]) == 1
        connection.ask("POST", "reset")
        assert spaces.list_namespaces()["Namespaces"] == []
    finally:
        subprocess.run([*KUMOI, "down", "--data", str(tmp_path)], check=True, capture_output=True)
