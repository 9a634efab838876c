/**
 * What the label index keeps of labels: values while somebody bears them, of mentioned labels alone.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import {
  bearerNumber,
  collectSlots,
  createLabelStore,
  dropLabels,
  dropParents,
  freeBearer,
  mentionLabel,
  parentsOf,
  putLabels,
  setParents,
} from "#/projections/label_index_labels.ts";
import { acquireLeaf } from "#/wasm-policy/selector_leaves.ts";

Deno.test("mentionLabel() finds who bears a label already, and putLabels() those who come", () => {
  const store = createLabelStore();
  const early = bearerNumber(store.endpoints, "early");
  putLabels(store, store.endpoints, early, { app: "web", other: "x" });
  assertEquals([...store.unmentioned], [["app", 1], ["other", 1]]);
  mentionLabel(store, "app");
  const late = bearerNumber(store.endpoints, "late");
  putLabels(store, store.endpoints, late, { app: "db" });
  assertEquals([...store.leaves.keys.get("app")!.values.keys()], ["web", "db"]);
  dropLabels(store, store.endpoints, early);
  assertEquals([...store.leaves.keys.get("app")!.values.keys()], ["db"]);
  assertEquals(store.unmentioned.size, 0);
  freeBearer(store.endpoints, early);
  assertEquals(bearerNumber(store.endpoints, "third"), early);
});

Deno.test("collectSlots() prefers the own label, then the first parent that has it, or what is put in a parent's stead", () => {
  const store = createLabelStore();
  mentionLabel(store, "app");
  const slotOf = (value: string) => acquireLeaf(store.leaves, { kind: "equals", key: "app", value });
  const [own, first, second] = [slotOf("own"), slotOf("first"), slotOf("second")];
  const endpoint = bearerNumber(store.endpoints, "e");
  setParents(store, endpoint, ["p1", "p2"]);
  assertEquals([...parentsOf(store, endpoint)], ["p1", "p2"]);
  const slots: number[] = [];
  const collected = (instead?: { parent: number; values: number[] }) => {
    collectSlots(store, endpoint, slots, instead);
    return [...slots];
  };
  assertEquals(collected(), []);
  putLabels(store, store.parents, bearerNumber(store.parents, "p2"), { app: "second" });
  assertEquals(collected(), [second]);
  const parent = bearerNumber(store.parents, "p1");
  putLabels(store, store.parents, parent, { app: "first" });
  assertEquals(collected(), [first]);
  assertEquals(collected({ parent, values: [] }), [second]);
  putLabels(store, store.endpoints, endpoint, { app: "own" });
  assertEquals(collected(), [own]);
});

Deno.test("dropParents() forgets parents that have neither labels nor children", () => {
  const store = createLabelStore();
  const endpoint = bearerNumber(store.endpoints, "e");
  putLabels(store, store.parents, bearerNumber(store.parents, "kept"), {});
  setParents(store, endpoint, ["kept", "named", "named"]);
  dropParents(store, endpoint);
  assertEquals([...store.parents.numbers.keys()], ["kept"]);
});
