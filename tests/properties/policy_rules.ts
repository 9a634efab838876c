/**
 * Random rules and policies of Calico's kinds, for every comparison of policy engines.
 *
 * @module
 */
import fc from "fast-check";
import type { JsonObject } from "#/base/json.ts";
import type { Direction } from "#/policy/ir.ts";
import type { EntityRule, Rule } from "#/resources/kinds/policy_spec.ts";
import type { KubeObject } from "#/resources/object.ts";
import { policy } from "#tests/unit/policy/policy_builders.ts";
import {
  asJson,
  namespaceSelector,
  narrowNets,
  nets,
  oneOf,
  policyName,
  rarely,
  selector,
  sometimes,
} from "./policy_vocabulary.ts";

const accounts = fc.oneof(
  oneOf<string[]>(["teller"], ["default"], ["default", "teller"]).map((names) => ({ names })),
  oneOf("role == 'r'", "!has(role)").map((text) => ({ selector: text })),
  fc.constant({ names: ["teller"], selector: "role == 'r'" }),
);

const numericPorts = fc.subarray<number | string>([80, "81:90", 53, 8080], { minLength: 1, maxLength: 2 });
const namedPorts = fc.subarray<number | string>(["http", "dns"], { minLength: 1 });
const ports = fc.oneof(numericPorts, namedPorts, fc.tuple(numericPorts, namedPorts).map(([a, b]) => [...a, ...b]));

/** Ports that a rule of the protocol may name. */
type PortsAllowed = "no ports" | "named ports" | "any ports";

/** One end of a rule; `density` is how likely each of its conditions is, in percent. */
function entity(allowed: PortsAllowed, density: number): fc.Arbitrary<EntityRule> {
  const portList = allowed === "named ports" ? namedPorts : ports;
  const portDensity = allowed === "no ports" ? 0 : density;
  return fc.record({
    selector: sometimes(density, selector),
    notSelector: sometimes(density, selector),
    namespaceSelector: sometimes(density, rarely(6, namespaceSelector, fc.constant("global()"))),
    serviceAccounts: sometimes(density, accounts),
    nets: sometimes(density, nets),
    notNets: sometimes(density, narrowNets),
    ports: sometimes(portDensity, portList),
    notPorts: sometimes(2 * portDensity, portList),
  });
}

/** An end of one condition alone, which nothing beside it decides in its place. */
function loneCondition(allowed: PortsAllowed): fc.Arbitrary<EntityRule> {
  return fc.oneof<fc.Arbitrary<EntityRule>[]>(
    selector.map((one) => ({ selector: one })),
    selector.map((one) => ({ notSelector: one })),
    selector.map((one) => ({ notSelector: one })),
    namespaceSelector.map((one) => ({ namespaceSelector: one })),
    accounts.map((one) => ({ serviceAccounts: one })),
    nets.map((one) => ({ nets: one })),
    narrowNets.map((one) => ({ notNets: one })),
    ...(allowed === "no ports"
      ? []
      : [namedPorts.map((one) => ({ ports: one })), namedPorts.map((one) => ({ notPorts: one }))]),
  );
}

function end(allowed: PortsAllowed): fc.Arbitrary<EntityRule> {
  return fc.oneof(
    { weight: 6, arbitrary: entity(allowed, 9) },
    { weight: 1, arbitrary: fc.constant({}) },
    { weight: 2, arbitrary: loneCondition(allowed) },
  );
}

/** A Service, of the policy's own namespace where none is said; a global policy cannot leave it out. */
const service: fc.Arbitrary<EntityRule["services"]> = fc.record({
  name: oneOf("web", "web", "db"),
  namespace: oneOf<string | undefined>("n1", "n1", "n2", undefined),
});

/** The far end as a Service's endpoints: nothing may stand beside it but, at a source, ports. */
function ofService(rule: Rule, direction: Direction, services: EntityRule["services"]): Rule {
  if (direction === "egress") return { ...rule, destination: { services } };
  const { ports: kept, notPorts } = rule.source ?? {};
  return { ...rule, source: { services, ports: kept, notPorts } };
}

const icmpMatch = oneOf({ type: 8 }, { type: 8, code: 0 }, { type: 3, code: 1 }, { type: 128 });
const action = oneOf<Rule["action"]>("Allow", "Allow", "Allow", "Deny", "Deny", "Pass", "Log");

/** Rules of one kind of protocol, so that what admission would refuse is not made by the way. */
function ruleOf(
  protocol: Rule["protocol"],
  allowed: PortsAllowed,
  icmp: fc.Arbitrary<Rule["icmp"]> = fc.constant(undefined),
): fc.Arbitrary<Rule> {
  return fc.record({
    action,
    protocol: fc.constant(protocol),
    notProtocol: sometimes(15, oneOf<Rule["notProtocol"]>("TCP", "UDP", "ICMP", 89)),
    ipVersion: sometimes(8, oneOf<4 | 6>(4, 6)),
    icmp: sometimes(50, icmp),
    notICMP: sometimes(50, icmp),
    source: end(allowed),
    destination: end(allowed),
  });
}

/** A rule that matches everything. */
const bareRule: fc.Arbitrary<Rule> = action.map((one) => ({ action: one }));

