// The matrix of `kumoi break --all-edges`: what each edge, broken in each way, did to each flow. Pure.

import type { Tone } from "../map/Canvas.svelte";
import { settled } from "../map/ends";

export type Color = "green" | "yellow" | "red" | "black" | "none";

export interface Cell {
  color: Color;
  seen: string;
  struck: number;
  accepted: number;
  failed: number;
  lost: number;
  duplicated: number;
  dead_letters: number;
  amplification: number;
  seconds: number;
}

export interface Row {
  source: string;
  target: string;
  operation: string;
  cells: Record<string, Record<string, Cell>>;
}

export interface Sweep {
  flows: string[];
  kinds: string[];
  rows: Row[];
  advice: { rule: string; node: string; text: string }[];
  seed: number;
  seconds: number;
  counts: Partial<Record<Color, number>>;
  /** When it ended, epoch seconds; none of a report that was opened from a file. */
  time?: number;
}

export const MARKS: Record<Color, string> = { green: "■", yellow: "▲", red: "✗", black: "●", none: "·" };

export const MEANS: Record<Color, string> = {
  green: "unaffected",
  yellow: "slower, or tried again",
  red: "failed for a user",
  black: "data lost or counted twice",
  none: "not broken this way",
};

export const SHORT: Record<Color, string> = { green: "unaffected", yellow: "slower", red: "failed", black: "lost or twice", none: "" };

/** A sentence with what people call resources in place of their generated names. */
export function plainly(text: string): string {
  return text.replace(/[\w-]+-([A-Za-z0-9]+)-[0-9a-f]{12}\b/g, "$1");
}

export const WAYS: Record<string, string> = { error: "Fails", throttle: "Throttled", slow: "Slow", lost: "Lost answer", duplicate: "Twice" };

const ORDER: Color[] = ["none", "green", "yellow", "red", "black"];

const TONES: Partial<Record<Color, Tone>> = { green: "good", yellow: "warn", red: "bad", black: "lost" };

export function toneOf(color: Color): Tone | undefined {
  return TONES[color];
}

/** The worst that was seen between two nodes of the map, in any way and any flow. */
export function worst(sweep: Sweep, source: string, target: string): Color {
  const found = sweep.rows
    .filter((row) => settled(row.source) === source && settled(row.target) === target)
    .flatMap((row) => Object.values(row.cells).flatMap((cells) => Object.values(cells)));
  return found.reduce<Color>((most, cell) => (ORDER.indexOf(cell.color) > ORDER.indexOf(most) ? cell.color : most), "none");
}

/** A report out of a file; an Error that says why it is none. */
export function readReport(text: string): Sweep {
  let found: Partial<Sweep>;
  try {
    found = JSON.parse(text) as Partial<Sweep>;
  } catch {
    throw new Error("This is no JSON: choose what `kumoi break --all-edges --json FILE` wrote.");
  }
  const whole = Array.isArray(found?.rows) && Array.isArray(found.flows) && Array.isArray(found.kinds);
  if (!whole || !found.rows?.every((row) => typeof row.source === "string" && typeof row.cells === "object")) {
    throw new Error("This is no report of a sweep: choose what `kumoi break --all-edges --json FILE` wrote.");
  }
  return { seed: 0, seconds: 0, ...found, flows: found.flows ?? [], kinds: found.kinds ?? [], rows: found.rows, advice: found.advice ?? [], counts: found.counts ?? {} };
}
