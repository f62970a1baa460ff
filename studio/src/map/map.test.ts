import { describe, expect, it } from "vitest";
import { answers, caption, labelled, picture, startsFolded, structureOf, type MapEdge, type MapNode, type Model, type Stats } from "./model";
import { components, LOOSE, shelves } from "./layout";
import { nearest, path, places, straight } from "./path";
import { moved } from "./pins";

const stats = (given: Partial<Stats>): Stats => ({
  calls: 1, errors: 0, recent: 1, recentErrors: 0, recentThrottles: 0, recentFaults: 0, rate: 0.1, p50: 1000, p95: 2000,
  bytes: 0, cost: 0, costHour: 0, operations: {}, lastSeen: 0, lastError: "", ...given,
});
const node = (id: string, app = ""): MapNode => ({ id, kind: id.split(":")[0] ?? "", name: id, label: id, app, region: "us-east-1", advice: [], costHour: id === "lambda:a" ? 0.5 : 0 });
const edge = (source: string, target: string, given: Partial<Stats> | null = {}): MapEdge => ({
  id: `${source}→${target}`, source, target, origin: given === null ? "declared" : "observed", via: given === null ? "environment" : "",
  stats: given === null ? null : stats(given),
});
const model = (nodes: MapNode[], edges: MapEdge[]): Model => ({
  account: "", accounts: [], regions: [], structure: "", nodes, edges, problems: [], layout: null,
});

describe("a picture", () => {
  const shop = model(
    [node("client"), node("lambda:a", "shop"), node("dynamodb:t", "shop"), node("sqs:q", "other"), node("s3:idle")],
    [
      edge("client", "lambda:a", { costHour: 2 }),
      edge("lambda:a", "dynamodb:t", { recentErrors: 1, lastError: "SlowDown", costHour: 3 }),
      edge("lambda:a", "sqs:q", null),
    ],
  );

  it("leaves out what nothing touches, unless asked", () => {
    expect(picture(shop, [], false).cards.map((card) => card.id)).not.toContain("s3:idle");
    expect(picture(shop, [], true).cards.map((card) => card.id)).toContain("s3:idle");
  });

  it("folds an application into one card that fails when something inside does", () => {
    const shown = picture(shop, ["shop"], false);
    expect(shown.cards.map((card) => card.id).sort()).toEqual(["app:shop", "client", "sqs:q"]);
    const card = shown.cards.find((one) => one.id === "app:shop");
    expect(card).toMatchObject({ folded: 2, figures: { recentErrors: 1, costHour: 5.5, lastError: "SlowDown" } });
    expect(shown.links.map((link) => link.id)).toEqual(["client→app:shop", "app:shop→sqs:q"]);
  });

  it("answers where it fails and where the money goes", () => {
    const found = answers(picture(shop, [], false));
    expect(found.failing.map((link) => link.id)).toEqual(["lambda:a→dynamodb:t"]);
    expect(found.costly.map((card) => [card.id, card.figures.costHour])).toEqual([["dynamodb:t", 3], ["lambda:a", 2.5]]);
  });

  it("labels what fails however cold it is, and the hottest few", () => {
    const links = picture(shop, [], false).links;
    expect([...labelled(links, "cost", 0)]).toEqual(["lambda:a→dynamodb:t"]);
    expect(caption(links[1]!, "cost")).toEqual(["SlowDown · 1 of 1", "1 of 1"]);
    expect(caption(links[2]!, "cost")).toEqual(["environment"]);
  });

  it("has the same structure whatever flows, and another with another link", () => {
    const calmer = model(shop.nodes, shop.edges.map((one) => ({ ...one, stats: stats({ rate: 9 }) })));
    expect(structureOf(picture(calmer, [], false))).toBe(structureOf(picture(shop, [], false)));
    const more = model(shop.nodes, [...shop.edges, edge("client", "sqs:q")]);
    expect(structureOf(picture(more, [], false))).not.toBe(structureOf(picture(shop, [], false)));
  });

  it("starts folded only when it is crowded", () => {
    expect(startsFolded(shop)).toEqual([]);
    const crowd = model([...Array(41).keys()].map((n) => node(`lambda:${n}`, n % 2 ? "a" : "b")), []);
    expect(startsFolded(crowd).sort()).toEqual(["a", "b"]);
  });
});

