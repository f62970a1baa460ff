// Cards that somebody put elsewhere: kept in this browser, by account. Frames grow to hold theirs, links lead to them.

import type { Layout, Picture, Place } from "./model";
import { straight, type Point } from "./path";

export type Pins = Readonly<Record<string, Point>>;

const HEAD = 58;
const EDGE = 26;

export function readPins(account: string): Pins {
  try {
    return JSON.parse(localStorage.getItem(`kumoi-pins-${account}`) ?? "{}") as Pins;
  } catch {
    return {};
  }
}

export function writePins(account: string, pins: Pins): void {
  if (Object.keys(pins).length === 0) localStorage.removeItem(`kumoi-pins-${account}`);
  else localStorage.setItem(`kumoi-pins-${account}`, JSON.stringify(pins));
}

/** A layout with pinned cards where they are. Every link has points: those of the pinned lead straight to them. */
export function moved(layout: Layout, shown: Picture, pins: Pins): Layout {
  const nodes: Record<string, Place> = { ...layout.nodes };
  for (const card of shown.cards) {
    const place = nodes[card.id];
    const pin = pins[card.id];
    if (place && pin) nodes[card.id] = { ...place, ...pin };
  }
  for (const app of shown.apps) {
    const inside = app.nodes.flatMap((id) => nodes[id] ?? []);
    if (!app.nodes.some((id) => id in pins) || inside.length === 0) continue;
    const left = Math.min(...inside.map((one) => one.x)) - EDGE;
    const top = Math.min(...inside.map((one) => one.y)) - HEAD;
    const right = Math.max(...inside.map((one) => one.x + one.width)) + EDGE;
    const bottom = Math.max(...inside.map((one) => one.y + one.height)) + EDGE;
    nodes[`frame:${app.name}`] = { x: left, y: top, width: right - left, height: bottom - top };
  }
  const edges: Record<string, Point[]> = {};
  for (const link of shown.links) {
    const points = layout.edges[link.id];
    const source = nodes[link.source];
    const target = nodes[link.target];
    if (points && points.length > 1 && !(link.source in pins) && !(link.target in pins)) edges[link.id] = points;
    else if (source && target) edges[link.id] = straight(source, target);
  }
  return { nodes, edges };
}
