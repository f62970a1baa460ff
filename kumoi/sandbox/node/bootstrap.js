"use strict";
/*
 * The runtime of Node.js functions. It is started before its function is known, waits for INIT on descriptor 3, loads
 * the handler, then answers invocations one after the other.
 *
 * Behaves as AWS's Node.js runtimes do: handler forms, context, error payloads, console lines, response streaming.
 * Sources: the developer guide ("Building Lambda functions with Node.js", "Response streaming") and the runtime
 * client's observable behaviour. Frames are those of kumoi/sandbox/python/frames.py.
 */

const net = require("node:net");
const { performance } = require("node:perf_hooks");
const { FunctionLog } = require("./log.js");
const { loadHandler, STREAMING } = require("./handler.js");
const { ResponseStream, installGlobals } = require("./streaming.js");

const OVERHEAD = 5;
const CUSTOM_RESOURCE = "/_kumoi/cloudformation-response/"; // in the events of custom resources
const channel = new net.Socket({ fd: 3 });
let log = null;
let handler = null;
let current = null;
let received = Buffer.alloc(0);

channel.on("data", (piece) => {
  received = received.length ? Buffer.concat([received, piece]) : piece;
  for (;;) {
    if (received.length < 4) return;
    const end = 4 + received.readUInt32BE(0);
    if (received.length < end) return;
    const kind = String.fromCharCode(received[4]);
    const payloadAt = 4 + OVERHEAD + received.readUInt32BE(5);
    const header = JSON.parse(received.toString("utf8", 4 + OVERHEAD, payloadAt));
    const payload = received.subarray(payloadAt, end);
    received = received.subarray(end);
    if (kind === "N") initialise(header);
    else if (kind === "I") invoke(header, payload);
  }
});
channel.on("close", () => process.exit(0));

function send(kind, header, payload, done) {
  const text = Buffer.from(JSON.stringify(header));
  const body = payload === undefined ? Buffer.alloc(0) : Buffer.isBuffer(payload) ? payload : Buffer.from(payload);
  const head = Buffer.alloc(4 + OVERHEAD);
  head.writeUInt32BE(OVERHEAD + text.length + body.length, 0);
  head.write(kind, 4, "latin1");
  head.writeUInt32BE(text.length, 5);
  return channel.write(Buffer.concat([head, text, body]), done);
}

async function initialise(spec) {
  const began = performance.now();
  if (spec.environment) {
    for (const name of Object.keys(process.env)) delete process.env[name];
    Object.assign(process.env, spec.environment);
    require("node:module").Module._initPaths(); // NODE_PATH was read before the function was known
  }
  process.chdir(spec.task);
  if (spec.clock_skew) require("./skewed.js").skew(spec.clock_skew * 1000);
  log = new FunctionLog(spec);
  log.install();
  installGlobals();
  process.on("uncaughtException", (error) => die(error, "Uncaught Exception", 129));
  process.on("unhandledRejection", (reason) => {
    const error = new Error(reason instanceof Error ? reason.toString() : String(reason));
    error.name = "Runtime.UnhandledPromiseRejection";
    error.reason = reason;
    if (reason instanceof Error) error.stack = `${error.name}: ${error.message}\n${stackLines(reason).slice(1).join("\n")}`;
    die(error, "Unhandled Promise Rejection", 128);
  });
  process.on("beforeExit", () => current && current.onIdle());
  try {
    handler = await loadHandler(spec.task, spec.handler);
  } catch (error) {
    const failure = describe(error);
    log.error("Uncaught Exception", failure, error);
    send("X", { init: seconds(began), type: failure.errorType }, JSON.stringify(failure), () => process.exit(1));
    return;
  }
  send("Y", { init: seconds(began) });
}

function invoke(header, payload) {
  log.requestId = header.request_id;
  log.tenantId = header.tenant_id || null;
  process.env._X_AMZN_TRACE_ID = header.trace;
  current = new Invocation(header, performance.now());
  channel.unref(); // so that an empty event loop is noticed
  let event;
  try {
    event = JSON.parse(payload.toString("utf8"));
    if (payload.includes(CUSTOM_RESOURCE)) require("./custom_resource.js").install(event);
  } catch (error) {
    current.fail(error);
    return;
  }
  current.run(event);
}

/** One invocation on its way to its answer; the first answer counts. */
class Invocation {
  constructor(header, began) {
    this.header = header;
    this.began = began;
    this.answered = false;
    this.pendingResult = undefined; // what a callback gave while the event loop is waited for
    this.hasPending = false;
    this.stream = null;
    this.context = this.makeContext();
  }

