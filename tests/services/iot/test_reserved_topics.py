"""Topics that begin with `$`: clients publish where a service is asked, and never what a service says."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from kumoi.services.iot.reserved_topics import publishable

SHADOW = "$aws/things/pump/shadow"
ASKED = [
    "farms/$1/temp",
    "$aws/rules/r",
    "$aws/rules/r/farms/9",
    f"{SHADOW}/get",
    f"{SHADOW}/update",
    f"{SHADOW}/name/config/delete",
    "$aws/things/pump/jobs/get",
    "$aws/things/pump/jobs/$next/get",
    "$aws/things/pump/jobs/j/update",
    "$aws/things/pump/defender/metrics/cbor",
    "$aws/things/pump/streams/s/get/json",
    "$aws/commands/things/pump/executions/e/response/json",
    "$aws/certificates/create-from-csr/json",
    "$aws/provisioning-templates/fleet/provision/cbor",
]
SAID = [
    "$mine/x",
    "$SYS/load",
    "$aws/rules/",
    f"{SHADOW}/update/accepted",
    f"{SHADOW}/update/delta",
    f"{SHADOW}/name/config/get/rejected",
    f"{SHADOW}/name/a/b/update",
    "$aws/things/pump/jobs/notify",
    "$aws/things/pump/jobs/j/update/accepted",
    "$aws/events/presence/connected/pump",
    "$aws/certificates/create/json/accepted",
]


@pytest.mark.parametrize("topic", ASKED)
def test_what_asks_a_service_is_published(topic: str) -> None:
    assert publishable(topic)


@pytest.mark.parametrize("topic", SAID)
def test_what_a_service_says_is_not(topic: str) -> None:
    assert not publishable(topic)


def test_no_client_says_what_a_shadow_would(kumoi: Any, device: Any) -> None:
    accepted = f"{SHADOW}/update/accepted"
    watcher, forger = device("watcher"), device("forger")
    watcher.connect()
    watcher.subscribe(f"{SHADOW}/update/+")
    forger.connect()
    forger.client.publish(accepted, b"forged", 1)
    forger.ended.get(timeout=60)
    with pytest.raises(ClientError, match="reserved") as refused:
        kumoi.client("iot-data").publish(topic=accepted, payload=b"forged")
    assert refused.value.response["Error"]["Code"] == "InvalidRequestException"
    kumoi.client("iot-data").update_thing_shadow(thingName="pump", payload=b'{"state": {}}')
    assert watcher.get().payload.startswith(b'{"state"')
