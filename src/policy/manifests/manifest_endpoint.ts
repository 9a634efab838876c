/**
 * WorkloadEndpoints of files: admitted as users' own, and also those of Pods, which a server would not take because it makes them itself. They are what
 * people have who list the endpoints of a cluster.
 *
 * @module
 */
import { workloadEndpointName } from "#/base/names.ts";
import type { Problem } from "#/base/problem.ts";
import { systemLabels } from "#/policy/endpoint_labels.ts";
import { namespaceProfileName, serviceAccountProfileName } from "#/policy/lowering/profile.ts";
import type { KindDefinition } from "#/resources/kind.ts";
import { DEFAULT_SERVICE_ACCOUNT } from "#/resources/kinds/pod.ts";
import { POD_ORCHESTRATOR, workloadEndpointSpecOf } from "#/resources/kinds/workload_endpoint.ts";
import type { KubeObject } from "#/resources/object.ts";
import { invalid, required } from "#/resources/problems.ts";
import { type Admission, admit } from "#/resources/validate.ts";

/**
 * Admits a WorkloadEndpoint of a file. The labels that the system gives to endpoints may stand in it, as listings have them, when they say what the
 * system would say; they are there in the result in any case.
 */
export function admitEndpoint(kind: KindDefinition, object: KubeObject): Admission {
  const admission = admit(kind, withProfiles(withoutSystemLabels(object)), undefined, "Strict");
  const isPodEndpoint = workloadEndpointSpecOf(admission.object).orchestrator === POD_ORCHESTRATOR;
  const problems = isPodEndpoint ? podEndpointProblems(admission) : admission.problems;
  const labels = { ...admission.object.metadata.labels, ...systemLabels(admission.object) };
  const { metadata } = admission.object;
  return { ...admission, object: { ...admission.object, metadata: { ...metadata, labels } }, problems };
}

/** An endpoint of a Pod has the profiles of its namespace and service account, whether they are written or not. */
function withProfiles(object: KubeObject): KubeObject {
  const { orchestrator, profiles, serviceAccountName } = workloadEndpointSpecOf(object);
  const { namespace } = object.metadata ?? {};
  if (orchestrator !== POD_ORCHESTRATOR || profiles !== undefined || namespace === undefined) return object;
  const account = serviceAccountProfileName(namespace, serviceAccountName ?? DEFAULT_SERVICE_ACCOUNT);
  return { ...object, spec: { ...object.spec, profiles: [namespaceProfileName(namespace), account] } };
}

/** Of an endpoint of a Pod, the orchestrator is allowed, and the name holds the Pod's. */
function podEndpointProblems({ object, problems }: Admission): Problem[] {
  const { pod = "", node, endpoint } = workloadEndpointSpecOf(object);
  const others = problems.filter(({ path, reason }) => {
    const isNameRule = path === "metadata.name" && reason === "FieldValueInvalid";
    return path !== "spec.orchestrator" && path !== "spec.workload" && !isNameRule;
  });
  if (others.length > 0) return others;
  if (pod === "") return [required("spec.pod", "must be given: the endpoint's name holds it")];
  const expected = workloadEndpointName({ node, orchestrator: POD_ORCHESTRATOR, workload: pod, endpoint });
  const { name } = object.metadata;
  if (name === expected) return [];
  const rule = `must be "${expected}": node, orchestrator, pod and endpoint joined by "-", with their own "-" doubled`;
  return [invalid("metadata.name", name, rule)];
}

function withoutSystemLabels(object: KubeObject): KubeObject {
  const { metadata } = object;
  const labels = metadata?.labels;
  if (typeof labels !== "object" || labels === null) return object;
  const given = systemLabels(object);
  const own = Object.entries(labels).filter(([key, value]) => given[key] !== value);
  return { ...object, metadata: { ...metadata, labels: Object.fromEntries(own) } };
}
