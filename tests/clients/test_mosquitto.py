"""mosquitto_pub and mosquitto_sub: over plain TCP, over TLS with a certificate, 3.1.1 and 5, sessions and wills."""

from __future__ import annotations

import json
import shutil
import subprocess
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

pytestmark = pytest.mark.skipif(
    shutil.which("mosquitto_pub") is None, reason="mosquitto's clients are not installed (apt: mosquitto-clients)"
)


def run(program: str, *arguments: str) -> str:
    done = subprocess.run([program, *arguments], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def broker(kumoi: Any) -> list[str]:
    """Where the broker is, and whose account is meant."""
    where = urlsplit(kumoi.url)
    return ["-h", str(where.hostname), "-p", str(where.port), "-u", kumoi.account]


@pytest.mark.parametrize("version", ["mqttv311", "mqttv5"])
def test_what_is_published_is_heard(kumoi: Any, broker: list[str], version: str) -> None:
    said = [*broker, "-V", version]
    heard = subprocess.Popen(
        ["stdbuf", "-oL", "mosquitto_sub", *said, "-d", "-C", "2", "-q", "1", "-t", "farms/+/temp", "-F", "%t %q %p"],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert heard.stdout is not None
    for line in heard.stdout:
        if line.startswith("Subscribed"):
            break
    run("mosquitto_pub", *said, "-t", "farms/7/temp", "-q", "1", "-m", "21")
    run("mosquitto_pub", *said, "-t", "farms/7/hum", "-q", "1", "-m", "55")
    kumoi.client("iot-data").publish(topic="farms/8/temp", qos=1, payload=b"22")
    lines = heard.communicate(timeout=60)[0].splitlines()
    assert [line for line in lines if line.startswith("farms")] == ["farms/7/temp 1 21", "farms/8/temp 1 22"]


def test_retained_messages_and_sessions(broker: list[str]) -> None:
    run("mosquitto_pub", *broker, "-t", "state", "-r", "-m", "on")
    assert run("mosquitto_sub", *broker, "-t", "state", "-C", "1") == "on\n"
    session = [*broker, "-i", "meter", "-c", "-q", "1", "-t", "readings"]
    run("mosquitto_sub", *session, "-E")
    for number in range(5):
        run("mosquitto_pub", *broker, "-t", "readings", "-q", "1", "-m", str(number))
    assert run("mosquitto_sub", *session, "-C", "5").split() == ["0", "1", "2", "3", "4"]


def test_a_certificate_over_tls(kumoi: Any, tmp_path: Path) -> None:
    made = kumoi.client("iot").create_keys_and_certificate(setAsActive=True)
    with urllib.request.urlopen(f"{kumoi.url}/_kumoi/authority") as answer:
        (tmp_path / "ca.pem").write_text(json.load(answer)["pem"])
    (tmp_path / "cert.pem").write_text(made["certificatePem"])
    (tmp_path / "key.pem").write_text(made["keyPair"]["PrivateKey"])
    files = {"--cafile": "ca.pem", "--cert": "cert.pem", "--key": "key.pem"}
    said = [part for name, file in files.items() for part in (name, str(tmp_path / file))]
    where = ["-h", "localhost", "-p", str(urlsplit(kumoi.url).port)]
    run("mosquitto_pub", *where, *said, "--tls-alpn", "x-amzn-mqtt-ca", "-t", "mine", "-r", "-q", "1", "-m", "secret")
    found = kumoi.client("iot-data").get_retained_message(topic="mine")
    assert found["payload"] == b"secret"  # the certificate says whose account it is
    assert run("mosquitto_sub", *where, *said, "-t", "mine", "-C", "1") == "secret\n"


def refused(run_it: Callable[[], Any]) -> str:
    with pytest.raises(AssertionError) as error:
        run_it()
    return str(error.value)


def test_a_certificate_that_is_not_active_is_refused(kumoi: Any, tmp_path: Path) -> None:
    made = kumoi.client("iot").create_keys_and_certificate()
    (tmp_path / "cert.pem").write_text(made["certificatePem"])
    (tmp_path / "key.pem").write_text(made["keyPair"]["PrivateKey"])
    said = ["--cert", str(tmp_path / "cert.pem"), "--key", str(tmp_path / "key.pem"), "--insecure"]
    with urllib.request.urlopen(f"{kumoi.url}/_kumoi/authority") as answer:
        (tmp_path / "ca.pem").write_text(json.load(answer)["pem"])
    where = ["-h", "localhost", "-p", str(urlsplit(kumoi.url).port), "--cafile", str(tmp_path / "ca.pem")]
    assert "not authorised" in refused(lambda: run("mosquitto_pub", *where, *said, "-t", "a", "-q", "1", "-m", "b"))
