/**
 * Small objects for policy tests: a namespace, a workload, a policy, in as few words as a table of cases bears; and the two engines side by side.
 *
 * @module
 */
import { assert } from "@std/assert";
import { formatIp, type Ip } from "#/base/ip.ts";
import type { Json, JsonObject } from "#/base/json.ts";
import { matchSelector } from "#/base/selector.ts";
import type { CompiledPolicies } from "#/policy/compiled.ts";
import type { Direction, PolicyIr } from "#/policy/ir.ts";
import { type ChainVerdict, interpretChain, type IrTables, type SetMembership } from "#/policy/ir_interpreter.ts";
import type { Packet } from "#/policy/packet.ts";
import type { PolicyObjects } from "#/policy/policy_objects.ts";
import type { SelectorSetDefinition, SetDefinition } from "#/policy/lowering/set_definition.ts";
import {
  effectiveLabels,
  endpointsAt,
  networkSetsAt,
  type PolicyWorld,
  type WorldEndpoint,
} from "#/policy/oracle/world.ts";
import { compileObjects } from "#/projections/compiled_policies.ts";
import { membershipIn } from "#/policy/set_membership.ts";
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
      if (definition === undefined || "service" in definition) return false;
      const holders = definition.type === "net"
        ? [...endpointsAt(world, ip), ...networkSetsAt(world, ip)]
        : endpointsAt(world, ip).filter((endpoint) => namesPort(endpoint, definition, end));
      return holders.some((holder) => matchSelector(definition.selector, effectiveLabels(world, holder)));
    },
  };
}

function namesPort(
  endpoint: WorldEndpoint,
  { port }: SelectorSetDefinition,
  end: { readonly protocol: number; readonly port: number } | undefined,
): boolean {
  return endpoint.ports.some((one) =>
    one.name === port?.name && one.port === end?.port && one.protocol === end.protocol &&
    (port.protocol === "any" || port.protocol === one.protocol)
  );
}

/** A world compiled: what the interpreter needs to judge any endpoint of it. */
export interface LoweredWorld {
  readonly compiled: CompiledPolicies;
  readonly tables: IrTables;
}

/** Compiles everything in a world. `change` may spoil a policy on the way, to see whether a comparison notices. */
export function lowerWorld(
  _world: PolicyWorld,
  objects: PolicyObjects,
  change: (policy: PolicyIr) => PolicyIr = (same) => same,
): LoweredWorld {
  const compiled = compileObjects(objects);
  const isSpoilt = ({ ref }: PolicyIr) => ref.kind !== "Profile" && ref.kind !== "Failsafe";
  const policies = [...compiled.policies].map(([key, policy]) =>
    [key, isSpoilt(policy) ? change(policy) : policy] as const
  );
  return { compiled, tables: { policies: new Map(policies), sets: membershipIn(compiled.sets) } };
}

/** The interpreter's verdict on one end of a flow. */
export function interpret(
  { compiled, tables }: LoweredWorld,
  endpoint: { readonly id: string },
  direction: Direction,
  flow: { readonly packet: Packet },
): ChainVerdict {
  const found = compiled.endpoints.find(({ id }) => id === endpoint.id);
  assert(found !== undefined, `Endpoint must be compiled: "${endpoint.id}"`);
  return interpretChain(found[direction], direction, flow.packet, tables);
}

/** A packet's two addresses, for messages. */
export function shownEnds(flow: { readonly source: Ip; readonly destination: Ip }): string {
  return `${formatIp(flow.source)} -> ${formatIp(flow.destination)}`;
}
