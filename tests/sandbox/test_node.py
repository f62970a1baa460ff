"""Node.js functions behave as on AWS's Node.js runtimes."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

Run = Callable[[Callable[[Any], Any]], Any]
NODE: dict[str, Any] = {"runtime": "nodejs20.x", "handler": "index.handler"}


class Sink:
    def __init__(self) -> None:
        self.content_type = ""
        self.pieces: list[bytes] = []

    def begin(self, content_type: str) -> None:
        self.content_type = content_type

    async def write(self, piece: bytes) -> None:
        self.pieces.append(piece)


FORMS = [
    ("exports.handler = async (event) => ({ got: event });", {"got": 1}),
    ("exports.handler = (event, context, callback) => callback(null, { got: event });", {"got": 1}),
    ("exports.handler = (event, context) => context.succeed({ got: event });", {"got": 1}),
    ("exports.handler = (event, context) => context.done(null, { got: event });", {"got": 1}),
    ("exports.handler = (event) => new Promise((go) => setTimeout(() => go({ got: event }), 5));", {"got": 1}),
    ("exports.handler = async () => {};", None),
    ("exports.handler = () => {};", None),
    ("exports.handler = (e, c, callback) => { setTimeout(() => callback(null, 'later'), 5); };", "later"),
    (
        "exports.handler = (e, c) => {"
        " c.callbackWaitsForEmptyEventLoop = false; setInterval(() => {}, 1e6); c.succeed(7); };",
        7,
    ),
    ("exports.handler = () => new Promise(() => {});", None),
]


@pytest.mark.parametrize(("source", "answer"), FORMS)
def test_every_form_of_handler_answers(run_isolated: Run, source: str, answer: Any) -> None:
    async def scenario(shop: Any) -> None:
        sandbox = await shop.of({"index.js": source}, **NODE)
        for _ in range(2):
            value, outcome = await shop.invoke(sandbox, 1)
            assert (value, outcome.status) == (answer, "success")

    run_isolated(scenario)


def test_a_handler_keeps_its_globals_and_sees_its_context(run: Run) -> None:
    async def scenario(shop: Any) -> None:
        sandbox = await shop.of(
            {
                "index.js": """
                let count = 0;
                exports.handler = async (event, context) => ({
                  count: ++count, colour: process.env.COLOUR, id: context.awsRequestId, arn: context.invokedFunctionArn,
                  left: context.getRemainingTimeInMillis() > 5000, memory: context.memoryLimitInMB, cwd: process.cwd(),
                  trace: process.env._X_AMZN_TRACE_ID, file: __filename,
                });
                """
            },
            variables={"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256"},
            **NODE,
        )
        first, outcome = await shop.invoke(sandbox)
        assert outcome.init_duration is not None
        second, outcome = await shop.invoke(sandbox, request_id="request-2")
        assert outcome.init_duration is None
        assert (first["count"], second["count"], second["id"]) == (1, 2, "request-2")
        assert (first["colour"], first["arn"], first["left"], first["memory"]) == ("red", "arn:f", True, "256")
        assert first["trace"] == "Root=1-a-b;Sampled=1"

    run(scenario)


MODULES = [
    (
        {"index.mjs": "export const handler = async () => import.meta.url.split('/').pop();"},
        "index.handler",
        "index.mjs",
    ),
    (
        {"index.js": "export async function handler() { return 'esm'; }", "package.json": '{"type": "module"}'},
        "index.handler",
        "esm",
    ),
    ({"src/api/app.js": "exports.nested = { go: async () => 'deep' };"}, "src/api/app.nested.go", "deep"),
    ({"index.cjs": "exports.handler = async () => 'cjs';"}, "index.handler", "cjs"),
    (
        {"index.js": "exports.handler = require('./lib/a').value;", "lib/a.js": "exports.value = async () => 'lib';"},
        "index.handler",
        "lib",
    ),
]


@pytest.mark.parametrize(("files", "handler", "answer"), MODULES)
def test_every_kind_of_module_loads(run: Run, files: dict[str, str], handler: str, answer: str) -> None:
    async def scenario(shop: Any) -> None:
        sandbox = await shop.of(files, runtime="nodejs20.x", handler=handler)
        assert (await shop.invoke(sandbox))[0] == answer

    run(scenario)


def test_layers_are_found_by_both_kinds_of_modules(run: Run) -> None:
    layer = {"nodejs/node_modules/greeter/index.js": "module.exports = (name) => `hello ${name}`;"}
    variables = {"NODE_PATH": "/opt/nodejs/node20/node_modules:/opt/nodejs/node_modules:/var/runtime/node_modules"}

    async def scenario(shop: Any) -> None:
        for name, source in (
            ("index.js", "const greet = require('greeter'); exports.handler = async (e) => greet(e);"),
            ("index.mjs", "import greet from 'greeter'; export const handler = async (e) => greet(e);"),
        ):
            sandbox = await shop.of({name: source}, layer, variables, **NODE)
            assert (await shop.invoke(sandbox, "you"))[0] == "hello you"

    run(scenario)


ERRORS = [
    ("exports.handler = async () => { throw new TypeError('bad'); };", "TypeError", "bad", "error"),
    ("exports.handler = (e, c, callback) => callback(new RangeError('no'));", "RangeError", "no", "error"),
    ("exports.handler = (e, c, callback) => callback('text');", "string", "text", "error"),
    (
        "exports.handler = async () => ({ n: 1n });",
        "Runtime.MarshalError",
        "Unable to stringify response body",
        "error",
    ),
    ("exports.handler = () => { setTimeout(() => { throw new Error('late'); }, 1); };", "Error", "late", "error"),
    (
        "exports.handler = async () => {"
        " Promise.reject(new Error('lost')); await new Promise((g) => setTimeout(g, 50)); };",
        "Runtime.UnhandledPromiseRejection",
        "Error: lost",
        "error",
    ),
    ("exports.handler = () => { process.exit(3); };", "Runtime.ExitError", "exit status 3", "failure"),
    ("throw new Error('init');", "Error", "init", "error"),
    ("exports.other = 1;", "Runtime.HandlerNotFound", "index.handler is undefined or not exported", "error"),
    ("require('nowhere');", "Runtime.ImportModuleError", "Cannot find module 'nowhere'", "error"),
    ("require('@aws-sdk/client-nowhere');", "Runtime.ImportModuleError", "npm install", "error"),
    ("exports.handler = async ( => {};", "Runtime.UserCodeSyntaxError", "SyntaxError", "error"),
]


@pytest.mark.parametrize(("source", "kind", "message", "status"), ERRORS)
def test_errors_are_told_as_lambda_tells_them(
    run_isolated: Run, source: str, kind: str, message: str, status: str
) -> None:
    async def scenario(shop: Any) -> None:
        sandbox = await shop.of({"index.js": source}, **NODE)
        for _ in range(2):
            error, outcome = await shop.invoke(sandbox)
            assert error["errorType"] == kind
            assert message in error["errorMessage"]
            assert (outcome.error_type, outcome.status) == (kind, status)

    run_isolated(scenario)


def test_an_error_names_its_place_and_is_logged(run: Run) -> None:
    async def scenario(shop: Any) -> None:
        sandbox = await shop.of({"index.js": "exports.handler = async () => {\n  throw new Error('bad');\n};"}, **NODE)
        error, _ = await shop.invoke(sandbox)
        assert error["trace"][0] == "Error: bad"
        assert any("/var/task/index.js:2:9" in line for line in error["trace"])
        _, request, severity, title, rest = shop.log.split("\t", 4)
        assert (request, severity, title) == ("request-1", "ERROR", "Invoke Error ")
        assert json.loads(rest)["errorMessage"] == "bad"

    run(scenario)


def test_console_lines_are_whole_events(run: Run) -> None:
    async def scenario(shop: Any) -> None:
        source = """
        exports.handler = async () => {
          console.log('one\\ntwo', { a: 1 }); console.warn('careful'); process.stdout.write('raw\\n');
        };
        """
        sandbox = await shop.of({"index.js": source}, **NODE)
        await shop.invoke(sandbox)
        first, second, third = shop.lines
        assert first.split("\t")[1:] == ["request-1", "INFO", "one\ntwo { a: 1 }\n"]
        assert second.split("\t")[1:] == ["request-1", "WARN", "careful\n"]
        assert third == "raw\n"

    run(scenario)


def test_json_lines_carry_level_and_request(run: Run) -> None:
    async def scenario(shop: Any) -> None:
        source = """
        exports.handler = async () => {
          console.debug('no'); console.info({ order: 7 }); console.error('x', new TypeError('t'));
        };
        """
        sandbox = await shop.of({"index.js": source}, log_format="JSON", log_level="INFO", **NODE)
        await shop.invoke(sandbox)
        info, error = map(json.loads, shop.lines)
        assert (info["level"], info["requestId"], info["message"]) == ("INFO", "request-1", {"order": 7})
        assert (error["level"], error["errorType"], error["errorMessage"]) == ("ERROR", "TypeError", "t")

    run(scenario)


def test_a_response_is_streamed_as_it_is_written(run: Run) -> None:
    source = """
    exports.handler = awslambda.streamifyResponse(async (event, stream, context) => {
      stream.setContentType('text/plain');
      for (const word of event) { stream.write(word); await new Promise((go) => setTimeout(go, 5)); }
      stream.end();
      await stream.finished?.();
    });
    """

    async def scenario(shop: Any) -> None:
        sandbox, sink = await shop.of({"index.js": source}, **NODE), Sink()
        _, outcome = await shop.invoke(sandbox, ["a", "b", "c"], sink=sink)
        assert (sink.content_type, sink.pieces) == ("text/plain", [b"a", b"b", b"c"])
        assert (outcome.streamed, outcome.payload, outcome.status) == (True, b"", "success")
        _, outcome = await shop.invoke(sandbox, ["d", "e"])
        assert (outcome.payload, outcome.content_type) == (b"de", "text/plain")

    run(scenario)


def test_a_http_prelude_precedes_the_stream_and_an_error_can_end_it(run: Run) -> None:
    source = """
    exports.handler = awslambda.streamifyResponse(async (event, stream) => {
      const out = awslambda.HttpResponseStream.from(stream, { statusCode: 201, headers: { 'x-a': 'b' } });
      out.write('<p>');
      if (event) throw new Error('midway');
      out.end();
    });
    """

    async def scenario(shop: Any) -> None:
        sandbox, sink = await shop.of({"index.js": source}, **NODE), Sink()
        await shop.invoke(sandbox, False, sink=sink)
        prelude, body = b"".join(sink.pieces).split(bytes(8))
        assert json.loads(prelude) == {"statusCode": 201, "headers": {"x-a": "b"}}
        assert (body, sink.content_type) == (b"<p>", "application/vnd.awslambda.http-integration-response")
        error, outcome = await shop.invoke(sandbox, True, sink=Sink())
        assert (error["errorMessage"], outcome.streamed, outcome.status) == ("midway", True, "error")

    run(scenario)


def test_a_timeout_and_a_closed_channel_start_a_new_runtime(run: Run) -> None:
    source = """
    let count = 0;
    exports.handler = async (event) => {
      if (event === 'hang') for (;;);
      if (event === 'close') { for (let fd = 0; fd < 64; fd++) try { require('fs').closeSync(fd); } catch {} for (;;); }
      return ++count;
    };
    """

    async def scenario(shop: Any) -> None:
        sandbox = await shop.of({"index.js": source}, **NODE)
        assert (await shop.invoke(sandbox))[0] == 1
        for hostile in ("hang", "close"):
            error, _ = await shop.invoke(sandbox, hostile, timeout=1.0)
            assert error["errorType"] in ("Sandbox.Timedout", "Runtime.ExitError")
            assert (await shop.invoke(sandbox))[0] == 1

    run(scenario)


def test_variables_that_node_reads_at_its_start_are_honoured(run: Run) -> None:
    async def scenario(shop: Any) -> None:
        source = "exports.handler = async () => process.execArgv.concat(process.env.NODE_OPTIONS);"
        sandbox = await shop.of({"index.js": source}, None, {"NODE_OPTIONS": "--no-warnings"}, **NODE)
        assert "--no-warnings" in (await shop.invoke(sandbox))[0]

    run(scenario)
