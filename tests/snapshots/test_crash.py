"""A platform that dies while it saves or loads opens again, with all of the old or all of the new."""

from __future__ import annotations

import contextlib
import http.client
import threading
import time
import urllib.request
from typing import Any

import pytest


def queues(killable: Any) -> list[str]:
    return [url.rpartition("/")[2] for url in killable.client("sqs").list_queues().get("QueueUrls", [])]


@pytest.mark.slow
def test_it_opens_after_a_kill_at_any_moment(killable: Any) -> None:
    killable.start()
    sqs, s3 = killable.client("sqs"), killable.client("s3")
    s3.create_bucket(Bucket="bucket")
    s3.put_object(Bucket="bucket", Key="k", Body=b"x" * 3_000_000)
    new = sqs.create_queue(QueueName="new")["QueueUrl"]
    with urllib.request.urlopen(f"{killable.url}/_kumoi/snapshot") as answer:
        archive = answer.read()
    sqs.delete_queue(QueueUrl=new)
    sqs.create_queue(QueueName="old")
    seen = set()
    for pause in (0.03, 0.12):

        def ask(method: str, body: bytes | None) -> None:
            connection = http.client.HTTPConnection(killable.url.removeprefix("http://"), timeout=60)
            with contextlib.suppress(OSError, http.client.HTTPException):
                connection.request(method, "/_kumoi/snapshot", body)
                connection.getresponse().read()
            connection.close()

        asked = [threading.Thread(target=ask, args=one) for one in (("GET", None), ("POST", archive))]
        for thread in asked:
            thread.start()
        time.sleep(pause)
        killable.kill()
        for thread in asked:
            thread.join()
        killable.start()
        [name] = queues(killable)
        seen.add(name)
        assert killable.client("s3").get_object(Bucket="bucket", Key="k")["ContentLength"] == 3_000_000
        assert not list(killable.data.glob("incoming")) and not list(killable.data.glob("saving/*"))
    assert seen <= {"old", "new"}
