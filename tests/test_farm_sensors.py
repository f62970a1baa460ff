"""The example `farm-sensors`: a file for each sensor, a picture for each farm."""

from __future__ import annotations

import base64
import json
import os
import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from kumoi.cli import main
from kumoi.cli.sdk import install

EXAMPLE = Path(__file__).resolve().parent.parent / "examples/farm-sensors/farm_sensors.py"


@pytest.mark.kumoi_clock
@pytest.mark.filterwarnings("ignore::ResourceWarning")  # boto3.client of the example has no close
def test_every_sensor_gets_a_file_and_every_farm_a_picture(
    kumoi: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in kumoi.environment.items():
        monkeypatch.setenv(name, value)
    install("iotanalytics", tmp_path)
    monkeypatch.setenv("AWS_DATA_PATH", str(tmp_path))
    monkeypatch.setattr("boto3.DEFAULT_SESSION", None)
    monkeypatch.setenv("KUMOI_DATA", str(tmp_path))  # no platform of the machine's is meant
    example: dict[str, Callable[..., Any]] = runpy.run_path(str(EXAMPLE))
    bucket = example["deploy"]()
    messages = example["readings"](kumoi.now().timestamp())
    example["publish"](example["register"](), messages)
    example["stored"](example["plausible"](message for _, message in messages))
    kumoi.advance("1h")
    files = example["delivered"](bucket, "readings/", 12)
    assert set(files) == {f"readings/farm{farm}/s{farm}{sensor}.csv" for farm in range(3) for sensor in range(4)}
    first, *lines = files["readings/farm0/s00.csv"].decode().splitlines()
    assert first == '"at","temp","hum","anomaly"'
    assert len(lines) == 50
    assert lines[0].split(",")[1:] == ['"15.555555555555555"', '"75.0"', '"false"']
    assert [number for number, line in enumerate(lines) if line.endswith('"true"')] == [25]
    calibrated = files["readings/farm0/s02.csv"].decode().splitlines()[1].split(",")[1]
    assert float(calibrated.strip('"')) == pytest.approx((64 - 32) * 5 / 9 + 0.2)
    assert len(files["readings/farm2/s23.csv"].splitlines()) == 1 + 30  # until the battery is low
    pictures = example["delivered"](bucket, "pictures/", 3)
    assert set(pictures) == {f"pictures/farm{farm}.svg" for farm in range(3)}
    assert all(b"1 out of line</text>" in content for content in pictures.values())
    (unreadable,) = kumoi.client("iotanalytics").sample_channel_data(channelName="unreadable")["payloads"]
    assert base64.b64decode(json.loads(unreadable)["payloadBase64"]) == b"static"
    sheets(kumoi, example["weights"](farm for farm, _ in messages), tmp_path / "costs", monkeypatch)


def sheets(kumoi: Any, weights: dict[str, int], target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every farm gets a cost sheet: a third of the whole, most of which are the messages."""
    assert weights == {f"farm{farm}": 200 for farm in range(3)}
    monkeypatch.setenv("KUMOI_URL", kumoi.url)
    given = [f"--split={name}={weight}" for name, weight in weights.items()]
    arguments = ["cost", "--account", kumoi.account, "--flow", "MqttPublish *", "--users", "3"]
    done = CliRunner().invoke(main, [*arguments, "--journeys-per-user", "175200", *given, "--sheet", str(target)])
    assert done.exit_code == 0, done.output
    pages = [(target / f"cost-farm{farm}.md").read_text() for farm in range(3)]
    assert all("has 33.3% of what the application does" in page for page in pages)
    assert "IoT Core messages, 5 KB each" in pages[0]
    assert "IoT Analytics" in (target / "cost.md").read_text()
