/**
 * The difference between the table a node should have and the one it has, as steps. Pure: between observe and apply on the arrow.
 *
 * The steps replace what differs and nothing else. Elements of sets change by raw netlink, in a transaction of their own and before the rules, because
 * libnftables reads a whole interval set to change one element of it; new sets are filled before a rule names them. All else is one nft script, in which
 * things are made before they are referred to and removed after, so that no packet meets half a chain.
 *
 * A table that is missing, asleep or of another make is made anew, and closed: its first transaction puts the ruleset of an empty node in place, which
 * lets established traffic through and no workload start any. Whatever goes wrong after it, nothing is open.
 *
 * @module
 */
import type { ElementChange } from "#/agents/kernel/kernel.ts";
import { renderRuleset } from "./render.ts";
import {
  type BaseChain,
  type ChainText,
  type DispatchMap,
  type Hook,
  ruleComment,
  type Ruleset,
  ruleText,
  type SetText,
  TABLE,
} from "./ruleset.ts";

/** A chain as the kernel holds it. */
export interface ActualChain {
  readonly base: Hook | undefined;
  /** Comments of its rules, in order. */
  readonly comments: readonly string[];
}

/** A set as the kernel holds it. */
export interface ActualSet {
  readonly type: SetType;
  readonly elements: readonly string[];
}

/** A map as the kernel holds it. */
export interface ActualMap {
  /** From interface names to verdicts, as ours are. */
  readonly isDispatch: boolean;
  readonly targets: ReadonlyMap<string, string>;
}

/** What the kernel holds of our table. */
export interface ActualRuleset {
  /** Why the table as a whole is not as any agent leaves it; it is then made anew. */
  readonly fault: string | undefined;
  readonly chains: ReadonlyMap<string, ActualChain>;
  readonly sets: ReadonlyMap<string, ActualSet>;
  readonly maps: ReadonlyMap<string, ActualMap>;
}

/** One transaction. */
export type NftablesStep =
  | { readonly kind: "script"; readonly script: string }
  | { readonly kind: "elements"; readonly changes: readonly ElementChange[] };

/** What to do, in order, and why, one line per object: the text of status and drift. */
export interface NftablesPlan {
  /** Empty when nothing differs. */
  readonly steps: readonly NftablesStep[];
  /** `missing chain fw-cali1`, `changed set s4a-1`: what differed. */
  readonly differences: readonly string[];
}

/** What a set holds, in the kernel's numbers. */
export interface SetType {
  readonly keyType: number;
  readonly isInterval: boolean;
}

/** nft's number of the type of interface names. */
export const IFNAME_KEY_TYPE = 41;
const ADDRESS_KEY_TYPES = { 4: 7, 6: 8 } as const;
/** Protocol and port, six bits each, as nft joins the numbers of a concatenated key. */
const PROTOCOL_PORT_KEY_TYPE = (12 << 6) | 13;
const KEY_TYPE_BITS = 6;

/** The type that a set of ours has in the kernel. */
export function setTypeOf(set: Pick<SetText, "version" | "key">): SetType {
  const address = ADDRESS_KEY_TYPES[set.version];
  const keyType = set.key === "addrPort" ? (address << 2 * KEY_TYPE_BITS) | PROTOCOL_PORT_KEY_TYPE : address;
  return { keyType, isInterval: set.key === "net" };
}

/** What the kernel holds when there is no table of ours. */
export const NO_RULESET: ActualRuleset = {
  fault: `missing table ${TABLE.name}`,
  chains: new Map(),
  sets: new Map(),
  maps: new Map(),
};

/** What the kernel holds once a ruleset has been applied: spares reading it back. */
export function actualOf(ruleset: Ruleset): ActualRuleset {
  const { chains, sets, maps } = ruleset;
  return {
    fault: undefined,
    chains: mapValues(chains, ({ base, rules }): ActualChain => ({ base, comments: rules.map(ruleComment) })),
    sets: mapValues(sets, (set): ActualSet => ({ type: setTypeOf(set), elements: set.elements })),
    maps: mapValues(maps, ({ targets }): ActualMap => ({ isDispatch: true, targets })),
  };
}

function mapValues<V, W>(map: ReadonlyMap<string, V>, change: (value: V) => W): ReadonlyMap<string, W> {
  return new Map([...map].map(([key, value]) => [key, change(value)]));
}

const FULL_NAME = `${TABLE.family} ${TABLE.name}`;
const ADD_TABLE = `add table ${FULL_NAME}`;

