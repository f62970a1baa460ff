import { describe, expect, it } from "vitest";
import { cell, plain, plainItem, typedItem } from "../data/attribute";
import { graph, visits, type HistoryEvent } from "../executions/machine";
import { buckets, complete, fieldsOf, levelOf, merged, patternOf, short, withSource } from "../logs/logs";
import { bare, rows, subsegments, type Hop } from "../trace/tree";
import { parseEvent } from "./api";
import { matching } from "./commands.svelte";
import { base64Text, bytes, duration, money, pretty, rate, textBase64, unfolded } from "./format";

describe("figures", () => {
  it.each([[0, "0 ms"], [149, "149 µs"], [2500, "2.5 ms"], [31_499, "31 ms"], [2_100_000, "2.1 s"], [75_000_000, "1 min 15 s"]])("%d µs is %s", (us, text) => {
    expect(duration(us)).toBe(text);
  });
  it.each([[0, "idle"], [0.5, "30/min"], [1.25, "1.3/s"], [450, "450/s"]])("%d a second is %s", (value, text) => {
    expect(rate(value)).toBe(text);
  });
  it.each([[0, "$0"], [0.000001, "< $0.00001"], [0.00078, "$0.00078"], [3.14159, "$3.14"], [12_345, "$12,345"]])("%d dollars are %s", (value, text) => {
    expect(money(value)).toBe(text);
  });
  it("shortens bytes", () => expect([bytes(900), bytes(2048), bytes(5_000_000)]).toEqual(["900 B", "2.0 KB", "4.8 MB"]));
  it("indents JSON, and leaves the rest", () => expect([pretty('{"a":1}'), pretty("{no"), pretty("x")]).toEqual(['{\n  "a": 1\n}', "{no", "x"]));
  it("unfolds JSON in texts, however deep", () => {
    const message = { Payload: JSON.stringify({ Records: [{ body: JSON.stringify({ order: "[1" }) }] }) };
    expect(unfolded(message)).toEqual({ Payload: { Records: [{ body: { order: "[1" } }] } });
  });
  it("reads back what it encodes", () => expect(base64Text(textBase64("雲居 ☁"))).toBe("雲居 ☁"));
});

describe("the palette", () => {
  const all = ["Go to Map", "Go to Metrics", "Orders"].map((title) => ({ title, run: () => {} }));
  it("finds by words first, then by letters", () => {
    expect(matching(all, "met").map((one) => one.title)).toEqual(["Go to Metrics"]);
    expect(matching(all, "gm").map((one) => one.title)).toEqual(["Go to Map", "Go to Metrics"]);
    expect(matching(all, "zzz")).toEqual([]);
  });
});

describe("the feed", () => {
  it("reads events and skips comments", () => {
    expect(parseEvent('event: figures\ndata: {"a":1}')).toEqual({ event: "figures", data: { a: 1 } });
    expect(parseEvent(": still here")).toBeUndefined();
  });
});

describe("a waterfall", () => {
  const hop = (span: string, parent: string, time: number, ms: number, given: Partial<Hop> = {}): Hop => ({
    time, account: "", region: "", trace: "1", span, parent, source: "a", target: `lambda:${span}`, service: "lambda", operation: "Invoke",
    outcome: "ok", duration_us: ms * 1000, request_bytes: 0, response_bytes: 0, request_id: "", fault: "", principal: "", denied: "", warning: "", payload: false, ...given,
  });
  it("puts calls below their callers, and says what nobody waited for", () => {
    const found = rows([hop("b", "a", 10, 20), hop("a", "", 0, 100), hop("c", "a", 500, 500)], false);
    expect(found.map((row) => [row.hop.span, row.depth, row.start, row.width, row.later])).toEqual([
      ["a", 0, 0, 0.1, false], ["b", 1, 0.01, 0.02, false], ["c", 1, 0.5, 0.5, true],
    ]);
  });
  it("keeps what hangs below hidden bookkeeping, and failed bookkeeping itself", () => {
    const write = hop("w", "a", 1, 1, { operation: "WriteFunctionLogs" });
    expect(rows([hop("a", "", 0, 9), write, hop("x", "w", 2, 1)], false).map((row) => [row.hop.span, row.depth])).toEqual([["a", 0], ["x", 1]]);
    expect(rows([hop("a", "", 0, 9), { ...write, outcome: "SlowDown" }], false)).toHaveLength(2);
    expect(rows([hop("a", "", 0, 9), write], true)).toHaveLength(2);
  });
  it("survives calls that claim to be their own callers", () => {
    expect(rows([hop("a", "b", 0, 1), hop("b", "a", 0, 1)], false).length).toBeLessThanOrEqual(2);
  });
  it("names a node without its service", () => expect([bare("sqs:q"), bare("client")]).toEqual(["q", "client"]));
});

