/**
 * Whole flows, judged by the oracle on the objects and by the interpreter on what is compiled from them: random clusters with policies of every kind and
 * scope, workloads, host endpoints in all phases, network sets, Services and profiles.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { flowJudge, type FlowVerdict, type JudgedStep } from "#/policy/flow_judge.ts";
import { type Flow, resolveFlow } from "#/policy/oracle/flow.ts";
import { policyKey } from "#/policy/ir.ts";
import { type DirectionVerdict, evaluate, type Verdict } from "#/policy/oracle/oracle.ts";
import type { PolicyObjects } from "#/policy/policy_objects.ts";
import { policyWorld } from "#/policy/oracle/world.ts";
import { compileObjects } from "#/projections/compiled_policies.ts";
import type { KubeObject } from "#/resources/object.ts";
import { namespacedV3, v3 } from "#tests/support/network_objects.ts";
import { namespace, serviceAccount, tier, workload } from "#tests/unit/policy/policy_builders.ts";
import { anyPolicy, endpointSlice, hostSpec, labelled, labels, rules, slice } from "./projection_things.ts";

/** Random clusters tried, each with all of {@link FLOWS} in both scopes. */
const CASES = 150;
/** Each of {@link BOTH_WAYS} must have allowed and denied at least so many flows. */
const DECISIONS_MIN = 3;
/** Printed on failure; set to repeat a run. */
const SEED = Number(Deno.env.get("TORTIE_TEST_SEED") ?? Date.now() % 2 ** 31);

const ADDRESSES = [
  "192.168.0.1",
  "192.168.0.2",
  "192.168.0.3",
  "192.168.0.9",
  "172.30.0.1",
  "172.30.0.2",
  "10.0.0.5",
  "10.1.0.1",
  "8.8.8.8",
  "fd00::1",
  "fd00::2",
];
const ENDS = [[6, 80], [6, 22], [17, 53], [17, 55], [1, undefined]] as const;

const FLOWS: readonly Flow[] = ADDRESSES.flatMap((from) =>
  ADDRESSES.filter((to) => from !== to && from.includes(":") === to.includes(":")).flatMap((to) =>
    ENDS.map(([protocol, port]): Flow => ({
      source: { kind: "address", address: from },
      destination: { kind: "address", address: to },
      protocol,
      // A failsafe port, so that rules about source ports have a say.
      ...(port === undefined ? {} : { port, sourcePort: 68 }),
    }))
  )
);

const PORTS = [{ name: "http", protocol: "TCP", port: 80 }, { name: "dns", protocol: "UDP", port: 53 }];

function machine(node: string, profiles: readonly string[]): KubeObject {
  return namespacedV3("WorkloadEndpoint", "blue", "vm", {
    orchestrator: "vm",
    node,
    interfaceName: "cali9",
    ipNetworks: ["192.168.0.9/32"],
    profiles,
    ports: PORTS,
  });
}

const orders = fc.constantFrom(1, 2, undefined);
const ends = fc.constantFrom("Pass" as const, "Deny" as const);

/** Rules that decide much, for phases that few policies have. */
const plainRules = fc.array(
  fc.record({
    action: fc.constantFrom("Allow", "Deny", "Pass", "Log"),
    protocol: fc.constantFrom("TCP", "UDP"),
    destination: fc.constantFrom({}, { ports: [80] }, { ports: ["22:60"] }, { nets: ["172.30.0.0/24"] }),
  }),
  { minLength: 1, maxLength: 3 },
);
const hostPolicy = fc.record({
  name: fc.constantFrom("x1", "x2"),
  flag: fc.constantFrom({ doNotTrack: true }, { preDNAT: true }, { applyOnForward: true }),
  kind: fc.constantFrom("GlobalNetworkPolicy", "StagedGlobalNetworkPolicy"),
  order: orders,
  ingress: plainRules,
  egress: plainRules,
}).map(({ name, kind, flag, ingress, egress, order }) =>
  v3(kind, name, {
    tier: "default",
    selector: "!has(projectcalico.org/namespace)",
    types: "preDNAT" in flag ? ["Ingress"] : ["Ingress", "Egress"],
    applyOnForward: true,
    ingress,
    ...("preDNAT" in flag ? {} : { egress }),
    ...(order === undefined ? {} : { order }),
    ...flag,
  })
);

