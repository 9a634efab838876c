/**
 * The labels that the system gives to workload endpoints: where they are and what runs them. Users cannot set them (admission refuses), so that policies
 * may rely on them. Read wherever an endpoint becomes something to match: by the projections, by the oracle's world, from files.
 *
 * @module
 */
import type { KubeObject } from "#/resources/object.ts";

/** Label that holds the namespace of a workload endpoint or network set. */
export const NAMESPACE_LABEL = "projectcalico.org/namespace";
/** Label that holds the name of a workload's service account. */
export const SERVICE_ACCOUNT_LABEL = "projectcalico.org/serviceaccount";
/** Label that says which orchestrator runs a workload. */
export const ORCHESTRATOR_LABEL = "projectcalico.org/orchestrator";
/** Its value for Pods. */
export const KUBERNETES_ORCHESTRATOR = "k8s";
/** Prefix of labels inherited from the namespace. */
export const NAMESPACE_PREFIX = "pcns.";
/** Prefix of labels inherited from the service account. */
export const SERVICE_ACCOUNT_PREFIX = "pcsa.";

/**
 * The labels of a WorkloadEndpoint, the system's included: namespace, orchestrator, and service account where it has one. An endpoint that is derived
 * from a Pod has them already; one that users wrote has not.
 *
 * @example
 * ```ts
 * import { endpointLabels } from "#/policy/endpoint_labels.ts";
 * const labels = endpointLabels({
 *   apiVersion: "projectcalico.org/v3", kind: "WorkloadEndpoint", metadata: { name: "e", namespace: "shop", labels: { app: "vm" } },
 *   spec: { orchestrator: "openstack" },
 * });
 * if (labels["projectcalico.org/namespace"] !== "shop" || labels.app !== "vm") throw new Error();
 * ```
 */
export function endpointLabels(object: KubeObject): Readonly<Record<string, string>> {
  return { ...object.metadata.labels, ...systemLabels(object) };
}

/** Only the labels that the system gives. */
export function systemLabels({ metadata, spec }: KubeObject): Readonly<Record<string, string>> {
  const labels: Record<string, string> = {};
  if (metadata.namespace !== undefined) labels[NAMESPACE_LABEL] = metadata.namespace;
  const { orchestrator, serviceAccountName } = spec ?? {};
  if (typeof orchestrator === "string" && orchestrator !== "") labels[ORCHESTRATOR_LABEL] = orchestrator;
  if (typeof serviceAccountName === "string" && serviceAccountName !== "") {
    labels[SERVICE_ACCOUNT_LABEL] = serviceAccountName;
  }
  return labels;
}
