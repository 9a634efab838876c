/**
 * Selectors against endpoints. The whole matrix by the kernel, beside its twin in plain TypeScript and beside the naive evaluator, which walks every selector's
 * tree over the merged labels of every endpoint. Then the label index beside a naive one: from nothing, and the three events that a cluster is made of, an
 * endpoint relabelled, a namespace relabelled, a selector added.
 *
 *     deno run -A benches/selector.ts [--quick]
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { matchSelector, type Selector } from "#/base/selector.ts";
import { createLabelIndex, type Labels, type MatchDelta, type SelectorIndex } from "#/projections/label_index.ts";
import { createSelectorBlock } from "#/wasm-policy/selector_blocks.ts";
import { compare, type Comparison, elapsedMs, ROUNDS } from "./support/compare.ts";
import { endpointLabels, type LabelledEndpoint, type LabelWorld, labelWorld } from "./support/label_world.ts";
import { createMatrix, loadMatrix, mergedLabels, runMatrix, walkMatrix } from "./support/selector_matrix.ts";
import { type BenchOptions, type BenchRow, duration, runBench } from "./support/rows.ts";
import { seeded } from "./support/seeded.ts";

/** The plainest matcher that keeps up with changes: merged labels and matches per endpoint. */
class NaiveMatcher {
  readonly #parents: Map<string, Labels>;
  readonly #endpoints = new Map<string, LabelledEndpoint>();
  readonly #merged = new Map<string, ReadonlyMap<string, string>>();
  readonly #selectors = new Map<string, Selector>();
  readonly matches = new Map<string, Set<string>>();

  constructor(parents: ReadonlyMap<string, Labels>) {
    this.#parents = new Map(parents);
  }

  addSelector(id: string, selector: Selector): Set<string> {
    this.#selectors.set(id, selector);
    const matched = new Set<string>();
    for (const [endpoint, labels] of this.#merged) {
      if (matchSelector(selector, (key) => labels.get(key))) matched.add(endpoint);
    }
    this.matches.set(id, matched);
    return matched;
  }

  removeSelector(id: string): void {
    this.#selectors.delete(id);
    this.matches.delete(id);
  }

