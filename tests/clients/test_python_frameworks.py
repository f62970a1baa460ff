"""What Python applications for Lambda are written with runs in it: FastAPI behind mangum, AWS's powertools."""

from __future__ import annotations

import importlib.metadata
import io
import json
import re
import sys
import sysconfig
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import urllib3

pytestmark = pytest.mark.slow

SITE = Path(sysconfig.get_paths()["purelib"])
RUNTIME = f"python3.{sys.version_info.minor}"
ROLE = "arn:aws:iam::000000000000:role/any"


def requirements(distribution: str, seen: set[str]) -> set[str]:
    """The distributions that one needs, as they are installed here."""
    name = distribution.lower().replace("_", "-")
    if name in seen:
        return seen
    try:
        needed = importlib.metadata.requires(name) or []
    except importlib.metadata.PackageNotFoundError:
        return seen
    seen.add(name)
    for line in needed:
        match = re.match(r"[A-Za-z0-9._-]+", line)
        if match is not None and "extra ==" not in line:
            requirements(match[0], seen)
    return seen


def bundle(files: dict[str, str], *distributions: str) -> bytes:
    """A deployment package with distributions and all they need, copied from this installation."""
    names: set[str] = set()
    for distribution in distributions:
        pytest.importorskip(distribution)
        requirements(distribution, names)
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as out:
        for name, content in files.items():
            out.writestr(name, content)
        for name in sorted(names - {"boto3", "botocore"}):
            for file in importlib.metadata.files(name) or []:
                path = SITE / file
                if ".." not in file.parts and path.is_file() and path.suffix != ".pyc":
                    out.write(path, str(file))
    return archive.getvalue()


@pytest.fixture
def deploy(kumoi: Any) -> Callable[..., Any]:
    client = kumoi.client("lambda")

    def make(package: bytes, **options: Any) -> Any:
        given = {"Runtime": RUNTIME, "Role": ROLE, "Handler": "app.handler", "Timeout": 20, "MemorySize": 512}
        client.create_function(FunctionName="app", Code={"ZipFile": package}, **{**given, **options})
        return client

    return make


FASTAPI = """
from fastapi import FastAPI, Request, Response
from mangum import Mangum
app = FastAPI()
@app.get("/items/{number}")
def item(number: int, q: str = ""):
    return {"number": number, "q": q}
@app.post("/echo")
async def echo(request: Request):
    return Response(await request.body(), 201, media_type="image/png")
handler = Mangum(app, lifespan="off")
"""


def test_fastapi_answers_behind_a_url(kumoi: Any, deploy: Any) -> None:
    client = deploy(bundle({"app.py": FASTAPI}, "mangum", "fastapi"))
    url = client.create_function_url_config(FunctionName="app", AuthType="NONE")["FunctionUrl"]
    identifier = url.split("/")[5] if "_kumoi" in url else url.split("/")[2].partition(".")[0]
    base = f"{kumoi.url}/_kumoi/lambda-url/{identifier}"
    assert urllib3.request("GET", f"{base}/items/7?q=a%20b", timeout=60).json() == {"number": 7, "q": "a b"}
    assert urllib3.request("GET", f"{base}/items/x", timeout=60).status == 422
    echoed = urllib3.request(
        "POST", f"{base}/echo", timeout=60, body=b"\x89\x00", headers={"Content-Type": "image/png"}
    )
    assert (echoed.status, echoed.data) == (201, b"\x89\x00")


POWERTOOLS = """
from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.event_handler import LambdaFunctionUrlResolver
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.parser.models import LambdaFunctionUrlModel
logger = Logger(service="orders")
metrics = Metrics(namespace="Shop", service="orders")
app = LambdaFunctionUrlResolver()
@app.get("/orders/<order>")
def order(order):
    logger.info("looked up", extra={"order": order})
    metrics.add_metric(name="Lookups", unit=MetricUnit.Count, value=1)
    return {"order": order}
@logger.inject_lambda_context
@metrics.log_metrics
def handler(event, context):
    LambdaFunctionUrlModel.model_validate(event)
    return app.resolve(event, context)
"""


def test_powertools_resolves_logs_and_measures(kumoi: Any, deploy: Any) -> None:
    client = deploy(bundle({"app.py": POWERTOOLS}, "aws_lambda_powertools", "pydantic"))
    url = client.create_function_url_config(FunctionName="app", AuthType="NONE")["FunctionUrl"]
    identifier = url.split("/")[5] if "_kumoi" in url else url.split("/")[2].partition(".")[0]
    answer = urllib3.request("GET", f"{kumoi.url}/_kumoi/lambda-url/{identifier}/orders/7", timeout=60)
    assert (answer.status, answer.json()) == (200, {"order": "7"}), answer.headers
    logs = kumoi.client("logs")
    lines: list[dict[str, Any]] = []
    while not any("_aws" in line for line in lines):
        events = logs.filter_log_events(logGroupName="/aws/lambda/app")["events"]
        lines = [json.loads(event["message"]) for event in events if event["message"].startswith("{")]
    (logged,) = [line for line in lines if line.get("message") == "looked up"]
    assert (logged["service"], logged["order"], logged["function_name"]) == ("orders", "7", "app")
    (measured,) = [line for line in lines if "_aws" in line]
    assert measured["Lookups"] == [1.0]
