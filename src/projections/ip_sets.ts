/**
 * The members of the sets that rules name, for the whole cluster once. An address is a member as long as any endpoint contributes it. Members change when
 * an endpoint begins or ceases to match (label index) or changes its addresses; what changed since the last flush is handed out as one difference.
 *
 * @module
 */
import { assert } from "#/base/assert.ts";
import { formatProtocol } from "#/base/protocol.ts";
import { selectorId } from "#/base/selector_id.ts";
import type { SetDefinition } from "#/policy/set_definition.ts";
import type { Peer } from "#/projections/endpoint_reader.ts";
import type { MatchDelta, SelectorIndex } from "#/projections/label_index.ts";
import { addTo, type Multimap, removeFrom } from "#/projections/multimap.ts";
import type { SetItem } from "#/projections/node_state.ts";

/** Sets in use and what contributes to them. */
export interface IpSets {
  readonly sets: Map<string, IpSet>;
  /** Ids of the sets that a selector fills. */
  readonly bySelector: Multimap<string, string>;
  /** What each endpoint of the index contributes where it matches. */
  readonly peers: Map<string, Peer>;
  /** Ids of sets that may differ from the last flush. */
  readonly dirty: Set<string>;
}

/** One set. Its members are counted: one for each contribution. */
export interface IpSet {
  readonly definition: SetDefinition;
  readonly selector: string;
  readonly members: Map<string, number>;
  /** For each member that came or went since the last flush: whether it was there then. */
  readonly touched: Map<string, boolean>;
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
  return { sets: new Map(), bySelector: new Map(), peers: new Map(), dirty: new Set() };
}

/** Counts a use of a set; with the first, the set is filled with all that matches. */
export function acquireSet(ipSets: IpSets, index: SelectorIndex, definition: SetDefinition): void {
  const { id } = definition;
  let set = ipSets.sets.get(id);
  if (set === undefined) {
    const selector = selectorId(definition.selector);
    ipSets.sets.set(id, set = newSet(definition, selector));
  }
  set.uses += 1;
  if (set.uses > 1) return;
  addTo(ipSets.bySelector, set.selector, id);
  for (const endpoint of index.addSelector(set.selector, definition.selector)) {
    contribute(ipSets, set, ipSets.peers.get(endpoint), 1);
  }
}

/** Ends a use of a set; with the last, the set is emptied, and forgotten at the next flush. */
export function releaseSet(ipSets: IpSets, index: SelectorIndex, id: string): void {
  const set = ipSets.sets.get(id);
  assert(set !== undefined && set.uses > 0, `Released set must be in use: "${id}"`);
  set.uses -= 1;
  if (set.uses > 0) return;
  index.removeSelector(set.selector);
  removeFrom(ipSets.bySelector, set.selector, id);
  for (const member of set.members.keys()) touch(set, member, true);
  set.members.clear();
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
  for (const selector of index.selectorsOf(endpoint)) {
    for (const set of setsFilledBy(ipSets, selector)) {
      contribute(ipSets, set, next, 1);
      contribute(ipSets, set, old, -1);
    }
  }
}

/** Adds or takes away an endpoint's contribution, as the index says. */
export function applyMatchToSets(ipSets: IpSets, delta: MatchDelta): void {
  for (const set of setsFilledBy(ipSets, delta.selector)) {
    contribute(ipSets, set, ipSets.peers.get(delta.endpoint), delta.change === "started" ? 1 : -1);
  }
}

/** A set as an item, members sorted; one object until the members change. */
export function setItem(ipSets: IpSets, id: string): SetItem | undefined {
  const set = ipSets.sets.get(id);
  if (set === undefined || set.uses === 0) return undefined;
  set.item ??= { kind: "set", id, type: set.definition.type, members: [...set.members.keys()].sort() };
  return set.item;
}

/** What changed in each set since the last call; sets that nobody names are forgotten. */
export function drainSetChanges(ipSets: IpSets): Map<string, SetChange> {
  const changes = new Map<string, SetChange>();
  for (const id of ipSets.dirty) {
    const set = ipSets.sets.get(id);
    assert(set !== undefined, `Dirty set must exist: "${id}"`);
    const add: string[] = [];
    const del: string[] = [];
    for (const [member, wasThere] of set.touched) {
      if (wasThere !== set.members.has(member)) (wasThere ? del : add).push(member);
    }
    set.touched.clear();
    if (add.length > 0 || del.length > 0) changes.set(id, { add: add.sort(), del: del.sort() });
    if (set.uses === 0) ipSets.sets.delete(id);
  }
  ipSets.dirty.clear();
  return changes;
}

function newSet(definition: SetDefinition, selector: string): IpSet {
  return { definition, selector, members: new Map(), touched: new Map(), uses: 0, item: undefined };
}

function* setsFilledBy(ipSets: IpSets, selector: string): Iterable<IpSet> {
  for (const id of ipSets.bySelector.get(selector) ?? []) {
    const set = ipSets.sets.get(id);
    assert(set !== undefined, `Filled set must exist: "${id}"`);
    yield set;
  }
}

function contribute(ipSets: IpSets, set: IpSet, peer: Peer | undefined, step: 1 | -1): void {
  if (peer === undefined) return;
  for (const member of membersOf(set.definition, peer)) {
    const count = set.members.get(member) ?? 0;
    assert(count + step >= 0, `Member of "${set.definition.id}" must be there to go: "${member}"`);
    if (count + step === 0) set.members.delete(member);
    else set.members.set(member, count + step);
    if (count > 0 && count + step > 0) continue;
    touch(set, member, count > 0);
    set.item = undefined;
    ipSets.dirty.add(set.definition.id);
  }
}

function touch(set: IpSet, member: string, wasThere: boolean): void {
  if (!set.touched.has(member)) set.touched.set(member, wasThere);
}

function membersOf(definition: SetDefinition, peer: Peer): readonly string[] {
  if (definition.type === "net") return peer.nets;
  const { name, protocol } = definition.port;
  return peer.ports.filter((port) => port.name === name && (protocol === "any" || protocol === port.protocol))
    .flatMap((port) =>
      peer.addresses.map((address) => `${address},${formatProtocol(port.protocol).toLowerCase()}:${port.port}`)
    );
}
