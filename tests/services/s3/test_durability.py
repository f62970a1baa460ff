"""What was answered outlives kill -9; large objects stream in little memory."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import os
import random
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

pytestmark = pytest.mark.slow

ROUNDS = 3
MB = 1024**2


def start(data: Path, port: int) -> subprocess.Popen[bytes]:
    ports = ["--port", str(port), "--xray-port", "0"]
    process = subprocess.Popen([sys.executable, "-m", "kumoi", "up", *ports, "--data", str(data)])
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/_kumoi/health", timeout=1):
                return process
        except OSError:
            assert process.poll() is None, "the platform ended while starting"
            time.sleep(0.02)
    raise AssertionError("the platform did not answer within 120 s")


@contextmanager
def client(port: int) -> Iterator[Any]:
    opened = boto3.client(
        "s3",
        endpoint_url=f"http://127.0.0.1:{port}",
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(retries={"total_max_attempts": 1}, connect_timeout=60, read_timeout=60),
    )
    try:
        yield opened
    finally:
        opened.close()


def body(number: int) -> bytes:
    """Small ones lie in state, every third one in a blob."""
    return hashlib.sha256(str(number).encode()).digest() * (1000 if number % 3 == 0 else 10)


def write(port: int, answered: dict[str, str], round_number: int) -> None:
    with client(port) as s3:
        for number in range(10_000):
            key = f"{round_number}/{number % 40}"
            try:
                answered_etag = s3.put_object(Bucket="bucket", Key=key, Body=body(number))["ETag"]
            except (BotoCoreError, ClientError, OSError):
                return
            answered[key] = answered_etag


def check(port: int, answered: dict[str, str]) -> None:
    """Every object is whole; what was answered is there, or what came after it on its way when the platform died."""
    with client(port) as s3:
        listed = {
            one["Key"]: one["ETag"]
            for page in s3.get_paginator("list_objects_v2").paginate(Bucket="bucket")
            for one in page.get("Contents", [])
        }
        assert listed.keys() >= answered.keys()
        differing = 0
        for key, etag in listed.items():
            content = s3.get_object(Bucket="bucket", Key=key)["Body"].read()
            assert etag == f'"{hashlib.md5(content).hexdigest()}"'
            differing += answered.get(key) != etag
        assert differing <= ROUNDS  # each round's last write may be there unanswered
        answered.update(listed)


def test_what_was_answered_outlives_kill_9_and_is_replicated(tmp_path: Path, port: int, at_work: Any) -> None:
    rng, answered = random.Random(9000), dict[str, str]()
    process = start(tmp_path, port)
    with client(port) as s3:
        for bucket in ("bucket", "copy"):
            s3.create_bucket(Bucket=bucket)
            s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
        rule = {"ID": "all", "Prefix": "", "Status": "Enabled", "Destination": {"Bucket": "arn:aws:s3:::copy"}}
        replicated = {"Role": "arn:aws:iam::000000000000:role/r", "Rules": [rule]}
        s3.put_bucket_replication(Bucket="bucket", ReplicationConfiguration=replicated)
    for round_number in range(ROUNDS):
        writer = threading.Thread(target=write, args=(port, answered, round_number))
        writer.start()
        at_work(writer, answered)
        time.sleep(rng.uniform(0.1, 0.6))  # the moment of the crash is the point of this test
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        writer.join()
        process = start(tmp_path, port)
        check(port, answered)
    check_replicas(port)
    process.terminate()
    assert process.wait(300) == 0
    assert len(answered) > ROUNDS


def check_replicas(port: int) -> None:
    """Every version comes to the copy, in its place."""
    with client(port) as s3:
        pages = s3.get_paginator("list_object_versions")

        def versions(bucket: str) -> list[tuple[str, str, str]]:
            found = [one for page in pages.paginate(Bucket=bucket) for one in page.get("Versions", [])]
            return [(one["Key"], one["VersionId"], one["ETag"]) for one in found]

        written, deadline = versions("bucket"), time.monotonic() + 60
        while len(copied := versions("copy")) < len(written):
            assert time.monotonic() < deadline, "not everything was replicated"
            time.sleep(0.05)
        assert copied == written
        content = s3.get_object(Bucket="copy", Key=written[0][0])["Body"].read()
        assert written[0][2] == f'"{hashlib.md5(content).hexdigest()}"'


def resident(pid: int) -> int:
    """Bytes of a process's resident memory."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) * 1024


