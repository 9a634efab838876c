/**
 * Which endpoints match which selectors, kept up to date. The heart of the policy projections: policies ask it for their subjects, IP sets for
 * their members. {@link SelectorIndex} is a port; what is behind it is told in docs/design/selectors.md.
 *
 * An endpoint has labels of its own and inherits those of its parents (profiles): its own win, then the first parent that has the label. Labels are never
 * merged into one map per endpoint; a parent's labels exist once. Matches are computed, not stored: what a change starts and stops is the difference between
 * two computations.
 *
 * @module
 */
import { assert } from "#/base/assert.ts";
import type { Selector } from "#/base/selector.ts";
import {
  bearerNumber,
  collectSlots,
  createLabelStore,
  dropLabels,
  dropParents,
  forgetEmptyParent,
  freeBearer,
  parentsOf,
  putLabels,
  sameLabels,
  setParents,
} from "#/projections/label_index_labels.ts";
import {
  clearLanes,
  createLanes,
  fillLane,
  type LabelIndex,
  matchLanes,
  PAIRED_LANES,
  runOnLanes,
  takeDeltas,
} from "#/projections/label_index_lanes.ts";
import { changeParent } from "#/projections/label_index_parents.ts";
import { scanEndpoints } from "#/projections/label_index_scan.ts";
import { createSelectorStore, dropSelector, putSelector } from "#/projections/label_index_selectors.ts";

/** Labels as objects carry them. The index keeps them, so they must not be changed. */
export type Labels = Readonly<Record<string, string>>;

/** An endpoint began or ceased to match a selector. */
export interface MatchDelta {
  readonly selector: string;
  readonly endpoint: string;
  readonly change: "started" | "stopped";
}

/** Ids that match, as they are when asked. Computed at the first question, and again when the index has changed since. */
export interface Matches extends Iterable<string> {
  readonly size: number;
  has(id: string): boolean;
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
  /** Counts a use of a selector. Returns all that match it. */
  addSelector(id: string, selector: Selector): Matches;
  /** Ends a use of a selector; with the last one it is forgotten, without deltas. */
  removeSelector(id: string): void;
  /** Endpoints that match a selector in use. */
  endpointsOf(selector: string): Matches;
  /** Selectors in use that an endpoint matches. */
  selectorsOf(endpoint: string): Matches;
}

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
  const index: LabelIndex = {
    labels: createLabelStore(),
    selectors: createSelectorStore(),
    lanes: createLanes(),
    version: 0,
    block: undefined,
  };
  return {
    upsertEndpoint: (id, labels, parents) => upsertEndpoint(index, id, labels, parents),
    removeEndpoint: (id) => removeEndpoint(index, id),
    upsertParent: (id, labels) => upsertParent(index, id, labels),
    removeParent: (id) => removeParent(index, id),
    addSelector: (id, selector) => addSelector(index, id, selector),
    removeSelector: (id) => removeSelector(index, id),
    endpointsOf: (selector) => endpointsOf(index, selector),
    selectorsOf: (endpoint) => selectorsOf(index, endpoint),
  };
}

function upsertEndpoint(
  index: LabelIndex,
  id: string,
  labels: Labels,
  parents: readonly string[],
): readonly MatchDelta[] {
  const store = index.labels;
  const { slots } = index.lanes;
  const isNew = !store.endpoints.numbers.has(id);
  const number = bearerNumber(store.endpoints, id);
  const sameParents = !isNew && sameTexts([...parentsOf(store, number)], parents);
  if (sameParents && sameLabels(store.endpoints.labels[number]!, labels)) return [];
  index.version += 1;
  if (!isNew) {
    collectSlots(store, number, slots);
    fillLane(index, 0, slots);
    dropLabels(store, store.endpoints, number);
    if (!sameParents) dropParents(store, number);
  }
  putLabels(store, store.endpoints, number, labels);
  if (!sameParents) setParents(store, number, parents);
  collectSlots(store, number, slots);
  fillLane(index, PAIRED_LANES, slots);
  const deltas: MatchDelta[] = [];
  takeDeltas(index, [number], deltas);
  return deltas;
}