const podPolicy = fc.record({
  space: fc.constantFrom("red", "blue"),
  kind: fc.constantFrom("NetworkPolicy", "StagedNetworkPolicy"),
  ingress: plainRules,
  egress: plainRules,
}).map(({ space, kind, ingress, egress }) =>
  namespacedV3(kind, space, "x", { tier: "default", order: 1, types: ["Ingress", "Egress"], ingress, egress })
);

const adminRules = fc.array(
  fc.constantFrom("Allow", "Deny", "Pass").map((action) => ({
    action,
    from: [{ namespaces: {} }],
    to: [{ networks: ["10.0.0.0/8"] }, { pods: { namespaceSelector: {}, podSelector: {} } }],
  })),
  { maxLength: 2 },
);
const adminPolicy = fc.record({
  kind: fc.constantFrom("AdminNetworkPolicy", "BaselineAdminNetworkPolicy"),
  ingress: adminRules,
  egress: adminRules,
}).map(({ kind, ingress, egress }): KubeObject => ({
  apiVersion: "policy.networking.k8s.io/v1alpha1",
  kind,
  metadata: { name: "x" },
  spec: {
    priority: 1,
    subject: { namespaces: {} },
    ingress: ingress.map(({ action, from }) => ({ action, from })),
    egress: egress.map(({ action, to }) => ({ action, to })),
  },
}));

const cluster = fc.record({
  plainPolicies: fc.array(fc.oneof(hostPolicy, podPolicy, adminPolicy), { maxLength: 4 }),
  policies: fc.array(anyPolicy, { minLength: 1, maxLength: 6 }),
  pods: fc.tuple(labels, labels, labels),
  spaces: fc.tuple(labels, labels),
  machine: fc.record({ node: fc.constantFrom("node1", "node3", ""), profiles: fc.constantFrom(["profile"], ["gone"]) }),
  hosts: fc.tuple(hostSpec, hostSpec),
  hostLabels: labels,
  slices: fc.array(slice, { maxLength: 2 }),
  profile: fc.record({ labelsToApply: labels, ingress: rules, egress: rules }),
  tiers: fc.array(fc.record({ order: orders, end: ends }), { minLength: 4, maxLength: 4 }),
  nets: fc.subarray(["10.0.0.0/8", "0.0.0.0/0", "fd00::/64"]),
}).map((made): PolicyObjects => ({
  policies: unique([...made.policies, ...made.plainPolicies]),
  tiers: ["default", "early", "kube-admin", "kube-baseline"]
    .map((name, at) => tier(name, made.tiers[at]?.order, made.tiers[at]?.end ?? "Deny")),
  namespaces: [namespace("red", made.spaces[0]), namespace("blue", made.spaces[1])],
  serviceAccounts: [serviceAccount("red", "default", { env: "a" })],
  workloadEndpoints: [
    workload("red", "p1", ["192.168.0.1", "fd00::1"], { labels: made.pods[0], ports: PORTS }),
    workload("blue", "p2", ["192.168.0.2"], { labels: made.pods[1] }),
    workload("red", "p3", ["192.168.0.3"], { labels: made.pods[2], node: "node2", ports: PORTS }),
    labelled(machine(made.machine.node, made.machine.profiles), {
      ...made.hostLabels,
      "projectcalico.org/namespace": "blue",
    }),
  ],
  hostEndpoints: made.hosts.map((spec, at) => labelled(v3("HostEndpoint", `h${at}`, spec), made.hostLabels)),
  networkSets: [labelled(namespacedV3("NetworkSet", "red", "set", { nets: made.nets }), made.spaces[1])],
  profiles: [v3("Profile", "profile", made.profile)],
  endpointSlices: made.slices.map((fields, at) => endpointSlice("red", `s${at}`, at === 0 ? "db" : "web", fields)),
}));

function unique(policies: readonly KubeObject[]): readonly KubeObject[] {
  return [...new Map(policies.map((policy) => [JSON.stringify([policy.kind, policy.metadata]), policy])).values()];
}

