// Layouts by ELK, in a worker that is started when one is first needed: layers from left to right, orthogonal links.

import type { ElkExtendedEdge, ElkNode } from "elkjs/lib/elk-api.js";
import type { Layout, Picture } from "./model";

export const CARD = { width: 152, height: 112 };

/** The group of what belongs to no application: it has no frame. */
export const LOOSE = " loose";

const OUTSIDE = { client: true, studio: true, app: true };

export interface Box {
  id: string;
  width: number;
  height: number;
  group?: string;
}

export interface Wire {
  id: string;
  source: string;
  target: string;
}

const SPACING = {
  "elk.layered.spacing.nodeNodeBetweenLayers": "46",
  "elk.spacing.nodeNode": "36",
  "elk.layered.spacing.edgeNodeBetweenLayers": "18",
  "elk.spacing.edgeNode": "26",
  "elk.spacing.edgeEdge": "16",
  "elk.layered.spacing.edgeEdgeBetweenLayers": "12",
};

const ROOT = {
  ...SPACING,
  "elk.algorithm": "layered",
  "elk.edgeRouting": "ORTHOGONAL",
  "elk.hierarchyHandling": "INCLUDE_CHILDREN",
  "elk.layered.layering.strategy": "LONGEST_PATH_SOURCE",
  "elk.layered.nodePlacement.strategy": "NETWORK_SIMPLEX",
  "elk.layered.cycleBreaking.strategy": "DEPTH_FIRST",
  "elk.json.edgeCoords": "ROOT",
  "elk.json.shapeCoords": "ROOT",
  "elk.separateConnectedComponents": "true",
  "elk.spacing.componentComponent": "48",
};

const GROUP = { ...SPACING, "elk.padding": "[top=58,left=26,bottom=26,right=26]", "elk.alignment": "LEFT" };

const BARE = { ...SPACING, "elk.padding": "[top=12,left=26,bottom=12,right=26]", "elk.alignment": "LEFT" };

let engine: Promise<{ layout: (graph: ElkNode) => Promise<ElkNode> }> | undefined;

async function elk(): Promise<{ layout: (graph: ElkNode) => Promise<ElkNode> }> {
  engine ??= Promise.all([import("elkjs/lib/elk-api.js"), import("elkjs/lib/elk-worker.min.js?url")]).then(
    ([{ default: Elk }, worker]) => new Elk({ workerUrl: worker.default }),
  );
  return engine;
}

export async function arrange(boxes: Box[], wires: Wire[], direction: "RIGHT" | "DOWN", ratio = 1.8): Promise<Layout> {
  const groups = [...new Set(boxes.map((box) => box.group).filter((group) => group !== undefined && group !== ""))];
  const leaf = (box: Box): ElkNode => ({ id: box.id, width: box.width, height: box.height });
  const children: ElkNode[] = [
    ...boxes.filter((box) => (box.group ?? "") === "").map(leaf),
    ...groups.map((group) => ({
      id: `frame:${group}`,
      layoutOptions: group === LOOSE ? BARE : GROUP,
      children: boxes.filter((box) => box.group === group).map(leaf),
    })),
  ];
  const edges: ElkExtendedEdge[] = wires
    .filter((wire) => wire.source !== wire.target)
    .map((wire) => ({ id: wire.id, sources: [wire.source], targets: [wire.target] }));
  const layoutOptions = { ...ROOT, "elk.direction": direction, "elk.aspectRatio": String(ratio) };
  const laid = await (await elk()).layout({ id: "root", layoutOptions, children, edges });
  return read(laid);
}

/** A picture's layout: parts that nothing connects are laid out apart, and stand in rows as wide as the widest. */
export async function arrangePicture(shown: Picture): Promise<Layout> {
  const boxes = shown.cards.map((card) => ({
    id: card.id,
    ...CARD,
    group: card.app || (card.kind in OUTSIDE ? "" : LOOSE),
  }));
  const parts = components(boxes, shown.links);
  const laid = await Promise.all(
    parts.map((part) => {
      const inside = new Set(part.map((box) => box.id));
      return arrange(part, shown.links.filter((link) => inside.has(link.source)), "RIGHT");
    }),
  );
  return shelves(laid);
}

