/* Drives Lambda with the AWS SDK for JavaScript v3; prints what it saw as one JSON object. */

import { readFileSync } from "node:fs";
import {
  AddPermissionCommand,
  CreateAliasCommand,
  CreateFunctionCommand,
  CreateFunctionUrlConfigCommand,
  GetFunctionEventInvokeConfigCommand,
  InvokeCommand,
  InvokeWithResponseStreamCommand,
  LambdaClient,
  PublishLayerVersionCommand,
  PublishVersionCommand,
  PutFunctionEventInvokeConfigCommand,
  UpdateAliasCommand,
  waitUntilFunctionActiveV2,
} from "@aws-sdk/client-lambda";

const client = new LambdaClient({ endpoint: process.env.AWS_ENDPOINT_URL });
const [code, layerZip] = process.argv.slice(2, 4).map((path) => readFileSync(path));
const FunctionName = "js";
const seen = {};
const text = (bytes) => Buffer.from(bytes).toString("utf8");

const layer = await client.send(new PublishLayerVersionCommand({ LayerName: "greeter", Content: { ZipFile: layerZip } }));
seen.layer = layer.Version;
await client.send(
  new CreateFunctionCommand({
    FunctionName,
    Runtime: "nodejs20.x",
    Role: "arn:aws:iam::000000000000:role/any",
    Handler: "index.handler",
    Timeout: 60,
    Code: { ZipFile: code },
    Layers: [layer.LayerVersionArn],
  }),
);
const waited = await waitUntilFunctionActiveV2({ client, maxWaitTime: 60 }, { FunctionName });
seen.waited = waited.state;
const published = await client.send(new PublishVersionCommand({ FunctionName }));
const alias = await client.send(
  new CreateAliasCommand({ FunctionName, Name: "live", FunctionVersion: published.Version }),
);
seen.alias = alias.FunctionVersion;
const invoked = await client.send(
  new InvokeCommand({ FunctionName, Qualifier: "live", Payload: JSON.stringify({ name: "you" }), LogType: "Tail" }),
);
seen.invoked = [JSON.parse(text(invoked.Payload)), invoked.ExecutedVersion, Buffer.from(invoked.LogResult, "base64").toString().includes("REPORT")];
await client.send(new UpdateAliasCommand({ FunctionName, Name: "live", Description: "changed" }));
await client.send(new PutFunctionEventInvokeConfigCommand({ FunctionName, MaximumRetryAttempts: 0 }));
seen.retries = (await client.send(new GetFunctionEventInvokeConfigCommand({ FunctionName }))).MaximumRetryAttempts;
const streamed = await client.send(
  new InvokeWithResponseStreamCommand({ FunctionName, Payload: JSON.stringify({ name: "all" }) }),
);
seen.streamed = "";
for await (const event of streamed.EventStream) {
  if (event.PayloadChunk) seen.streamed += text(event.PayloadChunk.Payload);
  if (event.InvokeComplete) seen.complete = event.InvokeComplete.ErrorCode ?? "success";
}
const url = await client.send(new CreateFunctionUrlConfigCommand({ FunctionName, AuthType: "NONE" }));
await client.send(
  new AddPermissionCommand({
    FunctionName,
    StatementId: "all",
    Action: "lambda:InvokeFunctionUrl",
    Principal: "*",
    FunctionUrlAuthType: "NONE",
  }),
);
seen.url = await (await fetch(url.FunctionUrl)).json();
try {
  await client.send(new InvokeCommand({ FunctionName: "nobody" }));
} catch (error) {
  seen.error = error.name;
}
console.log(JSON.stringify(seen));
