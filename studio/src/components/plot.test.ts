import { expect, test } from "vitest";
import { multiples, nearest, roundStep, runs, through, timeStep } from "./plot";

test("marks stand at round numbers, and no more than there is room for", () => {
  expect(multiples(0, 11, roundStep(11, 6))).toEqual([0, 2, 4, 6, 8, 10]);
  expect(multiples(-0.3, 0.4, roundStep(0.7, 7)).map((one) => one.toFixed(1))).toEqual(["-0.3", "-0.2", "-0.1", "0.0", "0.1", "0.2", "0.3", "0.4"]);
  expect(roundStep(700, 1)).toBe(1000);
});

test("marks of time stand where clocks are divided, in the place's own time", () => {
  expect(timeStep(3600, 8)).toBe(900);
  expect(timeStep(20 * 86_400, 4)).toBe(5 * 86_400);
  expect(multiples(1000, 8000, 3600)).toEqual([3600, 7200]);
  expect(multiples(1000, 8000, 3600, -1800)).toEqual([1800, 5400]);
});

test("a line begins anew behind what is missing", () => {
  expect(through([[0, 1], [2, 3.25], null, [4, 5], [6, 7]])).toBe("M0.0,1.0L2.0,3.3M4.0,5.0L6.0,7.0");
  expect(runs([1, 2, null, null, 3])).toEqual([[1, 2], [3]]);
  expect(runs([null])).toEqual([]);
});

test("the pointer means what is nearest", () => {
  expect(nearest([0, 10, 30], 21)).toBe(2);
  expect(nearest([], 1)).toBeUndefined();
});
