/**
 * The names under which endpoints are told: the workload that a Pod belongs to, its own name where it belongs to none. Used by answers that speak of
 * workloads (`reach`, `plan`), for files and for states alike.
 *
 * @module
 */
import { ownerOf, WORKLOAD_KINDS, type WorkloadName } from "#/policy/manifests/manifest_workloads.ts";
import { type KubeObject, objectKey } from "#/resources/object.ts";

/**
 * The workload of every endpoint, `namespace/name` by endpoint id. Where several owners of one namespace share a name, the first kind of
 * {@link WORKLOAD_KINDS} has it and the others are told with their kind, `shop/web[StatefulSet]`; a Pod without owner goes before all of them.
 *
 * @param workloads objects of the workload kinds, as far as they are known: only they tell the CronJob of a Job
 *
 * @example
 * ```ts
 * import { workloadNames } from "#/policy/manifests/workload_names.ts";
 * const endpoint = { apiVersion: "projectcalico.org/v3", kind: "WorkloadEndpoint", metadata: { name: "e", namespace: "shop" }, spec: { pod: "db-0" } };
 * const owner = { apiVersion: "apps/v1", kind: "StatefulSet", name: "db", uid: "u", controller: true };
 * const pod = { apiVersion: "v1", kind: "Pod", metadata: { name: "db-0", namespace: "shop", ownerReferences: [owner] } };
 * if (workloadNames([endpoint], [pod], []).get("shop/e") !== "shop/db") throw new Error();
 * ```
 */
export function workloadNames(
  endpoints: readonly KubeObject[],
  pods: readonly KubeObject[],
  workloads: readonly KubeObject[],
): ReadonlyMap<string, string> {
  const podsByKey = new Map(pods.map((pod) => [objectKey(pod.metadata), pod]));
  const known = new Map(workloads.map((object) => [`${object.kind}/${objectKey(object.metadata)}`, object]));
  const owners = new Map<string, WorkloadName>();
  const unowned = new Map<string, string>();
  for (const endpoint of endpoints) {
    const id = objectKey(endpoint.metadata);
    const { pod } = endpoint.spec ?? {};
    const podKey = typeof pod === "string" && pod !== "" ? `${endpoint.metadata.namespace ?? ""}/${pod}` : id;
    const object = podsByKey.get(podKey);
    const owner = object === undefined ? undefined : ownerOf(object, (key) => known.get(key));
    if (owner === undefined) unowned.set(id, podKey);
    else owners.set(id, { ...owner, name: `${endpoint.metadata.namespace ?? ""}/${owner.name}` });
  }
  const shown = shownNames([...owners.values()], new Set(unowned.values()));
  const named = [...owners].map(([id, owner]) => [id, shown.get(ownerKey(owner)) ?? owner.name] as const);
  return new Map([...unowned, ...named]);
}

/** The names of owners, told apart where they would be one. */
function shownNames(owners: readonly WorkloadName[], taken: Set<string>): ReadonlyMap<string, string> {
  const rank = ({ kind }: WorkloadName) => WORKLOAD_KINDS.findIndex((known) => known.kind === kind) >>> 0;
  const shown = new Map<string, string>();
  const distinct = new Map(owners.map((owner) => [ownerKey(owner), owner]));
  const ordered = [...distinct].sort(([a, one], [b, other]) => rank(one) - rank(other) || (a < b ? -1 : 1));
  for (const [key, { kind, name }] of ordered) {
    shown.set(key, taken.has(name) ? `${name}[${kind}]` : name);
    taken.add(name);
  }
  return shown;
}

function ownerKey({ kind, name }: WorkloadName): string {
  return `${kind}/${name}`;
}
