"use strict";
/*
 * Handlers of custom resources answer CloudFormation with `https.request` to the host and path of the request's
 * ResponseURL, on port 443 whatever the URL says: AWS's cfn-response and the handlers that CDK brings do. Here the URL
 * is the platform's own, so such a request goes to its port.
 */

const http = require("node:http");
const https = require("node:https");
const { syncBuiltinESMExports } = require("node:module");

const MARK = "/_kumoi/cloudformation-response/";
let installed = false;

/** Have answers reach the platform that the event came from. */
function install(event) {
  const own = URL.canParse(event.ResponseURL) ? new URL(event.ResponseURL) : null;
  if (installed || own === null || own.protocol !== "http:") return;
  installed = true;
  const original = https.request;
  https.request = function request(...given) {
    const first = typeof given[0] === "string" ? new URL(given[0]) : given[0];
    const options = first instanceof URL ? { ...parts(first), ...(typeof given[1] === "object" ? given[1] : {}) } : first;
    const path = options.path || options.pathname || "";
    if ((options.hostname || options.host || "").split(":")[0] !== own.hostname || !path.startsWith(MARK)) {
      return original.apply(https, given);
    }
    const answered = given.find((one) => typeof one === "function");
    const { agent, defaultPort, ...rest } = options;
    return http.request({ ...rest, path, host: own.hostname, hostname: own.hostname, port: own.port, protocol: "http:" }, answered);
  };
  syncBuiltinESMExports();
}

function parts(url) {
  return { hostname: url.hostname, path: url.pathname + url.search };
}

module.exports = { install };
