"""Deploys the thumbnail function to a running Kumoi and resizes a picture with it, through plain boto3.

    kumoi run -- python examples/thumbnails/thumbnails.py

The function is packaged as anybody would for AWS: its code and its requirements (Pillow) in one zip.
"""

import argparse
import base64
import io
import json
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import boto3

HERE = Path(__file__).resolve().parent
NAME = "thumbnail"
RUNTIME = f"python3.{sys.version_info.minor}"
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}


def package(build: Path) -> bytes:
    """The deployment package: the function's files and what its requirements.txt names, installed once."""
    function = HERE / "function"
    requirements = function / "requirements.txt"
    stamp = build / f".installed-{RUNTIME}"
    if not stamp.exists() or stamp.read_text() != requirements.read_text():
        build.mkdir(parents=True, exist_ok=True)
        install = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--upgrade"]
        subprocess.run([*install, "--target", str(build), "-r", str(requirements)], check=True)
        stamp.write_text(requirements.read_text())
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as out:
        for root in (build, function):
            for path in sorted(root.rglob("*")):
                if path.is_file() and "__pycache__" not in path.parts and path != stamp:
                    out.write(path, path.relative_to(root))
    return archive.getvalue()


def deploy(build: Path) -> None:
    """Create the function, or give it the current code."""
    client, iam = boto3.client("lambda"), boto3.client("iam")
    try:
        role = iam.get_role(RoleName="thumbnail-role")["Role"]
    except iam.exceptions.NoSuchEntityException:
        role = iam.create_role(RoleName="thumbnail-role", AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]
    code = package(build)
    try:
        client.create_function(
            FunctionName=NAME,
            Runtime=RUNTIME,
            Role=role["Arn"],
            Handler="app.handler",
            Code={"ZipFile": code},
            MemorySize=256,
            Timeout=30,
            Publish=True,
        )
        client.get_waiter("function_active_v2").wait(FunctionName=NAME)
    except client.exceptions.ResourceConflictException:
        client.update_function_code(FunctionName=NAME, ZipFile=code)
        client.get_waiter("function_updated_v2").wait(FunctionName=NAME)


def resize(picture: Path, width: int) -> tuple[dict, float]:
    """Invoke the function with a picture; its answer and the seconds it took."""
    event = {"image": base64.b64encode(picture.read_bytes()).decode(), "width": width}
    began = time.perf_counter()
    answer = boto3.client("lambda").invoke(FunctionName=NAME, Payload=json.dumps(event))
    seconds = time.perf_counter() - began
    result = json.load(answer["Payload"])
    if "FunctionError" in answer:
        raise SystemExit(f"the function failed: {result}")
    return result, seconds


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    arguments.add_argument("--picture", type=Path, default=HERE / "picture.jpg")
    arguments.add_argument("--width", type=int, default=320)
    arguments.add_argument("--out", type=Path, default=Path("thumbnail.jpg"))
    arguments.add_argument("--build", type=Path, default=Path(".kumoi/build/thumbnails"))
    arguments.add_argument("--json", action="store_true", help="print what happened as JSON")
    given = arguments.parse_args()
    deploy(given.build)
    result, cold = resize(given.picture, given.width)
    _, warm = resize(given.picture, given.width)
    given.out.write_bytes(base64.b64decode(result["image"]))
    summary = {
        "picture": str(given.out.resolve()),
        "width": result["width"],
        "height": result["height"],
        "bytes": result["bytes"],
        "cold_ms": round(cold * 1000, 1),
        "warm_ms": round(warm * 1000, 1),
    }
    if given.json:
        print(json.dumps(summary))
    else:
        print(f"{summary['picture']}  {result['width']}x{result['height']}, {result['bytes']} bytes")
        print(f"cold {summary['cold_ms']} ms, warm {summary['warm_ms']} ms")


if __name__ == "__main__":
    main()
