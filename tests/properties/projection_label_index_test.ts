/**
 * The label index against a model that tries every selector on every endpoint with merged labels.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { matchSelector, type Selector } from "#/base/selector.ts";
import { createLabelIndex, type Labels, type MatchDelta, type SelectorIndex } from "#/projections/label_index.ts";
import { labels, selector } from "./selector_worlds.ts";

const SELECTORS = 8;
const PARENTS: readonly string[] = ["k1", "k2", "k3"];

/** More children than the index compares by words, so that it compares them by blocks, of which it needs several. */
const MANY_CHILDREN = 600;

const parent = fc.constantFrom(...PARENTS);

const move = fc.oneof(
  fc.record({
    kind: fc.constant("endpoint" as const),
    id: fc.nat(5),
    labels,
    parents: fc.array(parent, { maxLength: 3 }),
  }),
  fc.record({ kind: fc.constant("no endpoint" as const), id: fc.nat(5) }),
  fc.record({ kind: fc.constant("parent" as const), id: parent, labels }),
  fc.record({ kind: fc.constant("no parent" as const), id: parent }),
  fc.record({ kind: fc.constant("selector" as const), id: fc.nat(SELECTORS - 1) }),
  fc.record({ kind: fc.constant("no selector" as const), id: fc.nat(SELECTORS - 1) }),
);
type Move = typeof move extends fc.Arbitrary<infer T> ? T : never;

/** What is there, and the matching pairs as the index's answers tell them. */
interface Model {
  readonly selectors: readonly Selector[];
  readonly endpoints: Map<string, { readonly labels: Labels; readonly parents: readonly string[] }>;
  readonly parents: Map<string, Labels>;
  readonly uses: Map<number, number>;
  readonly told: Set<string>;
}

function newModel(selectors: readonly Selector[]): Model {
  return { selectors, endpoints: new Map(), parents: new Map(), uses: new Map(), told: new Set() };
}

const pool = fc.array(selector, { minLength: SELECTORS, maxLength: SELECTORS });

Deno.test("createLabelIndex() agrees with trying every selector on every endpoint, and its deltas with both", () => {
  fc.assert(
    fc.property(pool, fc.array(move, { maxLength: 80, size: "max" }), (selectors, moves) => {
      const index = createLabelIndex();
      const model = newModel(selectors);
      for (const each of moves) {
        carryOut(index, model, each);
        const expected = expectedPairs(model);
        assertEquals([...model.told].sort(), expected);
        assertEquals(pairsBySelector(index, model), expected);
        assertEquals(pairsByEndpoint(index, model), expected);
      }
      assertEquals(pairsBySelector(fromNothing(model), model), pairsBySelector(index, model));
    }),
    { numRuns: 300 },
  );
});

Deno.test("createLabelIndex() compares many children of a parent as it compares few", () => {
  let told = 0;
  const bearer = fc.record({ labels, parents: fc.shuffledSubarray([...PARENTS], { minLength: 2 }) });
  fc.assert(
    fc.property(
      pool,
      fc.array(bearer, { minLength: 1, maxLength: 12 }),
      fc.array(fc.record({ id: parent, labels: fc.option(labels, { nil: undefined }) }), {
        minLength: 1,
        maxLength: 6,
      }),
      (selectors, kinds, changes) => {
        const index = createLabelIndex();
        const model = newModel(selectors);
        for (let id = 0; id < MANY_CHILDREN; id++) {
          carryOut(index, model, { kind: "endpoint", id, ...kinds[(id * id) % kinds.length]! });
        }
        for (const id of selectors.keys()) carryOut(index, model, { kind: "selector", id });
        for (const { id, labels } of changes) {
          const before = model.told.size;
          carryOut(index, model, labels === undefined ? { kind: "no parent", id } : { kind: "parent", id, labels });
          told += Math.abs(model.told.size - before);
        }
        const expected = expectedPairs(model);
        assertEquals([...model.told].sort(), expected);
        assertEquals(pairsBySelector(index, model), expected);
      },
    ),
    { numRuns: 25 },
  );
  assert(told > MANY_CHILDREN, `Changes of parents must have changed matches: ${told}`);
});

