/** Sets that change: which atoms follow, and when rules have to be read anew. @module */
import { assertEquals } from "@std/assert";
import { parseIp } from "#/base/ip.ts";
import type { CompiledSet } from "#/policy/compiled.ts";
import { ANY_SIDE } from "#/policy/ir.ts";
import { createArena } from "#/wasm-policy/arena.ts";
import { createVocabulary, namedClass, namedMembers, ruleFacts } from "#/wasm-policy/rule_facts.ts";
import { changeSets } from "#/wasm-policy/set_changes.ts";
import { rule } from "../agents/nftables/items.ts";

function net(...members: string[]): CompiledSet {
  return { type: "net", members };
}

function ports(...members: string[]): CompiledSet {
  return { type: "ipPort", members };
}

Deno.test("changeSets() moves addresses, and tells when a set of named ports has other ports", () => {
  const sets = new Map([["s", net("10.0.0.1")], ["n", ports("10.0.0.1,tcp:80")]]);
  const vocabulary = createVocabulary(createArena(), sets);
  const asks = { ...ANY_SIDE, sets: ["s"], ports: [], portSets: ["n"] };
  const { source } = ruleFacts(rule("1/i/0", "allow", { source: asks }), vocabulary);
  const holds = (address: string) => {
    const { addresses, ports: { lists } } = vocabulary.source;
    const addressClass = addresses.classOf(parseIp(address)!);
    const portClass = namedClass(vocabulary.source, { addressClass, protocol: 6, port: 80 });
    const inSet = source.all.every((atom) => addresses.lists.list(addressClass).includes(atom));
    return [inSet, source.anyPort!.some((atom) => lists.list(portClass).includes(atom))];
  };
  assertEquals([holds("10.0.0.1"), holds("10.0.0.2")], [[true, true], [false, false]]);
  assertEquals(changeSets(vocabulary, sets), { changed: false, otherPorts: false });
  assertEquals(changeSets(vocabulary, new Map(sets)), { changed: false, otherPorts: false });
  const moved = new Map([["s", net("10.0.0.2")], ["n", ports("10.0.0.2,tcp:80")]]);
  assertEquals(changeSets(vocabulary, moved), { changed: true, otherPorts: false });
  assertEquals([holds("10.0.0.1"), holds("10.0.0.2")], [[false, false], [true, true]]);
  const other = new Map([...moved, ["n", ports("10.0.0.2,tcp:81")] as const]);
  assertEquals(changeSets(vocabulary, other), { changed: true, otherPorts: true });
  assertEquals(holds("10.0.0.2"), [true, false]);
  assertEquals(changeSets(vocabulary, new Map()), { changed: true, otherPorts: false });
  assertEquals(holds("10.0.0.2"), [false, false]);
});

Deno.test("namedMembers() sorts members by protocol and port, and leaves out sets of another type", () => {
  const members = namedMembers(ports("10.0.0.1,tcp:80", "fd00::1,tcp:80", "10.0.0.1,132:80"));
  assertEquals([...members], [["6:80", ["10.0.0.1", "fd00::1"]], ["132:80", ["10.0.0.1"]]]);
  assertEquals(namedMembers(net("10.0.0.1,tcp:80")).size, 0);
});
