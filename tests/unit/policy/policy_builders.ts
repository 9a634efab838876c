/**
 * Small objects for policy tests: a namespace, a workload, a policy, in as few words as a table of cases bears; and the two engines side by side.
 *
 * @module
 */
import { formatIp, type Ip } from "#/base/ip.ts";
import type { Json, JsonObject } from "#/base/json.ts";
import { matchSelector } from "#/base/selector.ts";
import { chainOf, tierSettings } from "#/policy/chain.ts";
import type { ResolvedFlow } from "#/policy/flow.ts";
import { type Direction, type PolicyIr, policyKey } from "#/policy/ir.ts";
import { type ChainVerdict, interpretChain, type SetMembership } from "#/policy/ir_interpreter.ts";
import { lowerDefaultAllowProfile, type LoweredPolicy, lowerPolicy, lowerProfile } from "#/policy/lower.ts";
import type { SetDefinition } from "#/policy/set_definition.ts";
import {
  effectiveLabels,
  endpointsAt,
  networkSetsAt,
  type PolicyObjects,
  type PolicyWorld,
  type WorldEndpoint,
} from "#/policy/world.ts";
import type { KubeObject } from "#/resources/object.ts";

const V3 = "projectcalico.org/v3";

/** Labels as a record. */
export type Labels = Readonly<Record<string, string>>;

/** A Namespace. */
export function namespace(name: string, labels: Labels = {}): KubeObject {
  return { apiVersion: "v1", kind: "Namespace", metadata: { name, labels } };
}

/** A ServiceAccount. */
export function serviceAccount(inNamespace: string, name: string, labels: Labels = {}): KubeObject {
  return { apiVersion: "v1", kind: "ServiceAccount", metadata: { name, namespace: inNamespace, labels } };
}

/** A Tier. */
export function tier(name: string, order: number | undefined, defaultAction: "Pass" | "Deny"): KubeObject {
  return { apiVersion: V3, kind: "Tier", metadata: { name }, spec: { order, defaultAction } };
}

/** A WorkloadEndpoint as the projection makes it from a Pod: name, labels and profiles derived. */
export function workload(
  inNamespace: string,
  pod: string,
  addresses: readonly string[],
  more: {
    labels?: Labels;
    account?: string;
    profiles?: readonly string[];
    ports?: readonly JsonObject[];
    node?: string;
  } = {},
): KubeObject {
  const account = more.account ?? "default";
  return {
    apiVersion: V3,
    kind: "WorkloadEndpoint",
    metadata: {
      name: `node1-k8s-${pod.replaceAll("-", "--")}-eth0`,
      namespace: inNamespace,
      labels: {
        ...more.labels,
        "projectcalico.org/namespace": inNamespace,
        "projectcalico.org/orchestrator": "k8s",
        "projectcalico.org/serviceaccount": account,
      },
    },
    spec: {
      node: more.node ?? "node1",
      pod,
      interfaceName: `cali${pod}`,
      ipNetworks: addresses.map((address) => `${address}/${address.includes(":") ? 128 : 32}`),
      profiles: more.profiles ?? [`kns.${inNamespace}`, `ksa.${inNamespace}.${account}`],
      ports: more.ports ?? [],
    },
  };
}

/** A NetworkPolicy, or with an empty namespace a GlobalNetworkPolicy, as admission leaves it: `tier` and `types` filled in. */
export function policy(inNamespace: string, name: string, spec: JsonObject, kind?: string): KubeObject {
  const defaultTypes: Json = [
    ...(spec.ingress !== undefined || spec.egress === undefined ? ["Ingress"] : []),
    ...(spec.egress !== undefined ? ["Egress"] : []),
  ];
  return {
    apiVersion: V3,
    kind: kind ?? (inNamespace === "" ? "GlobalNetworkPolicy" : "NetworkPolicy"),
    metadata: inNamespace === "" ? { name } : { name, namespace: inNamespace },
    spec: { tier: "default", types: defaultTypes, ...spec },
  };
}

/** Objects with nothing in them but the default tier, to be spread over. */
export const NO_OBJECTS: PolicyObjects = {
  policies: [],
  tiers: [tier("default", 1_000_000, "Deny")],
  namespaces: [],
  serviceAccounts: [],
  workloadEndpoints: [],
};

/** Membership of sets by their definitions, computed when asked: the plainest there is. */
export function membershipOf(world: PolicyWorld, definitions: ReadonlyMap<string, SetDefinition>): SetMembership {
  return {
    has(setId, ip, end) {
      const definition = definitions.get(setId);
      if (definition === undefined) return false;
      const holders = definition.type === "net"
        ? [...endpointsAt(world, ip), ...networkSetsAt(world, ip)]
        : endpointsAt(world, ip).filter((endpoint) => namesPort(endpoint, definition, end));
      return holders.some((holder) => matchSelector(definition.selector, effectiveLabels(world, holder)));
    },
  };
}

function namesPort(
  endpoint: WorldEndpoint,
  { port }: SetDefinition,
  end: { readonly protocol: number; readonly port: number } | undefined,
): boolean {
  return endpoint.ports.some((one) =>
    one.name === port?.name && one.port === end?.port && one.protocol === end.protocol &&
    (port.protocol === "any" || port.protocol === one.protocol)
  );
}

/** A world lowered: what the interpreter needs to judge any endpoint of it. */
export interface LoweredWorld {
  readonly world: PolicyWorld;
  readonly lowered: readonly LoweredPolicy[];
  readonly policies: ReadonlyMap<string, PolicyIr>;
  readonly sets: SetMembership;
}

/** Lowers everything in a world. `change` may spoil a policy on the way, to see whether a comparison notices. */
export function lowerWorld(
  world: PolicyWorld,
  objects: PolicyObjects,
  change: (policy: PolicyIr) => PolicyIr = (same) => same,
): LoweredWorld {
  const lowered = objects.policies.map((object, index) => {
    const one = lowerPolicy(object, index + 1);
    return { ...one, policy: change(one.policy) };
  });
  const profiles = [...objects.namespaces, ...objects.serviceAccounts].map((object) => lowerProfile(object, 0));
  const all = [...lowered.map((one) => one.policy), ...profiles, lowerDefaultAllowProfile()];
  const definitions = new Map(lowered.flatMap((one) => one.sets).map((set) => [set.id, set]));
  return {
    world,
    lowered,
    policies: new Map(all.map((one) => [policyKey(one.ref), one])),
    sets: membershipOf(world, definitions),
  };
}

/** The interpreter's verdict on one end of a flow. */
export function interpret(
  from: LoweredWorld,
  endpoint: WorldEndpoint,
  direction: Direction,
  flow: ResolvedFlow,
): ChainVerdict {
  const { world, lowered, policies, sets } = from;
  const labels = effectiveLabels(world, endpoint);
  const chain = chainOf(direction, {
    tiers: new Map([...world.tiers].map(([name, object]) => [name, tierSettings(object)])),
    policies: lowered.filter((one) => matchSelector(one.subject, labels)),
    profiles: endpoint.profiles,
  });
  return interpretChain(chain, direction, flow.packet, { policies, sets });
}

/** A packet's two addresses, for messages. */
export function shownEnds(flow: { readonly source: Ip; readonly destination: Ip }): string {
  return `${formatIp(flow.source)} -> ${formatIp(flow.destination)}`;
}
