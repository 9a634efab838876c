/**
 * Fields that the API asks for and policy does not rest on, filled in where files leave them out: people cut manifests short when they only want to know
 * who may talk to whom. Called by `manifests.ts` before admission. Nothing that a policy says is ever filled in here.
 *
 * @module
 */
import { isJsonObject, type Json, type JsonObject } from "#/base/json.ts";
import type { KindDefinition } from "#/resources/kind.ts";

/** What an owner is taken for that does not say what it is. */
const UNNAMED_OWNER = { apiVersion: "apps/v1", kind: "ReplicaSet", uid: "unknown" } as const;

/**
 * An object with such fields: names of containers, and of ports where a Service has several; what an owner is besides its name; a container where a Pod has
 * none. An object of another kind is returned as it is, and so is everything that is there but cannot be read: admission says what is wrong with it.
 *
 * @example
 * ```ts
 * import { fillManifest } from "#/policy/manifests/manifest_fill.ts";
 * import { pod } from "#/resources/kinds/pod.ts";
 * const filled = fillManifest(pod, { kind: "Pod", spec: { containers: [{ image: "nginx" }] } });
 * if (JSON.stringify(filled.spec) !== '{"containers":[{"name":"unnamed-1","image":"nginx"}]}') throw new Error();
 * ```
 */
export function fillManifest({ group, kind }: KindDefinition, value: JsonObject): JsonObject {
  if (group !== "") return value;
  if (kind === "Pod") return filledPod(value);
  return kind === "Service" ? mapObject(value, "spec", (spec) => mapList(spec, "ports", portsWithNames)) : value;
}

function filledPod(value: JsonObject): JsonObject {
  const filled = mapObject({ ...value, spec: value.spec ?? {} }, "spec", (spec) => {
    const withSome = (spec.containers ?? null) === null ? { ...spec, containers: [{}] } : spec;
    const named = mapList(withSome, "containers", (items) => withNames(items, "unnamed"));
    return mapList(named, "initContainers", (items) => withNames(items, "unnamed-init"));
  });
  return mapObject(filled, "metadata", (metadata) => mapList(metadata, "ownerReferences", namedOwners));
}

function namedOwners(owners: readonly Json[]): Json[] {
  return owners.map((owner) => isJsonObject(owner) ? { ...UNNAMED_OWNER, ...withoutNull(owner) } : owner);
}

/** A single port needs no name. */
function portsWithNames(ports: readonly Json[]): Json[] {
  return ports.length > 1 ? withNames(ports, "unnamed") : [...ports];
}

/** Items with names: `unnamed-2` for the second without. */
function withNames(items: readonly Json[], prefix: string): Json[] {
  return items.map((item, at) => isJsonObject(item) ? { name: `${prefix}-${at + 1}`, ...withoutNull(item) } : item);
}

function withoutNull(value: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== null));
}

function mapObject(value: JsonObject, key: string, map: (member: JsonObject) => JsonObject): JsonObject {
  const member = value[key];
  return isJsonObject(member) ? { ...value, [key]: map(member) } : value;
}

function mapList(value: JsonObject, key: string, map: (items: readonly Json[]) => Json[]): JsonObject {
  const member = value[key];
  return Array.isArray(member) ? { ...value, [key]: map(member) } : value;
}
