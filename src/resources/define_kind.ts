/**
 * Makes kinds: fills in what all kinds of one family share, so that a kind's own file says only what is its own. Called once per file in `kinds/`.
 *
 * @module
 */
import type { KindDefinition } from "#/resources/kind.ts";

type Own<Shared extends keyof KindDefinition> = Omit<KindDefinition, Shared> & Partial<Pick<KindDefinition, Shared>>;

/** What a `projectcalico.org/v3` kind says of itself. */
export type CalicoKind = Own<
  "group" | "version" | "fields" | "mergeKeys" | "statusSubresource" | "storage" | "categories" | "shortNames"
>;

/** What a kind of `policy.networking.k8s.io` says of itself. */
export type PolicyApiKind = Own<
  | "group"
  | "namespaced"
  | "fields"
  | "mergeKeys"
  | "statusSubresource"
  | "storage"
  | "categories"
  | "shortNames"
>;

/** What a core `v1` kind, or one of another group of Kubernetes' own, says of itself. */
export type CoreKind = Own<
  "group" | "version" | "fields" | "statusSubresource" | "storage" | "categories" | "shortNames"
>;

/**
 * A kind of `projectcalico.org/v3`: unknown fields are refused, strategic merge patch is not served, as of custom resources.
 *
 * @param kind without `statusSubresource`, none is served; without `storage`, objects are stored
 */
export function defineCalicoKind(kind: CalicoKind): KindDefinition {
  return {
    group: "projectcalico.org",
    version: "v3",
    shortNames: [],
    categories: ["calico"],
    fields: "strict",
    mergeKeys: undefined,
    statusSubresource: false,
    storage: "stored",
    ...kind,
  };
}

/** A kind of `policy.networking.k8s.io`: a custom resource of cluster scope, with a status of its own. */
export function definePolicyApiKind(kind: PolicyApiKind): KindDefinition {
  return {
    group: "policy.networking.k8s.io",
    shortNames: [],
    categories: [],
    namespaced: false,
    fields: "strict",
    mergeKeys: undefined,
    statusSubresource: true,
    storage: "stored",
    ...kind,
  };
}

/**
 * A kind of the core group, or of another group of Kubernetes' own that the kind names: fields that are not modelled are kept, strategic merge patch is
 * served (`mergeKeys` must be given).
 */
export function defineCoreKind(kind: CoreKind): KindDefinition {
  return {
    group: "",
    version: "v1",
    shortNames: [],
    categories: [],
    fields: "loose",
    statusSubresource: false,
    storage: "stored",
    ...kind,
  };
}