/** Parts of the steps, by the order of dependence. */
interface Changes {
  readonly makeSets: string[];
  readonly elements: ElementChange[];
  readonly makeChains: string[];
  readonly emptyMaps: string[];
  readonly fillChains: string[];
  readonly fillMaps: string[];
  readonly removeMaps: string[];
  readonly removeChains: string[];
  readonly removeSets: string[];
  readonly differences: string[];
}

/** Plans the steps from what the kernel has to what it should have; none when they are equal. */
export function planNftables(desired: Ruleset, actual: ActualRuleset): NftablesPlan {
  const misfits = actual.fault === undefined ? misfitsOf(desired, actual) : [actual.fault];
  if (misfits.length === 0) return planChanges(desired, actual);
  const closed = renderRuleset(new Map());
  const { makeSets, makeChains, fillChains } = changesOf(closed, NO_RULESET);
  // The first line makes sure that there is one to delete.
  const anew = [ADD_TABLE, `delete table ${FULL_NAME}`];
  const script = scriptOf([...anew, ADD_TABLE, ...makeSets, ...makeChains, ...fillChains]);
  const close: NftablesStep = { kind: "script", script };
  return { steps: [close, ...planChanges(desired, actualOf(closed)).steps], differences: misfits };
}

function scriptOf(lines: readonly string[]): string {
  return [...lines, ""].join("\n");
}

/** Objects of ours that have another type, which nothing but making them anew changes. */
function misfitsOf(desired: Ruleset, actual: ActualRuleset): string[] {
  const found: string[] = [];
  for (const [name, { base }] of desired.chains) {
    const present = actual.chains.get(name);
    if (present !== undefined && !sameHook(base, present.base)) found.push(`chain ${name} of another type`);
  }
  for (const [name, set] of desired.sets) {
    const present = actual.sets.get(name)?.type;
    const { keyType, isInterval } = setTypeOf(set);
    if (present !== undefined && (present.keyType !== keyType || present.isInterval !== isInterval)) {
      found.push(`set ${name} of another type`);
    }
    if (actual.maps.has(name)) found.push(`set ${name} of another type`);
  }
  for (const name of desired.maps.keys()) {
    const present = actual.maps.get(name);
    if (present?.isDispatch === false || actual.sets.has(name)) found.push(`map ${name} of another type`);
  }
  return found;
}

function sameHook(wanted: Hook | undefined, present: Hook | undefined): boolean {
  return wanted?.hook === present?.hook && wanted?.priority === present?.priority &&
    wanted?.policy === present?.policy;
}

function planChanges(desired: Ruleset, actual: ActualRuleset): NftablesPlan {
  const changes = changesOf(desired, actual);
  const rules = [
    ...changes.makeChains,
    ...changes.emptyMaps,
    ...changes.fillChains,
    ...changes.fillMaps,
    ...changes.removeMaps,
    ...changes.removeChains,
    ...changes.removeSets,
  ];
  const script = (lines: readonly string[]): NftablesStep[] =>
    lines.length === 0 ? [] : [{ kind: "script", script: scriptOf(lines) }];
  const steps: NftablesStep[] = [
    ...script(changes.makeSets),
    ...changes.elements.length === 0 ? [] : [{ kind: "elements" as const, changes: changes.elements }],
    ...script(rules),
  ];
  return { steps, differences: changes.differences };
}

function changesOf(desired: Ruleset, actual: ActualRuleset): Changes {
  const changes: Changes = {
    makeSets: [],
    elements: [],
    makeChains: [],
    emptyMaps: [],
    fillChains: [],
    fillMaps: [],
    removeMaps: [],
    removeChains: [],
    removeSets: [],
    differences: [],
  };
  planSets(desired, actual, changes);
  planMaps(desired, actual, changes);
  planChains(desired, actual, changes);
  return changes;
}

function planSets(desired: Ruleset, actual: ActualRuleset, changes: Changes): void {
  for (const set of desired.sets.values()) {
    const present = actual.sets.get(set.name);
    if (present === undefined) changes.makeSets.push(`add set ${FULL_NAME} ${set.name} { ${setType(set)} }`);
    const has = new Set(present?.elements);
    const wants = new Set(set.elements);
    const add = set.elements.filter((element) => !has.has(element));
    const remove = [...has].filter((element) => !wants.has(element));
    // Removals first: an interval set refuses a network beside one that it overlaps.
    changes.elements.push(...elementChange("delete", set, remove), ...elementChange("add", set, add));
    if (present === undefined) changes.differences.push(`missing set ${set.name}`);
    else if (add.length + remove.length > 0) {
      changes.differences.push(`changed set ${set.name}: ${add.length} to add, ${remove.length} to remove`);
    }
  }
  for (const name of actual.sets.keys()) {
    if (desired.sets.has(name)) continue;
    changes.removeSets.push(`delete set ${FULL_NAME} ${name}`);
    changes.differences.push(`foreign set ${name}`);
  }
}