function removeEndpoint(index: LabelIndex, id: string): readonly MatchDelta[] {
  const store = index.labels;
  const number = store.endpoints.numbers.get(id);
  if (number === undefined) return [];
  index.version += 1;
  collectSlots(store, number, index.lanes.slots);
  fillLane(index, 0, index.lanes.slots);
  const deltas: MatchDelta[] = [];
  takeDeltas(index, [number], deltas);
  dropLabels(store, store.endpoints, number);
  dropParents(store, number);
  freeBearer(store.endpoints, number);
  return deltas;
}

function upsertParent(index: LabelIndex, id: string, labels: Labels): readonly MatchDelta[] {
  const number = bearerNumber(index.labels.parents, id);
  const old = index.labels.parents.labels[number];
  if (old !== undefined && sameLabels(old, labels)) return [];
  index.version += 1;
  return changeParent(index, number, labels);
}

function removeParent(index: LabelIndex, id: string): readonly MatchDelta[] {
  const number = index.labels.parents.numbers.get(id);
  if (number === undefined || index.labels.parents.labels[number] === undefined) return [];
  index.version += 1;
  const deltas = changeParent(index, number, undefined);
  forgetEmptyParent(index.labels, number);
  return deltas;
}

function addSelector(index: LabelIndex, id: string, selector: Selector): Matches {
  const known = index.selectors.numbers.get(id);
  if (known !== undefined) {
    index.selectors.uses[known]! += 1;
  } else {
    index.version += 1;
    putSelector(index.selectors, index.labels, id, selector);
  }
  return endpointsOf(index, id);
}

function removeSelector(index: LabelIndex, id: string): void {
  const number = index.selectors.numbers.get(id);
  assert(number !== undefined, `Selector must be in use to be removed: "${id}"`);
  index.selectors.uses[number]! -= 1;
  if (index.selectors.uses[number]! > 0) return;
  index.version += 1;
  dropSelector(index.selectors, index.labels, number);
}

function endpointsOf(index: LabelIndex, selector: string): Matches {
  const { endpoints } = index.labels;
  return new CurrentMatches(index, {
    compute() {
      const number = index.selectors.numbers.get(selector);
      if (number === undefined) return [];
      return scanEndpoints(index, number).map((endpoint) => endpoints.ids[endpoint]!);
    },
    has: (endpoint) => isMatch(index, selector, endpoint),
  });
}

function selectorsOf(index: LabelIndex, endpoint: string): Matches {
  return new CurrentMatches(index, {
    compute() {
      const number = index.labels.endpoints.numbers.get(endpoint);
      if (number === undefined) return [];
      const ids: string[] = [];
      collectSlots(index.labels, number, index.lanes.slots);
      fillLane(index, 0, index.lanes.slots);
      matchLanes(index, (selector) => ids.push(index.selectors.ids[selector]!));
      clearLanes(index.lanes);
      return ids;
    },
    has: (selector) => isMatch(index, selector, endpoint),
  });
}

function isMatch(index: LabelIndex, selector: string, endpoint: string): boolean {
  const program = index.selectors.numbers.get(selector);
  const number = index.labels.endpoints.numbers.get(endpoint);
  if (program === undefined || number === undefined) return false;
  collectSlots(index.labels, number, index.lanes.slots);
  fillLane(index, 0, index.lanes.slots);
  const matches = runOnLanes(index, program) !== 0;
  clearLanes(index.lanes);
  return matches;
}

interface Question {
  compute(): readonly string[];
  has(id: string): boolean;
}

/** A class, because an answer is made for every question and a literal with an accessor takes longer than most answers. */
class CurrentMatches implements Matches {
  #ids: readonly string[] = [];
  #version = -1;

  constructor(private readonly index: LabelIndex, private readonly question: Question) {}

  get size(): number {
    return this.#current().length;
  }

  has(id: string): boolean {
    return this.question.has(id);
  }

  [Symbol.iterator](): Iterator<string> {
    return this.#current()[Symbol.iterator]();
  }

  #current(): readonly string[] {
    if (this.#version !== this.index.version) {
      this.#ids = this.question.compute();
      this.#version = this.index.version;
    }
    return this.#ids;
  }
}

function sameTexts(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((text, at) => text === b[at]);
}
