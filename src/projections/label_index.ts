/**
 * Which endpoints match which selectors, kept up to date. The heart of the policy projections: policies ask it for their subjects, IP sets for
 * their members. {@link SelectorIndex} is a port, so that a faster matcher can take its place; this file has the plain implementation.
 *
 * An endpoint has labels of its own and inherits those of its parents (profiles): its own win, then the first parent that has the label. Labels are never
 * merged into one map per endpoint; a parent's labels exist once.
 *
 * @module
 */
import { assert } from "#/base/assert.ts";
import { type LabelLookup, matchSelector, type Selector } from "#/base/selector.ts";
import { labelRestrictions, type Restriction, type Restrictions } from "#/projections/label_restrictions.ts";
import { addTo, type Multimap, removeFrom } from "#/projections/multimap.ts";

/** Labels as objects carry them. */
export type Labels = Readonly<Record<string, string>>;

/** An endpoint began or ceased to match a selector. */
export interface MatchDelta {
  readonly selector: string;
  readonly endpoint: string;
  readonly change: "started" | "stopped";
}

/** An index of endpoints and selectors by their ids. Content depends on what it holds, never on how it came there. */
export interface SelectorIndex {
  /** Adds an endpoint or changes its labels and parents; returns what began or ceased to match. Parents need not exist. */
  upsertEndpoint(id: string, labels: Labels, parents: readonly string[]): readonly MatchDelta[];
  removeEndpoint(id: string): readonly MatchDelta[];
  /** Gives a parent labels, also before or after its endpoints come. */
  upsertParent(id: string, labels: Labels): readonly MatchDelta[];
  /** Takes a parent's labels away; its endpoints stay. */
  removeParent(id: string): readonly MatchDelta[];
  /** Counts a use of a selector, and matches it with every endpoint at its first. Returns all that match it now. */
  addSelector(id: string, selector: Selector): ReadonlySet<string>;
  /** Ends a use of a selector; with the last one it is forgotten, without deltas. */
  removeSelector(id: string): void;
  /** Endpoints that match a selector in use. */
  endpointsOf(selector: string): ReadonlySet<string>;
  /** Selectors in use that an endpoint matches. */
  selectorsOf(endpoint: string): ReadonlySet<string>;
}

interface Entry {
  readonly labels: Labels;
  readonly parents: readonly string[];
  readonly matches: Set<string>;
}

interface Filed {
  readonly selector: Selector;
  readonly bucket: Restriction | undefined;
  readonly bucketLabel: string;
  readonly matches: Set<string>;
  uses: number;
}

interface Index {
  readonly entries: Map<string, Entry>;
  readonly parents: Map<string, Labels>;
  readonly children: Multimap<string, string>;
  readonly ownByLabel: LabelTable;
  readonly parentsByLabel: LabelTable;
  readonly selectors: Map<string, Filed>;
  /** Selectors that demand one of some values of a label, that demand a label, and that demand nothing. Each is filed once. */
  readonly byValue: LabelTable;
  readonly byPresence: Multimap<string, string>;
  readonly undemanding: Set<string>;
}

/** Ids by label and value. */
type LabelTable = Map<string, Multimap<string, string>>;

const NO_IDS: ReadonlySet<string> = new Set();

/**
 * An empty index.
 *
 * @example
 * ```ts
 * import { createLabelIndex } from "#/projections/label_index.ts";
 * const index = createLabelIndex();
 * index.upsertParent("kns.shop", { "pcns.env": "prod" });
 * index.upsertEndpoint("web", { app: "web" }, ["kns.shop"]);
 * const matches = index.addSelector("s:1", { kind: "equals", key: "pcns.env", value: "prod" });
 * if (!matches.has("web")) throw new Error();
 * ```
 */
export function createLabelIndex(): SelectorIndex {
  const index: Index = {
    entries: new Map(),
    parents: new Map(),
    children: new Map(),
    ownByLabel: new Map(),
    parentsByLabel: new Map(),
    selectors: new Map(),
    byValue: new Map(),
    byPresence: new Map(),
    undemanding: new Set(),
  };
  return {
    upsertEndpoint: (id, labels, parents) => upsertEndpoint(index, id, { labels, parents }),
    removeEndpoint: (id) => removeEndpoint(index, id),
    upsertParent: (id, labels) => setParent(index, id, labels),
    removeParent: (id) => setParent(index, id, undefined),
    addSelector: (id, selector) => addSelector(index, id, selector),
    removeSelector: (id) => removeSelector(index, id),
    endpointsOf: (selector) => index.selectors.get(selector)?.matches ?? NO_IDS,
    selectorsOf: (endpoint) => index.entries.get(endpoint)?.matches ?? NO_IDS,
  };
}

