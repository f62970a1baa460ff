"use strict";
/*
 * What a function writes. console calls become whole log events, framed (the sandbox's marker, u32 length, text) in the
 * same pipe as standard output. Formats: "Log and monitor Node.js Lambda functions" (text and JSON).
 */

const fs = require("node:fs");
const util = require("node:util");

const LEVELS = { TRACE: 1, DEBUG: 2, INFO: 3, WARN: 4, ERROR: 5, FATAL: 6 };
const METHODS = { log: "INFO", debug: "DEBUG", info: "INFO", warn: "WARN", error: "ERROR", trace: "TRACE", fatal: "FATAL" };

class FunctionLog {
  constructor(spec) {
    this.requestId = undefined;
    this.tenantId = null;
    this.marker = Buffer.from(spec.marker, "hex");
    this.json = spec.log_format === "JSON";
    this.least = this.json ? LEVELS[spec.log_level] || LEVELS.INFO : LEVELS.TRACE;
    this.task = spec.task;
  }

  install() {
    for (const [method, level] of Object.entries(METHODS)) {
      console[method] = (...parts) => this.write(level, parts);
    }
  }

  write(level, parts) {
    if (LEVELS[level] < this.least) return;
    this.record(this.json ? this.jsonLine(level, parts) : this.textLine(level, util.format(...parts)));
  }

  textLine(level, message) {
    return `${new Date().toISOString()}\t${this.requestId}\t${level}\t${message}\n`;
  }

  jsonLine(level, parts) {
    const event = { timestamp: new Date().toISOString(), level, requestId: this.requestId };
    if (this.tenantId) event.tenantId = this.tenantId;
    const failure = parts.find((part) => part instanceof Error);
    event.message = parts.length === 1 && !(parts[0] instanceof Error) && typeof parts[0] === "object" ? parts[0] : util.format(...parts);
    if (failure) {
      event.errorType = failure.name;
      event.errorMessage = failure.message;
      event.stackTrace = this.shown(String(failure.stack)).split("\n");
    }
    try {
      return `${JSON.stringify(event)}\n`;
    } catch {
      return `${JSON.stringify({ ...event, message: util.format(...parts) })}\n`;
    }
  }

  /** An error that ended an invocation or the initialisation. */
  error(title, failure, thrown) {
    if (this.json) {
      const event = { timestamp: new Date().toISOString(), level: "ERROR", requestId: this.requestId };
      event.message = { errorType: failure.errorType, errorMessage: failure.errorMessage, stackTrace: failure.trace };
      this.record(`${JSON.stringify(event)}\n`);
      return;
    }
    const extra = thrown && typeof thrown === "object" ? plain(thrown) : {};
    const shown = { errorType: failure.errorType, errorMessage: failure.errorMessage, ...extra, stack: failure.trace };
    this.record(this.textLine("ERROR", `${title} \t${JSON.stringify(shown)}`));
  }

  /** A text as AWS would have it: the code's place as /var/task. */
  shown(text) {
    return this.task === "/var/task" ? text : text.replaceAll(this.task, "/var/task");
  }

  record(text) {
    const raw = Buffer.from(this.shown(text));
    const length = Buffer.alloc(4);
    length.writeUInt32BE(raw.length, 0);
    writeAll(Buffer.concat([this.marker, length, raw]));
  }

  /** Call `done` once what was written to standard output has left. */
  flush(done) {
    if (process.stdout.writableLength === 0 && process.stderr.writableLength === 0) done();
    else process.stdout.write("", () => process.stderr.write("", done));
  }
}

/** Own properties of an error beside those that are shown anyway. */
function plain(error) {
  const shown = {};
  for (const [name, value] of Object.entries(error)) {
    if (name !== "stack" && name !== "message" && typeof value !== "function") {
      shown[name] = value instanceof Error ? value.toString() : value;
    }
  }
  try {
    JSON.stringify(shown);
    return shown;
  } catch {
    return {};
  }
}

function writeAll(content) {
  let at = 0;
  while (at < content.length) {
    try {
      at += fs.writeSync(1, content, at);
    } catch (error) {
      if (error.code !== "EAGAIN") return;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2); // the pipe is full: its reader is slow
    }
  }
}

module.exports = { FunctionLog };
