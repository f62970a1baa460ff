// Charts: where the marks of an axis stand, and the way that a line takes. Our own, as two charts are all there are, and
// a library for them (uPlot, 22 KB of gzip) takes the screens together above the 150 KB that they may have.

export interface Mark {
  value: number;
  text: string;
}

export interface Axis {
  /** Where a value stands, from 0 to 1. */
  place: (value: number) => number;
  /** What is written along the axis: no more than `most`, or nearly. */
  marks: (most: number) => Mark[];
}

export interface Line {
  title: string;
  values: (number | null)[];
  /** What the legend says of a value, by its index. */
  told: (index: number) => string;
  width?: number;
  dashed?: boolean;
  filled?: boolean;
}

const SECONDS = [1, 5, 15, 60, 300, 900, 1800, 3600, 10_800, 21_600, 43_200, 86_400];

/** One, two or five times a power of ten: no more than `most` of them make `length`. */
export function roundStep(length: number, most: number): number {
  const power = 10 ** Math.floor(Math.log10(length / most));
  return power * ([1, 2, 5].find((one) => one * power * most >= length) ?? 10);
}

/** Seconds, as clocks are divided, or days: no more than `most` of them make `length`. */
export function timeStep(length: number, most: number): number {
  return SECONDS.find((one) => one * most >= length) ?? Math.ceil(length / most / 86_400) * 86_400;
}

/** The multiples of a step (and an offset) between two ends. */
export function multiples(low: number, high: number, step: number, offset = 0): number[] {
  const first = Math.ceil((low - offset) / step - 1e-9);
  const last = Math.floor((high - offset) / step + 1e-9);
  return Array.from({ length: Math.max(last - first + 1, 0) }, (_, number) => (first + number) * step + offset);
}

/** A line through points; where one is missing, it begins anew. */
export function through(points: ([number, number] | null)[]): string {
  return points.map((point, index) => (point === null ? "" : `${points[index - 1] ? "L" : "M"}${point[0].toFixed(1)},${point[1].toFixed(1)}`)).join("");
}

/** The runs of points that are there, one after the other. */
export function runs<T>(points: (T | null)[]): T[][] {
  const found: T[][] = [[]];
  for (const point of points) {
    if (point === null) found.push([]);
    else found.at(-1)?.push(point);
  }
  return found.filter((run) => run.length > 0);
}

export function nearest(places: number[], wanted: number): number | undefined {
  return places.reduce<number | undefined>((best, place, index) => (best === undefined || Math.abs(place - wanted) < Math.abs((places[best] ?? 0) - wanted) ? index : best), undefined);
}