function upsertEndpoint(index: Index, id: string, next: Omit<Entry, "matches">): readonly MatchDelta[] {
  const old = index.entries.get(id);
  if (old !== undefined && sameLabels(old.labels, next.labels) && sameTexts(old.parents, next.parents)) return [];
  if (old !== undefined) unlist(index, id, old);
  for (const [key, value] of Object.entries(next.labels)) addLabel(index.ownByLabel, key, value, id);
  for (const parent of next.parents) addTo(index.children, parent, id);
  index.entries.set(id, { ...next, matches: old?.matches ?? new Set() });
  return rematch(index, id);
}

function removeEndpoint(index: Index, id: string): readonly MatchDelta[] {
  const entry = index.entries.get(id);
  if (entry === undefined) return [];
  unlist(index, id, entry);
  index.entries.delete(id);
  return [...entry.matches].map((selector) => {
    index.selectors.get(selector)?.matches.delete(id);
    return { selector, endpoint: id, change: "stopped" };
  });
}

function setParent(index: Index, id: string, labels: Labels | undefined): readonly MatchDelta[] {
  const old = index.parents.get(id);
  if (old === labels || (old !== undefined && labels !== undefined && sameLabels(old, labels))) return [];
  for (const [key, value] of Object.entries(old ?? {})) removeLabel(index.parentsByLabel, key, value, id);
  for (const [key, value] of Object.entries(labels ?? {})) addLabel(index.parentsByLabel, key, value, id);
  if (labels === undefined) index.parents.delete(id);
  else index.parents.set(id, labels);
  return [...index.children.get(id) ?? NO_IDS].flatMap((child) => rematch(index, child));
}

function addSelector(index: Index, id: string, selector: Selector): ReadonlySet<string> {
  const known = index.selectors.get(id);
  if (known !== undefined) {
    known.uses += 1;
    return known.matches;
  }
  const restrictions = labelRestrictions(selector);
  const [bucketLabel, bucket] = chooseBucket(index, restrictions);
  const filed: Filed = { selector, bucket, bucketLabel, matches: new Set(), uses: 1 };
  index.selectors.set(id, filed);
  file(index, id, filed);
  for (const endpoint of possibleEndpoints(index, restrictions)) {
    const entry = index.entries.get(endpoint);
    assert(entry !== undefined, `Listed endpoint must exist: "${endpoint}"`);
    if (!matchSelector(selector, lookupOf(index, entry))) continue;
    filed.matches.add(endpoint);
    entry.matches.add(id);
  }
  return filed.matches;
}

function removeSelector(index: Index, id: string): void {
  const filed = index.selectors.get(id);
  assert(filed !== undefined, `Selector must be in use to be removed: "${id}"`);
  filed.uses -= 1;
  if (filed.uses > 0) return;
  index.selectors.delete(id);
  unfile(index, id, filed);
  for (const endpoint of filed.matches) index.entries.get(endpoint)?.matches.delete(id);
}

/** Matches an endpoint again with the selectors whose demand it meets and those that it matched before. */
function rematch(index: Index, id: string): MatchDelta[] {
  const entry = index.entries.get(id);
  assert(entry !== undefined, `Listed endpoint must exist: "${id}"`);
  const lookup = lookupOf(index, entry);
  const deltas: MatchDelta[] = [];
  for (const selector of new Set([...entry.matches, ...candidateSelectors(index, entry)])) {
    const filed = index.selectors.get(selector);
    assert(filed !== undefined, `Filed selector must exist: "${selector}"`);
    const matches = matchSelector(filed.selector, lookup);
    if (matches === entry.matches.has(selector)) continue;
    if (matches) {
      entry.matches.add(selector);
      filed.matches.add(id);
    } else {
      entry.matches.delete(selector);
      filed.matches.delete(id);
    }
    deltas.push({ selector, endpoint: id, change: matches ? "started" : "stopped" });
  }
  return deltas;
}

