/**
 * decide() hands each command to who decides it, and is pure: the state is as it was.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { cloneState } from "#/projections/fold.ts";
import { decide, SERVED_KINDS } from "#/server/decide/decide.ts";
import { CONTEXT, create, given, tier } from "#tests/unit/commands/cluster.ts";

const INPUTS = { now: "2026-01-01T00:00:00.000Z", uuid: () => "0f8fad5b-d9cb-469f-a165-70867728950e" };

Deno.test("decide() answers the same for the same state, command and inputs, and changes nothing", () => {
  const { state } = given();
  const before = cloneState(state);
  const command = { context: CONTEXT, body: create(tier("a")) };
  assertEquals(decide(state, command, INPUTS), decide(state, command, INPUTS));
  assertEquals(cloneState(state), before);
});

Deno.test("decide() hands a node's command on with the node as authenticated", () => {
  const release = { address: "10.0.0.1", block: "10.0.0.0/26", node: "node2", handle: "h" };
  const body = { kind: "NodeCommand", node: "node1", command: { command: "ReleaseAddress", release } } as const;
  const decision = decide(given().state, { context: CONTEXT, body }, INPUTS);
  assert(decision.kind === "rejected");
  assertEquals(decision.reason, "Forbidden");
});

Deno.test("decide() asks the kinds that it is given", () => {
  const kinds = { ...SERVED_KINDS, find: () => undefined };
  const decision = decide(given().state, { context: CONTEXT, body: create(tier("a")) }, INPUTS, kinds);
  assert(decision.kind === "rejected");
  assertEquals(decision.message, "the server could not find the requested resource");
});
