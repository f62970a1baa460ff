// The map as it is shown: applications folded or open, figures of what is folded added up. Pure.

import { duration, money, rate } from "../lib/format";

export interface Stats {
  calls: number;
  errors: number;
  recent: number;
  recentErrors: number;
  recentThrottles: number;
  recentFaults: number;
  rate: number;
  p50: number;
  p95: number;
  bytes: number;
  cost: number;
  costHour: number;
  operations: Record<string, number>;
  /** What was called: the service, and the ends as calls name them. */
  ways?: [string, string, string][];
  lastSeen: number;
  lastError: string;
}

export interface MapNode {
  id: string;
  kind: string;
  name: string;
  label: string;
  app: string;
  region: string;
  /** What to tell of its configuration. */
  advice: string[];
  /** Dollars an hour for what is no call: state transitions, minutes of connections. */
  costHour: number;
}

export interface MapEdge {
  id: string;
  source: string;
  target: string;
  origin: "declared" | "observed" | "both";
  via: string;
  stats: Stats | null;
}

export interface Place {
  x: number;
  y: number;
  width: number;
  height: number;
}

export interface Layout {
  nodes: Record<string, Place>;
  edges: Record<string, { x: number; y: number }[]>;
}

export interface Model {
  account: string;
  accounts: string[];
  regions: string[];
  structure: string;
  nodes: MapNode[];
  edges: MapEdge[];
  problems: string[];
  layout: Record<string, Layout> | null;
}

export type Heat = "errors" | "latency" | "rate" | "cost";

/** What stands on the picture: a node, or an application that is folded. */
export interface Card extends MapNode {
  folded: number;
  figures: Figures;
}

export interface Figures {
  rate: number;
  calls: number;
  recent: number;
  recentErrors: number;
  lastError: string;
  p95: number;
  costHour: number;
  faults: number;
}

export interface Link {
  id: string;
  source: string;
  target: string;
  declared: boolean;
  observed: boolean;
  via: string;
  figures: Figures;
  edges: MapEdge[];
}

export interface Picture {
  cards: Card[];
  links: Link[];
  apps: { name: string; nodes: string[] }[];
  folded: string[];
}

/** Above so many nodes applications start folded. */
export const CROWDED = 40;

export const NOTHING: Figures = { rate: 0, calls: 0, recent: 0, recentErrors: 0, lastError: "", p95: 0, costHour: 0, faults: 0 };

export function startsFolded(model: Model): string[] {
  const apps = new Set(model.nodes.map((node) => node.app).filter((app) => app !== ""));
  return model.nodes.length > CROWDED && apps.size > 1 ? [...apps] : [];
}

function sum(edges: MapEdge[]): Figures {
  const total = { ...NOTHING };
  for (const { stats } of edges) {
    if (stats === null) continue;
    total.rate += stats.rate;
    total.calls += stats.calls;
    total.recent += stats.recent;
    total.recentErrors += stats.recentErrors;
    total.costHour += stats.costHour;
    total.faults += stats.recentFaults;
    total.p95 = Math.max(total.p95, stats.p95);
    if (stats.recentErrors > 0) total.lastError = stats.lastError;
  }
  return total;
}

/** The picture of a model: which cards, which links between them. Nodes that nothing touches are left out on demand. */
export function picture(model: Model, folded: readonly string[], idle: boolean): Picture {
  const hidden = new Set(folded);
  const touched = new Set(model.edges.flatMap((edge) => [edge.source, edge.target]));
  const shown = model.nodes.filter((node) => idle || touched.has(node.id));
  const holder = new Map<string, string>();
  for (const node of shown) holder.set(node.id, hidden.has(node.app) ? `app:${node.app}` : node.id);
  const links = new Map<string, MapEdge[]>();
  for (const edge of model.edges) {
    const source = holder.get(edge.source);
    const target = holder.get(edge.target);
    if (source === undefined || target === undefined || (source === target && source.startsWith("app:"))) continue;
    const id = `${source}→${target}`;
    links.set(id, [...(links.get(id) ?? []), edge]);
  }
  const cards = new Map<string, Card>();
  for (const node of shown) {
    const id = holder.get(node.id) ?? node.id;
    const inside = shown.filter((one) => holder.get(one.id) === id).map((one) => one.id);
    if (cards.has(id)) continue;
    const members = new Set(inside);
    const into = model.edges.filter((edge) => members.has(edge.target) && (id === node.id || !members.has(edge.source)));
    const within = model.edges.filter((edge) => members.has(edge.target));
    const own = shown.filter((one) => members.has(one.id)).map((one) => one.costHour);
    const figures = { ...sum(into), costHour: own.reduce((a, b) => a + b, sum(within).costHour) };
    if (id !== node.id) {
      const all = sum(within);
      figures.recentErrors = all.recentErrors;
      figures.lastError = all.lastError;
    }
    cards.set(
      id,
      id === node.id
        ? { ...node, folded: 0, figures }
        : { id, kind: "app", name: node.app, label: node.app, app: "", region: "", advice: [], costHour: 0, folded: inside.length, figures },
    );
  }
  const apps = [...new Set(shown.map((node) => node.app).filter((app) => app !== "" && !hidden.has(app)))].sort();
  return {
    cards: [...cards.values()],
    links: [...links].map(([id, edges]) => link(id, edges)),
    apps: apps.map((name) => ({ name, nodes: shown.filter((node) => node.app === name).map((node) => node.id) })),
    folded: [...hidden].filter((app) => shown.some((node) => node.app === app)).sort(),
  };
}

