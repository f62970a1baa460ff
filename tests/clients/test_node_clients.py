"""The AWS SDK for JavaScript v3 drives Lambda, and what Node.js applications are written with runs in it."""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import urllib3

pytestmark = pytest.mark.slow

SOURCES = Path(__file__).parent / "node"
ROLE = "arn:aws:iam::000000000000:role/any"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with the packages of `node/package.json`, installed by npm."""
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("npm is not installed")
    directory = tmp_path_factory.mktemp("node")
    for source in SOURCES.iterdir():
        if source.is_file():
            shutil.copy(source, directory)
    done = subprocess.run(
        [npm, "install", "--no-audit", "--no-fund"], cwd=directory, capture_output=True, text=True, check=False
    )
    if done.returncode:
        pytest.skip(f"npm could not install the packages: {done.stderr[-500:]}")
    return directory


def bundle(project: Path, files: dict[str, str], *packages: str) -> bytes:
    """A deployment package with what npm installed for some packages, all of their dependencies included."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as out:
        for name, content in files.items():
            out.writestr(name, content)
        chosen = [
            path for path in (project / "node_modules").iterdir() if not path.name.startswith((".", "@aws", "@sm"))
        ]
        scoped = [project / "node_modules" / package for package in packages if package.startswith("@smithy/")]
        for package in [*chosen, *scoped] if packages else ():
            for path in package.rglob("*"):
                if path.is_file():
                    out.write(path, path.relative_to(project))
    return archive.getvalue()


@pytest.fixture
def deploy(kumoi: Any, project: Path) -> Callable[..., Callable[..., Any]]:
    """Deploy a Node.js function with a URL; answers how to request it."""
    client = kumoi.client("lambda")

    def make(files: dict[str, str], *packages: str) -> Callable[..., Any]:
        package = bundle(project, files, *packages)
        options = {"Runtime": "nodejs20.x", "Handler": "index.handler", "Role": ROLE, "MemorySize": 256}
        client.create_function(FunctionName="web", Code={"ZipFile": package}, Timeout=60, **options)
        url = client.create_function_url_config(FunctionName="web", AuthType="NONE")["FunctionUrl"]
        identifier = url.split("/")[5] if "_kumoi" in url else url.split("/")[2].partition(".")[0]

        def request(method: str, path: str, **given: Any) -> Any:
            return urllib3.request(method, f"{kumoi.url}/_kumoi/lambda-url/{identifier}{path}", timeout=60, **given)

        return request

    return make


