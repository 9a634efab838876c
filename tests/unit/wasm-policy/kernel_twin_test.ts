/** The kernel and its twin on one memory: the same classes and results, column by column. @module */
import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { policyKey } from "#/policy/ir.ts";
import { compileImage } from "#/wasm-policy/engine.ts";
import { packetColumns } from "#/wasm-policy/flow_batch.ts";
import { columnWord, kernelTwin } from "#/wasm-policy/kernel_twin.ts";
import { COLUMNS, NONE } from "#/wasm-policy/layout.ts";
import { irCase } from "../../properties/ir_cases.ts";

Deno.test("kernelTwin() fills every column as the kernel does", () => {
  fc.assert(
    fc.property(irCase, (one) => {
      const policies = new Map(one.policies.map((policy) => [policyKey(policy.ref), policy]));
      const image = compileImage({ policies, sets: new Map(one.sets.map((set) => [set.id, set])) }, { memo: "off" });
      const count = one.packets.length;
      const chains = new Uint32Array(count).fill(image.chainNumber(one.chain, "ingress"));
      image.judgeBatch(packetColumns(one.packets), chains);
      const words = new Uint32Array(image.memory.buffer);
      const outcome = () =>
        COLUMNS.slice(8).map((
          column,
        ) => [...words.subarray(columnWord(words, column), columnWord(words, column) + count)]);
      // The order has been used up by the first evaluation; both are to judge all flows.
      const order = columnWord(words, "order");
      for (let at = 0; at < count; at++) words[order + at] = at;
      const ours = outcome();
      for (const column of COLUMNS.slice(8)) {
        words.fill(NONE, columnWord(words, column), columnWord(words, column) + count);
      }
      const twin = kernelTwin(() => words);
      assertEquals([twin.classify(count), twin.evaluate(count)], [0, 0]);
      assertEquals(outcome(), ours);
    }),
    { numRuns: 60 },
  );
});
