"""Custom runtimes and AWS's own runtime client work through the Runtime API, unmodified."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[[Callable[[Any], Any]], Any]

SHELL = """
#!/bin/sh
API="http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime"
while true; do
  EVENT=$(curl -sS -D "${TMPDIR:-/tmp}/headers" "$API/invocation/next")
  ID=$(grep -i '^lambda-runtime-aws-request-id' "${TMPDIR:-/tmp}/headers" | tr -d '[:space:]' | cut -d: -f2)
  echo "handling $ID"
  case "$EVENT" in
    *raise*) curl -sS -o /dev/null -d '{"errorType":"Shell","errorMessage":"as asked"}' "$API/invocation/$ID/error" ;;
    *leave*) exit 4 ;;
    *) curl -sS -o /dev/null -d "{\\"got\\": $EVENT, \\"handler\\": \\"$_HANDLER\\"}" "$API/invocation/$ID/response" ;;
  esac
done
"""

C = r"""
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

static int dial(void) {
  char host[64]; int port;
  sscanf(getenv("AWS_LAMBDA_RUNTIME_API"), "%63[^:]:%d", host, &port);
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
  inet_pton(AF_INET, host, &to.sin_addr);
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  if (connect(fd, (struct sockaddr *)&to, sizeof to)) exit(9);
  return fd;
}

static char *talk(const char *request, char *buffer, size_t size) {
  int fd = dial();
  if (write(fd, request, strlen(request)) < 0) exit(8);
  size_t n = 0; ssize_t got;
  while ((got = read(fd, buffer + n, size - n - 1)) > 0) n += got;
  buffer[n] = 0;
  close(fd);
  return strstr(buffer, "\r\n\r\n") + 4;
}

int main(void) {
  static char answer[65536], request[70000], id[64];
  for (;;) {
    char *event = talk("GET /2018-06-01/runtime/invocation/next HTTP/1.0\r\n\r\n", answer, sizeof answer);
    sscanf(strcasestr(answer, "Lambda-Runtime-Aws-Request-Id:") + 30, "%63s", id);
    snprintf(request, sizeof request,
      "POST /2018-06-01/runtime/invocation/%s/response HTTP/1.0\r\nContent-Length: %zu\r\n\r\n%s",
      id, strlen(event), event);
    talk(request, answer, sizeof answer);
  }
}
"""

PROVIDED: dict[str, Any] = {"runtime": "provided.al2023", "handler": "main"}


@pytest.mark.skipif(shutil.which("curl") is None, reason="the shell's bootstrap uses curl")
def test_a_bootstrap_written_in_shell(run: Run) -> None:
    async def scenario(shop: Any) -> None:
        sandbox = await shop.of({"bootstrap": SHELL}, **PROVIDED)
        value, outcome = await shop.invoke(sandbox, {"n": 1})
        assert value == {"got": {"n": 1}, "handler": "main"}
        assert outcome.init_duration is not None
        assert outcome.max_memory_mb >= 1
        value, outcome = await shop.invoke(sandbox, "raise", request_id="request-2")
        assert (value["errorMessage"], outcome.error_type, outcome.status) == ("as asked", "Shell", "error")
        value, outcome = await shop.invoke(sandbox, "leave")
        assert value["errorMessage"] == "RequestId: request-1 Error: Runtime exited with error: exit status 4"
        assert (await shop.invoke(sandbox, 2))[0]["got"] == 2
        assert "handling request-2\n" in shop.log

    run(scenario)


@pytest.mark.skipif(shutil.which("cc") is None, reason="needs a C compiler")
def test_a_bootstrap_written_in_c(run: Run, tmp_path: Path) -> None:
    source, program = tmp_path / "bootstrap.c", tmp_path / "bootstrap"
    source.write_text(C)
    subprocess.run(["cc", "-D_GNU_SOURCE", "-O1", "-o", program, source], check=True)

    async def scenario(shop: Any) -> None:
        sandbox = await shop.of({"placeholder": ""}, **PROVIDED)
        assert (await shop.invoke(sandbox))[1].error_type == "Runtime.InvalidEntrypoint"
        sandbox = await shop.of({"bootstrap": program}, **PROVIDED)
        for n in range(20):
            assert (await shop.invoke(sandbox, {"n": n}, request_id=f"request-{n}"))[0] == {"n": n}

    run(scenario)


ENTRYPOINTS = [
    ({"other": ""}, "Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]"),
    ({"bootstrap": "not executable"}, "fork/exec {task}/bootstrap: permission denied"),
    ({"bootstrap": "#!/no/such/interpreter\n"}, "fork/exec {task}/bootstrap: no such file or directory"),
]


@pytest.mark.parametrize(("files", "reason"), ENTRYPOINTS)
def test_a_bootstrap_that_cannot_start_is_an_invalid_entrypoint(
    run_isolated: Run, files: dict[str, str], reason: str
) -> None:
    async def scenario(shop: Any) -> None:
        sandbox = await shop.of(files, **PROVIDED)
        for _ in range(2):
            error, outcome = await shop.invoke(sandbox)
            message = reason.format(task="/var/task")
            assert error == {
                "errorType": "Runtime.InvalidEntrypoint",
                "errorMessage": f"RequestId: request-1 Error: {message}",
            }
            assert outcome.status == "failure"

    run_isolated(scenario)


def test_a_bootstrap_of_a_layer_serves_code_without_one(run: Run) -> None:
    async def scenario(shop: Any) -> None:
        sandbox = await shop.of({"data": "x"}, {"bootstrap": SHELL}, **PROVIDED)
        assert (await shop.invoke(sandbox, 5))[0]["got"] == 5

    run(scenario)


RIC_APP = """
import json, logging, sys
logger = logging.getLogger()
logger.setLevel("INFO")
def handler(event, context):
    if event == "raise":
        raise ValueError("as asked")
    if event == "log":
        logger.info("counted", extra={"n": 7})
    return {"event": event, "id": context.aws_request_id, "memory": context.memory_limit_in_mb}
