/** Ratios and quantiles of benches. @module */
import { assertEquals } from "@std/assert";
import { compare, quantile, spread } from "../../../benches/support/compare.ts";

Deno.test("quantile() takes the value by rank", () => {
  const hundred = Array.from({ length: 100 }, (_, at) => 100 - at);
  const cases = [[hundred, 0.5, 50], [hundred, 0.99, 99], [hundred, 1, 100], [[7], 0.5, 7], [[2, 1], 0.5, 1]] as const;
  for (const [values, q, expected] of cases) assertEquals(quantile(values, q), expected);
});

Deno.test("spread() gives median and range", () => {
  assertEquals(spread([5, 1, 3]), { median: 3, min: 1, max: 5 });
});

Deno.test("compare() runs A-B-B-A after one uncounted pass of each, and says how many times as fast we are", async () => {
  let order = "";
  const side = (name: string, costs: number[]) => () => {
    order += name;
    return costs.shift()!;
  };
  const result = await compare({
    rounds: 2,
    ours: side("a", [1000, 1, 3, 2, 2]),
    theirs: side("b", [1000, 10, 10, 20, 20]),
  });
  assertEquals(order, "ababbaabba");
  assertEquals(result.ratio, { median: 5, min: 5, max: 10 });
  assertEquals([result.oursMs, result.theirsMs], [2, 10]);
});
