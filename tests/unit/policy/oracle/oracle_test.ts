/**
 * What policy means, case by case, by the oracle and, so that the two agree on every named case, by lowering with the interpreter. Tiers, defaults, profiles
 * and order here; what rules match is in `oracle_match_test.ts`.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import type { JsonObject } from "#/base/json.ts";
import { resolveFlow } from "#/policy/oracle/flow.ts";
import { type DirectionVerdict, evaluate } from "#/policy/oracle/oracle.ts";
import type { PolicyObjects } from "#/policy/policy_objects.ts";
import { policyWorld } from "#/policy/oracle/world.ts";
import type { KubeObject } from "#/resources/object.ts";
import {
  interpret,
  lowerWorld,
  namespace,
  NO_OBJECTS,
  policy,
  tier,
  workload,
} from "#tests/unit/policy/policy_builders.ts";

const BASE: PolicyObjects = {
  ...NO_OBJECTS,
  namespaces: [namespace("n1"), namespace("n2")],
  workloadEndpoints: [
    workload("n1", "web", ["10.0.0.1"], { labels: { app: "web" } }),
    workload("n2", "client", ["10.0.0.2"], { labels: { app: "client" } }),
  ],
};
const ALLOW: JsonObject = { action: "Allow" };
const DENY: JsonObject = { action: "Deny" };
const PASS: JsonObject = { action: "Pass" };
const LOG: JsonObject = { action: "Log" };

/** Ingress of `n1/web` from `n2/client`, TCP 80, by both engines. */
function ingress(policies: readonly KubeObject[], more: Partial<PolicyObjects> = {}): DirectionVerdict {
  const objects = { ...BASE, policies, ...more };
  const world = policyWorld(objects);
  const flow = resolveFlow(world, {
    source: { kind: "workload", namespace: "n2", name: "client" },
    destination: { kind: "workload", namespace: "n1", name: "web" },
    protocol: 6,
    port: 80,
  });
  assert(flow.kind === "resolved");
  const verdict = evaluate(world, flow).ingress;
  assert(verdict !== null && flow.destination !== undefined);
  const engine = interpret(lowerWorld(world, objects), flow.destination, "ingress", flow);
  assertEquals(engine.action, verdict.verdict, "the interpreter must agree with the oracle");
  return verdict;
}

/** `verdict by what`: a policy with its rule, or a default. */
function told(verdict: DirectionVerdict): string {
  const by = verdict.policy === null ? verdict.default : `${verdict.policy.name}[${verdict.rule}]`;
  return `${verdict.verdict} by ${by}${verdict.tier === null ? "" : ` in ${verdict.tier}`}`;
}

const web = (name: string, rules: JsonObject[], more: JsonObject = {}) =>
  policy("n1", name, { selector: "app == 'web'", ingress: rules, types: ["Ingress"], ...more });

