/**
 * Objects of the kinds that only some of the oracle's cases need, and a flow judged in one line, by both engines: policies of Kubernetes, host endpoints, profiles,
 * EndpointSlices.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import type { JsonObject } from "#/base/json.ts";
import type { PolicyScope } from "#/policy/compiled.ts";
import { type ResolvedFlow, resolveFlow } from "#/policy/oracle/flow.ts";
import { judgeFlow } from "#/policy/flow_judge.ts";
import { parseDestination, parseEnd } from "#/policy/oracle/flow_text.ts";
import { type DirectionVerdict, evaluate, type Verdict } from "#/policy/oracle/oracle.ts";
import type { PolicyObjects } from "#/policy/policy_objects.ts";
import { type PolicyWorld, policyWorld } from "#/policy/oracle/world.ts";
import { compileObjects } from "#/projections/compiled_policies.ts";
import { SERVICE_NAME_LABEL } from "#/resources/kinds/peer_spec.ts";
import type { KubeObject } from "#/resources/object.ts";
import type { Labels } from "./policy_builders.ts";

const V3 = "projectcalico.org/v3";

/** A NetworkPolicy of Kubernetes. */
export function kubernetesPolicy(namespace: string, name: string, spec: JsonObject): KubeObject {
  const types = [
    ...(spec.ingress !== undefined || spec.egress === undefined ? ["Ingress"] : []),
    ...(spec.egress === undefined ? [] : ["Egress"]),
  ];
  return {
    apiVersion: "networking.k8s.io/v1",
    kind: "NetworkPolicy",
    metadata: { name, namespace },
    spec: { podSelector: {}, policyTypes: types, ...spec },
  };
}

/** A cluster-wide policy of Kubernetes. The subject is every pod unless `spec` says otherwise. */
export function clusterPolicy(
  kind: "AdminNetworkPolicy" | "BaselineAdminNetworkPolicy" | "ClusterNetworkPolicy",
  name: string,
  spec: JsonObject,
): KubeObject {
  return {
    apiVersion: `policy.networking.k8s.io/${kind === "ClusterNetworkPolicy" ? "v1alpha2" : "v1alpha1"}`,
    kind,
    metadata: { name },
    spec: { subject: { namespaces: {} }, ...spec },
  };
}

/** A HostEndpoint. */
export function hostEndpoint(name: string, node: string, spec: JsonObject, labels: Labels = {}): KubeObject {
  return { apiVersion: V3, kind: "HostEndpoint", metadata: { name, labels }, spec: { node, ...spec } };
}

/** A Profile as users write it. */
export function profile(name: string, spec: JsonObject): KubeObject {
  return { apiVersion: V3, kind: "Profile", metadata: { name }, spec };
}

/** An EndpointSlice of a Service. */
export function endpointSlice(
  namespace: string,
  service: string,
  addresses: string[],
  ports: JsonObject[],
): KubeObject {
  return {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { name: `${service}-x`, namespace, labels: { [SERVICE_NAME_LABEL]: service } },
    addressType: "IPv4",
    endpoints: [{ addresses }],
    ports,
  };
}

/** The three built-in tiers. */
export const TIERS: readonly KubeObject[] = ([
  ["kube-admin", 1000, "Pass"],
  ["default", 1_000_000, "Deny"],
  ["kube-baseline", 10_000_000, "Pass"],
] as const).map(([name, order, defaultAction]) => ({
  apiVersion: V3,
  kind: "Tier",
  metadata: { name },
  spec: { order, defaultAction },
}));

/**
 * A flow in words: `n1/web 10.0.0.2:80/tcp`, and the source port where it matters: `n1/web:22 10.0.0.2:80/tcp`. The oracle's verdict; given objects,
 * it is compared with what the interpreter says of them compiled: at each endpoint on the way, the verdict and the phase, tier and policy that decided.
 */
export function judge(objects: PolicyObjects | PolicyWorld, text: string, scope: PolicyScope = "enforced"): Verdict {
  if ("memo" in objects) return evaluate(objects, flowOf(objects, text).flow, scope);
  const world = policyWorld(objects);
  const { flow } = flowOf(world, text);
  const verdict = evaluate(world, flow, scope);
  const engine = judgeFlow(compileObjects(objects, scope), flow.packet);
  const byEngine = [...engine.egress?.steps ?? [], ...engine.ingress?.steps ?? []].map((step) => {
    const [kind = "", , name] = step.policy?.split("/") ?? [];
    const isOfObject = !["", "Profile", "Failsafe"].includes(kind);
    return [step.endpoint, step.verdict, step.phase ?? null, isOfObject ? name : null].join(" ");
  });
  const byOracle = [verdict.egress, ...verdict.forward, verdict.ingress]
    .filter((half) => half !== null && half.default !== "endpoint-to-host")
    .map((half) => [half?.endpoint.name, half?.verdict, half?.phase, half?.policy?.name].join(" "));
  assertEquals(
    { verdict: engine.verdict, steps: byEngine },
    { verdict: verdict.verdict, steps: byOracle },
    `the interpreter must agree with the oracle on ${text}`,
  );
  return verdict;
}

/** The flow that {@link judge} judges. */
export function flowOf(world: PolicyWorld, text: string): { readonly flow: ResolvedFlow } {
  const [from, to] = text.split(" ");
  const [, fromEnd, sourcePort] = /^(\[.*\]|[^:]*)(?::(\d+))?$/.exec(from!)!;
  const source = parseEnd(fromEnd!);
  const destination = parseDestination(to!);
  assert(source.kind !== "invalid" && "end" in destination, text);
  const flow = resolveFlow(world, {
    source,
    destination: destination.end,
    protocol: destination.protocol,
    ...(destination.port === undefined ? {} : { port: destination.port }),
    ...(sourcePort === undefined ? {} : { sourcePort: Number(sourcePort) }),
  });
  assert(flow.kind === "resolved", flow.kind === "unresolved" ? flow.message : text);
  return { flow };
}

/** `verdict by what`: a policy with its rule, or a default; then the tier and the phase, where there are any. */
export function told(half: DirectionVerdict | null): string {
  if (half === null) return "not judged";
  const by = half.policy === null ? half.default : `${half.policy.name}[${half.rule}]`;
  const inTier = half.tier === null ? "" : ` in ${half.tier}`;
  return `${half.verdict} by ${by}${inTier}${half.phase === null ? "" : `, ${half.phase}`}`;
}