describe("logs", () => {
  it("reads levels", () => {
    expect(["[ERROR] x", "REPORT RequestId: 1", '{"level":"warn"}', "fine"].map(levelOf)).toEqual(["error", "platform", "warn", ""]);
  });
  it("turns a query into a filter pattern where there is no Insights", () => {
    expect(patternOf('fields @message | filter @message like "boom"')).toBe('"boom"');
    expect(patternOf("fields @timestamp, @message | limit 9")).toBe("");
    expect(patternOf("# the newest\nfields @message")).toBe("");
    expect(patternOf("ERROR")).toBe("ERROR");
    expect(patternOf("order #5")).toBe("order #5");
  });
  it("asks for the group beside whole lines", () => {
    expect(withSource("fields @timestamp, @message\n| limit 2")).toBe("fields @log, @timestamp, @message\n| limit 2");
    expect(withSource("stats count(*)")).toBe("stats count(*)");
  });
  it("shows whole lines as lines, and figures as a table", () => {
    const line = { "@timestamp": "2026-01-02 03:04:05.678", "@message": "m", "@log": "1:/aws/lambda/f", "@ptr": "p" };
    const lines = merged([{ region: "us-east-1", rows: [line], scanned: 1 }]);
    expect(lines).toMatchObject({ columns: [], lines: [{ timestamp: Date.UTC(2026, 0, 2, 3, 4, 5, 678), source: "f" }] });
    expect(merged([{ region: "us-east-1", rows: [{ "count(*)": "4" }], scanned: 1 }])).toMatchObject({ columns: ["count(*)"], lines: [] });
  });
  it("completes commands after a bar and fields elsewhere", () => {
    expect(complete("fields @mess", [])).toEqual(["@message"]);
    expect(complete("fields @message | st", [])).toEqual(["stats "]);
    expect(complete("filter ord", ["order_id"])).toEqual(["order_id"]);
    expect(complete("filter ", [])).toEqual([]);
  });
  it("discovers fields and counts over time", () => {
    const line = (timestamp: number, message: string) => ({ key: "", timestamp, message, source: "", region: "" });
    expect(fieldsOf([line(0, 'x {"a":1,"b":2}'), line(0, '{"b":1}'), line(0, "{no")])).toEqual(["b", "a"]);
    expect(buckets([line(0, "x"), line(99, "ERROR")], 2).map((one) => [one.all, one.bad])).toEqual([[1, 0], [1, 1]]);
    expect(short("/aws/lambda/orders-Api-0e6cad6ca4da")).toBe("Api");
  });
});

