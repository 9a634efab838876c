/**
 * Random small clusters with policies, and flows near the edges of what the policies say. For every comparison of policy engines. Vocabularies are tiny,
 * so that rules and flows meet; `policy_coverage.ts` counts whether they do.
 *
 * @module
 */
import fc from "fast-check";
import type { JsonObject } from "#/base/json.ts";
import type { Flow } from "#/policy/flow.ts";
import type { EndText } from "#/policy/flow_text.ts";
import type { PolicyObjects } from "#/policy/world.ts";
import type { EntityRule, Rule } from "#/resources/kinds/policy_spec.ts";
import type { KubeObject } from "#/resources/object.ts";
import { namespace, policy, serviceAccount, tier, workload } from "#tests/unit/policy/policy_builders.ts";

/** A cluster and flows to try in it. */
export interface PolicyCase {
  readonly objects: PolicyObjects;
  readonly flows: readonly Flow[];
}

/** Present in so many of 100 cases. Spelled out, because `fc.option` counts its frequency the other way round than one reads it. */
function sometimes<T>(percent: number, arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> {
  return fc.oneof(
    { weight: percent, arbitrary },
    { weight: 100 - percent, arbitrary: fc.constant(undefined) },
  );
}

/** Addresses at the edges of {@link NETS}: first, last, and one outside on either side. Workloads have those that end in 1 to 5. */
const ADDRESSES_4 = [
  "10.0.0.0",
  "10.0.0.1",
  "10.0.0.2",
  "10.0.0.3",
  "10.0.0.4",
  "10.0.0.5",
  "1.1.0.255",
  "1.1.1.0",
  "1.1.1.255",
  "1.1.2.0",
];
const ADDRESSES_6 = ["fd00::", "fd00::1", "fd00::2", "fd00::3", "fd00::4", "2001:db8::1"];
const NETS_4 = ["10.0.0.0/30", "10.0.0.2/31", "10.0.0.1/32", "1.1.1.0/24", "0.0.0.0/0"];
const NETS_6 = ["fd00::/126", "fd00::2/127", "::/0"];
const PORTS = [79, 80, 81, 90, 91, 53, 8080];

const nets: fc.Arbitrary<string[]> = fc.oneof(
  { weight: 5, arbitrary: fc.subarray(NETS_4, { minLength: 1, maxLength: 2 }) },
  { weight: 3, arbitrary: fc.subarray(NETS_6, { minLength: 1, maxLength: 2 }) },
  { weight: 1, arbitrary: fc.constant<string[]>(["10.0.0.0/30", "fd00::/126"]) },
);
const narrowNets = nets.map((list) => list.filter((net) => !net.endsWith("/0")))
  .filter((list) => list.length > 0);

const selector = fc.constantFrom(
  "app == 'x'",
  "app == 'y'",
  "app != 'x'",
  "has(zone)",
  "!has(zone)",
  "app in {'x', 'y'} && !has(zone)",
  "app starts with 'x' || zone == 'z'",
  "all()",
  "pcns.env == 'a'",
);
const namespaceSelector = fc.constantFrom(
  "env == 'a'",
  "env != 'a'",
  "all()",
  "has(team)",
  "!has(team)",
  "projectcalico.org/name == 'n2'",
);
const accounts = fc.oneof(
  fc.constantFrom<string[]>(["teller"], ["default"], ["default", "teller"]).map((names) => ({ names })),
  fc.constantFrom("role == 'r'", "!has(role)").map((text) => ({ selector: text })),
  fc.constant({ names: ["teller"], selector: "role == 'r'" }),
);

const numericPorts = fc.subarray<number | string>([80, "81:90", 53, 8080], { minLength: 1, maxLength: 2 });
const namedPorts = fc.subarray<number | string>(["http", "dns"], { minLength: 1 });
const ports = fc.oneof(numericPorts, namedPorts, fc.tuple(numericPorts, namedPorts).map(([a, b]) => [...a, ...b]));

/** One end of a rule; `density` is how likely each of its conditions is, in percent. */
function entity(allowed: "no ports" | "named ports" | "any ports", density: number): fc.Arbitrary<EntityRule> {
  const portList = allowed === "named ports" ? namedPorts : ports;
  const portDensity = allowed === "no ports" ? 0 : density;
  return fc.record({
    selector: sometimes(density, selector),
    notSelector: sometimes(density, selector),
    namespaceSelector: sometimes(
      density,
      fc.oneof({ weight: 5, arbitrary: namespaceSelector }, { weight: 1, arbitrary: fc.constant("global()") }),
    ),
    serviceAccounts: sometimes(density, accounts),
    nets: sometimes(density, nets),
    notNets: sometimes(density, narrowNets),
    ports: sometimes(portDensity, portList),
    notPorts: sometimes(2 * portDensity, portList),
  });
}

const icmpMatch = fc.constantFrom({ type: 8 }, { type: 8, code: 0 }, { type: 3, code: 1 }, { type: 128 });
const action = fc.constantFrom<Rule["action"][]>("Allow", "Allow", "Allow", "Deny", "Deny", "Pass", "Log");

/** Rules of one kind of protocol, so that what admission would refuse is not made by the way. */
function ruleOf(
  protocol: Rule["protocol"],
  allowed: Parameters<typeof entity>[0],
  icmp: fc.Arbitrary<Rule["icmp"]>,
): fc.Arbitrary<Rule> {
  return fc.record({
    action,
    protocol: fc.constant(protocol),
    notProtocol: sometimes(15, fc.constantFrom<Rule["notProtocol"][]>("TCP", "UDP", "ICMP", 89)),
    ipVersion: sometimes(8, fc.constantFrom<(4 | 6)[]>(4, 6)),
    icmp: sometimes(50, icmp),
    notICMP: sometimes(50, icmp),
    source: entity(allowed, 9),
    destination: entity(allowed, 9),
  });
}

const none = fc.constant(undefined);
const readableRule: fc.Arbitrary<Rule> = fc.oneof(
  { weight: 4, arbitrary: ruleOf(undefined, "named ports", none) },
  { weight: 4, arbitrary: ruleOf("TCP", "any ports", none) },
  { weight: 2, arbitrary: ruleOf("UDP", "any ports", none) },
  { weight: 1, arbitrary: ruleOf("ICMP", "no ports", icmpMatch) },
  { weight: 1, arbitrary: ruleOf(1, "no ports", icmpMatch) },
  { weight: 1, arbitrary: ruleOf("ICMPv6", "no ports", icmpMatch) },
  { weight: 1, arbitrary: ruleOf(89, "no ports", none) },
);
const unreadableRule: fc.Arbitrary<Rule> = fc.tuple(
  readableRule,
  fc.constantFrom<EntityRule[]>({ selector: "app = 'x'" }, { nets: ["10.0.0/8"] }, { ports: ["90:80"] }, {
    namespaceSelector: "!global()",
  }),
).map(([rule, spoilt]) => ({ ...rule, source: { ...rule.source, ...spoilt } }));
const rule = fc.oneof({ weight: 25, arbitrary: readableRule }, { weight: 1, arbitrary: unreadableRule });

/** Rules as JSON, which is what objects hold: absent members are left out. */
const rules: fc.Arbitrary<JsonObject[]> = fc.array(rule, { maxLength: 3 }).map((list) =>
  JSON.parse(JSON.stringify(list))
);

const policyObject: fc.Arbitrary<KubeObject> = fc.record({
  namespace: fc.constantFrom("", "", "n1", "n2"),
  name: fc.constantFrom("a", "a-b", "a.b", "a0", "b", "c"),
  staged: fc.integer({ min: 0, max: 11 }).map((draw) => draw === 0),
  order: sometimes(60, fc.constantFrom(1, 2, 2.5)),
  tier: fc.constantFrom("default", "default", "early", "late", "missing"),
  selector: sometimes(
    50,
    fc.oneof({ weight: 12, arbitrary: selector }, { weight: 1, arbitrary: fc.constant("app = 'x'") }),
  ),
  namespaceSelector: sometimes(25, namespaceSelector),
  serviceAccountSelector: sometimes(15, fc.constantFrom("role == 'r'", "all()", "!has(role)")),
  types: fc.constantFrom(["Ingress"], ["Egress"], ["Ingress", "Egress"], []),
  ingress: rules,
  egress: rules,
}).map(({ namespace: inNamespace, name, staged, ...spec }) => {
  const kind = staged ? (inNamespace === "" ? "StagedGlobalNetworkPolicy" : "StagedNetworkPolicy") : undefined;
  return policy(inNamespace, name, JSON.parse(JSON.stringify(spec)), kind);
});

const endpointPorts = fc.subarray<JsonObject>([
  { name: "http", protocol: "TCP", port: 8080 },
  { name: "http", protocol: "TCP", port: 80 },
  { name: "dns", protocol: "UDP", port: 53 },
  { name: "dns", protocol: "TCP", port: 53 },
]);

/** Labels without those that have no value. */
function labelled(labels: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return JSON.parse(JSON.stringify(labels));
}

/** The workload whose addresses end in `index`. */
function endpoint(index: number): fc.Arbitrary<KubeObject> {
  return fc.record({
    namespace: fc.constantFrom("n1", "n2"),
    app: sometimes(80, fc.constantFrom("x", "y")),
    zone: sometimes(40, fc.constant("z")),
    account: fc.constantFrom("default", "teller"),
    ports: endpointPorts,
    hasIpv6: fc.boolean(),
    profiles: fc.constantFrom(
      "usual",
      "usual",
      "usual",
      "usual",
      "usual",
      "usual",
      "gone",
      "default-allow",
      "account only",
    ),
  }).map(({ namespace: inNamespace, app, zone, account, ports: named, hasIpv6, profiles }) => {
    const ofAccount = `ksa.${inNamespace}.${account}`;
    const lists: Record<typeof profiles, string[] | undefined> = {
      usual: undefined,
      gone: [ofAccount, "kns.gone"],
      "default-allow": ["projectcalico-default-allow"],
      "account only": [ofAccount],
    };
    return workload(inNamespace, `w${index}`, [`10.0.0.${index}`, ...(hasIpv6 ? [`fd00::${index}`] : [])], {
      labels: labelled({ app, zone }),
      account,
      ports: named,
      profiles: lists[profiles],
    });
  });
}

const networkSets: fc.Arbitrary<KubeObject[]> = fc.array(
  fc.record({
    namespace: fc.constantFrom(undefined, "n1", "n2"),
    app: sometimes(70, fc.constantFrom("x", "y")),
    nets: narrowNets,
  }),
  { maxLength: 2 },
).map((sets) =>
  sets.map(({ namespace: inNamespace, app, nets: list }, index): KubeObject => ({
    apiVersion: "projectcalico.org/v3",
    kind: inNamespace === undefined ? "GlobalNetworkSet" : "NetworkSet",
    metadata: { name: `set${index}`, namespace: inNamespace, labels: labelled({ app }) },
    spec: { nets: list },
  }))
);

const objects: fc.Arbitrary<PolicyObjects> = fc.record({
  policies: fc.uniqueArray(policyObject, {
    maxLength: 6,
    selector: ({ kind, metadata }) => `${kind}/${metadata.namespace}/${metadata.name}`,
  }),
  tiers: fc.record({
    early: fc.constantFrom<("Pass" | "Deny")[]>("Pass", "Deny"),
    late: fc.constantFrom<("Pass" | "Deny")[]>("Pass", "Deny"),
    lateOrder: sometimes(50, fc.constant(2_000_000)),
  }).map((
    { early, late, lateOrder },
  ) => [tier("default", 1_000_000, "Deny"), tier("early", 1, early), tier("late", lateOrder, late)]),
  namespaces: fc.tuple(sometimes(70, fc.constantFrom("a", "b")), fc.boolean()).map(([env, team]) => [
    namespace("n1", { ...(env === undefined ? {} : { env }), ...(team ? { team: "t" } : {}) }),
    namespace("n2", { env: "b" }),
  ]),
  serviceAccounts: sometimes(70, fc.constant("r")).map((role) => [
    serviceAccount("n1", "default"),
    serviceAccount("n2", "default"),
    serviceAccount("n1", "teller", role === undefined ? {} : { role }),
    serviceAccount("n2", "teller", { role: "other" }),
  ]),
  workloadEndpoints: fc.tuple(...[1, 2, 3, 4].map(endpoint)),
  networkSets,
});

/** Mostly to or from a workload, whose policies decide. */
const flow: fc.Arbitrary<Flow> = fc.oneof({ weight: 4, arbitrary: fc.constant(ADDRESSES_4) }, {
  weight: 3,
  arbitrary: fc.constant(ADDRESSES_6),
})
  .chain((addresses) => {
    const end: fc.Arbitrary<EndText> = fc.constantFrom(...addresses).map((address) => ({ kind: "address", address }));
    const port = fc.constantFrom(...PORTS);
    const icmp = fc.constantFrom(
      { type: 8, code: 0 },
      { type: 8, code: 1 },
      { type: 3, code: 1 },
      { type: 3, code: 2 },
      { type: 128, code: 0 },
    );
    const what = fc.oneof(
      { weight: 5, arbitrary: fc.record({ protocol: fc.constantFrom(6, 6, 17), port, sourcePort: port }) },
      { weight: 3, arbitrary: fc.record({ protocol: fc.constantFrom(1, 58), icmp }) },
      { weight: 1, arbitrary: fc.record({ protocol: fc.constantFrom(89, 136) }) },
    );
    return fc.tuple(end, end, what).map(([source, destination, rest]) => ({ source, destination, ...rest }));
  });

/** A random cluster with flows to try in it. */
export const policyCase: fc.Arbitrary<PolicyCase> = fc.record({
  objects,
  flows: fc.array(flow, { minLength: 12, maxLength: 12 }),
});