/** Boxes that links or a frame connect, the largest part first. */
export function components(boxes: Box[], wires: readonly Wire[]): Box[][] {
  const root = new Map<string, string>();
  const find = (id: string): string => {
    let at = id;
    while (root.get(at) !== undefined && root.get(at) !== at) at = root.get(at) ?? at;
    return at;
  };
  const join = (a: string, b: string): void => void root.set(find(a), find(b));
  for (const box of boxes) if (box.group !== undefined && box.group !== "" && box.group !== LOOSE) join(box.id, `frame:${box.group}`);
  for (const wire of wires) join(wire.source, wire.target);
  const parts = new Map<string, Box[]>();
  for (const box of boxes) parts.set(find(box.id), [...(parts.get(find(box.id)) ?? []), box]);
  return [...parts.values()].sort((a, b) => b.length - a.length);
}

const APART = 56;
const RATIO = 1.35;

/** Layouts beside and below one another, in rows that are as wide as lets the whole be shown the largest. */
export function shelves(layouts: readonly Layout[]): Layout {
  const sized = layouts.map((layout) => {
    const all = Object.values(layout.nodes);
    return {
      layout,
      width: Math.max(...all.map((one) => one.x + one.width), 0) + APART,
      height: Math.max(...all.map((one) => one.y + one.height), 0) + APART,
    };
  });
  sized.sort((a, b) => b.height - a.height);
  const least = Math.max(...sized.map((one) => one.width), 0);
  let sum = 0;
  const widths = sized.map((one) => (sum += one.width)).filter((width) => width >= least);
  const extent = (width: number): number => {
    const [wide, high] = filled(sized, width);
    return Math.max(wide / RATIO, high);
  };
  const widest = widths.reduce((best, width) => (extent(width) < extent(best) ? width : best), widths[0] ?? 0);
  const found: Layout = { nodes: {}, edges: {} };
  let x = 0;
  let y = 0;
  let row = 0;
  for (const { layout, width, height } of sized) {
    if (x > 0 && x + width > widest) {
      x = 0;
      y += row;
      row = 0;
    }
    for (const [id, place] of Object.entries(layout.nodes)) {
      const key = id === `frame:${LOOSE}` ? `${id}${Object.keys(found.nodes).length}` : id;
      found.nodes[key] = { ...place, x: place.x + x, y: place.y + y };
    }
    for (const [id, points] of Object.entries(layout.edges)) {
      found.edges[id] = points.map((point) => ({ x: point.x + x, y: point.y + y }));
    }
    x += width;
    row = Math.max(row, height);
  }
  return found;
}

/** How wide and high parts are, put in rows that are at most so wide. */
function filled(parts: readonly { width: number; height: number }[], widest: number): [number, number] {
  let [x, row, wide, high] = [0, 0, 0, 0];
  for (const { width, height } of parts) {
    if (x > 0 && x + width > widest) {
      high += row;
      [x, row] = [0, 0];
    }
    x += width;
    wide = Math.max(wide, x);
    row = Math.max(row, height);
  }
  return [wide, high + row];
}

function read(laid: ElkNode): Layout {
  const layout: Layout = { nodes: {}, edges: {} };
  const visit = (node: ElkNode): void => {
    for (const child of node.children ?? []) {
      layout.nodes[child.id] = {
        x: child.x ?? 0,
        y: child.y ?? 0,
        width: child.width ?? 0,
        height: child.height ?? 0,
      };
      visit(child);
    }
    for (const edge of node.edges ?? []) {
      layout.edges[edge.id] = (edge.sections ?? []).flatMap((section) => [
        section.startPoint,
        ...(section.bendPoints ?? []),
        section.endPoint,
      ]);
    }
  };
  visit(laid);
  return layout;
}
