// What `/_kumoi/cost` answers, and how its figures are written: ranges of two digits. Pure.

import { settled } from "../map/ends";

export interface Range { low: number; middle: number; high: number }

export interface Group { name: string; calls: number; usd: Range }

export interface Point { users: number; serverless: Range; containers: Range; machines: Range; firebase: Range }

export interface Item { item: string; what: string; quantity: number; billable?: number; usd: Range; as_of: string; verified: boolean }

export interface Report {
  run: { first: number | null; last: number | null; calls: number; usd: Range; beside: Range };
  journeys: number;
  journey_flows: { name: string; traces: number }[];
  per_1000_journeys: Range;
  by: { application: Group[]; flow: Group[]; edge: Group[] };
  month: { users: number; journeys_per_user: number; free_tier: string; usd: Range; items: Item[] };
  levers: { name: string; where: string; usd: Range; why: string }[];
  curve: Point[];
  break_even: Record<string, number | null>;
  region: string;
  notes: string[];
}

export const WAYS: { id: "serverless" | "containers" | "machines" | "firebase"; title: string }[] = [
  { id: "serverless", title: "As it is" },
  { id: "containers", title: "Containers" },
  { id: "machines", title: "Virtual machines" },
  { id: "firebase", title: "Firebase-style" },
];

/** USD to two digits: $0.0042, $1.50, $130, $12,000. */
export function rounded(usd: number): string {
  if (usd < 5e-10) return "$0";
  const digits = Math.max(1 - Math.floor(Math.log10(usd)), -12);
  const value = Number(usd.toPrecision(2));
  if (value >= 10) return `$${value.toLocaleString("en-US", { maximumFractionDigits: 0 })}`;
  if (value >= 0.1) return `$${value.toFixed(2)}`;
  return value < 1e-6 ? "< $0.000001" : `$${value.toFixed(Math.min(Math.max(digits, 2), 9))}`;
}

/** A range, or one figure where both ends look the same. */
export function between(usd: Range): string {
  const low = rounded(usd.low);
  const high = rounded(usd.high);
  return low === high ? high : `${low} to ${high}`;
}

export interface Heat {
  /** Shares of the whole by node and by link (`source→target`), 0 to 1. */
  nodes: Map<string, number>;
  links: Map<string, number>;
}

/** Where the money of a run goes: what is called costs, and what it costs came over the link that leads there. */
export function heat(edges: readonly Group[], known: ReadonlySet<string>): Heat {
  const nodes = new Map<string, number>();
  const links = new Map<string, number>();
  let total = 0;
  for (const edge of edges) {
    const parts = /^(.*) → (.*) \S+$/.exec(edge.name);
    const source = settled(parts?.[1] ?? "");
    const target = settled(parts?.[2] ?? "");
    const owner = known.has(target) ? target : ownerOf(target, source, known);
    if (owner === undefined) continue;
    total += edge.usd.middle;
    nodes.set(owner, (nodes.get(owner) ?? 0) + edge.usd.middle);
    if (source !== owner) links.set(`${source}→${owner}`, (links.get(`${source}→${owner}`) ?? 0) + edge.usd.middle);
  }
  const shares = (all: Map<string, number>): Map<string, number> =>
    new Map([...all].map(([id, usd]) => [id, total > 0 ? usd / total : 0]));
  return { nodes: shares(nodes), links: shares(links) };
}

/** Whose a cost is that has no card: logs are their function's, the rest the caller's. */
function ownerOf(target: string, source: string, known: ReadonlySet<string>): string | undefined {
  const name = /^logs:\/aws\/lambda(?:-url)?\/(.+)$/.exec(target)?.[1];
  if (name !== undefined && known.has(`lambda:${name}`)) return `lambda:${name}`;
  return source.includes(":") && known.has(source) ? source : undefined;
}

export function percent(share: number): string {
  if (share <= 0) return "";
  return share < 0.01 ? "< 1 %" : `${Math.round(share * 100)} %`;
}

/** From how many users on another way is cheaper, in words. */
export function crossing(title: string, users: number | null | undefined): string {
  if (users === null || users === undefined) return `${title}: not cheaper with up to ten million users`;
  if (users <= 1) return `${title}: cheaper from the first user`;
  return `${title}: cheaper from about ${Number(users.toPrecision(2)).toLocaleString("en-US")} users`;
}

/** Users in short: 300, 3k, 1M. */
export function people(users: number): string {
  if (users >= 1e6) return `${users / 1e6}M`;
  return users >= 1000 ? `${users / 1000}k` : String(users);
}
