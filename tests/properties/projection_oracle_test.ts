/**
 * Node states against the oracle: for random clusters and packets, what the agents were told, bit by bit, judged rule by rule, says what the oracle says of
 * the objects. Puts the label index, sets, chains and slices under test together, and with another kind of judge than their own.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { cidrContains, parseCidrOrIp } from "#/base/cidr.ts";
import { formatIp } from "#/base/ip.ts";
import { formatProtocol } from "#/base/protocol.ts";
import { resolveFlow } from "#/policy/oracle/flow.ts";
import { interpretChain, type IrTables, type SetMembership } from "#/policy/ir_interpreter.ts";
import { evaluate } from "#/policy/oracle/oracle.ts";
import { isStagedKind } from "#/policy/policy_ref.ts";
import type { PolicyObjects } from "#/policy/policy_objects.ts";
import { policyWorld } from "#/policy/oracle/world.ts";
import type { NodeState, SetItem } from "#/projections/node_state.ts";
import type { KubeObject } from "#/resources/object.ts";
import { compileImage } from "#/wasm-policy/engine.ts";
import { createHistory, type History, put, remove } from "#tests/support/history.ts";
import { checkNodes, createFollower, feed, type Follower, timelessStates } from "#tests/support/worlds.ts";
import { policyCase } from "./policy_worlds.ts";

const RUNS = 400;
/** Nodes that workloads are on. Those on none are in no slice. */
const NODES = ["node1", "node2"];

/** Objects in an order drawn at random, some of them made, deleted and made again. */
const walk = fc.record({ weights: fc.array(fc.nat(1_000), { minLength: 40, maxLength: 40 }), twice: fc.nat(3) });

Deno.test("agents' slices, interpreted and compiled to WebAssembly, judge packets as the oracle judges the objects", () => {
  const verdicts = { allow: 0, deny: 0 };
  fc.assert(
    fc.property(policyCase, walk, ({ objects, flows }, { weights, twice }) => {
      const { follower } = followed(objects, weights, twice);
      const engines = new Map([...follower.agents].map(([node, state]) => [node, engineOf(state)]));
      const world = policyWorld(objects);
      for (const asked of flows) {
        const flow = resolveFlow(world, asked);
        assert(flow.kind === "resolved");
        const verdict = evaluate(world, flow);
        for (const [direction, end] of [["egress", flow.source], ["ingress", flow.destination]] as const) {
          const engine = engines.get(end?.node ?? "");
          // ICMPv6 that a pod and its host cannot do without is not policed.
          if (end === undefined || engine === undefined || verdict[direction] === null) continue;
          const item = engine.state.get(`endpoint:${end.id}`);
          assert(item?.kind === "endpoint", end.id);
          const judged = interpretChain(item[direction], direction, flow.packet, engine.tables);
          assertEquals(judged.action, verdict[direction].verdict, `${direction} of ${end.id}`);
          const { action, ruleId } = engine.image.judge(item[direction], direction, flow.packet);
          assertEquals({ action, ruleId }, { action: judged.action, ruleId: judged.ruleId }, `compiled ${end.id}`);
          verdicts[judged.action] += 1;
        }
      }
    }),
    { numRuns: RUNS },
  );
  assert(verdicts.allow > RUNS && verdicts.deny > RUNS, `both must be common: ${JSON.stringify(verdicts)}`);
});

Deno.test("staged policies change no node's state", () => {
  let staged = 0;
  fc.assert(
    fc.property(policyCase, walk, ({ objects }, { weights, twice }) => {
      const enforced = objects.policies.filter(({ kind }) => !isStagedKind(kind));
      staged += objects.policies.length - enforced.length;
      const [all, few] = [objects, { ...objects, policies: enforced }].map((each) => followed(each, weights, twice));
      assertEquals(timelessStates(all!.history, NODES), timelessStates(few!.history, NODES));
      checkNodes(all!.follower, all!.history);
    }),
    { numRuns: RUNS / 4 },
  );
  assert(staged > RUNS / 4, `staged policies must be common: ${staged}`);
});

/** Agents that were told of the objects one by one. */
function followed(
  objects: PolicyObjects,
  weights: readonly number[],
  twice: number,
): { readonly follower: Follower; readonly history: History } {
  const all: readonly KubeObject[] = Object.values(objects).flat();
  const weight = (at: number): number => weights[at % weights.length]!;
  const shuffled = all.map((object, at) => ({ object, at })).sort((a, b) => weight(a.at) - weight(b.at));
  const history = createHistory();
  const follower = createFollower(NODES);
  for (const { object, at } of shuffled) {
    feed(follower, history, [put(history, object)], weight(at) % 2 === 0 ? "once" : "never");
    if (weight(at) % 4 < twice) continue;
    feed(follower, history, [remove(history, object)], weight(at) % 3 === 0 ? "once" : "never");
    feed(follower, history, [put(history, object)], "never");
  }
  feed(follower, history, []);
  return { follower, history };
}

function engineOf(state: NodeState) {
  const tables = tablesOf(state);
  return { state, tables, image: compileImage({ policies: tables.policies, sets: setsOf(state) }) };
}

function tablesOf(state: NodeState): IrTables {
  const items = [...state.values()];
  const policies = items.filter((item) => item.kind === "policy" || item.kind === "profile")
    .map((item) => [item.id, item.policy] as const);
  return { policies: new Map(policies), sets: membershipOf(state) };
}

function setsOf(state: NodeState): ReadonlyMap<string, SetItem> {
  return new Map([...state.values()].filter((item) => item.kind === "set").map((set) => [set.id, set]));
}

function membershipOf(state: NodeState): SetMembership {
  return {
    has(setId, ip, end) {
      const set = state.get(`set:${setId}`);
      assert(set?.kind === "set", setId);
      if (set.type === "net") return set.members.some((member) => cidrContains(parseCidrOrIp(member)!, ip));
      assert(end !== undefined);
      return set.members.includes(`${formatIp(ip)},${formatProtocol(end.protocol).toLowerCase()}:${end.port}`);
    },
  };
}