function setType(set: SetText): string {
  const address = set.version === 4 ? "ipv4_addr" : "ipv6_addr";
  if (set.key === "addrPort") return `type ${address} . inet_proto . inet_service;`;
  return set.key === "net" ? `type ${address}; flags interval;` : `type ${address};`;
}

function elementChange(kind: "add" | "delete", set: SetText, elements: readonly string[]): ElementChange[] {
  if (elements.length === 0) return [];
  const { family, name: table } = TABLE;
  return [{ kind, family, table, set: set.name, interval: set.key === "net", elements }];
}

function planMaps(desired: Ruleset, actual: ActualRuleset, changes: Changes): void {
  for (const map of desired.maps.values()) {
    const present = actual.maps.get(map.name)?.targets;
    if (present === undefined) {
      changes.makeSets.push(`add map ${FULL_NAME} ${map.name} { type ifname : verdict; }`);
      changes.differences.push(`missing map ${map.name}`);
    }
    const { add, remove } = mapChanges(map, present ?? new Map());
    const list = (items: readonly string[]) => `${FULL_NAME} ${map.name} { ${items.join(", ")} }`;
    if (remove.length > 0) changes.emptyMaps.push(`delete element ${list(remove)}`);
    if (add.length > 0) changes.fillMaps.push(`add element ${list(add)}`);
    if (present !== undefined && add.length + remove.length > 0) {
      changes.differences.push(`changed map ${map.name}: ${add.length} to add, ${remove.length} to remove`);
    }
  }
  for (const name of actual.maps.keys()) {
    if (desired.maps.has(name)) continue;
    changes.removeMaps.push(`delete map ${FULL_NAME} ${name}`);
    changes.differences.push(`foreign map ${name}`);
  }
}

/** Elements to add, with their verdicts, and to remove, by key alone: somebody else's may have any verdict. */
function mapChanges(
  map: DispatchMap,
  present: ReadonlyMap<string, string>,
): { readonly add: string[]; readonly remove: string[] } {
  const changed = (from: ReadonlyMap<string, string>, to: ReadonlyMap<string, string>) =>
    [...from].filter(([interfaceName, chain]) => to.get(interfaceName) !== chain);
  return {
    add: changed(map.targets, present).map(([interfaceName, chain]) => `"${interfaceName}" : goto ${chain}`),
    remove: changed(present, map.targets).map(([interfaceName]) => `"${interfaceName}"`),
  };
}

function planChains(desired: Ruleset, actual: ActualRuleset, changes: Changes): void {
  for (const chain of desired.chains.values()) {
    const present = actual.chains.get(chain.name);
    if (present !== undefined && sameRules(chain, present.comments)) continue;
    changes.differences.push(`${present === undefined ? "missing" : "changed"} chain ${chain.name}`);
    if (present === undefined) changes.makeChains.push(`add chain ${FULL_NAME} ${chain.name}${baseText(chain.base)}`);
    else changes.fillChains.push(`flush chain ${FULL_NAME} ${chain.name}`);
    changes.fillChains.push(
      ...ruleLines(chain),
    );
  }
  const stale = [...actual.chains.keys()].filter((name) => !desired.chains.has(name));
  changes.removeChains.push(
    ...stale.map((name) => `flush chain ${FULL_NAME} ${name}`),
    ...stale.map((name) => `delete chain ${FULL_NAME} ${name}`),
  );
  changes.differences.push(...stale.map((name) => `foreign chain ${name}`));
}

function ruleLines(chain: ChainText): string[] {
  return chain.rules.map((rule) =>
    `add rule ${FULL_NAME} ${chain.name} ${ruleText(rule)} comment "${ruleComment(rule)}"`
  );
}

/** A script that nft refuses when it refuses a rule of the chain, whatever else is in the table. The sets that the rules name must be there. */
export function chainCheck(chain: ChainText): string {
  return scriptOf([`add chain ${FULL_NAME} ${chain.name}`, ...ruleLines(chain)]);
}

function baseText(base: BaseChain | undefined): string {
  if (base === undefined) return "";
  return ` { type ${base.type} hook ${base.hook} priority ${base.priority}; policy ${base.policy}; }`;
}

/** Whether the kernel has the rules of a chain, by their comments. */
export function sameRules(chain: ChainText, comments: readonly string[]): boolean {
  return chain.rules.length === comments.length && chain.rules.every((rule, at) => ruleComment(rule) === comments[at]);
}
