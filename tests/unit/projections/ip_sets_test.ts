/**
 * Members of sets as endpoints come, change and go.
 *
 * @module
 */
import { assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { AssertionFailure } from "#/base/assert.ts";
import { equals } from "#/base/selector.ts";
import { namedPortSet, selectorSet, serviceSet } from "#/policy/lowering/set_definition.ts";
import {
  acquireSet,
  applyMatchToSets,
  createIpSets,
  drainSetChanges,
  type IpSets,
  releaseSet,
  setItem,
  setPeer,
  setSlice,
} from "#/projections/ip_sets.ts";
import { createLabelIndex, type SelectorIndex } from "#/projections/label_index.ts";

const WEB = selectorSet(equals("app", "web"));

interface World {
  readonly index: SelectorIndex;
  readonly sets: IpSets;
}

function endpoint({ index, sets }: World, id: string, app: string, nets: string[], port?: number): void {
  const ports = port === undefined ? [] : [{ name: "http", protocol: 6, port }];
  setPeer(sets, index, id, { nets, addresses: nets, ports });
  for (const delta of index.upsertEndpoint(id, { app }, [])) applyMatchToSets(sets, delta);
}

function gone({ index, sets }: World, id: string): void {
  setPeer(sets, index, id, undefined);
  for (const delta of index.removeEndpoint(id)) applyMatchToSets(sets, delta);
}

function newWorld(): World {
  return { index: createLabelIndex(), sets: createIpSets() };
}

Deno.test("acquireSet() fills a set with what matches, and setPeer() follows changes of addresses", () => {
  const world = newWorld();
  endpoint(world, "a", "web", ["10.0.0.2"]);
  endpoint(world, "b", "db", ["10.0.0.3"]);
  acquireSet(world.sets, world.index, WEB);
  assertEquals(setItem(world.sets, WEB.id), { kind: "set", id: WEB.id, type: "net", members: ["10.0.0.2"] });
  endpoint(world, "a", "web", ["10.0.0.1", "10.0.0.2"]);
  endpoint(world, "b", "web", ["10.0.0.3"]);
  assertEquals(setItem(world.sets, WEB.id)?.members, ["10.0.0.1", "10.0.0.2", "10.0.0.3"]);
  gone(world, "a");
  assertEquals(setItem(world.sets, WEB.id)?.members, ["10.0.0.3"]);
});

Deno.test("setItem() keeps a member until its last contributor goes, and one object until members change", () => {
  const world = newWorld();
  acquireSet(world.sets, world.index, WEB);
  endpoint(world, "a", "web", ["10.0.0.1"]);
  endpoint(world, "b", "web", ["10.0.0.1"]);
  const item = setItem(world.sets, WEB.id);
  gone(world, "a");
  assertStrictEquals(setItem(world.sets, WEB.id), item);
  gone(world, "b");
  assertEquals(setItem(world.sets, WEB.id)?.members, []);
});

Deno.test("setItem() counts many members, and few that are there twice", () => {
  const world = newWorld();
  acquireSet(world.sets, world.index, WEB);
  const names = Array.from({ length: 20 }, (_, at) => `10.0.0.${at + 10}`);
  for (const name of names) endpoint(world, name, "web", [name]);
  endpoint(world, "all", "web", names);
  assertEquals(setItem(world.sets, WEB.id)?.members, names);
  for (const name of names) gone(world, name);
  assertEquals(setItem(world.sets, WEB.id)?.members, names);
  endpoint(world, "all", "web", names.slice(0, 2));
  assertEquals(setItem(world.sets, WEB.id)?.members, names.slice(0, 2));
  gone(world, "all");
  assertEquals(setItem(world.sets, WEB.id)?.members, []);
});

Deno.test("drainSetChanges() tells the net change of sets that were there, over their own end and return as well", () => {
  const world = newWorld();
  acquireSet(world.sets, world.index, WEB);
  endpoint(world, "a", "web", ["10.0.0.1"]);
  endpoint(world, "b", "web", ["10.0.0.2"]);
  assertEquals(drainSetChanges(world.sets).changes.size, 0, "a new set is told whole");
  endpoint(world, "c", "web", ["10.0.0.3"]);
  assertEquals([...drainSetChanges(world.sets).changes], [[WEB.id, { add: ["10.0.0.3"], del: [] }]]);
  gone(world, "c");
  drainSetChanges(world.sets);
  endpoint(world, "a", "db", ["10.0.0.1"]);
  endpoint(world, "a", "web", ["10.0.0.1"]);
  assertEquals(drainSetChanges(world.sets).changes.size, 0);
  releaseSet(world.sets, world.index, WEB.id);
  endpoint(world, "b", "web", ["10.0.0.9"]);
  acquireSet(world.sets, world.index, WEB);
  assertEquals([...drainSetChanges(world.sets).changes], [[WEB.id, { add: ["10.0.0.9"], del: ["10.0.0.2"] }]]);
  releaseSet(world.sets, world.index, WEB.id);
  assertEquals(setItem(world.sets, WEB.id), undefined);
  assertEquals(drainSetChanges(world.sets).gone, [WEB.id]);
  assertEquals([world.sets.sets.size, world.sets.bySource.size], [0, 0]);
  assertThrows(() => releaseSet(world.sets, world.index, WEB.id), AssertionFailure);
});

Deno.test("setItem() holds address, protocol and number of named ports", () => {
  const world = newWorld();
  const tcp = namedPortSet(equals("app", "web"), { name: "http", protocol: 6 });
  const udp = namedPortSet(equals("app", "web"), { name: "http", protocol: 17 });
  const any = namedPortSet(equals("app", "web"), { name: "http", protocol: "any" });
  for (const set of [tcp, udp, any]) acquireSet(world.sets, world.index, set);
  endpoint(world, "a", "web", ["10.0.0.1", "fd00::1"], 8080);
  endpoint(world, "b", "db", ["10.0.0.2"], 8080);
  assertEquals(setItem(world.sets, tcp.id)?.members, ["10.0.0.1,tcp:8080", "fd00::1,tcp:8080"]);
  assertEquals(setItem(world.sets, udp.id)?.members, []);
  assertEquals(setItem(world.sets, any.id)?.members, ["10.0.0.1,tcp:8080", "fd00::1,tcp:8080"]);
  assertEquals(setItem(world.sets, any.id)?.type, "ipPort");
});

Deno.test("setSlice() counts what slices of one Service share, before and after the set is there", () => {
  const { sets, index } = newWorld();
  const ports = serviceSet("shop/db", "ipPort");
  const addresses = serviceSet("shop/db", "net");
  const slice = (...listed: string[]) => ({ service: "shop/db", addresses: listed, ports: ["tcp:5432"] });
  setSlice(sets, "shop/a", slice("10.0.0.1"));
  for (const set of [ports, addresses]) acquireSet(sets, index, set);
  setSlice(sets, "shop/b", slice("10.0.0.1", "10.0.0.2"));
  setSlice(sets, "shop/other", { ...slice("10.0.0.9"), service: "shop/web" });
  assertEquals(setItem(sets, ports.id)?.members, ["10.0.0.1,tcp:5432", "10.0.0.2,tcp:5432"]);
  assertEquals(setItem(sets, addresses.id), {
    kind: "set",
    id: addresses.id,
    type: "net",
    members: ["10.0.0.1", "10.0.0.2"],
  });
  drainSetChanges(sets);
  setSlice(sets, "shop/b", { ...slice("10.0.0.2"), service: "shop/web" });
  assertEquals([...drainSetChanges(sets).changes.values()], [{ add: [], del: ["10.0.0.2,tcp:5432"] }, {
    add: [],
    del: ["10.0.0.2"],
  }]);
  for (const set of [ports, addresses]) releaseSet(sets, index, set.id);
  drainSetChanges(sets);
  assertEquals([sets.sets.size, sets.bySource.size], [0, 0]);
});