describe("a path", () => {
  it("rounds its corners, no more than its runs are long", () => {
    expect(path([{ x: 0, y: 0 }, { x: 100, y: 0 }, { x: 100, y: 8 }])).toBe("M0,0 L96,0 Q100,0 100,4 L100,8");
  });

  it("places labels apart from one another and off the cards", () => {
    const points = [{ x: 0, y: 0 }, { x: 400, y: 0 }];
    const label = (id: string): Parameters<typeof places>[0][0] => ({ id, points, texts: [{ text: id, width: 80 }], height: 20, must: false });
    const found = places([label("a"), label("b")], [{ x: 160, y: -30, width: 80, height: 60 }]);
    expect(found.get("a")?.x).toBe(120);
    expect(found.get("b")?.x).toBe(280);
    expect(places([label("a")], [{ x: 0, y: -30, width: 400, height: 60 }]).size).toBe(0);
  });
});

describe("a layout", () => {
  const box = (id: string, group = LOOSE): { id: string; width: number; height: number; group: string } => ({ id, width: 10, height: 10, group });
  it("keeps together what a link or a frame connects", () => {
    const parts = components([box("a"), box("b"), box("c", "shop"), box("d", "shop"), box("e")], [{ id: "", source: "a", target: "c" }]);
    expect(parts.map((part) => part.map((one) => one.id).join(""))).toEqual(["acd", "b", "e"]);
  });
  it("puts parts in rows without covering one another", () => {
    const part = (id: string, width: number): Parameters<typeof shelves>[0][0] => ({ nodes: { [id]: { x: 0, y: 0, width, height: 100 } }, edges: { [id]: [{ x: 1, y: 1 }] } });
    const found = shelves([part("a", 500), part("b", 100), part("c", 500), part("d", 100)]);
    const spots = Object.values(found.nodes).map((one) => `${one.x},${one.y}`);
    expect(new Set(spots).size).toBe(4);
    expect(found.edges.a).toEqual([{ x: (found.nodes.a?.x ?? 0) + 1, y: (found.nodes.a?.y ?? 0) + 1 }]);
    expect(Math.max(...Object.values(found.nodes).map((one) => one.y))).toBeGreaterThan(0);
  });
});

describe("pinned cards", () => {
  const shown = picture(model([node("lambda:a", "shop"), node("dynamodb:t", "shop"), node("sqs:q")], [edge("lambda:a", "dynamodb:t"), edge("lambda:a", "sqs:q")]), [], false);
  const box = (x: number, y: number): { x: number; y: number; width: number; height: number } => ({ x, y, width: 100, height: 50 });
  const layout = {
    nodes: { "lambda:a": box(0, 0), "dynamodb:t": box(200, 0), "sqs:q": box(400, 0), "frame:shop": box(-10, -10) },
    edges: { "lambda:a→dynamodb:t": [{ x: 100, y: 25 }, { x: 200, y: 25 }], "lambda:a→sqs:q": [{ x: 100, y: 30 }, { x: 400, y: 30 }] },
  };

  it("stand where they were put, in a frame that holds them, with links that reach them", () => {
    const found = moved(layout, shown, { "dynamodb:t": { x: 300, y: 500 } });
    expect(found.nodes["dynamodb:t"]).toEqual(box(300, 500));
    const frame = found.nodes["frame:shop"];
    expect(frame && frame.y + frame.height).toBeGreaterThan(550);
    expect(found.edges["lambda:a→dynamodb:t"]?.at(-1)).toEqual({ x: 300, y: 525 });
    expect(found.edges["lambda:a→sqs:q"]).toBe(layout.edges["lambda:a→sqs:q"]);
  });

  it("have links that go around when they stand before what calls them", () => {
    const back = straight(box(500, 0), box(0, 0));
    expect([back[0], back.at(-1)]).toEqual([{ x: 600, y: 25 }, { x: 0, y: 25 }]);
    expect(back.some((point) => point.y > 50)).toBe(true);
  });

  it("leave alone what nobody moved", () => expect(moved(layout, shown, {}).nodes).toEqual(layout.nodes));
});

describe("the nearest path", () => {
  const paths = { a: [{ x: 0, y: 0 }, { x: 100, y: 0 }], b: [{ x: 0, y: 60 }, { x: 100, y: 60 }] };
  it.each([[50, 10, "a"], [50, 55, "b"], [130, 0, "a"], [50, 200, undefined]])("of %d, %d is %s", (x, y, found) => {
    expect(nearest(paths, { x, y }, 40)).toBe(found);
  });
});
