/**
 * The label index against a model that tries every selector on every endpoint with merged labels.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { matchSelector, type Selector } from "#/base/selector.ts";
import { parseSelector } from "#/base/selector_parser.ts";
import { createLabelIndex, type MatchDelta, type SelectorIndex } from "#/projections/label_index.ts";

const SELECTORS: readonly Selector[] = [
  "all()",
  "app == 'a'",
  "app in {'a', 'b'}",
  "has(env)",
  "!has(env)",
  "app == 'a' && env == 'b'",
  "app == 'a' || env == 'b'",
  "app in {}",
  "env contains 'a' && app != 'b'",
  "has(constructor)",
  "app == 'a' && app == 'b'",
  "pcns.env == 'a' && app == 'a'",
].map((text) => {
  const parsed = parseSelector(text);
  if (parsed.kind === "invalid") throw new Error(parsed.message);
  return parsed.selector;
});

const value = fc.constantFrom("a", "b", "");
const labels = fc.dictionary(fc.constantFrom("app", "env", "pcns.env", "constructor"), value, { maxKeys: 3 });
const parent = fc.constantFrom("k1", "k2");

const move = fc.oneof(
  fc.record({
    kind: fc.constant("endpoint" as const),
    id: fc.nat(5),
    labels,
    parents: fc.shuffledSubarray(["k1", "k2"]),
  }),
  fc.record({ kind: fc.constant("no endpoint" as const), id: fc.nat(5) }),
  fc.record({ kind: fc.constant("parent" as const), id: parent, labels }),
  fc.record({ kind: fc.constant("no parent" as const), id: parent }),
  fc.record({ kind: fc.constant("selector" as const), id: fc.nat(SELECTORS.length - 1) }),
  fc.record({ kind: fc.constant("no selector" as const), id: fc.nat(SELECTORS.length - 1) }),
);
type Move = typeof move extends fc.Arbitrary<infer T> ? T : never;

/** What is there, and the matching pairs as the index's answers tell them. */
interface Model {
  readonly endpoints: Map<string, { readonly labels: Record<string, string>; readonly parents: readonly string[] }>;
  readonly parents: Map<string, Record<string, string>>;
  readonly uses: Map<number, number>;
  readonly told: Set<string>;
}

Deno.test("createLabelIndex() agrees with trying every selector on every endpoint, and its deltas with both", () => {
  fc.assert(
    fc.property(fc.array(move, { maxLength: 80, size: "max" }), (moves) => {
      const index = createLabelIndex();
      const model: Model = { endpoints: new Map(), parents: new Map(), uses: new Map(), told: new Set() };
      for (const each of moves) {
        carryOut(index, model, each);
        const expected = expectedPairs(model);
        assertEquals([...model.told].sort(), expected);
        const bySelector = [...model.uses.keys()].flatMap((id) =>
          [...index.endpointsOf(`s${id}`)].map((endpoint) => `s${id} ${endpoint}`)
        );
        const byEndpoint = [...model.endpoints.keys()].flatMap((endpoint) =>
          [...index.selectorsOf(endpoint)].map((id) => `${id} ${endpoint}`)
        );
        assertEquals(bySelector.sort(), expected);
        assertEquals(byEndpoint.sort(), expected);
      }
    }),
    { numRuns: 300 },
  );
});

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
      for (const endpoint of index.addSelector(`s${move.id}`, SELECTORS[move.id]!)) {
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
      if (count > 0 && matchSelector(SELECTORS[id]!, (key) => merged.get(key))) pairs.push(`s${id} ${endpoint}`);
    }
  }
  return pairs.sort();
}