  makeContext() {
    const { header } = this;
    const parsed = (text) => (text ? JSON.parse(text) : undefined);
    return {
      callbackWaitsForEmptyEventLoop: true,
      functionVersion: process.env.AWS_LAMBDA_FUNCTION_VERSION,
      functionName: process.env.AWS_LAMBDA_FUNCTION_NAME,
      memoryLimitInMB: process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
      logGroupName: process.env.AWS_LAMBDA_LOG_GROUP_NAME,
      logStreamName: process.env.AWS_LAMBDA_LOG_STREAM_NAME,
      clientContext: parsed(header.client_context),
      identity: parsed(header.cognito_identity),
      invokedFunctionArn: header.function_arn,
      awsRequestId: header.request_id,
      ...(header.tenant_id ? { tenantId: header.tenant_id } : {}),
      getRemainingTimeInMillis: () => header.deadline_ms - Date.now(),
      done: (error, result) => this.callback(error, result),
      fail: (error) => this.callback(error === undefined || error === null ? "handled" : error),
      succeed: (result) => this.callback(null, result),
    };
  }

  run(event) {
    try {
      let outcome;
      if (handler[STREAMING]) {
        this.stream = new ResponseStream(send);
        outcome = handler(event, this.stream, this.context);
        Promise.resolve(outcome).then(
          () => this.endStream(),
          (error) => this.fail(error),
        );
        return;
      }
      outcome = handler(event, this.context, (error, result) => this.callback(error, result));
      if (outcome && typeof outcome.then === "function") {
        outcome.then(
          (result) => this.succeed(result),
          (error) => this.fail(error),
        );
      }
    } catch (error) {
      this.fail(error);
    }
  }

  callback(error, result) {
    if (this.answered || this.hasPending) return;
    if (error !== undefined && error !== null) {
      this.fail(error);
    } else if (this.context.callbackWaitsForEmptyEventLoop) {
      this.hasPending = true;
      this.pendingResult = result;
    } else {
      this.succeed(result);
    }
  }

  /** Nothing is left to do: answer what a callback gave, or null when nothing ever will. */
  onIdle() {
    if (this.answered) return;
    if (this.stream) this.endStream();
    else this.succeed(this.hasPending ? this.pendingResult : null);
  }

  succeed(result) {
    if (this.answered) return;
    let text;
    try {
      text = JSON.stringify(result === undefined ? null : result);
    } catch (error) {
      const fault = new Error(`Unable to stringify response body: ${error.message}`);
      fault.name = "Runtime.MarshalError";
      this.fail(fault);
      return;
    }
    this.answer("R", this.usage(), text === undefined ? "null" : text);
  }

  endStream() {
    if (this.answered) return;
    const finish = () => this.answer("R", { ...this.usage(), streamed: true });
    if (this.stream.writableFinished) finish();
    else {
      this.stream.once("finish", finish);
      this.stream.once("error", (error) => this.fail(error));
      if (!this.stream.writableEnded) channel.ref();
    }
  }

  fail(error) {
    if (this.answered) return;
    const failure = describe(error);
    log.error("Invoke Error", failure, error);
    const streamed = Boolean(this.stream && this.stream.begun);
    this.answer("E", { ...this.usage(), type: failure.errorType, streamed }, JSON.stringify(failure));
  }

  answer(kind, header, payload) {
    this.answered = true;
    current = null;
    channel.ref();
    log.flush(() => send(kind, header, payload));
  }

  usage() {
    return { duration: seconds(this.began), peak_kb: process.resourceUsage().maxRSS };
  }
}

/** An error that nothing caught ends the runtime; the invocation, or the initialisation, fails with it. */
function die(error, title, status) {
  const failure = describe(error);
  log.error(title, failure, error);
  const exit = () => process.exit(status);
  if (current) {
    const header = { ...current.usage(), type: failure.errorType, streamed: Boolean(current.stream && current.stream.begun), ends: true };
    current.answered = true;
    log.flush(() => send("E", header, JSON.stringify(failure), exit));
  } else {
    log.flush(exit);
  }
}

function describe(error) {
  if (error instanceof Error || (error && typeof error === "object" && typeof error.stack === "string")) {
    return { errorType: String(error.name), errorMessage: String(error.message), trace: stackLines(error) };
  }
  return { errorType: typeof error, errorMessage: String(error), trace: [] };
}

function stackLines(error) {
  return log.shown(String(error.stack || error)).split("\n");
}

function seconds(began) {
  return (performance.now() - began) / 1000;
}