describe("an execution", () => {
  it("is drawn with inner states, choices and catches", () => {
    const { steps, ways } = graph({ StartAt: "A", States: {
      A: { Type: "Choice", Choices: [{ Next: "B" }], Default: "C" },
      B: { Type: "Map", ItemProcessor: { StartAt: "I", States: { I: { Type: "Pass" } } }, Catch: [{ Next: "C" }] },
      C: { Type: "Task", Resource: "arn:aws:states:::lambda:invoke" },
    } });
    expect(steps.map((step) => [step.id, step.group, step.detail])).toEqual([["A", "", ""], ["B", "", ""], ["I", "B", ""], ["C", "", "lambda:invoke"]]);
    expect(ways.map((way) => [way.id, way.kind])).toEqual([["A→B", "choice"], ["A→C", "choice"], ["B→C", "catch"], ["B→I", "inside"]]);
  });
  it("tells attempts, errors that were caught, and variables", () => {
    const event = (id: number, previousEventId: number, type: string, details: object = {}): HistoryEvent => ({ id, previousEventId, type, timestamp: id, ...details });
    const [first, second] = visits([
      event(1, 0, "ExecutionStarted"),
      event(2, 1, "TaskStateEntered", { stateEnteredEventDetails: { name: "T", input: "{}" } }),
      event(3, 2, "TaskScheduled"), event(4, 3, "TaskFailed", { taskFailedEventDetails: { error: "Boom" } }),
      event(5, 4, "TaskScheduled"), event(6, 5, "TaskFailed", { taskFailedEventDetails: { error: "Boom" } }),
      event(7, 6, "TaskStateExited", { stateExitedEventDetails: { name: "T", output: "[]", assignedVariables: { v: "1" } } }),
      event(8, 7, "PassStateEntered", { stateEnteredEventDetails: { name: "P" } }),
    ]);
    expect(first).toMatchObject({ attempts: 2, status: "caught", error: "Boom", variables: { v: "1" }, output: "[]" });
    expect(second).toMatchObject({ state: "P", status: "running" });
  });
});

describe("an item", () => {
  it("is plain JSON and comes back the same", () => {
    const item = { s: { S: "x" }, n: { N: "1.5" }, long: { N: "12345678901234567890" }, set: { SS: ["a"] }, m: { M: { l: { L: [{ BOOL: true }, { NULL: true }] } } }, odd: { M: { S: { S: "looks typed" } } } };
    expect(plainItem(item)).toMatchObject({ s: "x", n: 1.5, long: { N: "12345678901234567890" }, m: { l: [true, null] } });
    expect(typedItem(plainItem(item))).toEqual(item);
    expect([cell({ S: "x" }), cell(undefined), plain({ N: "2" })]).toEqual(["x", "", 2]);
  });
});

describe("what functions told X-Ray", () => {
  const invoke = { time: 1000, span: "f1", parent: "", source: "client", target: "lambda:f", service: "lambda", operation: "Invoke", outcome: "ok", duration_us: 90_000 } as Hop;
  const put = { ...invoke, time: 1020, span: "d1", parent: "aws1", source: "lambda:f", target: "dynamodb:t", operation: "PutItem", duration_us: 5_000 };
  const document = {
    id: "seg", start_time: 1, end_time: 1.09,
    subsegments: [{ id: "f1", name: "Invocation", subsegments: [
      { id: "own", name: "think", start_time: 1.01, end_time: 1.04, fault: true, cause: { exceptions: [{ type: "ValueError" }] },
        subsegments: [{ id: "aws1", name: "DynamoDB", namespace: "aws", start_time: 1.02, end_time: 1.03 }] },
    ] }],
  };

  it("stands below the call, with the calls that were made meanwhile below it", () => {
    const hops = [invoke, put];
    const found = rows([...hops, ...subsegments([document], hops)], false);
    expect(found.map((row) => [row.depth, row.hop.operation, row.hop.outcome])).toEqual([[0, "Invoke", "ok"], [1, "think", "ValueError"], [2, "PutItem", "ok"]]);
  });

  it("is found where it was sent alone, and not where it is of no call", () => {
    expect(subsegments([{ id: "x", type: "subsegment", parent_id: "f1", name: "late" }], [invoke]).map((one) => one.operation)).toEqual(["late"]);
    expect(subsegments([{ id: "x", type: "subsegment", parent_id: "unknown", name: "late" }, { id: "seg", subsegments: [] }], [invoke])).toEqual([]);
  });
});