function pairsBySelector(index: SelectorIndex, model: Model): string[] {
  return [...model.uses.keys()].flatMap((id) => {
    const matches = index.endpointsOf(`s${id}`);
    const pairs = [...matches].map((endpoint) => `s${id} ${endpoint}`);
    assertEquals(matches.size, pairs.length);
    return pairs;
  }).sort();
}

function pairsByEndpoint(index: SelectorIndex, model: Model): string[] {
  const selectors = model.selectors.map((_, id) => `s${id}`);
  return [...model.endpoints.keys()].flatMap((endpoint) => {
    const matches = index.selectorsOf(endpoint);
    assertEquals([...matches].sort(), selectors.filter((id) => matches.has(id)));
    return [...matches].map((id) => `${id} ${endpoint}`);
  }).sort();
}

/** What a model holds, put into an index in another order: selectors, endpoints, parents. */
function fromNothing(model: Model): SelectorIndex {
  const index = createLabelIndex();
  for (const [id, count] of model.uses) if (count > 0) index.addSelector(`s${id}`, model.selectors[id]!);
  for (const [id, { labels, parents }] of [...model.endpoints].reverse()) index.upsertEndpoint(id, labels, parents);
  for (const [id, labels] of model.parents) index.upsertParent(id, labels);
  return index;
}

function carryOut(index: SelectorIndex, model: Model, move: Move): void {
  switch (move.kind) {
    case "endpoint":
      model.endpoints.set(`e${move.id}`, { labels: move.labels, parents: move.parents });
      return hear(model, index.upsertEndpoint(`e${move.id}`, move.labels, move.parents));
    case "no endpoint":
      model.endpoints.delete(`e${move.id}`);
      return hear(model, index.removeEndpoint(`e${move.id}`));
    case "parent":
      model.parents.set(move.id, move.labels);
      return hear(model, index.upsertParent(move.id, move.labels));
    case "no parent":
      model.parents.delete(move.id);
      return hear(model, index.removeParent(move.id));
    case "selector":
      model.uses.set(move.id, (model.uses.get(move.id) ?? 0) + 1);
      for (const endpoint of index.addSelector(`s${move.id}`, model.selectors[move.id]!)) {
        model.told.add(`s${move.id} ${endpoint}`);
      }
      return;
    case "no selector": {
      const left = (model.uses.get(move.id) ?? 0) - 1;
      if (left < 0) return;
      model.uses.set(move.id, left);
      index.removeSelector(`s${move.id}`);
      if (left > 0) return;
      for (const pair of [...model.told]) if (pair.startsWith(`s${move.id} `)) model.told.delete(pair);
    }
  }
}

/** Takes deltas, each of which must change something. */
function hear(model: Model, deltas: readonly MatchDelta[]): void {
  for (const { selector, endpoint, change } of deltas) {
    const pair = `${selector} ${endpoint}`;
    assertEquals(model.told.has(pair), change === "stopped", pair);
    if (change === "started") model.told.add(pair);
    else model.told.delete(pair);
  }
}

function expectedPairs(model: Model): string[] {
  const pairs: string[] = [];
  for (const [endpoint, { labels, parents }] of model.endpoints) {
    const merged = new Map<string, string>();
    for (const from of [labels, ...parents.map((name) => model.parents.get(name) ?? {})]) {
      for (const [key, text] of Object.entries(from)) if (!merged.has(key)) merged.set(key, text);
    }
    for (const [id, count] of model.uses) {
      if (count > 0 && matchSelector(model.selectors[id]!, (key) => merged.get(key))) pairs.push(`s${id} ${endpoint}`);
    }
  }
  return pairs.sort();
}
