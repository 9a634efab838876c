/**
 * Why a connection is allowed, asked of a state: the oracle answers, policies and profiles are traced to their events, and a second opinion that differs
 * raises an alarm.
 *
 * @module
 */
import { assert, assertEquals, assertMatch, fail } from "@std/assert";
import type { Explanation } from "#/policy/oracle/explain.ts";
import type { FlowVerdict } from "#/policy/flow_judge.ts";
import type { ClusterState, ObjectOrigin } from "#/projections/cluster_state.ts";
import { createState, streamOfKey } from "#/projections/fold.ts";
import { type KubeObject, objectKey } from "#/resources/object.ts";
import { explainAt } from "#/server/product/explain_query.ts";
import { compiledOpinion } from "#/server/product/second_opinion.ts";
import { hostEndpoint } from "#tests/unit/policy/oracle_objects.ts";
import { namespace, policy, tier, workload } from "#tests/unit/policy/policy_builders.ts";

/** A state that holds objects, each made by an event of its own: the first at position 1, by `user1`. */
function stateOf(objects: readonly (readonly [collection: string, object: KubeObject])[]): ClusterState {
  const collections = new Map<string, Map<string, KubeObject>>();
  const origins = new Map<string, ObjectOrigin>();
  for (const [index, [collection, object]] of objects.entries()) {
    const key = objectKey(object.metadata);
    const position = index + 1;
    collections.set(collection, (collections.get(collection) ?? new Map()).set(key, object));
    const author = `user${position}`;
    origins.set(streamOfKey(collection, key), {
      revision: 1,
      position,
      specPosition: position,
      author,
      occurredAt: "",
    });
  }
  return { ...createState(), position: objects.length, collections, origins };
}

const SHOP: readonly (readonly [string, KubeObject])[] = [
  ["projectcalico.org/tiers", tier("default", 1_000_000, "Deny")],
  ["core/namespaces", namespace("shop")],
  ["projectcalico.org/workloadendpoints", workload("shop", "web", ["10.0.0.1"])],
  ["projectcalico.org/workloadendpoints", workload("shop", "db", ["10.0.0.2"], { node: "node2" })],
];
const GUARD: readonly [string, KubeObject] = [
  "projectcalico.org/networkpolicies",
  policy("shop", "guard", { egress: [{ action: "Allow" }] }),
];

/** The answer to `shop/web` to `shop/db`, and the alarms that it raised; compiled policies say what they say, or something else. */
function asked(state: ClusterState, spoil: (verdict: FlowVerdict) => FlowVerdict = (verdict) => verdict) {
  const alarms: string[] = [];
  const empty = { endpoints: [], hostEndpoints: [], policies: new Map(), sets: new Map() };
  const opinion = compiledOpinion({ live: () => ({ position: -1, compiled: empty }) });
  const answer = explainAt(state, { from: "shop/web", to: "shop/db:80/tcp" }, {
    secondOpinion: (at, flow) => spoil(opinion(at, flow)),
    alarm: (message) => void alarms.push(message),
  });
  assert("basis" in answer, JSON.stringify(answer));
  return { answer: answer satisfies Explanation, alarms };
}

Deno.test("explainAt() names the events behind policies and profiles", () => {
  const { answer } = asked(stateOf([...SHOP, GUARD]));
  assertEquals([answer.verdict, answer.basis.position], ["allow", 5]);
  assertEquals([answer.egress?.event, answer.egress?.author], [5, "user5"]);
  const [profile] = answer.ingress?.trace.profiles ?? [];
  assertEquals([profile?.profile, profile?.outcome, profile?.event, profile?.author], [
    "kns.shop",
    "allow",
    2,
    "user2",
  ]);
});

Deno.test("explainAt() tells what is pending", () => {
  const staged = policy("shop", "preview", { selector: "all()" }, "StagedNetworkPolicy");
  const { answer } = asked(stateOf([...SHOP, ["projectcalico.org/stagednetworkpolicies", staged]]));
  assertEquals([answer.verdict, answer.pending?.verdict, answer.pending?.ingress?.default], [
    "allow",
    "deny",
    "end-of-tier",
  ]);
  assertEquals(answer.pending?.ingress?.isolatedBy[0]?.event, 5);
});

Deno.test("explainAt() raises an alarm when the compiled policy says otherwise", () => {
  const state = stateOf(SHOP);
  assertEquals(asked(state).alarms, []);
  const { answer, alarms } = asked(state, (verdict) => ({ ...verdict, verdict: "deny" }));
  assertEquals([answer.verdict, alarms], ["allow", [
    'Policy engines disagree at position 4 on shop/web to shop/db:80/tcp: oracle "allow", compiled "deny"',
  ]], "the oracle's answer stands");
});

Deno.test("explainAt() raises an alarm when the verdict is the same but another rule decided", () => {
  const state = stateOf([...SHOP, GUARD]);
  assertEquals(asked(state).alarms, []);
  const { alarms } = asked(state, (verdict) => {
    const half = verdict.egress!;
    return { ...verdict, egress: { ...half, steps: half.steps.map((step) => ({ ...step, ruleId: "5/e/7" })) } };
  });
  assertMatch(
    alarms.join(),
    /oracle "shop\/node1-k8s-web-eth0: allow by NetworkPolicy\/shop\/guard\[0\] in tier "default"", compiled ".*guard\[7\] in tier "default""$/,
  );
});

Deno.test("explainAt() asks the compiled policies about host endpoints too", () => {
  const host = hostEndpoint("h", "node1", { interfaceName: "*", expectedIPs: ["192.168.0.1"] });
  const state = stateOf([...SHOP, ["projectcalico.org/hostendpoints", host]]);
  const { answer, alarms } = asked(state);
  assertEquals([answer.forward[0]?.endpoint, answer.forward[0]?.default], [
    { kind: "HostEndpoint", name: "h" },
    "continue",
  ]);
  assertEquals(alarms, []);
  const spoilt = asked(state, (verdict) => ({ ...verdict, egress: undefined }));
  assertMatch(spoilt.alarms.join(), /oracle "shop\/node1-k8s-web-eth0: allow by profile kns.shop\[0\]", compiled/);
});

Deno.test("explainAt() refuses what means nothing", () => {
  const refusal = (from: string, to: string) => {
    const answer = explainAt(stateOf(SHOP), { from, to }, {
      secondOpinion: () => fail("nothing is judged"),
      alarm: () => {},
    });
    return "reason" in answer ? answer.reason : answer.verdict;
  };
  assertEquals(refusal("shop", "shop/db:80/tcp"), "BadRequest");
  assertEquals(refusal("shop/web", "shop/db"), "BadRequest");
  assertEquals(refusal("shop/gone", "shop/db:80/tcp"), "NotFound");
});
