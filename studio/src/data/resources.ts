// What holds data: tables, buckets, queues and topics of all regions.

import { aws, type Place } from "../lib/api";

export interface Resource {
  id: string;
  kind: "dynamodb" | "s3" | "sqs" | "sns";
  name: string;
  /** What operations call it: a table's or bucket's name, a queue's URL, a topic's ARN. */
  handle: string;
  region: string;
}

export async function resources(account: string, regions: string[]): Promise<Resource[]> {
  const places = regions.map((region) => ({ account, region }));
  const found = await Promise.all([...places.flatMap((place) => [tables(place), queues(place), topics(place)]), ...places.slice(0, 1).map(buckets)]);
  return found.flat();
}

async function every<T>(place: Place, service: string, operation: string, member: string, tokens: [string, string]): Promise<T[]> {
  const found: T[] = [];
  let token: unknown;
  for (let page = 0; page < 20; page += 1) {
    const answer = await aws(place, service, operation, token === undefined ? {} : { [tokens[1]]: token });
    found.push(...((answer[member] as T[] | undefined) ?? []));
    token = answer[tokens[0]];
    if (token === undefined || token === "") break;
  }
  return found;
}

async function tables(place: Place): Promise<Resource[]> {
  const names = await every<string>(place, "dynamodb", "ListTables", "TableNames", ["LastEvaluatedTableName", "ExclusiveStartTableName"]);
  return names.map((name) => ({ id: `dynamodb:${name}`, kind: "dynamodb", name, handle: name, region: place.region }));
}

async function queues(place: Place): Promise<Resource[]> {
  const urls = await every<string>(place, "sqs", "ListQueues", "QueueUrls", ["NextToken", "NextToken"]);
  return urls.map((url) => {
    const name = url.slice(url.lastIndexOf("/") + 1);
    return { id: `sqs:${name}`, kind: "sqs", name, handle: url, region: place.region };
  });
}

async function topics(place: Place): Promise<Resource[]> {
  const arns = await every<{ TopicArn: string }>(place, "sns", "ListTopics", "Topics", ["NextToken", "NextToken"]);
  return arns.map(({ TopicArn }) => {
    const name = TopicArn.slice(TopicArn.lastIndexOf(":") + 1);
    return { id: `sns:${name}`, kind: "sns", name, handle: TopicArn, region: place.region };
  });
}

async function buckets(place: Place): Promise<Resource[]> {
  const found = await every<{ Name: string }>(place, "s3", "ListBuckets", "Buckets", ["ContinuationToken", "ContinuationToken"]);
  return found.map(({ Name }) => ({ id: `s3:${Name}`, kind: "s3", name: Name, handle: Name, region: place.region }));
}

/** A generated name without the random part that stacks add. */
export function nameOf(name: string): string {
  return name.replace(/-[0-9a-f]{12}$/, "");
}
