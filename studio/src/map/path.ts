// The path of a link through ELK's bend points: straight runs, rounded corners. Pure.

export interface Point {
  x: number;
  y: number;
}

const RADIUS = 10;

export function path(points: readonly Point[]): string {
  const [first, ...rest] = points;
  if (first === undefined) return "";
  let drawn = `M${at(first)}`;
  rest.forEach((point, index) => {
    const before = points[index];
    const after = points[index + 2];
    if (before === undefined || after === undefined) {
      drawn += ` L${at(point)}`;
      return;
    }
    const radius = Math.min(RADIUS, length(before, point) / 2, length(point, after) / 2);
    drawn += ` L${at(towards(point, before, radius))} Q${at(point)} ${at(towards(point, after, radius))}`;
  });
  return drawn;
}

export interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
}

const SHARES = [0.5, 0.3, 0.7, 0.15, 0.85];

export interface Label {
  id: string;
  points: readonly Point[];
  /** What may be written, the longest first, each with its width. */
  texts: readonly { text: string; width: number }[];
  height: number;
  /** Whether a card may be covered rather than nothing be written. */
  must: boolean;
}

/** Where labels fit on their links, without covering one another or a card, and what is written there. */
export function places(labels: readonly Label[], cards: readonly Box[]): Map<string, Point & { text: string }> {
  const taken: Box[] = [];
  const found = new Map<string, Point & { text: string }>();
  for (const label of labels) {
    const candidates = label.texts.flatMap((one) => spots(label.points).map((spot) => ({ ...spot, ...one })));
    const box = (spot: Point & { width: number }): Box => ({
      x: spot.x - spot.width / 2,
      y: spot.y - label.height / 2,
      width: spot.width,
      height: label.height,
    });
    const apart = candidates.filter((spot) => !taken.some((one) => overlap(one, box(spot))));
    const chosen = apart.find((spot) => !cards.some((one) => overlap(one, box(spot)))) ?? (label.must ? smallest(apart) : undefined);
    if (chosen === undefined) continue;
    taken.push(box(chosen));
    found.set(label.id, { x: chosen.x, y: chosen.y, text: chosen.text });
  }
  return found;
}

function smallest<Spot extends { width: number }>(spots: readonly Spot[]): Spot | undefined {
  return spots.reduce<Spot | undefined>((best, one) => (best === undefined || one.width < best.width ? one : best), undefined);
}

/** Points of a path to put a label on: of its longest runs first, the level ones before the others. */
function spots(points: readonly Point[]): Point[] {
  const runs = points.slice(1).map((end, index) => ({ start: points[index] ?? end, end }));
  const worth = (run: { start: Point; end: Point }): number =>
    Math.abs(run.end.x - run.start.x) * 2 + Math.abs(run.end.y - run.start.y);
  runs.sort((a, b) => worth(b) - worth(a));
  return runs.flatMap(({ start, end }) =>
    SHARES.map((share) => ({ x: start.x + (end.x - start.x) * share, y: start.y + (end.y - start.y) * share })),
  );
}

function overlap(a: Box, b: Box): boolean {
  return a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;
}

/** A path between two cards that nothing lays out: out of one's side, across, into the other's. */
export function straight(source: Box, target: Box): Point[] {
  const start = { x: source.x + source.width, y: source.y + source.height / 2 };
  const end = { x: target.x, y: target.y + target.height / 2 };
  if (end.x >= start.x + 24) {
    const half = (start.x + end.x) / 2;
    return [start, { x: half, y: start.y }, { x: half, y: end.y }, end];
  }
  const out = start.x + 24;
  const into = end.x - 24;
  const apart = Math.abs(start.y - end.y) > source.height / 2 + target.height / 2 + 24;
  const level = apart ? (start.y + end.y) / 2 : Math.max(source.y + source.height, target.y + target.height) + 24;
  return [start, { x: out, y: start.y }, { x: out, y: level }, { x: into, y: level }, { x: into, y: end.y }, end];
}

/** The path that passes a point most closely, and no farther than `within`. */
export function nearest(paths: Readonly<Record<string, readonly Point[]>>, point: Point, within: number): string | undefined {
  let best = within;
  let found: string | undefined;
  for (const [id, points] of Object.entries(paths)) {
    points.slice(1).forEach((end, index) => {
      const apart = away(point, points[index] ?? end, end);
      if (apart <= best) {
        best = apart;
        found = id;
      }
    });
  }
  return found;
}

function away(point: Point, start: Point, end: Point): number {
  const squared = (end.x - start.x) ** 2 + (end.y - start.y) ** 2;
  const share = squared === 0 ? 0 : ((point.x - start.x) * (end.x - start.x) + (point.y - start.y) * (end.y - start.y)) / squared;
  const at = Math.min(Math.max(share, 0), 1);
  return Math.hypot(point.x - start.x - at * (end.x - start.x), point.y - start.y - at * (end.y - start.y));
}

function at(point: Point): string {
  return `${round(point.x)},${round(point.y)}`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function length(a: Point, b: Point): number {
  return Math.hypot(a.x - b.x, a.y - b.y);
}

function towards(from: Point, to: Point, distance: number): Point {
  const whole = length(from, to);
  if (whole === 0) return from;
  return { x: from.x + ((to.x - from.x) * distance) / whole, y: from.y + ((to.y - from.y) * distance) / whole };
}