Deno.test("flowJudge() says of every flow what the oracle says, in both scopes", () => {
  const decided = new Map<string, number>();
  fc.assert(
    fc.property(cluster, (objects) => {
      const world = policyWorld(objects);
      for (const scope of ["enforced", "pending"] as const) {
        const judge = flowJudge(compileObjects(objects, scope));
        for (const asked of FLOWS) {
          const flow = resolveFlow(world, asked);
          assert(flow.kind === "resolved");
          const told = evaluate(world, flow, scope);
          const judged = judge(flow.packet);
          const hint = `${scope} ${JSON.stringify(asked)}`;
          assertEquals(judged.verdict, told.verdict, hint);
          assertEquals(shownSteps(judged), shownStops(told), hint);
          count(decided, told);
        }
      }
    }),
    { numRuns: CASES, seed: SEED },
  );
  const rare = [...BOTH_WAYS.flatMap((by) => [`${by} allow`, `${by} deny`]), ...ONE_WAY]
    .filter((way) => (decided.get(way) ?? 0) < DECISIONS_MIN);
  assertEquals(rare, [], `decided too seldom (TORTIE_TEST_SEED=${SEED}): ${JSON.stringify([...decided])}`);
});

/** What must have allowed as well as denied: kinds of policy, profiles, and phases of host endpoints. */
const BOTH_WAYS = [
  "NetworkPolicy",
  "GlobalNetworkPolicy",
  "StagedNetworkPolicy",
  "StagedGlobalNetworkPolicy",
  "KubernetesClusterNetworkPolicy",
  "AdminNetworkPolicy",
  "BaselineAdminNetworkPolicy",
  "profile",
  "untracked",
  "preDnat",
  "forward",
  "normal",
  "workload",
];
/** What can only allow or only deny. */
const ONE_WAY = [
  "KubernetesNetworkPolicy allow",
  "StagedKubernetesNetworkPolicy allow",
  "failsafe allow",
  "end-of-tier deny",
  "no-profile-match deny",
];

/** Who decided what, endpoint by endpoint, in one form for both engines. */
function shownSteps({ egress, ingress }: FlowVerdict): readonly string[] {
  return [...egress?.steps ?? [], ...ingress?.steps ?? []].map(shownStep).sort();
}

function shownStep({ direction, endpoint, verdict, phase, policy, ruleId }: JudgedStep): string {
  const isFailsafe = policy?.startsWith("Failsafe/") ?? false;
  const isOfPolicy = ruleId !== undefined && !isFailsafe && !policy?.startsWith("Profile/");
  const rule = isOfPolicy ? `${policy} ${ruleId?.split("/").at(-1)}` : isFailsafe ? "failsafe" : "default";
  return `${direction} of ${endpoint}: ${verdict} ${phase ?? null} ${rule}`;
}

function stopsOf({ egress, ingress, forward }: Verdict): readonly (readonly [string, DirectionVerdict])[] {
  return [
    ...(egress === null ? [] : [["egress", egress] as const]),
    ...(ingress === null || ingress.default === "endpoint-to-host" ? [] : [["ingress", ingress] as const]),
    ...forward.map((verdict) => [verdict.direction, verdict] as const),
  ];
}

function shownStops(told: Verdict): readonly string[] {
  return stopsOf(told).map(([direction, { endpoint, verdict, phase, policy, rule, default: byDefault }]) => {
    const decidedBy = policy !== null
      ? `${policyKey(policy)} ${rule}`
      : byDefault === "failsafe"
      ? "failsafe"
      : "default";
    return `${direction} of ${endpoint.name}: ${verdict} ${phase} ${decidedBy}`;
  }).sort();
}

function count(decided: Map<string, number>, told: Verdict): void {
  for (const [, { policy, verdict, phase, default: byDefault }] of stopsOf(told)) {
    const by = policy?.kind ?? byDefault;
    for (const way of [`${by} ${verdict}`, `${phase ?? "workload"} ${verdict}`]) {
      decided.set(way, (decided.get(way) ?? 0) + 1);
    }
  }
}
