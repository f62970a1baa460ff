import { describe, expect, it } from "vitest";
import { between, heat, people, percent, rounded } from "./report";

const usd = (middle: number): { low: number; middle: number; high: number } => ({ low: middle, middle, high: middle });

describe("figures", () => {
  it.each([
    [0, "$0"],
    [0.0042371, "$0.0042"],
    [0.0907, "$0.091"],
    [1.5049, "$1.50"],
    [134.7, "$130"],
    [12_345, "$12,000"],
    [1e-8, "< $0.000001"],
  ])("%d is %s", (value, text) => expect(rounded(value)).toBe(text));
  it("are ranges, unless both ends look the same", () => {
    expect(between({ low: 1.1, middle: 1.3, high: 1.6 })).toBe("$1.10 to $1.60");
    expect(between({ low: 1.101, middle: 1.1, high: 1.099 })).toBe("$1.10");
  });
  it("shares are whole percent", () => expect([percent(0), percent(0.004), percent(0.336)]).toEqual(["", "< 1 %", "34 %"]));
  it("users are short", () => expect([1, 300, 30_000, 1e6].map(people)).toEqual(["1", "300", "30k", "1M"]));
});

describe("heat", () => {
  const known = new Set(["lambda:f", "dynamodb:t", "client"]);
  it("is what a node's calls cost, over the links that lead to it", () => {
    const found = heat(
      [
        { name: "client → lambda:f:live Invoke", calls: 1, usd: usd(6) },
        { name: "lambda:f → logs:/aws/lambda/f WriteFunctionLogs", calls: 1, usd: usd(1) },
        { name: "lambda:f → dynamodb:t PutItem", calls: 1, usd: usd(3) },
        { name: "client → cloudformation:stack CreateStack", calls: 1, usd: usd(90) },
      ],
      known,
    );
    expect([...found.nodes]).toEqual([["lambda:f", 0.7], ["dynamodb:t", 0.3]]);
    expect([...found.links]).toEqual([["client→lambda:f", 0.6], ["lambda:f→dynamodb:t", 0.3]]);
  });
  it("of nothing is nothing", () => expect(heat([], known).nodes.size).toBe(0));
});
