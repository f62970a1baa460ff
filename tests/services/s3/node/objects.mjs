/* Drives S3 with the AWS SDK for JavaScript v3; prints what it saw as one JSON object. */

import { Readable } from "node:stream";
import {
  CreateBucketCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { Upload } from "@aws-sdk/lib-storage";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";

const Bucket = process.argv[2];
const client = new S3Client({ endpoint: process.env.AWS_ENDPOINT_URL, forcePathStyle: true });
const seen = {};

await client.send(new CreateBucketCommand({ Bucket }));
const put = await client.send(new PutObjectCommand({ Bucket, Key: "a b/ü", Body: "hello", Metadata: { a: "b" } }));
seen.crc32 = put.ChecksumCRC32;
const got = await client.send(new GetObjectCommand({ Bucket, Key: "a b/ü" }));
seen.body = await got.Body.transformToString();
seen.metadata = got.Metadata;

const Body = Readable.from((function* () {
  for (let i = 0; i < 12; i++) yield Buffer.alloc(1024 * 1024, i);
})());
await new Upload({ client, params: { Bucket, Key: "stream", Body } }).done();
const head = await client.send(new HeadObjectCommand({ Bucket, Key: "stream" }));
seen.streamed = [head.ContentLength, head.ETag.endsWith('-3"')];

const url = await getSignedUrl(client, new GetObjectCommand({ Bucket, Key: "a b/ü" }), { expiresIn: 60 });
seen.presigned = await (await fetch(url)).text();

const listed = await client.send(new ListObjectsV2Command({ Bucket, Delimiter: "/" }));
seen.listed = [listed.Contents.map((one) => one.Key), listed.CommonPrefixes.map((one) => one.Prefix)];

try {
  await client.send(new GetObjectCommand({ Bucket, Key: "none" }));
} catch (error) {
  seen.error = error.name;
}
const deleted = await client.send(
  new DeleteObjectsCommand({ Bucket, Delete: { Objects: [{ Key: "a b/ü" }, { Key: "stream" }] } }),
);
seen.deleted = deleted.Deleted.length;
console.log(JSON.stringify(seen));
