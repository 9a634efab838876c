/**
 * The fold: one event into the cluster's state. Middle of the arrow, right after the log; the server folds every committed event (and pending ones for
 * `decide`), history folds old ones again. It never throws on what the log holds: what it cannot read is quarantined at its position.
 *
 * @module
 */
import { assert, assertNever } from "#/base/assert.ts";
import { type Json, jsonEquals } from "#/base/json.ts";
import type { StoredEvent } from "#/events/envelope.ts";
import {
  type AddressRecord,
  type BindingRecord,
  type BlockRecord,
  type Change,
  type ClusterState,
  type EventChanges,
  NAMESPACE_KEYED,
  type ObjectChange,
  type ObjectOrigin,
} from "#/projections/cluster_state.ts";
import { type Fact, readPayload, streamParts } from "#/projections/payloads.ts";
import { isView, viewsAfter } from "#/projections/views.ts";
import type { KubeObject } from "#/resources/object.ts";

/** What the fold needs of an event: everything but the hash, so that an event that is decided but not yet committed folds too. */
export type FoldableEvent = Omit<StoredEvent, "hash">;

/** A cluster state in the hands of the one who folds. */
export interface MutableClusterState extends ClusterState {
  position: number;
  occurredAt: string;
  readonly collections: Map<string, Map<string, KubeObject>>;
  readonly namespaceKeys: Map<string, Set<string>>;
  readonly origins: Map<string, ObjectOrigin>;
  readonly blocks: Map<string, BlockRecord>;
  readonly addresses: Map<string, AddressRecord>;
  readonly bindings: Map<string, BindingRecord>;
  readonly quarantined: Map<number, string>;
}

/**
 * The state before the first event.
 *
 * @example
 * ```ts
 * import { createState } from "#/projections/fold.ts";
 * if (createState().position !== 0) throw new Error();
 * ```
 */
export function createState(): MutableClusterState {
  return {
    position: 0,
    occurredAt: "1970-01-01T00:00:00.000Z",
    collections: new Map(),
    namespaceKeys: new Map(),
    origins: new Map(),
    blocks: new Map(),
    addresses: new Map(),
    bindings: new Map(),
    quarantined: new Map(),
  };
}

/**
 * A state of its own with the same content. Maps are copied, objects are shared (nobody changes them), so the cost is that of the maps' entries.
 */
export function cloneState(state: ClusterState): MutableClusterState {
  return {
    position: state.position,
    occurredAt: state.occurredAt,
    collections: new Map([...state.collections].map(([name, collection]) => [name, new Map(collection)])),
    namespaceKeys: new Map([...state.namespaceKeys].map(([place, keys]) => [place, new Set(keys)])),
    origins: new Map(state.origins),
    blocks: new Map(state.blocks),
    addresses: new Map(state.addresses),
    bindings: new Map(state.bindings),
    quarantined: new Map(state.quarantined),
  };
}

/**
 * Folds one event into the state, in place, and returns everything that it changed: its object or fact, then the views of it.
 *
 * The event must be the next one by position: a gap would make a state that never was. Objects get their `metadata.resourceVersion` here. An
 * event that changes nothing (a stale fact, a deletion of what is not there) and one that cannot be read return an empty list; the latter is in
 * `quarantined`, and its object stays as it was.
 */
export function applyEvent(state: MutableClusterState, event: FoldableEvent): EventChanges {
  assert(event.position === state.position + 1, `Event must have position ${state.position + 1}: ${event.position}`);
  state.position = event.position;
  state.occurredAt = event.occurredAt;
  const primary = applyPayload(state, event);
  const changes = primary === undefined ? [] : [primary, ...applyViews(state, event, primary)];
  return { position: event.position, occurredAt: event.occurredAt, changes };
}

/** Whether the last event of a stream could not be read: its object is degraded, and this binary must not write it. */
export function isQuarantined(state: ClusterState, stream: string): boolean {
  const origin = state.origins.get(stream);
  return origin !== undefined && state.quarantined.has(origin.position);
}

function applyPayload(state: MutableClusterState, event: FoldableEvent): Change | undefined {
  const read = readPayload(event);
  switch (read.kind) {
    case "unreadable":
      return quarantine(state, event, read.reason);
    case "fact":
      noteOrigin(state, event, event.position);
      return applyFact(state, read.value, event.position);
    case "intent": {
      const object = read.verb === "Deleted" ? undefined : withResourceVersion(read.object, event.position);
      return applyIntent(state, event, object);
    }
    default:
      return assertNever(read);
  }
}

function applyIntent(
  state: MutableClusterState,
  event: FoldableEvent,
  after: KubeObject | undefined,
): Change | undefined {
  const [collection, object] = streamParts(event.stream);
  const key = object.startsWith("-/") ? object.slice(1) : object;
  const before = state.collections.get(collection)?.get(key);
  if ((before !== undefined && isView(collection, before)) || (after !== undefined && isView(collection, after))) {
    return quarantine(state, event, `Object "${key}" of "${collection}" is a view and must not be written`);
  }
  const sameSpec = before !== undefined && after !== undefined && generationOf(before) === generationOf(after);
  noteOrigin(state, event, sameSpec ? state.origins.get(event.stream)?.specPosition ?? event.position : event.position);
  return setObject(state, { kind: "object", collection, key, before, after });
}

