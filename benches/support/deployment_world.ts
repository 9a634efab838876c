/**
 * A cluster of namespaces with ten deployments of ten pods each, for the projection bench: a policy picks one deployment and lets another of its namespace speak
 * with it. Pods of a deployment are on nodes far apart. Made one change at a time, so that a bench counts only what is kept.
 *
 * @module
 */
import type { ObjectChange } from "#/projections/cluster_state.ts";
import type { KubeObject } from "#/resources/object.ts";
import { change } from "./tenant_world.ts";

/** Pods of one namespace, and as many of one node. */
export const PODS_PER_NAMESPACE = 100;

/** Deployments of one namespace. */
export const DEPLOYMENTS = 10;

/** Namespaces, then policies, then endpoints. At most as many policies as deployments, so that no two pick the same. */
export function* deploymentChanges(pods: number, policies: number): Iterable<ObjectChange> {
  const namespaces = pods / PODS_PER_NAMESPACE;
  for (let at = 0; at < namespaces; at++) {
    const metadata = { name: `space-${at}`, labels: { team: `team-${at % 50}` } };
    yield change("core/namespaces", { apiVersion: "v1", kind: "Namespace", metadata });
  }
  for (let at = 0; at < policies; at++) {
    const deployment = Math.floor(at / namespaces);
    yield change("projectcalico.org/networkpolicies", deploymentPolicy(at % namespaces, deployment));
  }
  for (let at = 0; at < pods; at++) yield change("projectcalico.org/workloadendpoints", podEndpoint(at, namespaces));
}

/** The node that a pod is on: round after round, and each round begins elsewhere, so that a node has pods of all deployments. */
export function nodeOfPod(at: number, nodes: number): string {
  return `node-${(at + 7 * Math.floor(at / nodes)) % nodes}`;
}

function deploymentPolicy(namespace: number, deployment: number): KubeObject {
  const peer = { selector: `app == 'app-${(deployment + 1) % DEPLOYMENTS}'` };
  return {
    apiVersion: "projectcalico.org/v3",
    kind: "NetworkPolicy",
    metadata: { name: `app-${deployment}`, namespace: `space-${namespace}` },
    spec: {
      tier: "default",
      order: 100,
      selector: `app == 'app-${deployment}'`,
      types: ["Ingress"],
      ingress: [{ action: "Allow", protocol: "TCP", source: peer, destination: { ports: [8080] } }],
    },
  };
}

function podEndpoint(at: number, nodes: number): KubeObject {
  const namespace = `space-${Math.floor(at / PODS_PER_NAMESPACE)}`;
  const node = nodeOfPod(at, nodes);
  return {
    apiVersion: "projectcalico.org/v3",
    kind: "WorkloadEndpoint",
    metadata: {
      name: `${node.replaceAll("-", "--")}-k8s-pod--${at}-eth0`,
      namespace,
      labels: {
        app: `app-${at % DEPLOYMENTS}`,
        stage: `stage-${at % 3}`,
        "projectcalico.org/namespace": namespace,
        "projectcalico.org/orchestrator": "k8s",
      },
    },
    spec: {
      orchestrator: "k8s",
      node,
      pod: `pod-${at}`,
      endpoint: "eth0",
      containerID: `sandbox-${at}`,
      ipNetworks: [`10.${at >>> 16}.${(at >>> 8) & 255}.${at & 255}/32`],
      profiles: [`kns.${namespace}`, `ksa.${namespace}.default`],
      interfaceName: `cali${at}`,
    },
  };
}