"""


def ric(app: str = RIC_APP) -> dict[str, Any]:
    """A package with AWS's client for Python, as this interpreter has it installed, and a bootstrap that runs it."""
    pytest.importorskip("awslambdaric")
    interpreter = Path(sys._base_executable).resolve()  # type: ignore[attr-defined]
    files: dict[str, Any] = {
        "app.py": app,
        "bootstrap": f"#!/bin/sh\nexec {interpreter} -m awslambdaric app.handler\n",
    }
    site = Path(sysconfig.get_paths()["purelib"])
    for path in [*site.glob("awslambdaric"), *site.glob("runtime_client*"), *site.glob("simplejson")]:
        files[path.name] = path
    for path in site.glob("snapshot_restore_py"):
        files[path.name] = path
    return files


VARIABLES = {"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256", "LAMBDA_TASK_ROOT": "."}


def test_the_official_python_client_runs_unmodified(run_isolated: Run) -> None:
    async def scenario(shop: Any) -> None:
        sandbox = await shop.of(ric(), None, VARIABLES, **PROVIDED)
        value, outcome = await shop.invoke(sandbox, {"a": 1})
        assert value == {"event": {"a": 1}, "id": "request-1", "memory": "256"}
        error, outcome = await shop.invoke(sandbox, "raise")
        assert (error["errorType"], error["errorMessage"]) == ("ValueError", "as asked")
        assert (outcome.error_type, outcome.status) == ("ValueError", "error")

    run_isolated(scenario)


def test_the_official_python_client_tells_an_init_error(run_isolated: Run) -> None:
    async def scenario(shop: Any) -> None:
        sandbox = await shop.of(ric("import nowhere"), None, VARIABLES, **PROVIDED)
        for _ in range(2):
            error, outcome = await shop.invoke(sandbox)
            assert error["errorType"] == "Runtime.ImportModuleError"
            assert (outcome.error_type, outcome.status) == ("Runtime.ImportModuleError", "error")

    run_isolated(scenario)


def test_the_official_python_client_logs_json(run_isolated: Run) -> None:
    async def scenario(shop: Any) -> None:
        logs = {"AWS_LAMBDA_LOG_FORMAT": "JSON", "AWS_LAMBDA_LOG_LEVEL": "INFO"}
        sandbox = await shop.of(ric(), None, VARIABLES | logs, **PROVIDED)
        await shop.invoke(sandbox, "log")
        line = json.loads(next(line for line in shop.lines if "counted" in line))
        assert (line["level"], line["requestId"], line["n"]) == ("INFO", "request-1", 7)

    run_isolated(scenario)


@pytest.mark.slow
def test_the_official_python_client_serves_five_thousand(run_isolated: Run) -> None:
    async def scenario(shop: Any) -> None:
        sandbox = await shop.of(ric(), None, VARIABLES, **PROVIDED)
        for n in range(5_000):
            value, outcome = await shop.invoke(sandbox, n, request_id=f"request-{n}")
            assert (value["event"], value["id"], outcome.status) == (n, f"request-{n}", "success")

    run_isolated(scenario)