def test_large_objects_stream_in_little_memory(tmp_path: Path, port: int) -> None:
    size, piece = 512 * MB, os.urandom(MB)
    process = start(tmp_path, port)
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("PUT", "/bucket")
    assert connection.getresponse().read() == b""
    before, most = resident(process.pid), 0
    connection.putrequest("PUT", "/bucket/large")
    connection.putheader("Content-Length", str(size))
    connection.endheaders()
    for _ in range(size // MB):
        connection.send(piece)
        most = max(most, resident(process.pid))
    answer = connection.getresponse()
    assert (answer.status, answer.read()) == (200, b"")
    connection.request("GET", "/bucket/large")
    answer = connection.getresponse()
    for _ in range(size // MB):
        assert answer.read(MB) == piece
        most = max(most, resident(process.pid))
    assert most - before < 64 * MB
    connection.close()
    process.terminate()
    assert process.wait(300) == 0


def test_no_file_is_left_of_what_is_gone(tmp_path: Path, port: int) -> None:
    process = start(tmp_path, port)
    with client(port) as s3:
        named = {"Bucket": "bucket", "Key": "parts"}
        s3.create_bucket(Bucket="bucket")
        for _ in range(2):
            s3.put_object(Bucket="bucket", Key="k", Body=b"x" * MB)
        s3.copy_object(Bucket="bucket", Key="copy", CopySource="bucket/k")
        given_up = s3.create_multipart_upload(**named)["UploadId"]
        s3.upload_part(**named, UploadId=given_up, PartNumber=1, Body=b"y" * MB)
        s3.abort_multipart_upload(**named, UploadId=given_up)
        done = s3.create_multipart_upload(**named)["UploadId"]
        for body in (b"1" * MB, b"2" * MB):  # the second takes the first one's place
            part = s3.upload_part(**named, UploadId=done, PartNumber=1, Body=body)
        listed = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
        s3.complete_multipart_upload(**named, UploadId=done, MultipartUpload=listed)
        advance(port)
        assert len(blobs(tmp_path)) == 2  # of k with its copy, and of the part
        for key in ("k", "parts"):
            s3.delete_object(Bucket="bucket", Key=key)
        advance(port)
        assert s3.get_object(Bucket="bucket", Key="copy")["Body"].read() == b"x" * MB
        s3.delete_object(Bucket="bucket", Key="copy")
        for _ in range(2):  # a manifest's parts are released when it is removed
            advance(port)
        assert blobs(tmp_path) == []
        left = s3.create_multipart_upload(**named)["UploadId"]
        s3.upload_part(**named, UploadId=left, PartNumber=1, Body=b"z" * MB)
        s3.delete_bucket(Bucket="bucket")  # uploads under way do not keep it
        for _ in range(2):
            advance(port)
        assert blobs(tmp_path) == []
    process.terminate()
    assert process.wait(300) == 0


def advance(port: int) -> None:
    """Move the platform's clock an hour on; what falls due is done then."""
    body = b'{"action": "advance", "seconds": 3600}'
    request = urllib.request.Request(f"http://127.0.0.1:{port}/_kumoi/clock", body, method="POST")
    with urllib.request.urlopen(request) as answer:
        assert answer.status == 200


def blobs(data: Path) -> list[Path]:
    return [path for path in (data / "blobs").rglob("*") if path.is_file()]


def test_lifecycle_rules_go_on_after_kill_9(killable: Any) -> None:
    killable.start()
    s3 = killable.client("s3")
    s3.create_bucket(Bucket="bucket")
    for number in range(400):
        s3.put_object(Bucket="bucket", Key=f"{number:04}", Body=b"x" * (20_000 if number % 40 == 0 else 10))
    rules = [{"ID": "r", "Status": "Enabled", "Filter": {}, "Expiration": {"Days": 1}}]
    s3.put_bucket_lifecycle_configuration(Bucket="bucket", LifecycleConfiguration={"Rules": rules})
    days = threading.Thread(target=pass_days_until_killed, args=(killable.port,))
    days.start()
    while s3.list_objects_v2(Bucket="bucket", MaxKeys=1)["Contents"][0]["Key"] == "0000":
        pass
    killable.kill()  # the round has begun, and 400 objects are many pages
    days.join()
    killable.start()
    left = len(s3.list_objects_v2(Bucket="bucket")["Contents"])
    assert 0 < left < 400
    pass_days(killable.port)  # the clock is today's again
    assert "Contents" not in s3.list_objects_v2(Bucket="bucket")
    advance(killable.port)
    assert blobs(killable.data) == []


def pass_days(port: int) -> None:
    for _ in range(72):
        advance(port)


def pass_days_until_killed(port: int) -> None:
    with contextlib.suppress(OSError, http.client.HTTPException):
        pass_days(port)


def test_what_broke_off_is_swept(killable: Any) -> None:
    killable.start()
    s3 = killable.client("s3")
    s3.create_bucket(Bucket="bucket")
    s3.put_object(Bucket="bucket", Key="k", Body=b"kept" * MB)
    s3.copy_object(Bucket="bucket", Key="copy", CopySource="bucket/k")
    upload = s3.create_multipart_upload(Bucket="bucket", Key="parts")["UploadId"]
    s3.upload_part(Bucket="bucket", Key="parts", UploadId=upload, PartNumber=1, Body=b"part" * MB)
    connection = http.client.HTTPConnection("127.0.0.1", killable.port, timeout=60)
    connection.putrequest("PUT", "/bucket/broken")
    connection.putheader("Content-Length", str(9 * MB))
    connection.endheaders(b"x" * MB)
    temporary = killable.data / "blobs" / "s3" / "tmp"
    while not list(temporary.iterdir()):
        pass  # until the first bytes have arrived
    killable.kill()
    connection.close()
    in_use = {path for path in blobs(killable.data) if path.parent != temporary}
    orphan = temporary.parent / "ab" / "cd" / f"abcd{'0' * 28}"
    orphan.parent.mkdir(parents=True)
    orphan.write_bytes(b"no object of these bytes was ever written")
    query = killable.data / "s3-select" / "query"
    query.mkdir(parents=True)
    killable.start()
    advance(killable.port)
    assert len(blobs(killable.data)) == len(in_use) + 2  # the young ones may be on their way
    for path in [*blobs(killable.data), query]:
        os.utime(path, (0, 0))
    for _ in range(25):
        advance(killable.port)
    assert set(blobs(killable.data)) == in_use
    assert not query.exists()
    assert len(in_use) == 2
    assert s3.get_object(Bucket="bucket", Key="copy")["Body"].read() == b"kept" * MB
