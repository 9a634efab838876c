/**
 * The difference between the table a node should have and the one it has, as one nft transaction. Pure: between observe and apply on the arrow.
 *
 * The transaction replaces what differs and nothing else. Inside it, things are made before they are referred to and removed after; nft applies all of it
 * or nothing, so no packet meets half a chain.
 *
 * @module
 */
import { type ChainText, ruleComment, type Ruleset, type SetText, TABLE } from "./ruleset.ts";

/** What the kernel holds of our table. `undefined` members of `sets` are of a type that is not ours. */
export interface ActualRuleset {
  /** Rule comments by chain, in order. Base chains carry what makes them base chains. */
  readonly chains: ReadonlyMap<string, { readonly base: boolean; readonly comments: readonly string[] }>;
  /** Elements by set. */
  readonly sets: ReadonlyMap<string, readonly string[]>;
  /** Interface to chain, by map. */
  readonly maps: ReadonlyMap<string, ReadonlyMap<string, string>>;
}

/** What to do, and why, one line per object: the text of status and drift. */
export interface NftablesPlan {
  /** One transaction; empty when nothing differs. */
  readonly script: string;
  /** `missing chain fw-cali1`, `changed set s4a-1`: what differed. */
  readonly differences: readonly string[];
}

/** A table of which nothing exists yet. */
export const NO_RULESET: ActualRuleset = { chains: new Map(), sets: new Map(), maps: new Map() };

/** What the kernel holds once a ruleset has been applied: spares reading it back. */
export function actualOf(ruleset: Ruleset): ActualRuleset {
  return {
    chains: new Map(
      [...ruleset.chains.values()].map((chain) => [chain.name, {
        base: chain.base !== undefined,
        comments: chain.rules.map(ruleComment),
      }]),
    ),
    sets: new Map([...ruleset.sets.values()].map((set) => [set.name, set.elements])),
    maps: new Map([...ruleset.maps.values()].map((map) => [map.name, map.targets])),
  };
}

const FULL_NAME = `${TABLE.family} ${TABLE.name}`;

/** One part of the transaction, by the order of dependence. */
interface Steps {
  readonly makeSets: string[];
  readonly makeChains: string[];
  readonly fillMaps: string[];
  readonly emptyMaps: string[];
  readonly fillChains: string[];
  readonly removeChains: string[];
  readonly removeSets: string[];
  readonly differences: string[];
}

/**
 * Plans the transaction from what the kernel has to what it should have; an empty script when they are equal.
 *
 * Maps of ours are never removed while the table lives, so only their elements change.
 */
export function planNftables(desired: Ruleset, actual: ActualRuleset): NftablesPlan {
  const steps: Steps = {
    makeSets: [],
    makeChains: [],
    fillMaps: [],
    emptyMaps: [],
    fillChains: [],
    removeChains: [],
    removeSets: [],
    differences: [],
  };
  planSets(desired, actual, steps);
  planMaps(desired, actual, steps);
  planChains(desired, actual, steps);
  const script = [
    ...steps.makeSets,
    ...steps.makeChains,
    ...steps.emptyMaps,
    ...steps.fillChains,
    ...steps.fillMaps,
    ...steps.removeChains,
    ...steps.removeSets,
  ];
  return {
    script: script.length === 0 ? "" : [`add table ${FULL_NAME}`, ...script, ""].join("\n"),
    differences: steps.differences,
  };
}

function planSets(desired: Ruleset, actual: ActualRuleset, steps: Steps): void {
  for (const set of desired.sets.values()) {
    const present = actual.sets.get(set.name);
    if (present === undefined) {
      steps.makeSets.push(
        `add set ${FULL_NAME} ${set.name} { ${setType(set)} }`,
        ...elements("add", set, set.elements),
      );
      steps.differences.push(`missing set ${set.name}`);
      continue;
    }
    const has = new Set(present);
    const wants = new Set(set.elements);
    const add = set.elements.filter((element) => !has.has(element));
    const remove = present.filter((element) => !wants.has(element));
    if (add.length + remove.length > 0) {
      steps.makeSets.push(...elements("delete", set, remove), ...elements("add", set, add));
      steps.differences.push(`changed set ${set.name}: ${add.length} to add, ${remove.length} to remove`);
    }
  }
  for (const name of actual.sets.keys()) {
    if (desired.sets.has(name)) continue;
    steps.removeSets.push(`delete set ${FULL_NAME} ${name}`);
    steps.differences.push(`foreign set ${name}`);
  }
}

