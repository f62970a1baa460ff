// The palette of faults, and what each declares on an edge of the map. Pure.

import { duration } from "../lib/format";
import type { Link } from "../map/model";

/** A fault as `/_kumoi/faults` has it; what is left out is the platform's default. */
export interface Fault {
  id: string;
  action: string;
  point: "call" | "run" | "edge";
  service: string;
  operation: string;
  resource: string;
  source: string;
  account: string;
  phase: "before" | "after";
  probability: number;
  seed: number;
  delay_ms: number;
  error: string;
  copies: number;
  limit_mb: number;
  skew_s: number;
  share: number;
  ends: number | null;
  struck: number;
}

export type Field = "delay" | "error" | "copies" | "limit";

export interface Kind {
  id: string;
  title: string;
  /** What happens, in a sentence. */
  says: string;
  icon: string;
  given: Partial<Fault> & { action: string };
  field?: Field;
  /** Only where a function runs. */
  run?: boolean;
}

const CALL: Kind[] = [
  { id: "slow", title: "Slow", says: "Each call waits before it is answered.", icon: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18Z M12 7v5l3.5 2", given: { action: "delay", delay_ms: 2000 }, field: "delay" },
  { id: "fail", title: "Fail", says: "The call is refused with an error of the service's own, before it does anything.", icon: "M12 3 22 20H2Z M12 10v4.5 M12 17.2h.01", given: { action: "fail", error: "internal" }, field: "error" },
  { id: "throttle", title: "Throttle", says: "The service says that there are too many calls. SDKs try again.", icon: "M4 5h16 M7 10h10 M10 15h4 M12 15v5", given: { action: "fail", error: "throttle", probability: 0.3 } },
  { id: "lost", title: "Lost answer", says: "The work is done, its answer never arrives: whoever tries again does it twice.", icon: "M3 12h10 M9 8l4 4-4 4 M17 9l5 6 M22 9l-5 6", given: { action: "drop", phase: "after" } },
  { id: "cut", title: "Cut off", says: "The connection breaks before anything is done.", icon: "M3 12h6 M15 12h6 M10 7l4 10", given: { action: "drop", phase: "before" } },
  { id: "hang", title: "No answer", says: "The caller waits until it gives up.", icon: "M7 3h10 M7 21h10 M8 3v4l4 5 4-5V3 M8 21v-4l4-5 4 5v4", given: { action: "hang" } },
  { id: "twice", title: "Twice", says: "The call comes again, as deliveries may.", icon: "M8 8h12v12H8Z M4 16V4h12", given: { action: "duplicate", copies: 1 }, field: "copies" },
  { id: "half", title: "Half an answer", says: "The work is done, and the connection breaks in the middle of its answer.", icon: "M3 6h18 M3 12h9 M3 18h5 M14 9l5 6 M19 9l-5 6", given: { action: "truncate" } },
  { id: "stale", title: "Stale read", says: "An eventually consistent read answers what was there a moment ago (DynamoDB).", icon: "M3 12a9 9 0 1 0 3-6.7 M3 4v5h5 M12 8v4l-3 2", given: { action: "stale", delay_ms: 1000 }, field: "delay" },
  { id: "order", title: "Out of order", says: "The next call overtakes this one.", icon: "M3 8h5l8 8h5 M18 13l3 3-3 3 M3 16h5l2-2 M14 10l2-2h5 M18 5l3 3-3 3", given: { action: "reorder" } },
];

const RUN: Kind[] = [
  { id: "kill", title: "Kill", says: "The function's process is killed a moment after it began.", icon: "M13 2 5 13h6l-1 9 9-12h-6Z", given: { action: "kill", delay_ms: 100 }, field: "delay", run: true },
  { id: "cold", title: "Cold start", says: "No warm environment is used.", icon: "M12 3v18 M4.2 7.5l15.6 9 M19.8 7.5l-15.6 9", given: { action: "cold" }, run: true },
  { id: "memory", title: "Little memory", says: "The function has only so much memory left.", icon: "M7 7h10v10H7Z M10 3v4 M14 3v4 M10 17v4 M14 17v4", given: { action: "memory", limit_mb: 16 }, field: "limit", run: true },
  { id: "disk", title: "Full disk", says: "/tmp has only so much room left.", icon: "M4 6c0-1.1 3.6-2 8-2s8 .9 8 2-3.6 2-8 2-8-.9-8-2Z M4 6v12c0 1.1 3.6 2 8 2s8-.9 8-2V6", given: { action: "disk", limit_mb: 1 }, field: "limit", run: true },
];

export const KINDS: Kind[] = [...CALL, ...RUN];

/** Errors by what they mean: each service says them with its own code. */
export const ERRORS: Record<string, string> = {
  internal: "internal failure",
  unavailable: "unavailable",
  throttle: "too many calls",
  capacity: "no capacity left",
  timeout: "timed out",
  denied: "access denied",
  expired: "credentials expired",
  skew: "the caller's clock is wrong",
  "too-large": "too large",
};

export const SPANS: { title: string; seconds: number }[] = [
  { title: "30 s", seconds: 30 },
  { title: "2 min", seconds: 120 },
  { title: "10 min", seconds: 600 },
  { title: "until cleared", seconds: 0 },
];

export interface Settings {
  probability: number;
  delay: number;
  error: string;
  copies: number;
  limit: number;
  operation: string;
  seed: number;
  seconds: number;
}

/** What a fault of a kind is set to at first. */
export function settingsOf(kind: Kind): Settings {
  const given = kind.given;
  return {
    probability: given.probability ?? 1,
    delay: given.delay_ms ?? 0,
    error: given.error ?? "internal",
    copies: given.copies ?? 1,
    limit: given.limit_mb ?? 1,
    operation: "*",
    seed: 7,
    seconds: 120,
  };
}

/** Whether a fault of that kind can strike there. */
export function fits(kind: Kind, link: Link): boolean {
  return !kind.run || link.target.startsWith("lambda:");
}

/** What to declare so that the edge is broken: a fault for each way in which calls go over it. */
export function declared(kind: Kind, link: Link, set: Settings, account: string, now: number, id: string): Partial<Fault>[] {
  const all = kind.run ? [["lambda", waysOf(link)[0]?.[1] ?? link.source, link.target] as const] : waysOf(link);
  const amounts = {
    ...(kind.field === "delay" ? { delay_ms: set.delay } : {}),
    ...(kind.field === "error" ? { error: set.error } : {}),
    ...(kind.field === "copies" ? { copies: set.copies } : {}),
    ...(kind.field === "limit" ? { limit_mb: set.limit } : {}),
  };
  return all.map(([service, source, target], index) => ({
    ...kind.given,
    ...amounts,
    id: all.length > 1 ? `${id}-${index + 1}` : id,
    point: kind.run ? "run" : "call",
    service: escaped(service),
    source: escaped(source),
    resource: `${escaped(target.slice(target.indexOf(":") + 1 || target.length))}${kind.run ? ":*" : ""}`,
    operation: set.operation === "*" ? "*" : escaped(set.operation),
    account,
    probability: set.probability,
    seed: set.seed,
    ...(set.seconds > 0 ? { ends: now + set.seconds } : {}),
  }));
}

/** The services that are called over a link, with its ends as calls name them. */
export function waysOf(link: Link): readonly (readonly [string, string, string])[] {
  const ways = link.edges.flatMap((edge) => edge.stats?.ways ?? []);
  if (ways.length > 0) return [...new Map(ways.map((way) => [way.join(" "), way])).values()];
  return [[link.target.split(":")[0] ?? "*", link.source, link.target]];
}

/** Whether a declared fault strikes what goes over a link. */
export function strikes(fault: Fault, link: Link, account: string): boolean {
  if (!matches(fault.account, account)) return false;
  const operations = link.edges.flatMap((edge) => Object.keys(edge.stats?.operations ?? {}));
  if (operations.length > 0 && !operations.some((one) => matches(fault.operation, one))) return false;
  return waysOf(link).some(([service, source, target]) => {
    const name = target.slice(target.indexOf(":") + 1 || target.length);
    const run = fault.point === "run";
    if (fault.point === "edge") return matches(fault.service, service) && matches(fault.resource.split(":")[0] ?? "*", name);
    const there = run ? matches(fault.resource, name.includes(":") ? name : `${name}:$LATEST`) : matches(fault.resource, name);
    return there && matches(fault.service, run ? "lambda" : service) && matches(fault.source, source);
  });
}

/** A text as a glob pattern of itself. */
export function escaped(text: string): string {
  return text.replace(/[*?[]/g, "[$&]");
}

const patterns = new Map<string, RegExp>();

/** Whether a text matches a glob pattern of `*`, `?` and `[…]`. */
export function matches(pattern: string, text: string): boolean {
  if (pattern === "*") return true;
  let found = patterns.get(pattern);
  if (found === undefined) {
    const source = pattern.replace(/\[(!?)([^\]]+)\]|[*?]|[.+^${}()|\\/\]]/g, (one, not: string | undefined, set: string | undefined) => {
      if (one === "*") return ".*";
      if (one === "?") return ".";
      return set === undefined ? `\\${one}` : `[${not ? "^" : ""}${set.replace(/[\\\]^]/g, "\\$&").replace(/\[/g, "\\[")}]`;
    });
    found = new RegExp(`^${source}$`, "s");
    patterns.set(pattern, found);
  }
  return found.test(text);
}

