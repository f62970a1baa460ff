"""A platform that is killed while messages come in: those that were acknowledged are in the store, each once."""

from __future__ import annotations

import csv
import io
import json
import threading
import urllib.request
from collections.abc import Callable
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

ROUNDS = 2


def test_acknowledged_messages_are_stored_once_though_the_platform_is_killed(
    killable: Any, connect: Callable[..., Any], until: Callable[..., Any]
) -> None:
    killable.start()
    client = connect("iotanalytics", killable.url, "test")
    client.create_channel(channelName="c")
    client.create_datastore(datastoreName="d")
    activities = [
        {"channel": {"name": "in", "channelName": "c", "next": "f"}},
        {"filter": {"name": "f", "filter": "n >= 0", "next": "out"}},
        {"datastore": {"name": "out", "datastoreName": "d"}},
    ]
    client.create_pipeline(pipelineName="p", pipelineActivities=activities)
    sql = "SELECT n, count(*) AS times FROM d GROUP BY n"
    client.create_dataset(datasetName="s", actions=[{"actionName": "q", "queryAction": {"sqlQuery": sql}}])
    sent, acknowledged = 0, set()
    for _ in range(ROUNDS):
        enough = threading.Event()

        def kill(enough: threading.Event = enough) -> None:
            enough.wait(20)
            killable.kill()

        killer = threading.Thread(target=kill)
        killer.start()
        batches = 0
        while killer.is_alive():
            numbers = range(sent, sent + 20)
            sent += 20
            messages = [{"messageId": str(n), "payload": json.dumps({"n": n}).encode()} for n in numbers]
            try:
                client.batch_put_message(channelName="c", messages=messages)
            except (BotoCoreError, ClientError):
                break
            acknowledged |= set(numbers)
            batches += 1
            if batches == 15:
                enough.set()
        enough.set()
        killer.join()
        killable.start()

    def found() -> Any:
        version = client.create_dataset_content(datasetName="s")["versionId"]

        def ended() -> Any:
            answer = client.get_dataset_content(datasetName="s", versionId=version)
            return answer if answer["status"]["state"] != "CREATING" else None

        answer = until(ended, "no content")
        if answer["status"]["state"] == "FAILED":
            assert "not found in FROM" in answer["status"]["reason"]  # the rows are on their way
            return None
        with urllib.request.urlopen(answer["entries"][0]["dataURI"], timeout=10) as content:
            rows = list(csv.reader(io.StringIO(content.read().decode())))[1:]
        times = {int(n): int(count) for n, count in rows}
        return times if acknowledged <= times.keys() else None

    times = until(found, "messages were lost")
    assert set(times.values()) == {1}
    client.close()