  upsertEndpoint(endpoint: LabelledEndpoint): MatchDelta[] {
    this.#endpoints.set(endpoint.id, endpoint);
    const labels = new Map(Object.entries({ ...this.#parents.get(endpoint.parent), ...endpoint.labels }));
    this.#merged.set(endpoint.id, labels);
    const deltas: MatchDelta[] = [];
    for (const [selector, tree] of this.#selectors) {
      const matched = this.matches.get(selector)!;
      const matches = matchSelector(tree, (key) => labels.get(key));
      if (matches === matched.has(endpoint.id)) continue;
      if (matches) matched.add(endpoint.id);
      else matched.delete(endpoint.id);
      deltas.push({ selector, endpoint: endpoint.id, change: matches ? "started" : "stopped" });
    }
    return deltas;
  }

  upsertParent(id: string, labels: Labels): MatchDelta[] {
    this.#parents.set(id, labels);
    return [...this.#endpoints.values()].filter(({ parent }) => parent === id)
      .flatMap((endpoint) => this.upsertEndpoint(endpoint));
  }
}

function indexed(world: LabelWorld): SelectorIndex {
  const index = createLabelIndex();
  for (const [id, labels] of world.parents) index.upsertParent(id, labels);
  for (const { id, labels, parent } of world.endpoints) index.upsertEndpoint(id, labels, [parent]);
  for (const { id, selector } of world.selectors) index.addSelector(id, selector);
  return index;
}

function naive(world: LabelWorld): NaiveMatcher {
  const matcher = new NaiveMatcher(world.parents);
  for (const endpoint of world.endpoints) matcher.upsertEndpoint(endpoint);
  for (const { id, selector } of world.selectors) matcher.addSelector(id, selector);
  return matcher;
}

/** Both hold the same pairs. Returns how many. */
function checkPairs(world: LabelWorld, index: SelectorIndex, matcher: NaiveMatcher): number {
  let pairs = 0;
  for (const { id } of world.selectors) {
    const matched = index.endpointsOf(id);
    const expected = matcher.matches.get(id)!;
    if (matched.size !== expected.size || [...matched].some((endpoint) => !expected.has(endpoint))) {
      throw new Error(`Index and naive evaluator must agree on selector "${id}"`);
    }
    pairs += matched.size;
  }
  return pairs;
}

function checkDeltas(ours: readonly MatchDelta[], theirs: readonly MatchDelta[]): void {
  const texts = (deltas: readonly MatchDelta[]) => deltas.map((delta) => Object.values(delta).join(" ")).sort();
  assertEquals(texts(ours), texts(theirs));
}

function row(bench: string, unit: string, { oursMs, theirsMs, ratio }: Comparison): BenchRow {
  return {
    bench: `selector: ${bench}`,
    ours: `${duration(oursMs)}${unit}`,
    counterpart: `${duration(theirsMs)}${unit} naive`,
    ratio,
    values: { oursMs, naiveMs: theirsMs, ratio: ratio.median },
  };
}

async function allPairs(rounds: number, scale: number): Promise<BenchRow> {
  const size = { namespaces: 200 / scale, endpoints: 5_000 / scale, selectors: 1_000 / scale };
  const world = labelWorld(size);
  const pairs = checkPairs(world, indexed(world), naive(world));
  console.error(`selector: ${pairs} of ${size.endpoints * size.selectors} pairs match, on both sides`);
  const result = await compare({
    rounds,
    ours: () => elapsedMs(() => void indexed(world)),
    theirs: () => elapsedMs(() => void naive(world)),
  });
  return row(`all pairs, ${size.endpoints} endpoints x ${size.selectors} selectors`, "", result);
}

async function endpointRelabel(rounds: number, scale: number): Promise<BenchRow> {
  const RELABELS = 50;
  const world = labelWorld({ namespaces: 200, endpoints: 1_000, selectors: 10_000 / scale });
  const [index, matcher] = [indexed(world), naive(world)];
  const random = seeded(2);
  const variants = Array.from(
    { length: 2 },
    () => world.endpoints.slice(0, RELABELS).map((one, at) => ({ ...one, labels: endpointLabels(random, at) })),
  );
  const upsert = ({ id, labels, parent }: LabelledEndpoint) => index.upsertEndpoint(id, labels, [parent]);
  for (const one of variants.flat()) checkDeltas(upsert(one), matcher.upsertEndpoint(one));
  let [a, b] = [0, 0];
  const result = await compare({
    rounds,
    ours: () => elapsedMs(() => variants[a++ % 2]!.forEach(upsert)) / RELABELS,
    theirs: () => elapsedMs(() => variants[b++ % 2]!.forEach((one) => matcher.upsertEndpoint(one))) / RELABELS,
  });
  return row(`endpoint relabelled, ${world.selectors.length} selectors`, "", result);
}

async function namespaceRelabel(rounds: number, scale: number): Promise<BenchRow> {
  const world = labelWorld({ namespaces: 20, endpoints: 10_000 / scale, selectors: 1_000 });
  const [index, matcher] = [indexed(world), naive(world)];
  const [id, labels] = [...world.parents][0]!;
  const variants = ["prod", "dev"].map((env) => ({ ...labels, "pcns.env": env, "pcns.team": `team-${env}` }));
  for (const variant of [...variants, ...variants]) {
    checkDeltas(index.upsertParent(id, variant), matcher.upsertParent(id, variant));
  }
  const members = world.endpoints.filter(({ parent }) => parent === id).length;
  let [a, b] = [0, 0];
  const result = await compare({
    rounds,
    ours: () => elapsedMs(() => void index.upsertParent(id, variants[a++ % 2]!)),
    theirs: () => elapsedMs(() => void matcher.upsertParent(id, variants[b++ % 2]!)),
  });
  return row(`namespace of ${members} endpoints relabelled, ${world.selectors.length} selectors`, "", result);
}

async function selectorAdded(rounds: number, scale: number): Promise<BenchRow> {
  const NEW_SELECTORS = 20;
  const world = labelWorld({ namespaces: 200, endpoints: 50_000 / scale, selectors: NEW_SELECTORS });
  const [index, matcher] = [indexed(world), naive(world)];
  checkPairs(world, index, matcher);
  const again = (target: {
    removeSelector(id: string): void;
    addSelector(id: string, selector: Selector): unknown;
  }) => {
    for (const { id } of world.selectors) target.removeSelector(id);
    return elapsedMs(() => world.selectors.forEach(({ id, selector }) => target.addSelector(id, selector))) /
      NEW_SELECTORS;
  };
  const result = await compare({ rounds, ours: () => again(index), theirs: () => again(matcher) });
  checkPairs(world, index, matcher);
  return row(`selector added, ${world.endpoints.length} endpoints`, "", result);
}

/** Sizes of the matrix: endpoints, selectors, and of how many selectors one is walked naively, whose time is then multiplied. */
const MATRIX: readonly (readonly [number, number, number])[] = [[10_000, 1_000, 1], [50_000, 2_000, 40], [
  200_000,
  10_000,
  1_000,
]];

async function matrix(
  rounds: number,
  [endpoints, selectors, step]: readonly [number, number, number],
): Promise<BenchRow[]> {
  const world = labelWorld({ namespaces: Math.ceil(endpoints / 50), endpoints, selectors });
  const [kernel, twin] = [createSelectorBlock("kernel"), createSelectorBlock("twin")];
  const form = createMatrix(world);
  for (const block of [kernel, twin]) loadMatrix(block, form);
  const counts = runMatrix(kernel, form);
  assertEquals(runMatrix(twin, form), counts);
  let walked = new Map<number, number>();
  const merged = mergedLabels(world);
  const naiveMs = elapsedMs(() => walked = walkMatrix(world, merged, step)) * step;
  for (const [at, count] of walked) assertEquals(counts[at], count, `matches of selector ${at}`);
  const pairs = counts.reduce((sum, count) => sum + count, 0);
  console.error(`selector: ${pairs} of ${endpoints * selectors} pairs match, by ${kernel.engine}, twin and tree walk`);
  const result = await compare({
    rounds,
    ours: () => elapsedMs(() => void runMatrix(kernel, form)),
    theirs: () => elapsedMs(() => void runMatrix(twin, form)),
  });
  const name = `matrix, ${endpoints} endpoints x ${selectors} selectors`;
  const times = naiveMs / result.oursMs;
  return [{
    bench: `selector: ${name}`,
    ours: duration(result.oursMs),
    counterpart: `${duration(result.theirsMs)} twin`,
    ratio: result.ratio,
    values: { oursMs: result.oursMs, twinMs: result.theirsMs, ratio: result.ratio.median },
  }, {
    bench: `selector: ${name}`,
    ours: duration(result.oursMs),
    counterpart: `${duration(naiveMs)} naive${step === 1 ? "" : `, from every ${step}th selector`}`,
    ratio: { median: times, min: times, max: times },
    values: { oursMs: result.oursMs, naiveMs, ratio: times },
  }];
}

async function selectorBench({ quick }: BenchOptions): Promise<BenchRow[]> {
  const [rounds, scale] = quick ? [1, 20] : [ROUNDS, 1];
  const rows: BenchRow[] = [];
  for (const size of quick ? [[2_000, 200, 1]] as const : MATRIX) rows.push(...await matrix(rounds, size));
  for (const part of [allPairs, endpointRelabel, namespaceRelabel, selectorAdded]) rows.push(await part(rounds, scale));
  return rows;
}

if (import.meta.main) await runBench(selectorBench);
