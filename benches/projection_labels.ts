/**
 * The three events of the label index that fan out, at the sizes at which Calico's own label index is measured: an endpoint relabelled among 10,000 selectors, a
 * namespace relabelled among 100,000 endpoints (one child each, and one with all of them), a selector added to 100,000 endpoints (with and without matches).
 * The shapes are Calico's: selectors `alpha == "beta" && has(ipset-N)`. Calico itself does not run here; the counterpart is a naive matcher behind the same port.
 *
 *     deno run -A benches/projection_labels.ts [--quick]
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import type { Selector } from "#/base/selector.ts";
import { createLabelIndex, type Labels, type MatchDelta, type SelectorIndex } from "#/projections/label_index.ts";
import { compare, elapsedMs, ROUNDS } from "./support/compare.ts";
import { createNaiveIndex } from "./support/naive_index.ts";
import { type BenchOptions, type BenchRow, duration, runBench } from "./support/rows.ts";

interface Sizes {
  readonly selectors: number;
  readonly endpoints: number;
  readonly rounds: number;
}

/** One event, done so often that a clock sees it; returns how often. */
type Events = (index: SelectorIndex, round: number) => number;

const OWN: Labels = { alpha: "beta", "ipset-1": "true" };
const OTHER: Labels = { alpha: "beta", "ipset-2": "true" };

function ipSetSelector(at: number): Selector {
  return {
    kind: "and",
    operands: [{ kind: "equals", key: "alpha", value: "beta" }, { kind: "has", key: `ipset-${at}` }],
  };
}

function nameSelector(at: number): Selector {
  return { kind: "equals", key: "projectcalico.org/name", value: `namespace-${at}` };
}

function fill(index: SelectorIndex, endpoints: number, parentOf: (at: number) => string): void {
  for (let at = 0; at < endpoints; at++) index.upsertEndpoint(`wep-${at}`, OWN, [parentOf(at)]);
}

function texts(deltas: readonly MatchDelta[]): string[] {
  return deltas.map((delta) => Object.values(delta).join(" ")).sort();
}

async function measure(
  bench: string,
  sizes: Sizes,
  prepare: (index: SelectorIndex) => void,
  events: Events,
): Promise<BenchRow> {
  const [ours, naive] = [createLabelIndex(), createNaiveIndex()];
  for (const index of [ours, naive]) prepare(index);
  const side = (index: SelectorIndex) => {
    let round = 0;
    return () => {
      let count = 1;
      const ms = elapsedMs(() => count = events(index, round++));
      return ms / count;
    };
  };
  const { oursMs, theirsMs, ratio } = await compare({ rounds: sizes.rounds, ours: side(ours), theirs: side(naive) });
  return {
    bench: `labels: ${bench}`,
    ours: duration(oursMs),
    counterpart: `${duration(theirsMs)} naive`,
    ratio,
    values: { oursMs, naiveMs: theirsMs, ratio: ratio.median },
  };
}

/** Both sides must tell the same deltas, at a size that lets every pair be looked at. */
function check(): void {
  const [ours, naive] = [createLabelIndex(), createNaiveIndex()];
  for (const index of [ours, naive]) {
    fill(index, 300, (at) => `namespace-${at % 2}`);
    for (let at = 0; at < 20; at++) index.addSelector(`has-${at}`, ipSetSelector(at));
    for (let at = 0; at < 20; at++) index.addSelector(`name-${at}`, nameSelector(at));
  }
  const same = (act: (index: SelectorIndex) => readonly MatchDelta[]) => {
    const [mine, theirs] = [texts(act(ours)), texts(act(naive))];
    assertEquals(mine, theirs);
    return mine.length;
  };
  const told = [
    same((index) => index.upsertEndpoint("wep-5", OTHER, ["namespace-1"])),
    same((index) => index.upsertParent("namespace-1", { "projectcalico.org/name": "namespace-1" })),
    same((index) => index.upsertParent("namespace-1", { "projectcalico.org/name": "namespace-2" })),
    same((index) => index.removeEndpoint("wep-5")),
  ];
  assertEquals(told, [2, 150, 300, 2]);
  for (let at = 0; at < 20; at++) {
    assertEquals([...ours.endpointsOf(`has-${at}`)].sort(), [...naive.endpointsOf(`has-${at}`)].sort());
  }
}

async function labelsBench({ quick }: BenchOptions): Promise<BenchRow[]> {
  check();
  const sizes = quick
    ? { selectors: 200, endpoints: 1_000, rounds: 1 }
    : { selectors: 10_000, endpoints: 100_000, rounds: ROUNDS };
  const selectorsOnly = (index: SelectorIndex) => {
    for (let at = 0; at < sizes.selectors; at++) index.addSelector(`ipset-${at}`, ipSetSelector(at));
    fill(index, 10, (at) => `namespace-${at}`);
  };
  const namespaced = (parentOf: (at: number) => string) => (index: SelectorIndex) => {
    fill(index, sizes.endpoints, parentOf);
    for (let at = 0; at < 100; at++) index.addSelector(`name-${at}`, nameSelector(at));
  };
  const relabelled: Events = (index, round) => {
    for (let at = 0; at < 10; at++) {
      index.upsertEndpoint(`wep-${at}`, round % 2 === 0 ? OTHER : OWN, [`namespace-${at}`]);
    }
    return 10;
  };
  const renamed = (count: number): Events => (index, round) => {
    for (let at = 0; at < count; at++) {
      index.upsertParent(`namespace-${at}`, { "projectcalico.org/name": `namespace-${at + round % 2}`, shared: "foo" });
    }
    return count;
  };
  const added = (key: number): Events => (index) => {
    const size = [...index.addSelector("new", ipSetSelector(key))].length;
    assertEquals(size, key === 1 ? sizes.endpoints : 0);
    index.removeSelector("new");
    return 1;
  };
  const all = (index: SelectorIndex) => fill(index, sizes.endpoints, (at) => `namespace-${at}`);
  const { endpoints, selectors } = sizes;
  return [
    await measure(`endpoint relabelled, ${selectors} selectors`, sizes, selectorsOnly, relabelled),
    await measure(
      `namespace of one relabelled, ${endpoints} endpoints`,
      sizes,
      namespaced((at) => `namespace-${at}`),
      renamed(50),
    ),
    await measure(
      `namespace of all relabelled, ${endpoints} endpoints`,
      sizes,
      namespaced(() => "namespace-0"),
      renamed(1),
    ),
    await measure(`selector added that all match, ${endpoints} endpoints`, sizes, all, added(1)),
    await measure(`selector added that none match, ${endpoints} endpoints`, sizes, all, added(3)),
  ];
}

if (import.meta.main) await runBench(labelsBench);