STREAMING = r"""
#!{python}
import base64, json, os, urllib.request, http.client
host = os.environ["AWS_LAMBDA_RUNTIME_API"]
while True:
    got = urllib.request.urlopen(f"http://{host}/2018-06-01/runtime/invocation/next")
    event, request = json.loads(got.read()), got.headers["Lambda-Runtime-Aws-Request-Id"]
    link = http.client.HTTPConnection(host)
    link.putrequest("POST", f"/2018-06-01/runtime/invocation/{request}/response")
    link.putheader("Lambda-Runtime-Function-Response-Mode", "streaming")
    link.putheader("Transfer-Encoding", "chunked")
    link.putheader("Content-Type", "text/plain")
    if event["fail"]:
        link.putheader("Trailer", "Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body")
    link.endheaders()
    for n in range(event["pieces"]):
        piece = b"x" * event["size"]
        link.send(b"%x\r\n%s\r\n" % (len(piece), piece))
    error = base64.b64encode(b'{"errorMessage":"midway"}')
    trailers = b"Lambda-Runtime-Function-Error-Type: Broken\r\nLambda-Runtime-Function-Error-Body: " + error + b"\r\n"
    link.send(b"0\r\n" + (trailers if event["fail"] else b"") + b"\r\n")
    assert link.getresponse().status == 202
"""


class SlowSink:
    """Reads at its leisure."""

    def __init__(self) -> None:
        self.size = 0
        self.content_type = ""

    def begin(self, content_type: str) -> None:
        self.content_type = content_type

    async def write(self, piece: bytes) -> None:
        await asyncio.sleep(0)
        self.size += len(piece)


def test_a_response_is_streamed_through_the_runtime_api(run_isolated: Run) -> None:
    source = STREAMING.replace("{python}", str(Path(sys._base_executable).resolve()))  # type: ignore[attr-defined]

    async def scenario(shop: Any) -> None:
        sandbox = await shop.of({"bootstrap": source}, **PROVIDED)
        sink = SlowSink()
        _, outcome = await shop.invoke(sandbox, {"pieces": 200, "size": 100_000, "fail": False}, sink=sink)
        assert (sink.size, sink.content_type, outcome.status) == (20_000_000, "text/plain", "success"), shop.log
        _, outcome = await shop.invoke(sandbox, {"pieces": 3, "size": 2, "fail": False})
        assert (outcome.payload, outcome.streamed) == (b"xxxxxx", False)
        error, outcome = await shop.invoke(sandbox, {"pieces": 1, "size": 5, "fail": True}, sink=SlowSink())
        assert (error, outcome.error_type, outcome.streamed) == ({"errorMessage": "midway"}, "Broken", True)

    run_isolated(scenario)


REFUSALS = [
    ("POST", "invocation/other/response", b"{}", 403, "InvalidStateTransition"),
    ("POST", "init/error", b"{}", 403, "InvalidStateTransition"),
    ("GET", "nothing", b"", 404, "NotFound"),
    ("GET", "restore/next", b"", 200, None),
]


def test_what_a_runtime_must_not_do_is_refused(run_isolated: Run) -> None:
    source = """
    import json, os, urllib.error, urllib.request
    def handler(event, context):
        answers = []
        for method, path, body, _, _ in event:
            url = f"http://{os.environ['AWS_LAMBDA_RUNTIME_API']}/2018-06-01/runtime/{path}"
            request = urllib.request.Request(url, body.encode() or None, method=method)
            try:
                got = urllib.request.urlopen(request)
                answers.append((got.status, None))
            except urllib.error.HTTPError as error:
                answers.append((error.code, json.loads(error.read())["errorType"]))
        return answers
    """

    async def scenario(shop: Any) -> None:
        sandbox = await shop.make(source)
        event = [(method, path, body.decode(), status, kind) for method, path, body, status, kind in REFUSALS]
        answers, _ = await shop.invoke(sandbox, event)
        assert answers == [[status, kind] for *_, status, kind in REFUSALS]

    run_isolated(scenario)


def test_a_stranger_does_not_get_a_functions_events(run_isolated: Run) -> None:
    thief = """
    import urllib.request
    def handler(event, context):
        try:
            return urllib.request.urlopen(event, timeout=5).read().decode()
        except OSError as error:
            return "refused"
    """
    victim = """
    #!/bin/sh
    echo "$AWS_LAMBDA_RUNTIME_API"
    exec curl -sS "http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation/next"
    """

    async def scenario(shop: Any) -> None:
        if os.geteuid() != 0:
            pytest.skip("sandboxes have users of their own only where Kumoi runs as root")
        await shop.of({"bootstrap": victim}, **PROVIDED)
        while not shop.log.endswith("\n"):
            await asyncio.sleep(0.01)
        stranger = await shop.make(thief)
        url = f"http://{shop.log.strip()}/2018-06-01/runtime/invocation/next"
        assert (await shop.invoke(stranger, url))[0] == "refused"

    run_isolated(scenario)
