/**
 * The layers check: rules, and the reading of imports.
 *
 * @module
 */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { checkImport, localImports, roomOf } from "../../../tools/check_layers.ts";

const ALLOWED = [
  ["src/policy/oracle/oracle.ts", "src/base/ip.ts"],
  ["src/server/serve.ts", "src/events/store.ts"],
  ["src/agents/loop.ts", "src/projections/node_state.ts"],
  ["src/agents/nftables/render.ts", "src/policy/ir.ts"],
  ["src/lab/supervisor.ts", "src/server/serve.ts"],
] as const;

for (const [file, imported] of ALLOWED) {
  Deno.test(`checkImport() lets ${file} import ${imported}`, () =>
    assertEquals(checkImport(file, imported), undefined));
}

const REFUSED = [
  ["src/base/ip.ts", "src/policy/ir.ts", "base may not import policy"],
  ["src/resources/registry.ts", "src/policy/ir.ts", "resources may not import policy"],
  ["src/agents/loop.ts", "src/server/serve.ts", "meet only in"],
  ["src/server/serve.ts", "src/agents/loop.ts", "meet only in"],
  ["src/agents/loop.ts", "src/projections/fold.ts", "only node_state"],
  ["src/agents/nftables/render.ts", "src/agents/ebpf/emit.ts", "never each other"],
  ["src/projections/fold.ts", "src/events/postgres_log.ts", "may not import events"],
  ["src/wasm-policy/emit.ts", "src/resources/object.ts", "never objects"],
  ["src/policy/oracle/oracle.ts", "src/policy/lowering/lower.ts", "share no rule"],
  ["src/policy/lowering/lower.ts", "src/policy/oracle/world.ts", "share no rule"],
] as const;

for (const [file, imported, reason] of REFUSED) {
  Deno.test(`checkImport() stops ${file} at ${imported}, with the reason`, () => {
    const found = checkImport(file, imported);
    assert(found !== undefined);
    assertStringIncludes(found, reason);
  });
}

Deno.test("roomOf() tells the core of events from its shell", () => {
  assertEquals(roomOf("src/events/envelope.ts")?.name, "events-core");
  assertEquals(roomOf("src/events/postgres_log.ts")?.name, "events");
});

Deno.test("localImports() reads static, type, side-effect, dynamic and re-exporting imports, and no comments", () => {
  const text = [
    'import { a } from "#/base/ip.ts";',
    'import type {\n  B,\n} from "../policy/ir.ts";',
    'import "./side.ts";',
    'export { c } from "#/sync/frames.ts";',
    'const d = await import("#/cli/output.ts");',
    'import { z } from "zod";',
    '/** import { x } from "#/comment.ts"; */',
  ].join("\n");
  assertEquals(localImports("src/server/x.ts", text), [
    "src/base/ip.ts",
    "src/policy/ir.ts",
    "src/server/side.ts",
    "src/sync/frames.ts",
    "src/cli/output.ts",
  ]);
});
