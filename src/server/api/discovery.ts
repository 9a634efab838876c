/**
 * Discovery: which groups, versions and kinds are served, in the one aggregated document of today's clients and in the plain lists of others. Pure
 * functions of the served resources; `handler.ts` asks.
 *
 * @module
 */
import type { JsonObject } from "#/base/json.ts";
import { apiVersionOf } from "#/resources/object.ts";
import type { ServedResource } from "#/server/api/served_resources.ts";

/** Kubernetes' version whose conventions are followed; clients compare it with their own. */
export const KUBERNETES_MINOR = "33";

const STATUS_VERBS: readonly string[] = ["get", "patch", "update"];

/** `GET /version`. */
export function versionInfo(version: string): JsonObject {
  return {
    major: "1",
    minor: KUBERNETES_MINOR,
    gitVersion: `v1.${KUBERNETES_MINOR}.0+tortie-${version}`,
    gitCommit: "",
    gitTreeState: "clean",
    buildDate: "1970-01-01T00:00:00Z",
    goVersion: "none",
    compiler: "deno",
    platform: "linux/amd64",
  };
}

/** `GET /api`, plain. */
export function coreVersions(): JsonObject {
  return { kind: "APIVersions", versions: ["v1"], serverAddressByClientCIDRs: [] };
}

/** Group names in the order of the registry, without the core group. */
export function groupNames(resources: readonly ServedResource[]): string[] {
  return [...new Set(resources.map(({ group }) => group))].filter((group) => group !== "");
}

/** `GET /apis`, plain. */
export function groupList(resources: readonly ServedResource[]): JsonObject {
  const groups = groupNames(resources).map((group) => groupEntry(resources, group)!);
  return { kind: "APIGroupList", apiVersion: "v1", groups };
}

/** `GET /apis/<group>`; `undefined` when nothing of the group is served. */
export function groupOf(resources: readonly ServedResource[], group: string): JsonObject | undefined {
  const entry = groupEntry(resources, group);
  return entry === undefined ? undefined : { kind: "APIGroup", apiVersion: "v1", ...entry };
}

function groupEntry(resources: readonly ServedResource[], group: string): JsonObject | undefined {
  const versions = versionsOf(resources, group).map((version) => ({
    groupVersion: apiVersionOf({ group, version }),
    version,
  }));
  const [preferredVersion] = versions;
  return preferredVersion === undefined || group === "" ? undefined : { name: group, versions, preferredVersion };
}

function versionsOf(resources: readonly ServedResource[], group: string): string[] {
  return [...new Set(resources.filter((resource) => resource.group === group).map(({ version }) => version))];
}

/** `GET /api/v1` and `GET /apis/<group>/<version>`; `undefined` when nothing is served there. */
export function resourceList(
  resources: readonly ServedResource[],
  group: string,
  version: string,
): JsonObject | undefined {
  const here = resources.filter((resource) => resource.group === group && resource.version === version);
  if (here.length === 0) return undefined;
  const entries = here.flatMap((resource) => {
    const { plural, singular, namespaced, kind, verbs, shortNames, categories } = resource;
    const entry = {
      name: plural,
      singularName: singular,
      namespaced,
      kind,
      verbs,
      ...(shortNames.length === 0 ? {} : { shortNames }),
      ...(categories.length === 0 ? {} : { categories }),
    };
    const status = { name: `${plural}/status`, singularName: "", namespaced, kind, verbs: STATUS_VERBS };
    return resource.hasStatus ? [entry, status] : [entry];
  });
  return {
    kind: "APIResourceList",
    apiVersion: "v1",
    groupVersion: apiVersionOf({ group, version }),
    resources: entries,
  };
}

/** `GET /api` or `GET /apis`, aggregated: everything in one document. */
export function aggregatedDiscovery(resources: readonly ServedResource[], groups: readonly string[]): JsonObject {
  const items = groups.map((group) => ({
    metadata: group === "" ? {} : { name: group },
    versions: versionsOf(resources, group).map((version) => ({
      version,
      resources: resources.filter((resource) => resource.group === group && resource.version === version)
        .map(aggregatedResource),
      freshness: "Current",
    })),
  }));
  return { kind: "APIGroupDiscoveryList", apiVersion: "apidiscovery.k8s.io/v2", metadata: {}, items };
}

function aggregatedResource(resource: ServedResource): JsonObject {
  const { group, version, kind, plural, singular, namespaced, verbs, shortNames, categories } = resource;
  const responseKind = { group, version, kind };
  return {
    resource: plural,
    responseKind,
    scope: namespaced ? "Namespaced" : "Cluster",
    singularResource: singular,
    verbs,
    ...(shortNames.length === 0 ? {} : { shortNames }),
    ...(categories.length === 0 ? {} : { categories }),
    ...(resource.hasStatus ? { subresources: [{ subresource: "status", responseKind, verbs: STATUS_VERBS }] } : {}),
  };
}
