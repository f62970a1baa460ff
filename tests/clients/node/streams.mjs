/* Drives Kinesis as its client does by itself, over HTTP/2; prints what it saw as one JSON object. Of its arguments the
   first is the endpoint, the second the secret key. */

import {
  CreateStreamCommand,
  DescribeStreamSummaryCommand,
  GetRecordsCommand,
  GetShardIteratorCommand,
  KinesisClient,
  ListShardsCommand,
  PutRecordCommand,
  RegisterStreamConsumerCommand,
  SubscribeToShardCommand,
} from "@aws-sdk/client-kinesis";

const [endpoint, secretAccessKey] = process.argv.slice(2);
const credentials = { accessKeyId: "test", secretAccessKey };
const client = new KinesisClient({ endpoint, region: "us-east-1", credentials });
const text = (record) => Buffer.from(record.Data).toString();
const put = (content) =>
  client.send(new PutRecordCommand({ StreamName, PartitionKey: "p", Data: Buffer.from(content) }));
const StreamName = "clicks";
const seen = { handler: client.config.requestHandler.constructor.name };

try {
  await client.send(new CreateStreamCommand({ StreamName, ShardCount: 1 }));
} catch (error) {
  seen.refused = error.name;
  console.log(JSON.stringify(seen));
  process.exit(0);
}
const [{ ShardId }] = (await client.send(new ListShardsCommand({ StreamName }))).Shards;
const numbers = Array.from({ length: 200 }, (_, number) => `${number}`);
await Promise.all(numbers.map(put));
const first = { StreamName, ShardId, ShardIteratorType: "TRIM_HORIZON" };
const { ShardIterator } = await client.send(new GetShardIteratorCommand(first));
const { Records } = await client.send(new GetRecordsCommand({ ShardIterator }));
seen.records = Records.map(text).sort().join() === numbers.sort().join();
await put("x".repeat(1_000_000));

const summary = await client.send(new DescribeStreamSummaryCommand({ StreamName }));
const { StreamARN } = summary.StreamDescriptionSummary;
const { Consumer } = await client.send(new RegisterStreamConsumerCommand({ StreamARN, ConsumerName: "me" }));
const { EventStream } = await client.send(
  new SubscribeToShardCommand({
    ConsumerARN: Consumer.ConsumerARN,
    ShardId,
    StartingPosition: { Type: "LATEST" },
  }),
);
seen.events = [];
const later = put("one"); // beside the stream of events, on the same connection
for await (const { SubscribeToShardEvent } of EventStream) {
  for (const record of SubscribeToShardEvent.Records) seen.events.push(text(record));
  if (seen.events.length === 1) await put("two");
  if (seen.events.length === 2) break;
}
await later;
try {
  await client.send(new GetRecordsCommand({ ShardIterator: "nonsense" }));
} catch (error) {
  seen.error = [error.name, error.$metadata.httpStatusCode];
}
console.log(JSON.stringify(seen));
process.exit(0);
