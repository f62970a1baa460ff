"""A device of the broker's tests: paho, with its messages in a queue."""

from __future__ import annotations

import contextlib
import queue
import socket
import ssl
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import paho.mqtt.client as paho
import pytest
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties


class Device:
    """A client whose messages wait in a queue."""

    def __init__(self, url: str, account: str, client_id: str, *, version: int = 4, clean: bool = True, **more: Any):
        self.messages: queue.Queue[Any] = queue.Queue()
        self.ended: queue.Queue[Any] = queue.Queue()
        self._connected: queue.Queue[Any] = queue.Queue()
        self._subscribed: queue.Queue[Any] = queue.Queue()
        self.host, self.port = urlsplit(url).hostname or "", urlsplit(url).port or 0
        self._version, self._clean = version, clean
        given = {"clean_session": clean} if version == 4 else {}
        transport = more.pop("transport", "tcp")
        self.client = paho.Client(
            paho.CallbackAPIVersion.VERSION2,
            client_id,
            protocol=version,
            transport=transport,
            reconnect_on_failure=False,
            **given,
        )
        self.client.username_pw_set(account)
        self.client.on_message = lambda client, data, message: self.messages.put(message)
        self.client.on_connect = lambda client, data, flags, reason, properties: self._connected.put((flags, reason))
        self.client.on_subscribe = lambda client, data, mid, reasons, properties: self._subscribed.put(reasons)
        self.client.on_disconnect = lambda client, data, flags, reason, properties: self.ended.put(reason)
        for name, value in more.items():
            getattr(self.client, name)(*value)

    def connect(self, expiry: int | None = None, at_a_time: int | None = None) -> bool:
        """Connect; whether a session was there. `at_a_time` bounds the messages that wait to be acknowledged."""
        more: dict[str, Any] = {}
        if self._version == 5:
            more["clean_start"] = self._clean
            if expiry is not None:
                more["properties"] = Properties(PacketTypes.CONNECT)
                more["properties"].SessionExpiryInterval = expiry
                if at_a_time is not None:
                    more["properties"].ReceiveMaximum = at_a_time
        flags, reason = self._greeted(**more)
        assert reason == 0, reason
        return bool(flags.session_present)

    def refusal(self) -> int:
        """Connect, and be refused: MQTT 5's reason code."""
        _, reason = self._greeted()
        return int(reason.value)

    def _greeted(self, **more: Any) -> tuple[Any, Any]:
        self.client.connect(self.host, self.port, 60, **more)
        self.client.loop_start()
        flags, reason = self._connected.get(timeout=60)
        return flags, reason

    def is_cut_off(self) -> bool:
        """Connect; whether the connection ends without an answer."""
        with contextlib.suppress(ssl.SSLError):  # TLS 1.3 tells a client when it has finished its handshake
            self.client.connect(self.host, self.port)
            self.client.loop_start()
            self.ended.get(timeout=60)
        return self._connected.empty()

    def subscribe(self, *filters: str, qos: int = 1) -> list[int]:
        self.client.subscribe([(one, qos) for one in filters])
        return [reason.value for reason in self._subscribed.get(timeout=60)]

    def publish(self, topic: str, payload: Any, qos: int = 1, **more: Any) -> None:
        self.client.publish(topic, payload, qos, **more).wait_for_publish(60)

    def get(self) -> Any:
        return self.messages.get(timeout=60)

    def drop(self) -> None:
        """Lose the connection without a word."""
        found = self.client.socket()
        assert found is not None
        found.shutdown(socket.SHUT_RDWR)
        self.client.loop_stop()

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


@pytest.fixture(scope="session")
def device_type() -> type[Device]:
    """The class of devices: each is made with a platform's URL, an account and a client id."""
    return Device


@pytest.fixture
def device(kumoi: Any, device_type: type[Any]) -> Iterator[Callable[..., Any]]:
    """Clients of the platform, closed at the end."""
    made: list[Any] = []

    def connect(client_id: str = "d", **more: Any) -> Any:
        made.append(device_type(kumoi.url, kumoi.account, client_id, **more))
        return made[-1]

    yield connect
    for one in made:
        one.close()
