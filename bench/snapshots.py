"""A snapshot of 1 GB while the platform is written to: how long it takes, and how long writes wait meanwhile.

python bench/snapshots.py [megabytes]
"""

import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import boto3
from botocore.config import Config

from kumoi.cli.connection import Connection

SIZE = int(sys.argv[1]) if len(sys.argv) > 1 else 1000


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="chaos-bench-", dir=".") as folder:
        data = Path(folder) / "data"
        kumoi = [sys.executable, "-m", "kumoi"]
        subprocess.run([*kumoi, "up", "-d", "--port", "0", "--data", str(data)], check=True, stdout=subprocess.DEVNULL)
        try:
            measure(Connection.find(data), Path(folder) / "saved")
        finally:
            subprocess.run([*kumoi, "down", "--data", str(data)], check=True, stdout=subprocess.DEVNULL)


def cpu(connection: Connection) -> float:
    """Seconds of CPU that the platform has taken."""
    fields = Path(f"/proc/{connection.process()}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(connection: Connection, saved: Path) -> None:
    config = Config(max_pool_connections=8)
    given = {"region_name": "us-east-1", "aws_access_key_id": "test", "aws_secret_access_key": "test"}
    s3, dynamodb = (
        boto3.client(one, endpoint_url=connection.url, config=config, **given) for one in ("s3", "dynamodb")
    )
    s3.create_bucket(Bucket="bench")
    keys = {
        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
    }
    dynamodb.create_table(TableName="bench", BillingMode="PAY_PER_REQUEST", **keys)
    half, body = SIZE // 2, b"x" * 1_000_000
    for number in range(half):
        s3.put_object(Bucket="bench", Key=str(number), Body=body)
    for number in range(half * 1_000_000 // 380_000):
        item = {"id": {"S": str(number)}, "value": {"B": b"x" * 380_000}}
        dynamodb.put_item(TableName="bench", Item=item)
    waits: list[float] = []
    ended = threading.Event()

    def write() -> None:
        number = 0
        while not ended.is_set():
            began = time.perf_counter()
            dynamodb.put_item(TableName="bench", Item={"id": {"S": f"w{number % 100}"}})
            waits.append(time.perf_counter() - began)
            number += 1

    thread = threading.Thread(target=write)
    thread.start()
    ours, theirs, began = time.process_time(), cpu(connection), time.perf_counter()
    size = connection.download("snapshot", saved)
    taken = time.perf_counter() - began
    spent = time.process_time() - ours + cpu(connection) - theirs
    ended.set()
    thread.join()
    waits.sort()
    print(
        f"saved {size / 1e6:.0f} MB in {taken:.1f} s ({spent:.1f} s of CPU, writes included); {len(waits)} writes,"
        f" p50 {waits[len(waits) // 2] * 1e3:.1f} ms, p99 {waits[len(waits) * 99 // 100] * 1e3:.1f} ms,"
        f" longest {waits[-1] * 1e3:.0f} ms"
    )
    began = time.perf_counter()
    connection.upload("snapshot", saved)
    print(f"loaded in {time.perf_counter() - began:.1f} s")


if __name__ == "__main__":
    main()
