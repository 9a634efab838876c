/**
 * The members of the sets that rules name, for the whole cluster once. An address is a member as long as any endpoint contributes it. Members change when
 * an endpoint begins or ceases to match (label index) or changes its addresses; what changed since the last flush is handed out as one difference.
 *
 * @module
 */
import { assert } from "#/base/assert.ts";
import { formatProtocol } from "#/base/protocol.ts";
import { selectorId } from "#/base/selector_id.ts";
import type { SelectorSetDefinition, SetDefinition } from "#/policy/lowering/set_definition.ts";
import type { Peer } from "#/projections/endpoint_reader.ts";
import type { MatchDelta, SelectorIndex } from "#/projections/label_index.ts";
import { addTo, type Multimap, removeFrom } from "#/projections/multimap.ts";
import type { SetItem } from "#/projections/node_state.ts";
import {
  createServiceSlices,
  replaceSlice,
  type ServiceSlice,
  type ServiceSlices,
  sliceMembers,
  slicesOf,
} from "#/projections/service_sets.ts";

/** Sets in use and what contributes to them. */
export interface IpSets {
  readonly sets: Map<string, IpSet>;
  /** Ids of the sets that a selector or a Service fills, by {@link IpSet.source}; but for the set that bears the selector's id. */
  readonly bySource: Multimap<string, string>;
  /** What each endpoint of the index contributes where it matches. */
  readonly peers: Map<string, Peer>;
  /** What EndpointSlices contribute to the sets of their Services. */
  readonly services: ServiceSlices;
  /** Ids of sets that may differ from the last flush. */
  readonly dirty: Set<string>;
}

/** One set. */
export interface IpSet {
  readonly definition: SetDefinition;
  /** What fills it: the selector's id, or `service namespace/name`. */
  readonly source: string;
  /** Counted, one for each contribution. Few members that are there once are a list, which is replaced and never changed. */
  members: readonly string[] | Map<string, number>;
  /** For each member that came or went since the last flush: whether it was there then. `undefined` for none. */
  touched: Map<string, boolean> | undefined;
  /** It was not there at the last flush: then nobody asks what came and went. */
  isNew: boolean;
  /** How many policies name it. A set that nobody names any more stays, empty, until the flush, should it come back. */
  uses: number;
  item: SetItem | undefined;
}

/** Members that came and went, sorted. */
export interface SetChange {
  readonly add: readonly string[];
  readonly del: readonly string[];
}

/** No sets, no peers. */
export function createIpSets(): IpSets {
  return {
    sets: new Map(),
    bySource: new Map(),
    peers: new Map(),
    services: createServiceSlices(),
    dirty: new Set(),
  };
}

/** Counts a use of a set; with the first, the set is filled with all that matches. */
export function acquireSet(ipSets: IpSets, index: SelectorIndex, definition: SetDefinition): void {
  const { id } = definition;
  let set = ipSets.sets.get(id);
  if (set === undefined) ipSets.sets.set(id, set = newSet(definition));
  set.uses += 1;
  if (set.uses > 1) return;
  ipSets.dirty.add(id);
  if (set.source !== id) addTo(ipSets.bySource, set.source, id);
  if ("service" in definition) {
    for (const slice of slicesOf(ipSets.services, definition.service)) contributeSlice(ipSets, set, slice, 1);
    return;
  }
  for (const endpoint of index.addSelector(set.source, definition.selector)) {
    contributePeer(ipSets, set, ipSets.peers.get(endpoint), 1);
  }
}

/** Ends a use of a set; with the last, the set is emptied, and forgotten at the next flush. */
export function releaseSet(ipSets: IpSets, index: SelectorIndex, id: string): void {
  const set = ipSets.sets.get(id);
  assert(set !== undefined && set.uses > 0, `Released set must be in use: "${id}"`);
  set.uses -= 1;
  if (set.uses > 0) return;
  if (!("service" in set.definition)) index.removeSelector(set.source);
  if (set.source !== id) removeFrom(ipSets.bySource, set.source, id);
  for (const member of membersOf(set)) touch(set, member, true);
  set.members = NO_MEMBERS;
  set.item = undefined;
  ipSets.dirty.add(id);
}

