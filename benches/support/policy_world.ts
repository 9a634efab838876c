/**
 * A cluster with policies and flows for the verdict bench, and what the projections make of it: the same objects for the oracle, and the same node state
 * for the engines that judge by the IR.
 *
 * @module
 */
import type { JsonObject } from "#/base/json.ts";
import { formatIp } from "#/base/ip.ts";
import { formatProtocol } from "#/base/protocol.ts";
import { type ResolvedFlow, resolveFlow } from "#/policy/oracle/flow.ts";
import type { IrTables, SetMembership } from "#/policy/ir_interpreter.ts";
import type { PolicyObjects } from "#/policy/policy_objects.ts";
import { type PolicyWorld, policyWorld } from "#/policy/oracle/world.ts";
import { buildFromState, nodeState } from "#/projections/node_projection.ts";
import type { EndpointItem, NodeItem } from "#/projections/node_state.ts";
import { createHistory, put } from "#tests/support/history.ts";
import { namespace, policy, tier, workload } from "#tests/unit/policy/policy_builders.ts";
import { type Seeded, seeded } from "./seeded.ts";

/** One cluster, as each engine wants it. */
export interface PolicyBenchWorld {
  /** For the oracle. */
  readonly world: PolicyWorld;
  /** What node1, on which all endpoints are, is told. */
  readonly items: readonly NodeItem[];
  readonly endpoints: ReadonlyMap<string, EndpointItem>;
  readonly flows: readonly ResolvedFlow[];
  readonly policyCount: number;
}

const NODE = "node1";
const NAMESPACES = 20;
const PODS_PER_NAMESPACE = 10;
const POLICIES_PER_NAMESPACE = 4;
const GLOBAL_POLICIES = 20;
const RULES_PER_POLICY = 5;
const APPS = ["web", "api", "db", "cache", "batch"];
const PORTS = [53, 80, 443, 5432, 6379, 8080, 9090];

/** Makes a cluster of 200 endpoints and 100 policies, and flows in it. */
export function policyBenchWorld(flowCount: number): PolicyBenchWorld {
  const random = seeded(3);
  const objects = policyObjects(random);
  const history = createHistory();
  for (const object of Object.values(objects).flat()) put(history, object);
  const items = nodeState(buildFromState(history.state), NODE);
  const world = policyWorld(objects);
  return {
    world,
    items,
    endpoints: new Map(items.filter((item) => item.kind === "endpoint").map((item) => [item.id, item])),
    flows: Array.from({ length: flowCount }, () => randomFlow(random, world)),
    policyCount: objects.policies.length,
  };
}

function policyObjects(random: Seeded): PolicyObjects {
  const spaces = Array.from({ length: NAMESPACES }, (_, at) => `ns${at}`);
  const rules = () => Array.from({ length: RULES_PER_POLICY }, () => randomRule(random));
  const both = () => ({ ingress: rules(), egress: rules() });
  return {
    tiers: [tier("default", 1_000_000, "Deny"), tier("early", 1, "Pass")],
    namespaces: spaces.map((name, at) => namespace(name, { env: at % 2 === 0 ? "prod" : "dev" })),
    serviceAccounts: [],
    workloadEndpoints: spaces.flatMap((space, at) =>
      Array.from(
        { length: PODS_PER_NAMESPACE },
        (_, pod) =>
          workload(space, `w${at}x${pod}`, [`10.0.${at}.${pod + 1}`], {
            labels: { app: APPS[pod % APPS.length]!, canary: String(pod % 3 === 0) },
          }),
      )
    ),
    policies: [
      ...Array.from(
        { length: GLOBAL_POLICIES },
        (_, at) => policy("", `g${at}`, { tier: "early", order: at, selector: appSelector(random), ...both() }),
      ),
      ...spaces.flatMap((space) =>
        Array.from(
          { length: POLICIES_PER_NAMESPACE },
          (_, at) => policy(space, `p${at}`, { order: at, selector: appSelector(random), ...both() }),
        )
      ),
    ],
  };
}

function appSelector(random: Seeded): string {
  return random.chance(20) ? "all()" : `app == '${random.pick(APPS)}'`;
}

function randomRule(random: Seeded): JsonObject {
  const peer = random.pick<JsonObject>([
    { selector: appSelector(random) },
    { selector: appSelector(random), namespaceSelector: "env == 'prod'" },
    { nets: [`10.0.${random.below(NAMESPACES)}.0/24`] },
    { notNets: ["10.0.0.0/16"] },
  ]);
  const ports = Array.from({ length: 1 + random.below(3) }, () => random.pick(PORTS));
  const action = random.pick(["Allow", "Allow", "Deny", "Pass"]);
  return { action, protocol: random.chance(80) ? "TCP" : "UDP", source: peer, destination: { ports } };
}

/** Mostly between workloads; some from or to outside. */
function randomFlow(random: Seeded, world: PolicyWorld): ResolvedFlow {
  const end = () =>
    random.chance(10)
      ? { kind: "address", address: `203.0.113.${random.below(256)}` } as const
      : { kind: "address", address: formatIp(random.pick(world.endpoints).addresses[0]!) } as const;
  const protocol = random.chance(80) ? 6 : 17;
  const flow = resolveFlow(world, { source: end(), destination: end(), protocol, port: random.pick(PORTS) });
  if (flow.kind === "unresolved") throw new Error(flow.message);
  return flow;
}

/** The node state's policies and sets for the interpreter; sets are hashed, as the compiled image has them. */
export function tablesOf(items: readonly NodeItem[]): IrTables {
  const policies = items.filter((item) => item.kind === "policy" || item.kind === "profile");
  return { policies: new Map(policies.map((item) => [item.id, item.policy])), sets: membership(items) };
}

/** Members without prefix only: endpoints' addresses and ports. */
function membership(items: readonly NodeItem[]): SetMembership {
  const sets = items.filter((item) => item.kind === "set");
  const members = new Map(sets.map(({ id, members }) => [id, new Set(members)]));
  return {
    has(id, ip, end) {
      const suffix = end === undefined ? "" : `,${formatProtocol(end.protocol).toLowerCase()}:${end.port}`;
      return members.get(id)?.has(formatIp(ip) + suffix) ?? false;
    },
  };
}
