/* Drives IoT Analytics with the last AWS SDK for JavaScript v3 that has it; prints what it saw as one JSON object. */

import {
  BatchPutMessageCommand,
  CreateChannelCommand,
  CreateDatasetCommand,
  CreateDatasetContentCommand,
  CreateDatastoreCommand,
  CreatePipelineCommand,
  DescribeChannelCommand,
  GetDatasetContentCommand,
  IoTAnalyticsClient,
  paginateListChannels,
  ResourceAlreadyExistsException,
  RunPipelineActivityCommand,
  SampleChannelDataCommand,
} from "@aws-sdk/client-iotanalytics";

const client = new IoTAnalyticsClient({ endpoint: process.env.AWS_ENDPOINT_URL });
const seen = {};
const text = (bytes) => Buffer.from(bytes).toString("utf8");
const pause = () => new Promise((resolve) => setTimeout(resolve, 50));

for (const channelName of ["c", "other"]) await client.send(new CreateChannelCommand({ channelName }));
await client.send(new CreateDatastoreCommand({ datastoreName: "d" }));
const pipelineActivities = [
  { channel: { name: "in", channelName: "c", next: "twice" } },
  { math: { name: "twice", attribute: "t2", math: "t * 2", next: "out" } },
  { datastore: { name: "out", datastoreName: "d" } },
];
await client.send(new CreatePipelineCommand({ pipelineName: "p", pipelineActivities }));
const payload = Buffer.from(JSON.stringify({ t: 4 }));
const put = await client.send(new BatchPutMessageCommand({ channelName: "c", messages: [{ messageId: "1", payload }] }));
seen.refused = put.batchPutMessageErrorEntries;
const run = { pipelineActivity: pipelineActivities[1], payloads: [payload] };
seen.ran = (await client.send(new RunPipelineActivityCommand(run))).payloads.map(text);
seen.sampled = (await client.send(new SampleChannelDataCommand({ channelName: "c" }))).payloads.map(text);
seen.created = (await client.send(new DescribeChannelCommand({ channelName: "c" }))).channel.creationTime instanceof Date;
seen.listed = [];
for await (const page of paginateListChannels({ client, pageSize: 1 }, {}))
  seen.listed.push(...page.channelSummaries.map((one) => one.channelName));

const queryAction = { sqlQuery: "SELECT t, t2 FROM d" };
await client.send(new CreateDatasetCommand({ datasetName: "s", actions: [{ actionName: "q", queryAction }] }));
for (let csv = ""; csv.split("\n").length < 3; await pause()) {
  const { versionId } = await client.send(new CreateDatasetContentCommand({ datasetName: "s" }));
  let content;
  do content = await client.send(new GetDatasetContentCommand({ datasetName: "s", versionId }));
  while (content.status.state === "CREATING");
  if (content.status.state === "SUCCEEDED") seen.csv = csv = await (await fetch(content.entries[0].dataURI)).text();
}
try {
  await client.send(new CreateChannelCommand({ channelName: "c" }));
} catch (error) {
  seen.error = [error instanceof ResourceAlreadyExistsException, error.$metadata.httpStatusCode, error.resourceId];
}
console.log(JSON.stringify(seen));
