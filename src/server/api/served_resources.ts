/**
 * Everything that can be found under `/api` and `/apis`: the registered kinds, and the few resources that are answered without being stored (events,
 * and the reviews behind `kubectl auth`). Read by discovery and by the handler.
 *
 * @module
 */
import type { KindDefinition } from "#/resources/kind.ts";
import type { KindName } from "#/resources/object.ts";

/** A resource as discovery shows it. */
export interface ServedResource extends KindName {
  readonly singular: string;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly verbs: readonly string[];
  readonly hasStatus: boolean;
}

/** What can be done with a resource that is answered without being stored. */
export interface VirtualResource extends ServedResource {
  /** `emptyList`: nothing is ever in it. The others answer one POST. */
  readonly behaviour: "emptyList" | "selfSubjectReview" | "selfSubjectAccessReview" | "selfSubjectRulesReview";
}

const ALL_VERBS: readonly string[] = [
  "create",
  "delete",
  "deletecollection",
  "get",
  "list",
  "patch",
  "update",
  "watch",
];
const READ_VERBS: readonly string[] = ["get", "list", "watch"];

/** Resources that are answered without being stored. */
export const VIRTUAL_RESOURCES: readonly VirtualResource[] = [
  {
    group: "",
    version: "v1",
    kind: "Event",
    plural: "events",
    singular: "event",
    namespaced: true,
    shortNames: ["ev"],
    categories: [],
    verbs: READ_VERBS,
    hasStatus: false,
    behaviour: "emptyList",
  },
  review("authentication.k8s.io", "SelfSubjectReview", "selfSubjectReview"),
  review("authorization.k8s.io", "SelfSubjectAccessReview", "selfSubjectAccessReview"),
  review("authorization.k8s.io", "SelfSubjectRulesReview", "selfSubjectRulesReview"),
];

function review(group: string, kind: string, behaviour: VirtualResource["behaviour"]): VirtualResource {
  const singular = kind.toLowerCase();
  return {
    group,
    version: "v1",
    kind,
    plural: `${singular}s`,
    singular,
    namespaced: false,
    shortNames: [],
    categories: [],
    verbs: ["create"],
    hasStatus: false,
    behaviour,
  };
}

/** A kind as discovery shows it. Views too take every verb: `decide` says which writes of a view mean something. */
export function servedKind(kind: KindDefinition): ServedResource {
  const { group, version, plural, singular, namespaced, shortNames, categories, statusSubresource } = kind;
  return {
    group,
    version,
    kind: kind.kind,
    plural,
    singular,
    namespaced,
    shortNames,
    categories,
    verbs: ALL_VERBS,
    hasStatus: statusSubresource,
  };
}

/** The resource without storage at a place, if there is one. */
export function findVirtual(group: string, version: string, plural: string): VirtualResource | undefined {
  return VIRTUAL_RESOURCES.find((resource) =>
    resource.group === group && resource.version === version && resource.plural === plural
  );
}
