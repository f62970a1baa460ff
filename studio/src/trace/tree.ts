// A trace's hops as rows of a waterfall: each below the call that made it, in the order they began. Pure.

export interface Hop {
  time: number;
  account: string;
  region: string;
  trace: string;
  span: string;
  parent: string;
  source: string;
  target: string;
  service: string;
  operation: string;
  outcome: string;
  duration_us: number;
  request_bytes: number;
  response_bytes: number;
  request_id: string;
  fault: string;
  principal: string;
  denied: string;
  warning: string;
  payload: boolean;
  /** What a function told X-Ray of a part of its work: then this is no call. */
  segment?: Segment;
  /** Not shown, though others may lie below it. */
  quiet?: boolean;
}

/** A segment's document, as far as a waterfall needs it. */
export interface Segment {
  id?: string;
  type?: string;
  name?: string;
  parent_id?: string;
  start_time?: number;
  end_time?: number;
  namespace?: string;
  fault?: boolean;
  error?: boolean;
  throttle?: boolean;
  cause?: { exceptions?: { type?: string; message?: string }[] } | string;
  annotations?: Record<string, unknown>;
  metadata?: Record<string, unknown>;
  http?: unknown;
  sql?: unknown;
  subsegments?: Segment[];
}

export interface Row {
  hop: Hop;
  depth: number;
  /** Share of the trace before it begins, and that it takes: 0 to 1. */
  start: number;
  width: number;
  /** Whether it was not awaited by the call above it: it begins after that one has ended. */
  later: boolean;
}

const HOUSEKEEPING = new Set(["WriteFunctionLogs", "ReceiveMessages", "AwaitRecords", "GetShardIterator", "DescribeStream"]);

/** Rows of a trace; without the platform's own bookkeeping unless `all`. */
export function rows(hops: readonly Hop[], all: boolean): Row[] {
  const shown = hops.filter((hop) => !hop.quiet && (all || !HOUSEKEEPING.has(hop.operation) || hop.outcome !== "ok"));
  if (shown.length === 0) return [];
  const spans = new Map(hops.map((hop) => [hop.span, hop]));
  const visible = new Set(shown.map((hop) => hop.span));
  const above = (hop: Hop): string => {
    let parent = spans.get(hop.parent);
    const seen = new Set([hop.span]);
    while (parent !== undefined && !visible.has(parent.span) && !seen.has(parent.span)) {
      seen.add(parent.span);
      parent = spans.get(parent.parent);
    }
    return parent === undefined || seen.has(parent.span) ? "" : parent.span;
  };
  const children = new Map<string, Hop[]>();
  for (const hop of [...shown].sort((a, b) => a.time - b.time)) {
    const key = above(hop);
    children.set(key, [...(children.get(key) ?? []), hop]);
  }
  const start = Math.min(...shown.map((hop) => hop.time));
  const end = Math.max(...shown.map(ends));
  const whole = Math.max(end - start, 0.001);
  const found: Row[] = [];
  const visit = (span: string, depth: number, caller: Hop | undefined): void => {
    for (const hop of children.get(span) ?? []) {
      found.push({
        hop,
        depth,
        start: (hop.time - start) / whole,
        width: Math.max(hop.duration_us / 1000 / whole, 0.002),
        later: caller !== undefined && hop.time > ends(caller) + 1,
      });
      visit(hop.span, depth + 1, hop);
    }
  };
  visit("", 0, undefined);
  return found;
}

/** The parts of a trace that functions told X-Ray of, below the calls that they are parts of. What they say of calls to
 * AWS is quiet: the calls themselves are there. */
export function subsegments(documents: readonly Segment[], hops: readonly Hop[]): Hop[] {
  const spans = new Map(hops.map((hop) => [hop.span, hop]));
  const found: Hop[] = [];
  const visit = (segment: Segment, parent: string, owner: Hop | undefined): void => {
    const id = segment.id ?? "";
    const own = spans.get(id);
    if (own === undefined && owner !== undefined && id !== "") found.push(part(segment, parent, owner));
    for (const child of segment.subsegments ?? []) visit(child, id, own ?? owner);
  };
  for (const document of documents) visit(document, document.parent_id ?? "", document.type === "subsegment" ? spans.get(document.parent_id ?? "") : undefined);
  return found;
}

function part(segment: Segment, parent: string, owner: Hop): Hop {
  const start = segment.start_time ?? owner.time / 1000;
  const cause = typeof segment.cause === "object" ? segment.cause.exceptions?.[0]?.type : undefined;
  const failed = segment.fault === true || segment.error === true || segment.throttle === true;
  return {
    ...owner,
    time: start * 1000,
    span: segment.id ?? "",
    parent,
    source: owner.target,
    service: "xray",
    operation: segment.name ?? "",
    outcome: failed ? (cause ?? (segment.throttle ? "throttle" : segment.fault ? "fault" : "error")) : "ok",
    duration_us: Math.max(((segment.end_time ?? start) - start) * 1e6, 0),
    fault: "",
    denied: "",
    warning: "",
    payload: false,
    segment,
    quiet: segment.namespace === "aws",
  };
}

export function ends(hop: Hop): number {
  return hop.time + hop.duration_us / 1000;
}

/** How long hops take together, from the first's beginning to the last's end, in milliseconds. */
export function extent(hops: readonly Hop[]): number {
  if (hops.length === 0) return 0;
  return Math.max(...hops.map(ends)) - Math.min(...hops.map((hop) => hop.time));
}

/** The name of a node without its service, as a person says it. */
export function bare(node: string): string {
  const at = node.indexOf(":");
  return at < 0 ? node : node.slice(at + 1);
}