const CASES: readonly { name: string; policies: KubeObject[]; more?: Partial<PolicyObjects>; told: string }[] = [
  { name: "nothing at all: the namespace's profile allows", policies: [], told: "allow by profile" },
  { name: "a policy without rules isolates", policies: [web("p", [])], told: "deny by end-of-tier in default" },
  { name: "a policy that only logs isolates", policies: [web("p", [LOG])], told: "deny by end-of-tier in default" },
  { name: "an allow rule", policies: [web("p", [ALLOW])], told: "allow by p[0] in default" },
  {
    name: "first match wins within a policy",
    policies: [web("p", [LOG, DENY, ALLOW])],
    told: "deny by p[1] in default",
  },
  {
    name: "an egress policy does not isolate ingress",
    policies: [web("p", [], { types: ["Egress"] })],
    told: "allow by profile",
  },
  {
    name: "rules of a direction outside types are inert",
    policies: [web("p", [DENY], { types: ["Egress"] })],
    told: "allow by profile",
  },
  {
    name: "an empty list of types means both",
    policies: [web("p", [DENY], { types: [] })],
    told: "deny by p[0] in default",
  },
  {
    name: "a policy of another namespace does not apply",
    policies: [policy("n2", "p", { ingress: [DENY] })],
    told: "allow by profile",
  },
  {
    name: "a policy that selects something else does not apply",
    policies: [policy("n1", "p", { selector: "app == 'db'", ingress: [DENY] })],
    told: "allow by profile",
  },
  {
    name: "lower order first",
    policies: [web("a", [DENY], { order: 20 }), web("b", [ALLOW], { order: 10 })],
    told: "allow by b[0] in default",
  },
  {
    name: "no order comes last",
    policies: [web("a", [DENY]), web("b", [ALLOW], { order: 10 })],
    told: "allow by b[0] in default",
  },
  {
    name: "equal order: a-b before a",
    policies: [web("a", [DENY], { order: 1 }), web("a-b", [ALLOW], { order: 1 })],
    told: "allow by a-b[0] in default",
  },
  {
    name: "equal name: the global policy first",
    policies: [web("p", [DENY]), policy("", "p", { ingress: [ALLOW] })],
    told: "allow by p[0] in default",
  },
  {
    name: "a policy with no match leaves it to the next",
    policies: [web("a", [{ ...DENY, protocol: "UDP" }]), web("b", [ALLOW])],
    told: "allow by b[0] in default",
  },
  { name: "pass leaves the last tier for the profiles", policies: [web("p", [PASS])], told: "allow by profile" },
  {
    name: "pass skips the rest of its tier",
    policies: [web("a", [PASS], { order: 1 }), web("b", [DENY], { order: 2 })],
    told: "allow by profile",
  },
  {
    name: "pass in an early tier leads to the next",
    policies: [web("a", [PASS], { tier: "early" }), web("b", [DENY])],
    more: { tiers: [...NO_OBJECTS.tiers, tier("early", 1, "Deny")] },
    told: "deny by b[0] in default",
  },
  {
    name: "an early tier's end denies before the next is asked",
    policies: [web("a", [], { tier: "early" }), web("b", [ALLOW])],
    more: { tiers: [...NO_OBJECTS.tiers, tier("early", 1, "Deny")] },
    told: "deny by end-of-tier in early",
  },
  {
    name: "an early tier with default action Pass lets go on",
    policies: [web("a", [], { tier: "early" }), web("b", [ALLOW])],
    more: { tiers: [...NO_OBJECTS.tiers, tier("early", 1, "Pass")] },
    told: "allow by b[0] in default",
  },
  {
    name: "a tier without order comes last",
    policies: [web("a", [ALLOW], { tier: "unordered" }), web("b", [DENY])],
    more: { tiers: [...NO_OBJECTS.tiers, tier("unordered", undefined, "Deny")] },
    told: "deny by b[0] in default",
  },
  {
    name: "a tier that nobody made comes last",
    policies: [web("a", [DENY], { tier: "a-missing" }), web("b", [ALLOW])],
    told: "allow by b[0] in default",
  },
  {
    name: "a tier that nobody made denies at its end",
    policies: [web("a", [], { tier: "missing" }), web("b", [PASS])],
    told: "deny by end-of-tier in missing",
  },
  {
    name: "staged policies decide nothing",
    policies: [
      policy("n1", "p", { ingress: [DENY] }, "StagedNetworkPolicy"),
      policy("", "q", {}, "StagedGlobalNetworkPolicy"),
    ],
    told: "allow by profile",
  },
  {
    name: "untracked and pre-DNAT policies do not concern workloads",
    policies: [
      policy("", "p", { ingress: [DENY], doNotTrack: true, applyOnForward: true }),
      policy("", "q", { ingress: [DENY], preDNAT: true, applyOnForward: true }),
    ],
    told: "allow by profile",
  },
  {
    name: "a missing profile denies",
    policies: [],
    more: { namespaces: [namespace("n2")] },
    told: "deny by profile",
  },
  {
    name: "a missing profile denies even after pass, and whatever follows it",
    policies: [web("p", [PASS])],
    more: {
      workloadEndpoints: [
        workload("n1", "web", ["10.0.0.1"], { labels: { app: "web" }, profiles: ["gone", "kns.n1"] }),
        BASE.workloadEndpoints[1]!,
      ],
    },
    told: "deny by profile",
  },
  {
    name: "no profile at all denies",
    policies: [],
    more: {
      workloadEndpoints: [workload("n1", "web", ["10.0.0.1"], { profiles: [] }), BASE.workloadEndpoints[1]!],
    },
    told: "deny by no-profile-match",
  },
  {
    name: "the static profile allows",
    policies: [],
    more: {
      workloadEndpoints: [
        workload("n1", "web", ["10.0.0.1"], { profiles: ["projectcalico-default-allow"] }),
        BASE.workloadEndpoints[1]!,
      ],
    },
    told: "allow by profile",
  },
  {
    name: "a subject that cannot be read covers its namespace",
    policies: [policy("n1", "p", { selector: "app = 'db'", ingress: [] })],
    told: "deny by end-of-tier in default",
  },
  {
    name: "a global subject that cannot be read covers all workloads",
    policies: [policy("", "p", { selector: "has(nothing)", namespaceSelector: "((", ingress: [] })],
    told: "deny by end-of-tier in default",
  },
  {
    name: "a subject that cannot be read stays in its namespace",
    policies: [policy("n2", "p", { selector: "app = 'db'", ingress: [] })],
    told: "allow by profile",
  },
];

