/**
 * The cluster as a fold of the log: every object, every derived object and every fact in force at one position. First projection after the
 * log; decide, the API, the policy projections and history all read it.
 *
 * The maps belong to whoever folds: `applyEvent` (`fold.ts`) changes them in place and returns what changed; readers get the type below, which
 * does not let them write. The objects inside are shared and never changed. `emptyClusterState` plus every event up to p is the state at p.
 *
 * @module
 */
import type { AddressAssigned, BlockGranted, EndpointBound } from "#/events/catalog.ts";
import type { KubeObject } from "#/resources/object.ts";

/** An address in use and what is known of its owner. */
export interface AddressRecord extends AddressAssigned {
  readonly position: number;
}

/** A block and the node that allocates in it. */
export interface BlockRecord extends BlockGranted {
  readonly position: number;
}

/** A Pod's sandbox on a node. */
export interface BindingRecord extends EndpointBound {
  readonly position: number;
}

/** Objects of one kind, by `namespace/name` (cluster scope: `/name`). */
export type Collection = ReadonlyMap<string, KubeObject>;

/** Which event last wrote an object, and its `spec`; `explain` and rule ids point there. */
export interface ObjectOrigin {
  readonly revision: number;
  readonly position: number;
  /** Position of the last event that changed the `generation`. */
  readonly specPosition: number;
  readonly author: string;
  readonly occurredAt: string;
}

/** State at one position, for reading. */
export interface ClusterState {
  /** Position of the last event folded in; 0 for none. */
  readonly position: number;
  /** Time of that event. */
  readonly occurredAt: string;
  /** Stored and derived objects by `group/plural` (`core/pods`). A missing collection is empty. */
  readonly collections: ReadonlyMap<string, Collection>;
  /**
   * Keys of the objects of each namespace, by `collection/namespace` (`core/pods/shop`), of the collections in {@link NAMESPACE_KEYED}: an index, so that
   * views of many objects cost what their namespace holds and not what the cluster holds.
   */
  readonly namespaceKeys: ReadonlyMap<string, ReadonlySet<string>>;
  /** Streams' origins, by stream name; kept after deletion, so that revisions go on. Derived objects have the origin of their source. */
  readonly origins: ReadonlyMap<string, ObjectOrigin>;
  /** Blocks in force, by CIDR text. */
  readonly blocks: ReadonlyMap<string, BlockRecord>;
  /** Addresses in use, by address text. */
  readonly addresses: ReadonlyMap<string, AddressRecord>;
  /** Sandboxes in force, by `namespace/pod`. */
  readonly bindings: ReadonlyMap<string, BindingRecord>;
  /** Events that this binary could not read, by position, with the reason; their objects keep the last readable version. */
  readonly quarantined: ReadonlyMap<number, string>;
}

/** Collections whose keys are kept by namespace: what the EndpointSlices of Services are worked out from. */
export const NAMESPACE_KEYED: ReadonlySet<string> = new Set([
  "core/pods",
  "core/services",
  "discovery.k8s.io/endpointslices",
]);

const NO_KEYS: ReadonlySet<string> = new Set();

/**
 * Keys of the objects of a namespace.
 *
 * @param collection one of {@link NAMESPACE_KEYED}; any other has none
 */
export function keysOfNamespace(state: ClusterState, collection: string, namespace: string): ReadonlySet<string> {
  return state.namespaceKeys.get(`${collection}/${namespace}`) ?? NO_KEYS;
}

/** How one object changed by one event. `before` is absent for a creation, `after` for a deletion. */
export interface ObjectChange {
  readonly kind: "object";
  /** `group/plural`. */
  readonly collection: string;
  /** `namespace/name`. */
  readonly key: string;
  readonly before: KubeObject | undefined;
  readonly after: KubeObject | undefined;
}

/** A fact came into force, changed or ended. */
export type FactChange =
  | { readonly kind: "block"; readonly cidr: string; readonly before?: BlockRecord; readonly after?: BlockRecord }
  | {
    readonly kind: "address";
    readonly address: string;
    readonly before?: AddressRecord;
    readonly after?: AddressRecord;
  }
  | { readonly kind: "binding"; readonly key: string; readonly before?: BindingRecord; readonly after?: BindingRecord };

/** What one event changed in the state: its object, objects derived from it, facts. */
export type Change = ObjectChange | FactChange;

/** All changes of one event. */
export interface EventChanges {
  readonly position: number;
  readonly occurredAt: string;
  readonly changes: readonly Change[];
}

/**
 * One object of a state, or `undefined`.
 *
 * @param collection `group/plural`, `core` for the empty group
 */
export function getObject(
  state: ClusterState,
  collection: string,
  namespace: string,
  name: string,
): KubeObject | undefined {
  return state.collections.get(collection)?.get(`${namespace}/${name}`);
}
