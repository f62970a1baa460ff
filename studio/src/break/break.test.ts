import { describe, expect, it } from "vitest";
import type { Link } from "../map/model";
import { declared, escaped, fits, KINDS, matches, settingsOf, strikes, type Fault, type Kind } from "./faults";
import { readReport, worst } from "./sweep";

const kind = (id: string): Kind => KINDS.find((one) => one.id === id) as Kind;

function link(source: string, target: string, ways?: [string, string, string][]): Link {
  const stats = { operations: { PutItem: 2 }, ways } as unknown as Link["edges"][number]["stats"];
  return { id: `${source}→${target}`, source, target, edges: [{ stats }] } as unknown as Link;
}

describe("glob patterns", () => {
  it.each([
    ["*", "anything", true],
    ["orders-*", "orders-1", true],
    ["orders-*", "order", false],
    ["a?c", "abc", true],
    ["a.c", "abc", false],
    ["[ab]x", "bx", true],
    ["[!ab]x", "bx", false],
    [escaped("we[i]rd*?"), "we[i]rd*?", true],
    [escaped("we[i]rd*?"), "weird", false],
  ])("%s matches %s: %s", (pattern, text, found) => expect(matches(pattern, text)).toBe(found));
});

describe("faults", () => {
  it("are declared for each way in which calls go over an edge", () => {
    const edge = link("lambda:f", "lambda:g", [["lambda", "lambda:f", "lambda:g"], ["lambda", "lambda:f", "lambda:g:live"]]);
    const made = declared(kind("throttle"), edge, { ...settingsOf(kind("throttle")), seconds: 30 }, "1", 100, "x");
    expect(made.map((one) => [one.id, one.resource, one.ends, one.probability])).toEqual([["x-1", "g", 130, 0.3], ["x-2", "g:live", 130, 0.3]]);
  });
  it("strike what they were declared for, and nothing else", () => {
    const edge = link("lambda:f", "dynamodb:orders", [["dynamodb", "lambda:f", "dynamodb:orders"]]);
    const [fault] = declared(kind("fail"), edge, settingsOf(kind("fail")), "1", 0, "x") as Fault[];
    expect(fault && strikes(fault, edge, "1")).toBe(true);
    expect(fault && strikes(fault, edge, "2")).toBe(false);
    expect(fault && strikes(fault, link("lambda:g", "dynamodb:orders"), "1")).toBe(false);
    expect(fault && strikes(fault, link("lambda:f", "dynamodb:orders2"), "1")).toBe(false);
    expect(fault && strikes({ ...fault, operation: "GetItem" }, edge, "1")).toBe(false);
  });
  it("of a function that runs are for edges that lead to one", () => {
    const edge = link("sqs:q", "lambda:f", [["lambda", "sqs:q", "lambda:f"]]);
    expect([fits(kind("kill"), edge), fits(kind("kill"), link("lambda:f", "sqs:q"))]).toEqual([true, false]);
    const [fault] = declared(kind("kill"), edge, settingsOf(kind("kill")), "1", 0, "x") as Fault[];
    expect([fault?.point, fault?.resource, fault?.service]).toEqual(["run", "f:*", "lambda"]);
    expect(fault && strikes(fault, { ...edge, edges: [] }, "1")).toBe(true);
  });
});

describe("a sweep", () => {
  const cell = (color: string): object => ({ color, seen: "", struck: 1 });
  const rows = [
    { source: "lambda:f:live", target: "dynamodb:t", operation: "PutItem", cells: { a: { error: cell("yellow"), lost: cell("black") } } },
    { source: "client", target: "lambda:f", operation: "Invoke", cells: { a: { error: cell("green") } } },
  ];
  it("paints an edge as the worst that was seen", () => {
    const sweep = readReport(JSON.stringify({ flows: ["a"], kinds: ["error"], rows }));
    expect([worst(sweep, "lambda:f", "dynamodb:t"), worst(sweep, "client", "lambda:f"), worst(sweep, "a", "b")]).toEqual(["black", "green", "none"]);
  });
  it.each(["", "[]", "null", "{}", '{"rows": 1}', '{"flows": [], "kinds": [], "rows": [1]}'])("is not read out of %s", (text) => {
    expect(() => readReport(text)).toThrow(/^This is no/);
  });
});
