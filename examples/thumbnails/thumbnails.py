"""Deploys the thumbnail functions to a running Kumoi and resizes a picture with them, through plain boto3 and HTTP.

    kumoi run -- python examples/thumbnails/thumbnails.py

Two functions, as anybody would deploy them to AWS: `thumbnail` (Python) resizes with Pillow, which lies in a layer;
`gallery` (Node.js) answers a function URL, calls `thumbnail` with the AWS SDK, and needs Node.js and npm here.
"""

import argparse
import base64
import io
import json
import shutil
import subprocess
import sys
import time
import urllib.request
import zipfile
from pathlib import Path
from typing import Any

import boto3

HERE = Path(__file__).resolve().parent
RUNTIME = f"python3.{sys.version_info.minor}"
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}


def zipped(*roots: Path) -> bytes:
    """A deployment package of everything below some directories."""
    files: dict[Path, Path] = {}
    for root in roots:
        for path in sorted(root.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts and not path.name.startswith(".installed"):
                files[path.relative_to(root)] = path
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as out:
        for name, path in files.items():
            out.write(path, name)
    return archive.getvalue()


def installed(build: Path, manifest: Path, command: list[str]) -> Path:
    """Run an installer whose result goes below `build`, unless it has run for this manifest already."""
    stamp = build / f".installed-{RUNTIME}"
    if not stamp.exists() or stamp.read_text() != manifest.read_text():
        build.mkdir(parents=True, exist_ok=True)
        subprocess.run(command, cwd=build, check=True, stdout=subprocess.DEVNULL)
        stamp.write_text(manifest.read_text())
    return build


def role() -> str:
    """The role that both functions have; its ARN."""
    iam = boto3.client("iam")
    try:
        return iam.get_role(RoleName="thumbnail-role")["Role"]["Arn"]
    except iam.exceptions.NoSuchEntityException:
        role = iam.create_role(RoleName="thumbnail-role", AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]
        for name in ("AWSLambdaBasicExecutionRole", "AWSLambdaRole"):  # write its log; invoke functions
            policy = f"arn:aws:iam::aws:policy/service-role/{name}"
            iam.attach_role_policy(RoleName="thumbnail-role", PolicyArn=policy)
        return role["Arn"]


def publish_layer(build: Path) -> str:
    """Pillow as a layer; the ARN of its version."""
    requirements = HERE / "layer-requirements.txt"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--upgrade"]
    command = [*pip, "--target", "python", "-r", str(requirements)]
    content = zipped(installed(build, requirements, command))
    layer = boto3.client("lambda").publish_layer_version(
        LayerName="pillow", Content={"ZipFile": content}, CompatibleRuntimes=[RUNTIME]
    )
    return layer["LayerVersionArn"]


def deploy(name: str, code: bytes, **configuration: Any) -> None:
    """Create a function, or give it the current code and configuration."""
    client = boto3.client("lambda")
    try:
        client.create_function(FunctionName=name, Role=role(), Code={"ZipFile": code}, **configuration)
        client.get_waiter("function_active_v2").wait(FunctionName=name)
    except client.exceptions.ResourceConflictException:
        client.update_function_code(FunctionName=name, ZipFile=code)
        client.get_waiter("function_updated_v2").wait(FunctionName=name)
        client.update_function_configuration(FunctionName=name, **configuration)
        client.get_waiter("function_updated_v2").wait(FunctionName=name)


def deploy_thumbnail(build: Path) -> None:
    """The Python function that resizes."""
    deploy(
        "thumbnail",
        zipped(HERE / "function"),
        Runtime=RUNTIME,
        Handler="app.handler",
        Layers=[publish_layer(build / "layer")],
        MemorySize=256,
        Timeout=30,
    )


def deploy_gallery(build: Path) -> str | None:
    """The Node.js function behind a URL; the URL, or None where Node.js or npm is missing."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        return None
    build = build / "gallery"
    build.mkdir(parents=True, exist_ok=True)
    manifest = HERE / "gallery" / "package.json"
    shutil.copy(manifest, build)
    try:
        installed(build, manifest, [npm, "install", "--silent", "--no-audit", "--no-fund"])
    except subprocess.CalledProcessError:
        return None
    deploy(
        "gallery",
        zipped(build, HERE / "gallery"),
        Runtime="nodejs20.x",
        Handler="index.handler",
        MemorySize=256,
        Timeout=30,
        Environment={"Variables": {"THUMBNAIL_FUNCTION": "thumbnail"}},
    )
    client = boto3.client("lambda")
    try:
        return client.get_function_url_config(FunctionName="gallery")["FunctionUrl"]
    except client.exceptions.ResourceNotFoundException:
        client.add_permission(
            FunctionName="gallery",
            StatementId="everybody",
            Action="lambda:InvokeFunctionUrl",
            Principal="*",
            FunctionUrlAuthType="NONE",
        )
        return client.create_function_url_config(FunctionName="gallery", AuthType="NONE")["FunctionUrl"]


def resize(picture: Path, width: int) -> tuple[dict, float]:
    """Invoke the Python function with a picture; its answer and the seconds it took."""
    event = {"image": base64.b64encode(picture.read_bytes()).decode(), "width": width}
    began = time.perf_counter()
    answer = boto3.client("lambda").invoke(FunctionName="thumbnail", Payload=json.dumps(event))
    seconds = time.perf_counter() - began
    result = json.load(answer["Payload"])
    if "FunctionError" in answer:
        raise SystemExit(f"the function failed: {result}")
    return result, seconds


def upload(url: str, picture: Path, width: int) -> bytes:
    """Post a picture to the gallery; the thumbnail."""
    request = urllib.request.Request(f"{url}?width={width}", picture.read_bytes(), {"Content-Type": "image/jpeg"})
    with urllib.request.urlopen(request) as answer:
        return answer.read()


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    arguments.add_argument("--picture", type=Path, default=HERE / "picture.jpg")
    arguments.add_argument("--width", type=int, default=320)
    arguments.add_argument("--out", type=Path, default=Path("thumbnail.jpg"))
    arguments.add_argument("--build", type=Path, default=Path(".kumoi/build/thumbnails"))
    arguments.add_argument("--json", action="store_true", help="print what happened as JSON")
    given = arguments.parse_args()
    build = given.build.resolve()
    deploy_thumbnail(build)
    result, cold = resize(given.picture, given.width)
    _, warm = resize(given.picture, given.width)
    given.out.write_bytes(base64.b64decode(result["image"]))
    url = deploy_gallery(build)
    same = url is not None and upload(url, given.picture, given.width) == given.out.read_bytes()
    summary = {
        "picture": str(given.out.resolve()),
        "width": result["width"],
        "height": result["height"],
        "bytes": result["bytes"],
        "cold_ms": round(cold * 1000, 1),
        "warm_ms": round(warm * 1000, 1),
        "url": url,
        "same_through_url": same,
    }
    if given.json:
        print(json.dumps(summary))
        return
    print(f"{summary['picture']}  {result['width']}x{result['height']}, {result['bytes']} bytes")
    print(f"cold {summary['cold_ms']} ms, warm {summary['warm_ms']} ms")
    print(f"upload a picture at {url}" if url else "the gallery needs Node.js and npm; neither is here")


if __name__ == "__main__":
    main()
