// The ends of calls as nodes of the map, as kumoi/studio/nodes.py has them. Pure.

/** A call's end as a node of the map: an alias is its function, a stream its table. */
export function settled(node: string): string {
  const at = node.indexOf(":");
  const service = at < 0 ? node : node.slice(0, at);
  const name = at < 0 ? "" : node.slice(at + 1);
  if (service === "dynamodbstreams") return name === "" ? "" : `dynamodb:${name}`;
  if (node === "events") return "events:default";
  return service === "lambda" && name !== "" ? `lambda:${name.split(":")[0]}` : node;
}