def test_the_sdk_for_javascript(kumoi: Any, project: Path, tmp_path: Path) -> None:
    source = """
    const greet = require('greeter');
    exports.handler = awslambda.streamifyResponse ? async (event) => ({ greeting: greet(event.name ?? 'web') }) : null;
    """
    code, layer = tmp_path / "code.zip", tmp_path / "layer.zip"
    code.write_bytes(bundle(project, {"index.js": source}))
    layer.write_bytes(
        bundle(project, {"nodejs/node_modules/greeter/index.js": "module.exports = (n) => `hello ${n}`;"})
    )
    done = subprocess.run(
        ["node", "functions.mjs", str(code), str(layer)],
        cwd=project,
        env={**os.environ, **kumoi.environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "layer": 1,
        "waited": "SUCCESS",
        "alias": "1",
        "invoked": [{"greeting": "hello you"}, "1", True],
        "retries": 0,
        "streamed": '{"greeting":"hello all"}',
        "complete": "success",
        "url": {"greeting": "hello web"},
        "error": "ResourceNotFoundException",
    }


def test_the_sdk_for_javascript_and_iot_analytics(kumoi: Any, project: Path) -> None:
    done = subprocess.run(
        ["node", "analytics.mjs"],
        cwd=project,
        env={**os.environ, **kumoi.environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "refused": [],
        "ran": ['{"t":4,"t2":8}'],
        "sampled": ['{"t":4}'],
        "created": True,
        "listed": ["c", "other"],
        "csv": '"t","t2"\n"4","8"\n',
        "error": [True, 409, "c"],
    }


def test_the_sdk_for_javascript_and_the_stores(kumoi: Any, project: Path) -> None:
    done = subprocess.run(
        ["node", "stores.mjs"],
        cwd=project,
        env={**os.environ, **kumoi.environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "table": "SUCCESS",
        "updated": {"parts": [{"n": 13}]},
        "item": [[{"sku": "x", "n": 13}], ["b", "c"]],
        "pages": [[0, 1], [2, 3], [4]],
        "cancelled": ["TransactionCanceledException", ["None", "ConditionalCheckFailed"]],
        "sent": 2,
        "received": ["one", "two"],
        "missing": True,
        "published": ["from a topic"],
        "event": ['{"id":7}'],
        "records": ["click"],
    }


@pytest.fixture(params=["http", "https"])
def verifying(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """The URL of a platform that verifies signatures, and the certificate that clients are to trust."""
    kumoi = [sys.executable, "-m", "kumoi"]
    up = [*kumoi, "up", "-d", "--port", "0", "--auth", "verify", "--data", str(tmp_path)]
    subprocess.run(up, check=True, stdout=subprocess.DEVNULL)
    url = json.loads((tmp_path / "platform.json").read_text())["url"]
    port = url.rpartition(":")[2]
    yield f"https://localhost:{port}" if request.param == "https" else url, tmp_path / "tls" / "ca.pem"
    subprocess.run([*kumoi, "down", "--data", str(tmp_path)], check=True, stdout=subprocess.DEVNULL)


def test_the_sdk_for_javascript_speaks_http_2(verifying: tuple[str, Path], project: Path) -> None:
    url, authority = verifying
    with contextlib.suppress(urllib3.exceptions.HTTPError):  # what is asked over TLS first has the authority made
        urllib3.request("GET", f"{url}/_kumoi/health", retries=False)

    def run(secret: str) -> Any:
        done = subprocess.run(
            ["node", "streams.mjs", url, secret],
            cwd=project,
            env={**os.environ, "NODE_EXTRA_CA_CERTS": str(authority)},
            capture_output=True,
            text=True,
            check=False,
            timeout=600,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    assert run("wrong") == {"handler": "NodeHttp2Handler", "refused": "InvalidSignatureException"}
    assert run("test") == {
        "handler": "NodeHttp2Handler",
        "records": True,
        "events": ["one", "two"],
        "error": ["InvalidArgumentException", 400],
    }


def test_drizzle_migrates_and_relates(kumoi: Any, project: Path) -> None:
    done = subprocess.run(
        ["node", "relations.mjs"],
        cwd=project,
        env={**os.environ, **kumoi.environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "made": [1, "user", False, {"a": [1]}, ["x", "y z"], True],
        "refused": [
            'ERROR: invalid input value for enum role: "guest"; SQLState: 22P02',
            'ERROR: duplicate key value violates unique constraint "users_name_unique"; SQLState: 23505',
        ],
        "related": [
            {"name": "ann", "posts": [{"title": "p2", "price": None}, {"title": "p1", "price": "2.5"}]},
            {"name": "bob", "posts": []},
        ],
        "author": ["ann", False, {"a": [1]}, ["x", "y z"]],
        "tagged": [{"id": 1}],
        "names": ["ann", "bob!", "cy"],
        "left": [],
    }


def test_hono_answers_behind_a_url(deploy: Any) -> None:
    source = """
    import { Hono } from 'hono';
    import { handle } from 'hono/aws-lambda';
    const app = new Hono();
    app.get('/hello/:name', (c) => c.json({ hello: c.req.param('name'), q: c.req.query('q') }));
    app.post('/upload', async (c) => c.body(await c.req.arrayBuffer(), 201, { 'Content-Type': 'image/png' }));
    export const handler = handle(app);
    """
    request = deploy({"index.mjs": source}, "hono")
    assert request("GET", "/hello/you?q=1").json() == {"hello": "you", "q": "1"}
    answer = request("POST", "/upload", body=b"\x89PNG\x00\xff", headers={"Content-Type": "image/png"})
    assert (answer.status, answer.data, answer.headers["Content-Type"]) == (201, b"\x89PNG\x00\xff", "image/png")
    assert request("GET", "/nowhere").status == 404


def test_express_answers_behind_a_url(deploy: Any) -> None:
    source = """
    const express = require('express');
    const serverless = require('serverless-http');
    const app = express();
    app.use(express.json());
    app.post('/orders', (request, response) => response.status(201).json({ got: request.body, by: request.query.by }));
    exports.handler = serverless(app);
    """
    request = deploy({"index.js": source}, "express", "serverless-http")
    answer = request("POST", "/orders?by=you", json={"n": 1})
    assert (answer.status, answer.json()) == (201, {"got": {"n": 1}, "by": "you"})


def test_middy_wraps_a_handler(kumoi: Any, project: Path) -> None:
    source = """
    import middy from '@middy/core';
    const shout = { after: (request) => { request.response.greeting = request.response.greeting.toUpperCase(); } };
    const soften = { onError: (request) => { request.response = { softened: request.error.message }; } };
    export const handler = middy(async (event, context) => {
      if (event.fail) throw new Error('as asked');
      return { greeting: `hello ${event.name}`, id: context.awsRequestId };
    }).use(shout).use(soften);
    """
    client = kumoi.client("lambda")
    package = bundle(project, {"index.mjs": source}, "@middy/core")
    options = {"Runtime": "nodejs20.x", "Handler": "index.handler", "Role": ROLE}
    client.create_function(FunctionName="middy", Code={"ZipFile": package}, **options)

    def invoke(event: Any) -> Any:
        return json.load(client.invoke(FunctionName="middy", Payload=json.dumps(event))["Payload"])

    assert invoke({"name": "you"})["greeting"] == "HELLO YOU"
    assert invoke({"fail": True}) == {"softened": "as asked"}


def test_the_xray_sdk_traces(kumoi: Any, project: Path) -> None:
    source = """
    const xray = require('aws-xray-sdk-core');
    exports.handler = async (event) => xray.captureAsyncFunc('work', async (work) => {
      work.addAnnotation('customer', event.customer);
      work.close();
      return process.env._X_AMZN_TRACE_ID;
    });
    """
    client = kumoi.client("lambda")
    package = bundle(project, {"index.js": source}, "aws-xray-sdk-core", "@smithy/service-error-classification")
    options = {"Runtime": "nodejs20.x", "Handler": "index.handler", "Role": ROLE, "TracingConfig": {"Mode": "Active"}}
    client.create_function(FunctionName="traced", Code={"ZipFile": package}, Timeout=60, **options)
    answer = json.load(client.invoke(FunctionName="traced", Payload=b'{"customer": "ada"}')["Payload"])
    assert isinstance(answer, str), answer
    root = answer.split(";")[0].removeprefix("Root=")
    deadline = time.monotonic() + 60
    text = ""
    while not all(part in text for part in ('"annotations":{"customer":"ada"}', '"name":"Invocation"')):
        assert time.monotonic() < deadline, text
        traces = kumoi.client("xray").batch_get_traces(TraceIds=[root])["Traces"]
        text = "".join(segment["Document"] for trace in traces for segment in trace["Segments"])
