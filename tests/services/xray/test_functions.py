"""Functions that trace: the platform's own segments, and what SDKs inside of functions send."""

from __future__ import annotations

import base64
import importlib.metadata
import io
import json
import re
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest

from kumoi.cli.trace import merged, render
from kumoi.pytest_plugin import KumoiAccount

ROLE = "arn:aws:iam::123456789012:role/function"
XRAY_SDK = """
import os
import boto3
from aws_xray_sdk.core import xray_recorder, patch
patch(["botocore"])

def handler(event, context):
    with xray_recorder.in_subsegment("work") as work:
        work.put_annotation("customer", event["customer"])
        work.put_metadata("cart", [1, 2])
        boto3.client("sqs").list_queues()
    if event.get("fail"):
        raise ValueError("no stock")
    return os.environ["_X_AMZN_TRACE_ID"]
"""
POWERTOOLS = """
from aws_lambda_powertools import Tracer
tracer = Tracer(service="orders")

@tracer.capture_method
def price():
    return 3

@tracer.capture_lambda_handler
def handler(event, context):
    tracer.put_annotation("order", 7)
    return price()
"""


RUNTIME = f"python3.{sys.version_info.minor}"


@pytest.fixture(scope="module")
def libraries() -> bytes:
    """A layer with what functions trace with, as it is installed here."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as out:
        for name in ("aws_xray_sdk", "aws_lambda_powertools", "wrapt", "jmespath", "typing_extensions"):
            pytest.importorskip(name)
        for distribution in ("aws-xray-sdk", "aws-lambda-powertools", "wrapt", "jmespath", "typing-extensions"):
            for file in importlib.metadata.files(distribution) or []:
                path = Path(str(file.locate()))
                if ".." not in file.parts and path.is_file() and path.suffix != ".pyc":
                    out.write(path, f"python/{file}")
    return archive.getvalue()


@pytest.fixture
def function(kumoi: KumoiAccount, zipped: Callable[[dict[str, str]], bytes], libraries: bytes) -> Callable[..., Any]:
    """Make a Python function; answers how to invoke it."""
    client = kumoi.client("lambda")
    layer = client.publish_layer_version(LayerName="libraries", Content={"ZipFile": libraries})["LayerVersionArn"]

    def make(name: str, source: str, mode: str = "Active") -> Callable[..., Any]:
        client.create_function(
            FunctionName=name,
            Runtime=RUNTIME,
            Role=ROLE,
            Handler="index.handler",
            Code={"ZipFile": zipped({"index.py": source})},
            Timeout=60,
            TracingConfig={"Mode": mode},
            Layers=[layer],
        )

        def invoke(event: Any, **more: Any) -> Any:
            return client.invoke(FunctionName=name, Payload=json.dumps(event), **more)

        return invoke

    return make


def root_of(header: str) -> str:
    return dict(part.split("=") for part in header.split(";"))["Root"]


def test_an_invocation_leaves_segments_that_hold_what_the_sdk_sent(xray: Any, function: Callable[..., Any]) -> None:
    invoke = function("order", XRAY_SDK)
    answer = invoke({"customer": "ada"}, LogType="Tail")
    header = json.loads(answer["Payload"].read())
    trace = root_of(header)
    assert ";Sampled=1;Lineage=1:" in header
    found = xray.await_documents(trace, lambda found: len(found) == 3 and "work" in json.dumps(found))
    service, own, queues = found
    assert (service["origin"], own["origin"]) == ("AWS::Lambda", "AWS::Lambda::Function")
    assert own["parent_id"] == service["id"]
    names = [part["name"] for part in own["subsegments"]]
    assert names == ["Initialization", "Invocation", "Overhead"]
    (work,) = own["subsegments"][1]["subsegments"]
    assert work["annotations"] == {"customer": "ada"}
    assert work["subsegments"][0]["aws"]["operation"] == "ListQueues"
    assert (queues["origin"], queues["inferred"]) == ("AWS::SQS::Queue", True)
    assert [one["Id"] for one in xray.find('annotation.customer = "ada"')] == [trace]
    log = base64.b64decode(answer["LogResult"]).decode()
    assert f"XRAY TraceId: {trace}\tSegmentId: {own['subsegments'][1]['id']}\tSampled: true" in log


def test_a_failure_is_a_fault_with_its_exception(xray: Any, function: Callable[..., Any]) -> None:
    invoke = function("order", XRAY_SDK)
    answer = invoke({"customer": "ada", "fail": True})
    assert answer["FunctionError"] == "Unhandled"
    (summary,) = xray.find('rootcause.fault.exception { name = "ValueError" AND message CONTAINS "stock" }')
    assert summary["HasFault"]


def test_powertools_traces(xray: Any, function: Callable[..., Any]) -> None:
    function("priced", POWERTOOLS)({})
    (summary,) = xray.find('service("priced")')
    found = xray.await_documents(summary["Id"], lambda found: "## handler" in json.dumps(found))
    text = json.dumps(found)
    assert "## index.price" in text or "## price" in text
    assert [one["Id"] for one in xray.find("annotation.order = 7")] == [summary["Id"]]


def test_kumoi_trace_shows_calls_and_what_the_function_told(
    kumoi: KumoiAccount, xray: Any, function: Callable[..., Any]
) -> None:
    answer = function("order", XRAY_SDK)({"customer": "ada"})
    trace = root_of(json.loads(answer["Payload"].read()))
    xray.await_documents(trace, lambda found: len(found) == 3)
    found = kumoi._connection.ask("GET", "trace", id=trace)
    lines = [click.unstyle(line) for line in render(merged(found["hops"], found["segments"]))]
    shown = [re.sub(r" +[\d.]+ ms|  policies deny .*", "", line) for line in lines if "WriteFunctionLogs" not in line]
    assert [line.replace("├", "└").replace("│", " ") for line in shown] == [
        "lambda:order Invoke  ok",
        "└─ · Initialization  ok",
        "└─ · work  ok  (customer=ada)",
        "   └─ · sqs ListQueues  ok",
        "      └─ sqs ListQueues  ok",
    ]


def test_segments_whose_members_are_of_another_kind_are_shown_as_far_as_they_go() -> None:
    odd = {"id": "70de5b6f19ff9a0a", "name": "odd", "start_time": 1.0, "origin": "AWS::Lambda"}
    (line,) = render(merged([], [{**odd, "aws": ["x"], "annotations": "y"}]))
    assert "odd" in line