function* candidateSelectors(index: Index, entry: Entry): Iterable<string> {
  yield* index.undemanding;
  const sources = [entry.labels, ...entry.parents.map((parent) => index.parents.get(parent))];
  for (const labels of sources) {
    for (const [key, value] of Object.entries(labels ?? {})) {
      yield* index.byValue.get(key)?.get(value) ?? NO_IDS;
      yield* index.byPresence.get(key) ?? NO_IDS;
    }
  }
}

/** Every endpoint that may meet the demands: by the label that fewest endpoints bear, or all of them where nothing is demanded. */
function possibleEndpoints(index: Index, restrictions: Restrictions): Iterable<string> {
  let best: ReadonlySet<string>[] | undefined;
  let bestSize = index.entries.size;
  for (const [label, restriction] of restrictions) {
    const bearers = [
      ...bearing(index.ownByLabel, label, restriction),
      ...bearing(index.parentsByLabel, label, restriction).flatMap((parents) =>
        [...parents].map((parent) => index.children.get(parent) ?? NO_IDS)
      ),
    ];
    const size = bearers.reduce((sum, ids) => sum + ids.size, 0);
    if (size <= bestSize) [best, bestSize] = [bearers, size];
  }
  return best === undefined ? index.entries.keys() : best.length === 1 ? best[0]! : new Set(flatten(best));
}

function* flatten(sets: Iterable<ReadonlySet<string>>): Iterable<string> {
  for (const ids of sets) yield* ids;
}

function bearing(table: LabelTable, label: string, restriction: Restriction): ReadonlySet<string>[] {
  const values = table.get(label);
  if (values === undefined) return [];
  if (restriction === "present") return [...values.values()];
  return [...restriction].map((value) => values.get(value)).filter((ids) => ids !== undefined);
}

/**
 * The demand under which a selector is filed: exact values rather than presence, and of these the bucket that fewest selectors share, so that policies of
 * many namespaces about one common label spread over their namespaces.
 */
function chooseBucket(index: Index, restrictions: Restrictions): readonly [string, Restriction | undefined] {
  let best: readonly [string, Restriction | undefined] = ["", undefined];
  let bestCost = Infinity;
  for (const [label, restriction] of restrictions) {
    const cost = restriction === "present"
      ? 1_000_000 + (index.byPresence.get(label)?.size ?? 0)
      : [...restriction].reduce((sum, value) => sum + 1 + (index.byValue.get(label)?.get(value)?.size ?? 0), 0);
    if (cost < bestCost) [best, bestCost] = [[label, restriction], cost];
  }
  return best;
}

function file(index: Index, id: string, { bucket, bucketLabel }: Filed): void {
  if (bucket === undefined) index.undemanding.add(id);
  else if (bucket === "present") addTo(index.byPresence, bucketLabel, id);
  else for (const value of bucket) addLabel(index.byValue, bucketLabel, value, id);
}

function unfile(index: Index, id: string, { bucket, bucketLabel }: Filed): void {
  if (bucket === undefined) index.undemanding.delete(id);
  else if (bucket === "present") removeFrom(index.byPresence, bucketLabel, id);
  else for (const value of bucket) removeLabel(index.byValue, bucketLabel, value, id);
}

function unlist(index: Index, id: string, entry: Entry): void {
  for (const [key, value] of Object.entries(entry.labels)) removeLabel(index.ownByLabel, key, value, id);
  for (const parent of entry.parents) removeFrom(index.children, parent, id);
}

function addLabel(table: LabelTable, key: string, value: string, id: string): void {
  let values = table.get(key);
  if (values === undefined) table.set(key, values = new Map());
  addTo(values, value, id);
}

function removeLabel(table: LabelTable, key: string, value: string, id: string): void {
  const values = table.get(key);
  if (values === undefined) return;
  removeFrom(values, value, id);
  if (values.size === 0) table.delete(key);
}

function lookupOf(index: Index, entry: Entry): LabelLookup {
  return (key) => {
    if (Object.hasOwn(entry.labels, key)) return entry.labels[key];
    for (const parent of entry.parents) {
      const labels = index.parents.get(parent);
      if (labels !== undefined && Object.hasOwn(labels, key)) return labels[key];
    }
    return undefined;
  };
}

function sameLabels(a: Labels, b: Labels): boolean {
  if (a === b) return true;
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && a[key] === b[key]);
}

function sameTexts(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((text, at) => text === b[at]);
}
