import { expect, it, vi } from "vitest";
import type { Picture } from "./model";

vi.mock("../lib/session.svelte", () => ({ message: String, session: { account: "1" } }));
vi.mock("../lib/api", () => ({ ask: async () => ({}), follow: async () => {} }));
vi.mock("./layout", () => ({
  arrangePicture: async (shown: Picture) => ({
    nodes: Object.fromEntries(shown.cards.map((card, at) => [card.id, { x: 100 * (shown.cards.length - at), y: 0, width: 9, height: 9 }])),
    edges: {},
  }),
}));
const { LiveMap } = await import("./live.svelte");

it("lets nothing move while a pointer is pressed", async () => {
  const map = new LiveMap();
  const show = async (...ids: string[]): Promise<number | undefined> => {
    const nodes = ids.map((id) => ({ id, kind: "sqs", name: id, label: id, app: "", region: "r", advice: [], costHour: 0 }));
    map.model = { account: "", accounts: [], regions: [], structure: "", nodes, edges: [], problems: [], layout: null };
    map.arrange();
    await new Promise((rest) => setTimeout(rest));
    return map.layout?.nodes["sqs:a"]?.x;
  };
  map.idle = true;
  expect(await show("sqs:a")).toBe(100);
  map.hold();
  expect(await show("sqs:a", "sqs:b")).toBe(100);
  map.release();
  expect(map.layout?.nodes["sqs:a"]?.x).toBe(200);
  map.hold();
  map.release();
  expect(await show("sqs:a")).toBe(100);
});
