"""The demo: a platform, a real function, a real picture, and a look at what went through the doorway."""

from __future__ import annotations

import argparse
import json
import os
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
KUMOI = [sys.executable, "-m", "kumoi"]


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--check", action="store_true", help="stop the platform at the end; exit 0 or 1")
    arguments.add_argument("--port", type=int, default=4566)
    arguments.add_argument("--example", choices=sorted(SHOWN), default="thumbnails", help="what is shown")
    given = arguments.parse_args()
    show = SHOWN[given.example]
    if given.check:
        with tempfile.TemporaryDirectory(prefix="kumoi-demo-") as data:
            return run(Path(data), show, port=0, keep=False)
    return run(ROOT / ".kumoi" / "demo", show, port=given.port, keep=True)


def run(data: Path, show: Callable[[Path], int], *, port: int, keep: bool) -> int:
    """Run a demo with its data in `data`; the exit status."""
    step("starting Kumoi")
    down = [*KUMOI, "down", "--data", str(data)]
    subprocess.run(down, check=True, stdout=subprocess.DEVNULL)  # an earlier demo's
    subprocess.run([*KUMOI, "up", "-d", "--data", str(data), "--port", str(port)], check=True)
    try:
        return show(data)
    finally:
        if not keep:
            subprocess.run(down, check=True)


def thumbnails(data: Path) -> int:
    environment = surroundings(data)
    step("deploying examples/thumbnails (Python with Pillow in a layer; Node.js behind a URL) and resizing a picture")
    example = [sys.executable, str(ROOT / "examples/thumbnails/thumbnails.py"), "--json"]
    example += ["--out", str(data / "thumbnail.jpg"), "--build", str(ROOT / ".kumoi/build/thumbnails")]
    summary = json.loads(output(example, env=environment))
    size = f"{summary['width']}x{summary['height']}, {summary['bytes']} bytes"
    print(f"  the thumbnail   {summary['picture']} ({size})")
    print(f"  cold invocation {summary['cold_ms']} ms, warm {summary['warm_ms']} ms")
    if summary["url"] is None:
        print("  the gallery     needs Node.js and npm; left out")
    else:
        print(f"  the gallery     {summary['url']}  (Node.js, calls the Python function; open it in a browser)")
    step("the calls, as a tree")
    subprocess.run([*KUMOI, "trace", "--data", str(data)], check=True)
    told(data)
    print("  aws logs tail /aws/lambda/thumbnail     # what the function wrote")
    print("  scripts/demo --example farm-sensors     # devices, pipelines, pictures and costs of farms")
    right = Path(summary["picture"]).stat().st_size == summary["bytes"]
    return 0 if right and (summary["url"] is None or summary["same_through_url"]) else 1


def farm_sensors(data: Path) -> int:
    """Sensors of farms over MQTT: a file a sensor, a picture and a cost sheet a farm."""
    example = ROOT / "examples/farm-sensors"
    models = data / "models"
    environment = surroundings(data) | {"AWS_DATA_PATH": str(models)}
    step("deploying examples/farm-sensors (rule, channel, pipeline, store, data set, functions); publishing over MQTT")
    install = [*KUMOI, "sdk", "install", "iotanalytics", "--into", str(models)]
    subprocess.run(install, check=True, stdout=subprocess.DEVNULL)
    subprocess.run([sys.executable, str(example / "farm_sensors.py")], env=environment, check=True)
    step("what each farm costs")
    sheet = [*KUMOI, "cost", "--flow", "MqttPublish *", "--users", "3", "--journeys-per-user", "175200"]
    sheet += ["--split", str(example / "costs/weights.json"), "--sheet", str(example / "costs")]
    subprocess.run(sheet, env=environment, check=True)
    print((example / "costs/cost-farm0.md").read_text().partition("\n\n|")[0])
    told(data)
    pictures = sorted((example / "pictures").glob("*.svg"))
    print("  in a browser:", *(f"file://{one}" for one in pictures))
    return 0 if len(pictures) == 3 else 1


SHOWN = {"thumbnails": thumbnails, "farm-sensors": farm_sensors}


def surroundings(data: Path) -> dict[str, str]:
    """The environment of programs that are to find the platform."""
    found = json.loads(output([*KUMOI, "env", "--json", "--data", str(data)]))
    return os.environ | found | {"KUMOI_DATA": str(data)}


def told(data: Path) -> None:
    """Show who called whom, and what to do next."""
    step("who calls what")
    subprocess.run([*KUMOI, "map", "--text", "--data", str(data)], check=True)
    step("next")
    print(f"  export KUMOI_DATA={shlex.quote(str(data))}   # by which kumoi's verbs find this platform")
    print('  eval "$(.venv/bin/kumoi env)"           # point boto3, the AWS CLI and SDKs at Kumoi')
    print("  .venv/bin/kumoi fault add --service lambda --operation Invoke --action fail")
    print("  .venv/bin/kumoi down                    # stop it")


def output(command: list[str], **options: object) -> str:
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, **options).stdout  # type: ignore[call-overload]


def step(text: str) -> None:
    print(f"\n▸ {text}", flush=True)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except subprocess.CalledProcessError as failure:  # which has told why
        sys.exit(f"{' '.join(failure.cmd)} failed")
