/**
 * Compiled policies of a projection that followed random histories equal those made from nothing, for both scopes; and what is staged never reaches a
 * node.
 *
 * @module
 */
import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import fc from "fast-check";
import { canonicalJson, type Json } from "#/base/json.ts";
import type { CompiledPolicies, PolicyScope } from "#/policy/compiled.ts";
import { isStagedKind, POLICY_COLLECTIONS } from "#/policy/policy_ref.ts";
import type { ClusterState, EventChanges } from "#/projections/cluster_state.ts";
import { compiledPolicies } from "#/projections/compiled_policies.ts";
import { buildFromState, nodeState } from "#/projections/node_projection.ts";
import { applyToPolicies, createPolicyProjection, type PolicyProjection } from "#/projections/policy_projection.ts";
import { createHistory } from "#tests/support/history.ts";
import { step, type Thing, world } from "#tests/support/worlds.ts";
import { moves, NODES } from "./projection_things.ts";

const RUNS = 80;

Deno.test("compiledPolicies() of a projection kept up to date equals one made from nothing, for random histories", () => {
  const seen = { hostEndpoints: 0, staged: 0, services: 0, unplaced: 0 };
  fc.assert(
    fc.property(moves, (all) => {
      const history = createHistory();
      const projections: Readonly<Record<PolicyScope, PolicyProjection>> = {
        enforced: createPolicyProjection(),
        pending: createPolicyProjection("pending"),
      };
      let current = new Map<string, Thing>();
      for (const { thing: each, gone, flushed } of all) {
        const next = new Map(current);
        for (const [key, made] of world(each)) gone ? next.delete(key) : next.set(key, made);
        for (const changes of step(history, current, next)) {
          for (const projection of Object.values(projections)) apply(projection, changes, history.state);
        }
        current = next;
        if (!flushed) continue;
        for (const scope of ["enforced", "pending"] as const) {
          const kept = compiledPolicies(projections[scope]);
          assertEquals(textOf(kept), textOf(fromNothing(history.state, scope)), scope);
          assertStrictEquals(compiledPolicies(projections[scope]), kept);
          count(seen, kept);
        }
      }
    }),
    { numRuns: RUNS },
  );
  assert(Object.values(seen).every((times) => times > 0), `must all occur: ${JSON.stringify(seen)}`);
});

Deno.test("nodeState() is the same, byte for byte, with and without staged policies", () => {
  fc.assert(
    fc.property(moves, (all) => {
      const history = createHistory();
      let current = new Map<string, Thing>();
      for (const { thing: each, gone } of all) {
        const next = new Map(current);
        for (const [key, made] of world(each)) gone ? next.delete(key) : next.set(key, made);
        step(history, current, next);
        current = next;
      }
      const { state } = history;
      const staged = [...POLICY_COLLECTIONS].filter(([, kind]) => isStagedKind(kind)).map(([collection]) => collection);
      const collections = new Map([...state.collections].filter(([collection]) => !staged.includes(collection)));
      for (const node of NODES) {
        assertEquals(itemsOf(state, node), itemsOf({ ...state, collections }, node));
      }
    }),
    { numRuns: RUNS },
  );
});

function apply(projection: PolicyProjection, { changes }: EventChanges, state: ClusterState): void {
  for (const change of changes) if (change.kind === "object") applyToPolicies(projection, change, state.origins);
}

function fromNothing(state: ClusterState, scope: PolicyScope): CompiledPolicies {
  const projection = createPolicyProjection(scope);
  for (const [collection, objects] of state.collections) {
    for (const [key, after] of objects) {
      applyToPolicies(projection, { kind: "object", collection, key, before: undefined, after }, state.origins);
    }
  }
  return compiledPolicies(projection);
}

function itemsOf(state: ClusterState, node: string): readonly string[] {
  return nodeState(buildFromState(state), node).map((item) => canonicalJson(item as unknown as Json));
}

function textOf({ endpoints, hostEndpoints, policies, sets }: CompiledPolicies): readonly string[] {
  const sorted = (entries: Iterable<readonly [string, unknown]>) => [...entries].sort(([a], [b]) => a < b ? -1 : 1);
  return [endpoints, hostEndpoints, ...sorted(policies), ...sorted(sets)]
    .map((part) => canonicalJson(part as unknown as Json));
}

function count(
  seen: { hostEndpoints: number; staged: number; services: number; unplaced: number },
  compiled: CompiledPolicies,
): void {
  seen.hostEndpoints += compiled.hostEndpoints.length;
  seen.staged += [...compiled.policies.values()].filter(({ ref }) => isStagedKind(ref.kind)).length;
  seen.services += [...compiled.sets].filter(([id, { members }]) => id.startsWith("svc") && members.length > 0).length;
  seen.unplaced += compiled.endpoints.filter(({ node }) => node === "").length;
}