function link(id: string, edges: MapEdge[]): Link {
  const [source = "", target = ""] = id.split("→");
  return {
    id,
    source,
    target,
    declared: edges.some((edge) => edge.origin !== "observed"),
    observed: edges.some((edge) => edge.origin !== "declared"),
    via: [...new Set(edges.map((edge) => edge.via).filter((via) => via !== ""))].join(", "),
    figures: sum(edges),
    edges,
  };
}

/** What a heat switch weighs; larger is hotter. */
export function weight(figures: Figures, heat: Heat): number {
  if (heat === "errors") return figures.recent === 0 ? 0 : figures.recentErrors / figures.recent;
  if (heat === "latency") return figures.p95;
  return heat === "rate" ? figures.rate : figures.costHour;
}

/** The links whose figures are worth writing on the picture: the failing, and the hottest few. */
export function labelled(links: Link[], heat: Heat, most: number): Set<string> {
  const failing = links.filter((one) => one.figures.recentErrors > 0);
  const hot = [...links].filter((one) => weight(one.figures, heat) > 0);
  hot.sort((a, b) => weight(b.figures, heat) - weight(a.figures, heat));
  return new Set([...failing, ...hot.slice(0, most)].map((one) => one.id));
}

/** What is written on a link, and what where that finds no room: how it fails, else what the heat switch asks for. */
export function caption(link: Link, heat: Heat): string[] {
  const figures = link.figures;
  if (figures.recentErrors > 0) {
    const share = `${figures.recentErrors} of ${figures.recent}`;
    return [`${figures.lastError || "fails"} · ${share}`, share];
  }
  if (!link.observed) return [link.via];
  if (heat === "cost") return [`${money(figures.costHour)}/h`];
  if (heat === "latency") return [duration(figures.p95)];
  return [figures.rate > 0 ? rate(figures.rate) : `${figures.calls} calls`];
}

/** What stands on a card. */
export function figure(figures: Figures, heat: Heat): string {
  if (heat === "cost") return figures.costHour > 0 ? `${money(figures.costHour)}/h` : "";
  if (heat === "latency") return figures.p95 > 0 ? `p95 ${duration(figures.p95)}` : "";
  return figures.calls > 0 ? rate(figures.rate) : "";
}

/** The width of a link in pixels: by the order of magnitude of its rate. */
export function thickness(figures: Figures): number {
  if (figures.calls === 0) return 1.5;
  return Math.min(2 + Math.log10(1 + figures.rate * 60) * 1.3, 6.5);
}

/** Where the answers to "where does it fail", "what is slow" and "where does the money go" are. */
export function answers(shown: Picture): { failing: Link[]; slow: Link[]; costly: Card[] } {
  const by = <T>(all: T[], value: (one: T) => number): T[] =>
    all.filter((one) => value(one) > 0).sort((a, b) => value(b) - value(a));
  return {
    failing: by(shown.links, (one) => one.figures.recentErrors).slice(0, 4),
    slow: by(shown.links, (one) => (one.observed ? one.figures.p95 : 0)).slice(0, 3),
    costly: by(shown.cards, (one) => one.figures.costHour).slice(0, 4),
  };
}

/** A name for a picture's structure: a layout is right as long as it is the same. */
export function structureOf(shown: Picture): string {
  const text = [
    ...shown.cards.map((card) => `${card.id} ${card.app}`).sort(),
    ...shown.links.map((one) => one.id).sort(),
  ].join("\n");
  let a = 0x811c9dc5;
  let b = 0x1234567;
  for (let place = 0; place < text.length; place += 1) {
    a = Math.imul(a ^ text.charCodeAt(place), 0x01000193) >>> 0;
    b = (Math.imul(b, 31) + text.charCodeAt(place)) >>> 0;
  }
  return `v1-${a.toString(16).padStart(8, "0")}${b.toString(16).padStart(8, "0")}`;
}
