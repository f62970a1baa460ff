"""Functions trust the platform's certificates: https:// addresses on its one port work unmodified."""

from __future__ import annotations

from typing import Any

PYTHON = """
import os, ssl, urllib.request

def handler(event, context):
    url = os.environ["AWS_ENDPOINT_URL"].replace("http:", "https:") + "/_kumoi/health"
    own = ssl.create_default_context().get_ca_certs()
    return [urllib.request.urlopen(url, timeout=60).status, len(own) > 1]
"""
NODE = """
const https = require("https");
exports.handler = () => new Promise((done, fail) => {
  const url = process.env.AWS_ENDPOINT_URL.replace("http:", "https:") + "/_kumoi/health";
  https.get(url, (answer) => { answer.resume(); done(answer.statusCode); }).on("error", fail);
});
"""


def test_python(create: Any, invoke: Any) -> None:
    create(PYTHON, Timeout=60)
    assert invoke()[0] == [200, True]


def test_node(create: Any, invoke: Any, zipped: Any) -> None:
    create("", Runtime="nodejs20.x", Handler="index.handler", Code={"ZipFile": zipped({"index.js": NODE})})
    assert invoke()[0] == 200


def test_variables_of_the_function_win(create: Any, invoke: Any) -> None:
    source = "import os\ndef handler(event, context): return os.environ['SSL_CERT_FILE']"
    create(source, Environment={"Variables": {"SSL_CERT_FILE": "/var/task/own.pem"}})
    assert invoke()[0] == "/var/task/own.pem"
