"use strict";
/* Response streaming: awslambda.streamifyResponse and awslambda.HttpResponseStream. */

const { Writable } = require("node:stream");

const STREAMING = Symbol.for("aws.lambda.runtime.handler.streaming");
const HIGH_WATER_MARK = Symbol.for("aws.lambda.runtime.handler.streaming.highWaterMark");
const HTTP_INTEGRATION = "application/vnd.awslambda.http-integration-response";

/** What a streaming handler writes its answer to; the first write begins the response. */
class ResponseStream extends Writable {
  constructor(send, options) {
    super({ highWaterMark: 65536, ...options });
    this.begun = false;
    this._send = send;
    this._contentType = "application/octet-stream";
    this._onBeforeFirstWrite = null;
  }

  setContentType(contentType) {
    if (this.begun) throw new Error("Cannot set content-type, too late.");
    this._contentType = contentType;
  }

  _begin() {
    if (this.begun) return;
    this.begun = true;
    this._send("B", { content_type: this._contentType });
    if (this._onBeforeFirstWrite) this._onBeforeFirstWrite((piece) => this._send("C", {}, piece));
  }

  _write(chunk, encoding, done) {
    this._begin();
    this._send("C", {}, chunk, done);
  }

  _final(done) {
    this._begin();
    done();
  }

  write(chunk, encoding, done) {
    const text = typeof chunk === "string" || Buffer.isBuffer(chunk) || chunk instanceof Uint8Array;
    return super.write(text ? chunk : JSON.stringify(chunk), encoding, done);
  }
}

class HttpResponseStream {
  /** Have an HTTP status, headers and cookies precede what is written to the stream. */
  static from(underlying, prelude) {
    underlying.setContentType(HTTP_INTEGRATION);
    const text = JSON.stringify(prelude);
    underlying._onBeforeFirstWrite = (write) => write(Buffer.concat([Buffer.from(text), Buffer.alloc(8)]));
    return underlying;
  }
}

function installGlobals() {
  globalThis.awslambda = {
    ...globalThis.awslambda,
    streamifyResponse(handler, options) {
      handler[STREAMING] = "response";
      if (options && options.highWaterMark) handler[HIGH_WATER_MARK] = parseInt(options.highWaterMark, 10);
      return handler;
    },
    HttpResponseStream,
  };
}

module.exports = { ResponseStream, installGlobals, STREAMING };
