/**
 * A cluster of isolated tenants for the projection benches: each has a namespace of its own with one policy, which lets the tenant speak with itself, and one pod
 * with 15 labels. Every hundredth tenants' pods share a node. The same for the same size; made one change at a time, so that a bench counts only what is kept.
 *
 * @module
 */
import type { ObjectChange } from "#/projections/cluster_state.ts";
import type { KubeObject } from "#/resources/object.ts";
import { seeded } from "./seeded.ts";

/** Pods of one node. */
export const TENANTS_PER_NODE = 100;

/** Everything that a projection is told of some tenants, and of nothing else: namespaces, policies, endpoints. Three changes a tenant. */
export function* tenantChanges(tenants: number): Iterable<ObjectChange> {
  const random = seeded(11);
  for (let at = 0; at < tenants; at++) yield change("core/namespaces", tenantNamespace(at));
  for (let at = 0; at < tenants; at++) yield change("projectcalico.org/networkpolicies", tenantPolicy(at));
  for (let at = 0; at < tenants; at++) {
    const hash = random.below(1 << 30).toString(36);
    yield change("projectcalico.org/workloadendpoints", tenantEndpoint(at, hash));
  }
}

/** The node that a tenant's pod is on. */
export function nodeOfTenant(at: number): string {
  return `node-${Math.floor(at / TENANTS_PER_NODE)}`;
}

/** An object that comes. */
export function change(collection: string, object: KubeObject): ObjectChange {
  // Through text and back, as objects come from the log: no object shares a text with another.
  const after = JSON.parse(JSON.stringify(object)) as KubeObject;
  const { namespace, name } = after.metadata;
  return { kind: "object", collection, key: `${namespace ?? ""}/${name}`, before: undefined, after };
}

function tenantNamespace(at: number): KubeObject {
  const name = `tenant-${at}`;
  const labels = { "kubernetes.io/metadata.name": name, customer: `c-${at}`, plan: at % 3 === 0 ? "gold" : "free" };
  return { apiVersion: "v1", kind: "Namespace", metadata: { name, labels } };
}

function tenantPolicy(at: number): KubeObject {
  const peer = { selector: "all()" };
  return {
    apiVersion: "projectcalico.org/v3",
    kind: "NetworkPolicy",
    metadata: { name: "isolate", namespace: `tenant-${at}` },
    spec: {
      tier: "default",
      order: 100,
      selector: "all()",
      types: ["Ingress", "Egress"],
      ingress: [{ action: "Allow", source: peer }],
      egress: [
        { action: "Allow", destination: peer },
        { action: "Allow", protocol: "UDP", destination: { ports: [53] } },
      ],
    },
  };
}

function tenantEndpoint(at: number, hash: string): KubeObject {
  const namespace = `tenant-${at}`;
  const own = Object.fromEntries(
    Array.from({ length: 8 }, (_, label) => [`label-${label}`, `value-${label}-${at % (label + 2)}`]),
  );
  const address = `10.${at >>> 16}.${(at >>> 8) & 255}.${at & 255}/32`;
  return {
    apiVersion: "projectcalico.org/v3",
    kind: "WorkloadEndpoint",
    metadata: {
      name: `${nodeOfTenant(at).replaceAll("-", "--")}-k8s-app--${hash}-eth0`,
      namespace,
      labels: {
        ...own,
        app: "app",
        "app.kubernetes.io/instance": namespace,
        "pod-template-hash": hash,
        customer: `c-${at}`,
        "projectcalico.org/namespace": namespace,
        "projectcalico.org/orchestrator": "k8s",
        "projectcalico.org/serviceaccount": "default",
      },
    },
    spec: {
      orchestrator: "k8s",
      node: nodeOfTenant(at),
      pod: `app-${hash}`,
      endpoint: "eth0",
      containerID: `${hash}${at}`,
      ipNetworks: [address],
      profiles: [`kns.${namespace}`, `ksa.${namespace}.default`],
      interfaceName: `cali${hash}`,
    },
  };
}
