"""Deploys the site to a running Kumoi, fills its buckets, and visits it.

    kumoi run -- python examples/site/site.py

The resizing function needs Pillow, which is taken from this Python's packages.
"""

import base64
import hashlib
import hmac
import http.client
import importlib.util
import io
import json
import os
import sys
import time
import zipfile
from pathlib import Path
from urllib.parse import urlsplit

import boto3
from botocore.config import Config
from PIL import Image

HERE = Path(__file__).resolve().parent
RESIZE = HERE.parent / "edge/image-resize/code/resize.py"
STACK = "site"
RUNTIME = f"python3.{sys.version_info.minor}"
KEY = "what members' tokens are signed with"


def package() -> bytes:
    """The resizing function's deployment package: its file, and Pillow."""
    spec = importlib.util.find_spec("PIL")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    pillow = Path(next(iter(spec.submodule_search_locations)))
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as out:
        out.write(RESIZE, "resize.py")
        for folder in (pillow, pillow.parent / "pillow.libs"):
            for path in sorted(folder.rglob("*")):
                if path.is_file() and path.suffix != ".pyc":
                    out.write(path, str(path.relative_to(pillow.parent)))
    return archive.getvalue()


def deploy() -> dict[str, str]:
    """Make the stack and fill it; its outputs."""
    s3, cloudformation = boto3.client("s3"), boto3.client("cloudformation")
    s3.create_bucket(Bucket="site-code")
    s3.put_object(Bucket="site-code", Key="resize.zip", Body=package())
    parameters = {
        "CodeBucket": "site-code",
        "CodeKey": "resize.zip",
        "Runtime": RUNTIME,
        "FrontCode": (HERE / "functions/front.js").read_text(),
    }
    cloudformation.create_stack(
        StackName=STACK,
        TemplateBody=(HERE / "template.yaml").read_text(),
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
        Capabilities=["CAPABILITY_IAM"],
    )
    cloudformation.get_waiter("stack_create_complete").wait(StackName=STACK, WaiterConfig={"Delay": 1})
    [stack] = cloudformation.describe_stacks(StackName=STACK)["Stacks"]
    outputs = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
    for path in sorted((HERE / "pages").rglob("*.html")):
        key = str(path.relative_to(HERE / "pages"))
        s3.put_object(Bucket=outputs["Pages"], Key=key, Body=path.read_bytes(), ContentType="text/html")
    s3.put_object(Bucket=outputs["Pages"], Key="images/sky.png", Body=picture(), ContentType="image/png")
    s3.put_object(Bucket=outputs["Spare"], Key="rescued.html", Body=b"<h1>From the spare</h1>", ContentType="text/html")
    settings = boto3.client("cloudfront-keyvaluestore", config=Config(signature_version="v4"))
    settings.meta.events.register("before-call.cloudfront-keyvaluestore", _one_endpoint)
    version = settings.describe_key_value_store(KvsARN=outputs["Settings"])["ETag"]
    pairs = {"key": KEY, "redirect /old": "/docs/"}
    settings.update_keys(
        KvsARN=outputs["Settings"],
        IfMatch=version,
        Puts=[{"Key": key, "Value": value} for key, value in pairs.items()],
    )
    return outputs


def _one_endpoint(params: dict[str, str], **_more: object) -> None:
    """The SDK puts the account before the endpoint's name, which only names of `localhost` resolve to anything."""
    scheme, _, rest = params["url"].partition("://")
    account, _, bare = rest.partition(".")
    if account.isdigit() and len(account) == 12:
        params["url"] = f"{scheme}://{bare}"


def picture() -> bytes:
    """A picture, 800 pixels wide."""
    out = io.BytesIO()
    Image.linear_gradient("L").resize((800, 400)).convert("RGB").save(out, "PNG")
    return out.getvalue()


def visit(outputs: dict[str, str], path: str, **headers: str) -> tuple[int, http.client.HTTPMessage, bytes]:
    """Ask the site for something, as a viewer."""
    address = urlsplit(os.environ["AWS_ENDPOINT_URL"])
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=60)
    try:
        connection.request("GET", path, headers={"Host": outputs["Domain"], **headers})
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()
    finally:
        connection.close()


def token(name: str, expires: float) -> str:
    """A token for a member."""
    parts = [json.dumps({"alg": "HS256"}), json.dumps({"sub": name, "exp": int(expires)})]
    signed = ".".join(_coded(part.encode()) for part in parts)
    return f"{signed}.{_coded(hmac.digest(KEY.encode(), signed.encode(), hashlib.sha256))}"


def _coded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def main() -> None:
    """Deploy and look around."""
    outputs = deploy()
    member = f"Bearer {token('ada', time.time() + 600)}"
    for path, headers in (
        ("/", {}),
        ("/", {}),
        ("/", {"Cookie": "group=b"}),
        ("/old", {}),
        ("/docs/", {}),
        ("/members/", {}),
        ("/members/", {"Authorization": member}),
        ("/images/sky.png?width=200", {}),
        ("/images/sky.png?width=200", {}),
        ("/rescued.html", {}),
        ("/no/such/page", {}),
    ):
        status, answered, body = visit(outputs, path, **headers)
        print(f"{status} {path:28} {answered['X-Cache']:45} {len(body):6} bytes {answered['Location'] or ''}")


if __name__ == "__main__":
    main()
