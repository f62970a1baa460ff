"use strict";
/*
 * `cfn-response`, for functions whose code stands in a template: a custom resource's answer to CloudFormation. The
 * interface is the one that AWS documents ("cfn-response module").
 */

const http = require("node:http");
const https = require("node:https");

exports.SUCCESS = "SUCCESS";
exports.FAILED = "FAILED";

exports.send = function send(event, context, responseStatus, responseData, physicalResourceId, noEcho) {
  const body = JSON.stringify({
    Status: responseStatus,
    Reason: `See the details in CloudWatch Log Stream: ${context.logStreamName}`,
    PhysicalResourceId: physicalResourceId || context.logStreamName,
    StackId: event.StackId,
    RequestId: event.RequestId,
    LogicalResourceId: event.LogicalResourceId,
    NoEcho: noEcho || false,
    Data: responseData,
  });
  const client = event.ResponseURL.startsWith("https:") ? https : http;
  const headers = { "content-type": "", "content-length": Buffer.byteLength(body) };
  return new Promise((resolve, reject) => {
    const request = client.request(event.ResponseURL, { method: "PUT", headers }, (response) => {
      response.resume();
      context.done();
      resolve();
    });
    request.on("error", (error) => {
      context.done(error);
      reject(error);
    });
    request.end(body);
  });
};