for (const { name, policies, more, told: expected } of CASES) {
  Deno.test(`evaluate(): ${name}`, () => {
    assertEquals(told(ingress(policies, more)), expected);
    assertEquals(told(ingress([...policies].reverse(), more)), expected, "whatever the order of the objects");
  });
}

Deno.test("evaluate() lists the policies that isolate, in order, when a tier's end denies", () => {
  const verdict = ingress([
    web("b", [LOG]),
    web("a", [{ ...ALLOW, protocol: "UDP" }]),
    web("c", [], { order: 5 }),
    web("other", [], { types: ["Egress"] }),
    policy("", "g", { types: ["Ingress"] }),
    policy("n1", "s", {}, "StagedNetworkPolicy"),
  ]);
  assertEquals(verdict.isolatedBy, [
    { kind: "NetworkPolicy", namespace: "n1", name: "c" },
    { kind: "NetworkPolicy", namespace: "n1", name: "a" },
    { kind: "NetworkPolicy", namespace: "n1", name: "b" },
    { kind: "GlobalNetworkPolicy", namespace: "", name: "g" },
  ]);
});

Deno.test("evaluate() traces tier by tier", () => {
  const tiers = [...NO_OBJECTS.tiers, tier("early", 1, "Pass"), tier("unused", 2, "Deny")];
  const verdict = ingress([web("a", [LOG, { ...DENY, protocol: "UDP" }], { tier: "early" }), web("b", [PASS])], {
    tiers,
  });
  const ref = (name: string) => ({ kind: "NetworkPolicy", namespace: "n1", name } as const);
  assertEquals(verdict.tiers, [
    {
      tier: "early",
      phase: null,
      outcome: "pass",
      by: "end-of-tier",
      policies: [{ policy: ref("a"), outcome: "no-match", rule: null, logged: [0] }],
    },
    {
      tier: "default",
      phase: null,
      outcome: "pass",
      by: "rule",
      policies: [{ policy: ref("b"), outcome: "pass", rule: 0, logged: [] }],
    },
  ]);
  assertEquals(verdict.profiles, [{ profile: "kns.n1", outcome: "allow", rule: 0, logged: [] }]);
});

Deno.test("evaluate() judges only ends that are workloads, and needs both to allow", () => {
  const objects = { ...BASE, policies: [policy("n2", "p", { egress: [DENY] })] };
  const world = policyWorld(objects);
  const judge = (source: string, destination: string) => {
    const end = (text: string) => ({ kind: "address", address: text } as const);
    const flow = resolveFlow(world, { source: end(source), destination: end(destination), protocol: 6, port: 80 });
    assert(flow.kind === "resolved");
    const { verdict, egress, ingress } = evaluate(world, flow);
    return [verdict, egress?.verdict ?? null, ingress?.verdict ?? null];
  };
  assertEquals(judge("1.1.1.1", "2.2.2.2"), ["allow", null, null]);
  assertEquals(judge("1.1.1.1", "10.0.0.1"), ["allow", null, "allow"]);
  assertEquals(judge("10.0.0.2", "1.1.1.1"), ["deny", "deny", null]);
  assertEquals(judge("10.0.0.2", "10.0.0.1"), ["deny", "deny", "allow"]);
});
