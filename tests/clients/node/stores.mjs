/* Drives DynamoDB, SQS, SNS, Kinesis and EventBridge with the AWS SDK for JavaScript v3; prints what it saw as JSON. */

import { DynamoDBClient, CreateTableCommand, waitUntilTableExists } from "@aws-sdk/client-dynamodb";
import { EventBridgeClient, PutEventsCommand, PutRuleCommand, PutTargetsCommand } from "@aws-sdk/client-eventbridge";
import {
  CreateStreamCommand,
  GetRecordsCommand,
  GetShardIteratorCommand,
  KinesisClient,
  PutRecordCommand,
  waitUntilStreamExists,
} from "@aws-sdk/client-kinesis";
import { CreateTopicCommand, PublishCommand, SNSClient, SubscribeCommand } from "@aws-sdk/client-sns";
import {
  CreateQueueCommand,
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  QueueDoesNotExist,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  SQSClient,
} from "@aws-sdk/client-sqs";
import {
  DynamoDBDocumentClient,
  GetCommand,
  paginateQuery,
  PutCommand,
  TransactWriteCommand,
  UpdateCommand,
} from "@aws-sdk/lib-dynamodb";

const options = { endpoint: process.env.AWS_ENDPOINT_URL };
const seen = {};

const dynamodb = new DynamoDBClient(options);
const documents = DynamoDBDocumentClient.from(dynamodb);
const TableName = "orders";
await dynamodb.send(
  new CreateTableCommand({
    TableName,
    KeySchema: [
      { AttributeName: "shop", KeyType: "HASH" },
      { AttributeName: "id", KeyType: "RANGE" },
    ],
    AttributeDefinitions: [
      { AttributeName: "shop", AttributeType: "S" },
      { AttributeName: "id", AttributeType: "N" },
    ],
    BillingMode: "PAY_PER_REQUEST",
  }),
);
seen.table = (await waitUntilTableExists({ client: dynamodb, maxWaitTime: 60, minDelay: 1 }, { TableName })).state;
for (let id = 0; id < 5; id += 1) {
  await documents.send(
    new PutCommand({ TableName, Item: { shop: "a", id, parts: [{ sku: "x", n: id }], tags: new Set(["b", "c"]) } }),
  );
}
const updated = await documents.send(
  new UpdateCommand({
    TableName,
    Key: { shop: "a", id: 3 },
    UpdateExpression: "SET parts[0].n = parts[0].n + :one",
    ExpressionAttributeValues: { ":one": 10 },
    ReturnValues: "UPDATED_NEW",
  }),
);
seen.updated = updated.Attributes;
const found = (await documents.send(new GetCommand({ TableName, Key: { shop: "a", id: 3 } }))).Item;
seen.item = [found.parts, [...found.tags].sort()];
seen.pages = [];
const query = {
  TableName,
  KeyConditionExpression: "shop = :shop",
  ExpressionAttributeValues: { ":shop": "a" },
};
for await (const page of paginateQuery({ client: documents, pageSize: 2 }, query)) {
  seen.pages.push(page.Items.map((item) => item.id));
}
try {
  await documents.send(
    new TransactWriteCommand({
      TransactItems: [
        { Put: { TableName, Item: { shop: "b", id: 1 } } },
        { ConditionCheck: { TableName, Key: { shop: "a", id: 9 }, ConditionExpression: "attribute_exists(shop)" } },
      ],
    }),
  );
} catch (error) {
  seen.cancelled = [error.name, error.CancellationReasons.map((reason) => reason.Code)];
}

const sqs = new SQSClient(options);
const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: "jobs" }));
const attributes = await sqs.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ["QueueArn"] }));
const queue = attributes.Attributes.QueueArn;
const receive = async (count) => {
  const bodies = [];
  while (bodies.length < count) {
    const { Messages = [] } = await sqs.send(
      new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10, WaitTimeSeconds: 5 }),
    );
    for (const message of Messages) {
      bodies.push(message.Body);
      await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: message.ReceiptHandle }));
    }
  }
  return bodies.sort();
};
const Entries = ["one", "two"].map((text) => ({ Id: text, MessageBody: text }));
seen.sent = (await sqs.send(new SendMessageBatchCommand({ QueueUrl, Entries }))).Successful.length;
seen.received = await receive(2);
try {
  await sqs.send(new ReceiveMessageCommand({ QueueUrl: `${QueueUrl}-none` }));
} catch (error) {
  seen.missing = error instanceof QueueDoesNotExist;
}

const sns = new SNSClient(options);
const { TopicArn } = await sns.send(new CreateTopicCommand({ Name: "news" }));
await sns.send(
  new SubscribeCommand({ TopicArn, Protocol: "sqs", Endpoint: queue, Attributes: { RawMessageDelivery: "true" } }),
);
await sns.send(new PublishCommand({ TopicArn, Message: "from a topic" }));
seen.published = await receive(1);

const events = new EventBridgeClient(options);
await events.send(new PutRuleCommand({ Name: "all", EventPattern: JSON.stringify({ source: ["shop"] }) }));
await events.send(new PutTargetsCommand({ Rule: "all", Targets: [{ Id: "1", Arn: queue, InputPath: "$.detail" }] }));
await events.send(
  new PutEventsCommand({ Entries: [{ Source: "shop", DetailType: "order", Detail: JSON.stringify({ id: 7 }) }] }),
);
seen.event = await receive(1);

const kinesis = new KinesisClient(options);
await kinesis.send(new CreateStreamCommand({ StreamName: "clicks", ShardCount: 1 }));
await waitUntilStreamExists({ client: kinesis, maxWaitTime: 60, minDelay: 1 }, { StreamName: "clicks" });
const put = await kinesis.send(
  new PutRecordCommand({ StreamName: "clicks", Data: Buffer.from("click"), PartitionKey: "p" }),
);
const { ShardIterator } = await kinesis.send(
  new GetShardIteratorCommand({ StreamName: "clicks", ShardId: put.ShardId, ShardIteratorType: "TRIM_HORIZON" }),
);
const { Records } = await kinesis.send(new GetRecordsCommand({ ShardIterator }));
seen.records = Records.map((record) => Buffer.from(record.Data).toString());

console.log(JSON.stringify(seen));
process.exit(0);