function applyViews(state: MutableClusterState, event: FoldableEvent, change: Change): ObjectChange[] {
  const origin = state.origins.get(event.stream);
  const changes: ObjectChange[] = [];
  for (const { collection, key, object } of viewsAfter(state, change)) {
    const before = state.collections.get(collection)?.get(key);
    if (sameContent(before, object)) continue;
    const after = object === undefined ? undefined : withResourceVersion(object, event.position);
    const done = setObject(state, { kind: "object", collection, key, before, after });
    if (origin !== undefined) state.origins.set(streamOfKey(collection, key), origin);
    if (done !== undefined) changes.push(done);
  }
  return changes;
}

function applyFact(state: MutableClusterState, value: Fact, position: number): Change | undefined {
  switch (value.type) {
    case "EndpointBound":
      return bind(state, { ...value.fact, position });
    case "EndpointUnbound": {
      const key = `${value.fact.namespace}/${value.fact.pod}`;
      const before = state.bindings.get(key);
      if (before === undefined || before.containerId !== value.fact.containerId) return undefined;
      state.bindings.delete(key);
      return { kind: "binding", key, before };
    }
    case "BlockGranted": {
      const { cidr } = value.fact;
      const before = state.blocks.get(cidr);
      const after = { ...value.fact, position };
      state.blocks.set(cidr, after);
      return { kind: "block", cidr, before, after };
    }
    case "BlockReleased": {
      const { cidr, node } = value.fact;
      const before = state.blocks.get(cidr);
      if (before === undefined || before.node !== node) return undefined;
      state.blocks.delete(cidr);
      return { kind: "block", cidr, before };
    }
    case "AddressAssigned": {
      const { address } = value.fact;
      const before = state.addresses.get(address);
      const after = { ...value.fact, position };
      state.addresses.set(address, after);
      return { kind: "address", address, before, after };
    }
    case "AddressReleased": {
      const { address, handle } = value.fact;
      const before = state.addresses.get(address);
      if (before === undefined || before.handle !== handle) return undefined;
      state.addresses.delete(address);
      return { kind: "address", address, before };
    }
    case "DriftFound":
      return undefined;
    default:
      return assertNever(value);
  }
}

function bind(state: MutableClusterState, after: BindingRecord): Change {
  const key = `${after.namespace}/${after.pod}`;
  const before = state.bindings.get(key);
  state.bindings.set(key, after);
  return { kind: "binding", key, before, after };
}

/** The stream's revision moves on, its readable object does not. */
function quarantine(state: MutableClusterState, event: FoldableEvent, reason: string): undefined {
  state.quarantined.set(event.position, reason);
  noteOrigin(state, event, state.origins.get(event.stream)?.specPosition ?? event.position);
}

function noteOrigin(state: MutableClusterState, event: FoldableEvent, specPosition: number): void {
  state.origins.set(event.stream, {
    revision: event.revision,
    position: event.position,
    specPosition,
    author: event.context.actor.user,
    occurredAt: event.occurredAt,
  });
}

function setObject(state: MutableClusterState, change: ObjectChange): ObjectChange | undefined {
  const { collection, key, before, after } = change;
  if (before === undefined && after === undefined) return undefined;
  let objects = state.collections.get(collection);
  if (objects === undefined) state.collections.set(collection, objects = new Map());
  if (after === undefined) objects.delete(key);
  else objects.set(key, after);
  if (NAMESPACE_KEYED.has(collection) && (before === undefined || after === undefined)) noteKey(state, change);
  return change;
}

/** Keeps the index of a namespace's keys; a namespace without keys is not in it. */
function noteKey({ namespaceKeys }: MutableClusterState, { collection, key, after }: ObjectChange): void {
  const place = `${collection}/${key.slice(0, key.indexOf("/"))}`;
  const keys = namespaceKeys.get(place) ?? new Set();
  if (after === undefined) keys.delete(key);
  else keys.add(key);
  if (keys.size === 0) namespaceKeys.delete(place);
  else namespaceKeys.set(place, keys);
}

function withResourceVersion(object: KubeObject, position: number): KubeObject {
  return { ...object, metadata: { ...object.metadata, resourceVersion: String(position) } };
}

function sameContent(before: KubeObject | undefined, after: KubeObject | undefined): boolean {
  if (before === undefined || after === undefined) return before === after;
  const { resourceVersion: _, ...metadata } = before.metadata;
  return jsonEquals({ ...before, metadata } as unknown as Json, after as unknown as Json);
}

function generationOf(object: KubeObject): number | undefined {
  return object.metadata.generation;
}

/** The stream of an object by its collection and key: `core/namespaces` and `/shop` give `core/namespaces/-/shop`. */
export function streamOfKey(collection: string, key: string): string {
  return `${collection}/${key.startsWith("/") ? `-${key}` : key}`;
}
