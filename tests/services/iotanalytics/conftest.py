"""boto3 clients of IoT Analytics: botocore gets the model back from our own declaration."""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import boto3
import botocore.session
import pytest
from botocore.config import Config

from kumoi.cli.sdk import install


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of models that botocore's loader takes, as `kumoi sdk install` makes one."""
    folder = tmp_path_factory.mktemp("models")
    install("iotanalytics", folder)
    return folder


@pytest.fixture
def connect(models: Path) -> Callable[..., Any]:
    """A client of a service at a URL, with the models that botocore lacks."""

    def make(service: str, url: str, account: str, **config: Any) -> Any:
        found = botocore.session.Session()
        found.set_config_variable("data_path", str(models))
        return boto3.Session(botocore_session=found).client(
            service,
            endpoint_url=url,
            region_name="us-east-1",
            aws_access_key_id=account,
            aws_secret_access_key="test",
            config=Config(retries={"total_max_attempts": 1}, **config),
        )

    return make


@pytest.fixture
def client(kumoi: Any, connect: Callable[..., Any]) -> Any:
    made = connect("iotanalytics", kumoi.url, kumoi.account)
    yield made
    made.close()


@pytest.fixture
def unchecked(kumoi: Any, connect: Callable[..., Any]) -> Any:
    """A client that sends whatever it is given."""
    made = connect("iotanalytics", kumoi.url, kumoi.account, parameter_validation=False)
    yield made
    made.close()


@pytest.fixture
def pipeline(client: Any) -> Callable[..., None]:
    """A channel, a data store and a pipeline between them, all of one name, with some activities."""

    def make(*activities: dict[str, Any], name: str = "p", tags: dict[str, str] | None = None, **store: Any) -> None:
        client.create_channel(channelName=name)
        client.create_datastore(datastoreName=name, **store)
        kinds: list[tuple[str, dict[str, Any]]] = [("channel", {"channelName": name})]
        kinds += [next(iter(one.items())) for one in activities]
        kinds.append(("datastore", {"datastoreName": name}))
        chain = [
            {kind: {"name": f"a{n}", **({"next": f"a{n + 1}"} if n + 1 < len(kinds) else {}), **settings}}
            for n, (kind, settings) in enumerate(kinds)
        ]
        more = {"tags": [{"key": key, "value": value} for key, value in tags.items()]} if tags else {}
        client.create_pipeline(pipelineName=name, pipelineActivities=chain, **more)

    return make


@pytest.fixture
def put(client: Any) -> Callable[..., None]:
    """Put messages into a channel, a hundred at a time."""

    def messages(given: Iterable[Any], channel: str = "p") -> None:
        payloads = [one if isinstance(one, bytes) else json.dumps(one).encode() for one in given]
        for at in range(0, len(payloads), 100):
            batch = [{"messageId": str(n), "payload": one} for n, one in enumerate(payloads[at : at + 100])]
            answer = client.batch_put_message(channelName=channel, messages=batch)
            assert answer["batchPutMessageErrorEntries"] == []

    return messages


def wait_for(condition: Callable[[], Any], what: str) -> Any:
    deadline = time.monotonic() + 60
    while not (found := condition()):
        assert time.monotonic() < deadline, what
        time.sleep(0.02)
    return found


@pytest.fixture
def until() -> Callable[[Callable[[], Any], str], Any]:
    """Wait until a condition holds; its value."""
    return wait_for


@pytest.fixture
def count(client: Any) -> Callable[[], int]:
    """How many rows a store has."""
    made: set[str] = set()

    def rows(store: str = "p") -> int:
        name = f"count_of_{store}"
        if store not in made:
            sql = f"SELECT CAST(count(*) AS VARCHAR) AS n FROM {store}"
            client.create_dataset(datasetName=name, actions=[{"actionName": "q", "queryAction": {"sqlQuery": sql}}])
            made.add(store)
        version = client.create_dataset_content(datasetName=name)["versionId"]

        def ended() -> Any:
            answer = client.get_dataset_content(datasetName=name, versionId=version)
            return answer if answer["status"]["state"] != "CREATING" else None

        answer = wait_for(ended, "the rows were not counted")
        with urllib.request.urlopen(answer["entries"][0]["dataURI"], timeout=60) as content:
            return int(content.read().decode().splitlines()[1].strip('"'))

    return rows