/**
 * Says what an endpoint contributes from now on, `undefined` for nothing. To be called before the index learns of the endpoint's change, so that the sets
 * it is in now are adjusted and those that it joins get the new contribution.
 */
export function setPeer(ipSets: IpSets, index: SelectorIndex, endpoint: string, next: Peer | undefined): void {
  const old = ipSets.peers.get(endpoint);
  if (next === undefined) ipSets.peers.delete(endpoint);
  else ipSets.peers.set(endpoint, next);
  // Without an old contribution the index does not know of the endpoint yet.
  if (old === undefined || (next !== undefined && isSamePeer(old, next))) return;
  for (const selector of index.selectorsOf(endpoint)) {
    for (const set of setsFilledBy(ipSets, selector)) {
      contributePeer(ipSets, set, next, 1);
      contributePeer(ipSets, set, old, -1);
    }
  }
}

/** Takes an EndpointSlice in place of its former self; `undefined` for one that is gone or belongs to no Service. */
export function setSlice(ipSets: IpSets, key: string, next: ServiceSlice | undefined): void {
  const old = replaceSlice(ipSets.services, key, next);
  for (const [slice, step] of [[next, 1], [old, -1]] as const) {
    if (slice === undefined) continue;
    for (const set of setsFilledBy(ipSets, serviceSource(slice.service))) contributeSlice(ipSets, set, slice, step);
  }
}

/** Adds or takes away an endpoint's contribution, as the index says. */
export function applyMatchToSets(ipSets: IpSets, delta: MatchDelta): void {
  for (const set of setsFilledBy(ipSets, delta.selector)) {
    contributePeer(ipSets, set, ipSets.peers.get(delta.endpoint), delta.change === "started" ? 1 : -1);
  }
}

/** A set as an item, members sorted; one object until the members change. */
export function setItem(ipSets: IpSets, id: string): SetItem | undefined {
  const set = ipSets.sets.get(id);
  if (set === undefined || set.uses === 0) return undefined;
  set.item ??= { kind: "set", id, type: set.definition.type, members: sorted(membersOf(set)) };
  return set.item;
}

/** What changed since the last call in each set that was there then, and the ids of those that nobody names any more, which are forgotten. */
export function drainSetChanges(
  ipSets: IpSets,
): { readonly changes: ReadonlyMap<string, SetChange>; readonly gone: readonly string[] } {
  const changes = new Map<string, SetChange>();
  const gone: string[] = [];
  for (const id of ipSets.dirty) {
    const set = ipSets.sets.get(id);
    assert(set !== undefined, `Dirty set must exist: "${id}"`);
    const change = changeOf(set);
    if (change !== undefined) changes.set(id, change);
    set.touched = undefined;
    set.isNew = false;
    if (set.uses > 0) continue;
    ipSets.sets.delete(id);
    gone.push(id);
  }
  ipSets.dirty.clear();
  return { changes, gone };
}

function changeOf(set: IpSet): SetChange | undefined {
  if (set.touched === undefined) return undefined;
  const add: string[] = [];
  const del: string[] = [];
  for (const [member, wasThere] of set.touched) {
    if (wasThere !== hasMember(set, member)) (wasThere ? del : add).push(member);
  }
  return add.length + del.length === 0 ? undefined : { add: add.sort(), del: del.sort() };
}

function newSet(definition: SetDefinition): IpSet {
  const source = sourceOf(definition);
  return { definition, source, members: NO_MEMBERS, touched: undefined, isNew: true, uses: 0, item: undefined };
}

/** A set of addresses has the selector's id. */
function sourceOf(definition: SetDefinition): string {
  if ("service" in definition) return serviceSource(definition.service);
  return definition.type === "net" ? definition.id : selectorId(definition.selector);
}