function setType(set: SetText): string {
  const address = set.version === 4 ? "ipv4_addr" : "ipv6_addr";
  if (set.key === "addrPort") return `type ${address} . inet_proto . inet_service;`;
  return set.key === "net" ? `type ${address}; flags interval;` : `type ${address};`;
}

function elements(verb: "add" | "delete", set: SetText, list: readonly string[]): string[] {
  if (list.length === 0) return [];
  return [`${verb} element ${FULL_NAME} ${set.name} { ${list.map(elementText).join(", ")} }`];
}

/** `10.0.0.1,tcp:8080` becomes nft's `10.0.0.1 . tcp . 8080`. */
function elementText(element: string): string {
  const match = /^(.*),([a-z0-9]+):([0-9]+)$/.exec(element);
  return match === null ? element : `${match[1]} . ${match[2]} . ${match[3]}`;
}

function planMaps(desired: Ruleset, actual: ActualRuleset, steps: Steps): void {
  for (const map of desired.maps.values()) {
    const present = actual.maps.get(map.name);
    if (present === undefined) {
      steps.makeSets.push(`add map ${FULL_NAME} ${map.name} { type ifname : verdict; }`);
      steps.differences.push(`missing map ${map.name}`);
    }
    const changed = (from: ReadonlyMap<string, string>, to: ReadonlyMap<string, string>) =>
      [...from].filter(([interfaceName, chain]) => to.get(interfaceName) !== chain);
    const remove = changed(present ?? new Map(), map.targets);
    const add = changed(map.targets, present ?? new Map());
    if (remove.length > 0) {
      const list = remove.map(([interfaceName, chain]) => `"${interfaceName}" : goto ${chain}`).join(", ");
      steps.emptyMaps.push(`delete element ${FULL_NAME} ${map.name} { ${list} }`);
    }
    if (add.length > 0) {
      const list = add.map(([interfaceName, chain]) => `"${interfaceName}" : goto ${chain}`).join(", ");
      steps.fillMaps.push(`add element ${FULL_NAME} ${map.name} { ${list} }`);
    }
    if (present !== undefined && add.length + remove.length > 0) {
      steps.differences.push(`changed map ${map.name}: ${add.length} to add, ${remove.length} to remove`);
    }
  }
}

function planChains(desired: Ruleset, actual: ActualRuleset, steps: Steps): void {
  for (const chain of desired.chains.values()) {
    const present = actual.chains.get(chain.name);
    if (present !== undefined && present.base === (chain.base !== undefined) && sameRules(chain, present.comments)) {
      continue;
    }
    steps.differences.push(`${present === undefined ? "missing" : "changed"} chain ${chain.name}`);
    if (present === undefined) {
      steps.makeChains.push(
        `add chain ${FULL_NAME} ${chain.name}${chain.base === undefined ? "" : ` { ${chain.base} }`}`,
      );
    } else steps.fillChains.push(`flush chain ${FULL_NAME} ${chain.name}`);
    steps.fillChains.push(
      ...chain.rules.map((rule) => `add rule ${FULL_NAME} ${chain.name} ${rule.text} comment "${ruleComment(rule)}"`),
    );
  }
  const stale = [...actual.chains.keys()].filter((name) => !desired.chains.has(name));
  steps.removeChains.push(
    ...stale.map((name) => `flush chain ${FULL_NAME} ${name}`),
    ...stale.map((name) => `delete chain ${FULL_NAME} ${name}`),
  );
  steps.differences.push(...stale.map((name) => `foreign chain ${name}`));
}

function sameRules(chain: ChainText, comments: readonly string[]): boolean {
  return chain.rules.length === comments.length && chain.rules.every((rule, at) => ruleComment(rule) === comments[at]);
}