/** A fault in words. */
export function described(fault: Fault): string {
  const what: Record<string, string> = {
    delay: `waits ${duration(fault.delay_ms * 1000)}`,
    fail: `fails: ${ERRORS[fault.error] ?? fault.error}`,
    drop: fault.phase === "after" ? "loses its answer" : "is cut off",
    hang: "is never answered",
    duplicate: fault.copies === 1 ? "comes twice" : `comes ${fault.copies + 1} times`,
    reorder: "is overtaken",
    answer: "is answered by the fault",
    cold: "starts cold",
    kill: `is killed after ${duration(fault.delay_ms * 1000)}`,
    freeze: `is frozen for ${duration(fault.delay_ms * 1000)}`,
    memory: `has ${fault.limit_mb} MB of memory`,
    disk: `has ${fault.limit_mb} MB of /tmp`,
    skew: `has a clock that is ${fault.skew_s < 0 ? "slow" : "fast"} by ${duration(Math.abs(fault.skew_s) * 1e6)}`,
    cut: "has no network",
    nameless: "finds no names of other hosts",
    cpu: `runs for ${Math.round(fault.share * 100)} % of the time`,
    truncate: "loses half of its answer",
    corrupt: "gets a damaged answer",
    out: "is at a location that is out",
    stale: `reads what was there ${duration((fault.delay_ms || 1000) * 1000)} ago`,
  };
  const share = fault.probability >= 1 ? "Every call" : `${Math.round(fault.probability * 100)} % of calls:`;
  const words = what[fault.action] ?? fault.action;
  return `${share} ${words}`;
}