function serviceSource(service: string): string {
  return `service ${service}`;
}

function* setsFilledBy(ipSets: IpSets, source: string): Iterable<IpSet> {
  const own = ipSets.sets.get(source);
  if (own !== undefined && own.uses > 0) yield own;
  for (const id of ipSets.bySource.get(source) ?? []) {
    const set = ipSets.sets.get(id);
    assert(set !== undefined, `Filled set must exist: "${id}"`);
    yield set;
  }
}

function contributePeer(ipSets: IpSets, set: IpSet, peer: Peer | undefined, step: 1 | -1): void {
  if (peer === undefined || "service" in set.definition) return;
  contribute(ipSets, set, peerMembers(set.definition, peer), step);
}

function contributeSlice(ipSets: IpSets, set: IpSet, slice: ServiceSlice, step: 1 | -1): void {
  contribute(ipSets, set, sliceMembers(slice, set.definition.type), step);
}

function contribute(ipSets: IpSets, set: IpSet, members: readonly string[], step: 1 | -1): void {
  if (set.isNew && set.members === NO_MEMBERS && members.length === 1 && step === 1) {
    // Most sets of a large cluster hold one endpoint: its list will do.
    set.members = members;
    set.item = undefined;
    return;
  }
  for (const member of members) {
    const count = countMember(set, member, step);
    assert(count >= 0, `Member of "${set.definition.id}" must be there to go: "${member}"`);
    if (count !== (step === 1 ? 1 : 0)) continue;
    touch(set, member, step === -1);
    set.item = undefined;
    ipSets.dirty.add(set.definition.id);
  }
}

const NO_MEMBERS: readonly string[] = [];

/** More members than this are counted in a map, and stay there. */
const LISTED_MEMBERS_MAX = 8;

/** Counts a contribution or its end, and returns how many there are then. */
function countMember(set: IpSet, member: string, step: 1 | -1): number {
  const { members } = set;
  if (!(members instanceof Map)) {
    const isThere = members.includes(member);
    if (step === -1) {
      if (isThere) set.members = members.filter((each) => each !== member);
      return isThere ? 0 : -1;
    }
    if (!isThere && members.length < LISTED_MEMBERS_MAX) {
      set.members = [...members, member];
      return 1;
    }
  }
  const counts = members instanceof Map ? members : new Map(members.map((each) => [each, 1]));
  set.members = counts;
  const count = (counts.get(member) ?? 0) + step;
  if (count === 0) counts.delete(member);
  else counts.set(member, count);
  return count;
}

function membersOf({ members }: IpSet): Iterable<string> {
  return members instanceof Map ? members.keys() : members;
}

function hasMember({ members }: IpSet, member: string): boolean {
  return members instanceof Map ? members.has(member) : members.includes(member);
}

function touch(set: IpSet, member: string, wasThere: boolean): void {
  if (set.isNew) return;
  set.touched ??= new Map();
  if (!set.touched.has(member)) set.touched.set(member, wasThere);
}

function isSamePeer(a: Peer, b: Peer): boolean {
  return isSameList(a.nets, b.nets) && isSameList(a.addresses, b.addresses) && a.ports.length + b.ports.length === 0;
}

function isSameList(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((text, at) => text === b[at]);
}

/** A list of one or none is what it was, without a copy. */
function sorted(members: Iterable<string>): readonly string[] {
  return Array.isArray(members) && members.length < 2 ? members : [...members].sort();
}

function peerMembers(definition: SelectorSetDefinition, peer: Peer): readonly string[] {
  if (definition.type === "net") return peer.nets;
  const { name, protocol } = definition.port;
  return peer.ports.filter((port) => port.name === name && (protocol === "any" || protocol === port.protocol))
    .flatMap((port) =>
      peer.addresses.map((address) => `${address},${formatProtocol(port.protocol).toLowerCase()}:${port.port}`)
    );
}