const plainRule: fc.Arbitrary<Rule> = fc.oneof(
  { weight: 1, arbitrary: bareRule },
  { weight: 4, arbitrary: ruleOf(undefined, "named ports") },
  { weight: 4, arbitrary: ruleOf("TCP", "any ports") },
  { weight: 2, arbitrary: ruleOf("UDP", "any ports") },
  { weight: 1, arbitrary: ruleOf("SCTP", "any ports") },
  { weight: 1, arbitrary: ruleOf("ICMP", "no ports", icmpMatch) },
  { weight: 1, arbitrary: ruleOf(1, "no ports", icmpMatch) },
  { weight: 1, arbitrary: ruleOf("ICMPv6", "no ports", icmpMatch) },
  { weight: 1, arbitrary: ruleOf(89, "no ports") },
);

/** Whatever stands in one of these, the rule cannot be read. */
const SPOILT: readonly ((rule: Rule, direction: Direction) => Rule)[] = [
  ...([
    { selector: "app = 'x'" },
    { nets: ["10.0.0/8"] },
    { ports: ["90:80"] },
    { namespaceSelector: "!global()" },
    { serviceAccounts: { selector: "role = 'r'" } },
  ] satisfies EntityRule[]).map((spoilt) => (rule: Rule) => ({ ...rule, source: { ...rule.source, ...spoilt } })),
  (rule) => ({ ...rule, protocol: 0 }),
  (rule) => ({ ...rule, protocol: "TCP", icmp: { type: 8 } }),
  (rule) => ({ ...rule, destination: { ...rule.destination, ports: [80] }, protocol: "UDPLite" }),
  // A Service at the policy's own end, beside a selector, and without a name.
  (rule, direction) => ofService(rule, direction === "egress" ? "ingress" : "egress", { name: "web", namespace: "n1" }),
  (rule, direction) => {
    const far = direction === "egress" ? "destination" : "source";
    const spoilt = ofService(rule, direction, { name: "web", namespace: "n1" });
    return { ...spoilt, [far]: { ...spoilt[far], selector: "all()" } };
  },
  (rule, direction) => ofService(rule, direction, { namespace: "n1" }),
];

/** One rule of a direction, now and then one that cannot be read. */
export function calicoRule(direction: Direction): fc.Arbitrary<Rule> {
  const readable = fc.oneof(
    { weight: 14, arbitrary: plainRule },
    {
      weight: 2,
      arbitrary: fc.tuple(fc.oneof(plainRule, bareRule), service).map(([rule, far]) => ofService(rule, direction, far)),
    },
  );
  const unreadable = fc.tuple(readable, oneOf(...SPOILT)).map(([rule, spoil]) => spoil(rule, direction));
  return rarely(26, readable, unreadable);
}

/** Rules of a direction as JSON. */
export function calicoRules(direction: Direction, maxLength: number): fc.Arbitrary<JsonObject[]> {
  return fc.array(calicoRule(direction), { maxLength }).map((list) => asJson<JsonObject[]>(list));
}

/** What only host endpoints ask. */
const HOST_FLAGS: readonly JsonObject[] = [
  { applyOnForward: true },
  { doNotTrack: true, applyOnForward: true },
  { doNotTrack: true, applyOnForward: true },
  { preDNAT: true, applyOnForward: true },
];

interface PolicyDraft {
  readonly namespace: string;
  readonly name: string;
  readonly flags: JsonObject;
}

function calicoObject({ namespace, name, flags, ...spec }: PolicyDraft): KubeObject {
  if (namespace !== "") return policy(namespace, name, asJson({ ...spec, namespaceSelector: undefined }));
  const inbound = flags.preDNAT === true ? { types: ["Ingress"], egress: undefined } : {};
  return policy("", name, asJson({ ...spec, ...inbound, ...flags }));
}

const shared = {
  name: policyName,
  order: sometimes(60, oneOf(1, 2, 2.5, 1000, 1000, 1000)),
  tier: oneOf("default", "default", "default", "early", "late", "missing", "kube-admin"),
  types: oneOf<string[]>(["Ingress"], ["Egress"], ["Ingress", "Egress"], []),
  ingress: calicoRules("ingress", 3),
  egress: calicoRules("egress", 3),
};

/** A NetworkPolicy or GlobalNetworkPolicy. */
export const calicoPolicy: fc.Arbitrary<KubeObject> = fc.record({
  ...shared,
  namespace: oneOf("", "", "n1", "n2"),
  selector: sometimes(50, rarely(13, selector, fc.constant("app = 'x'"))),
  namespaceSelector: sometimes(25, namespaceSelector),
  serviceAccountSelector: sometimes(15, oneOf("role == 'r'", "all()", "!has(role)")),
  flags: rarely(4, fc.constant({}), oneOf(...HOST_FLAGS)),
}).map(calicoObject);

/** A GlobalNetworkPolicy that only host endpoints ask, or that they ask of forwarded traffic too. */
export const hostPolicy: fc.Arbitrary<KubeObject> = fc.record({
  ...shared,
  namespace: fc.constant(""),
  selector: sometimes(30, selector),
  flags: oneOf(...HOST_FLAGS),
}).map(calicoObject);
