/**
 * The objects of a new log are what the design says, and admitted like any user's.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { BUILTIN_OBJECTS } from "#/resources/builtin.ts";
import { KINDS } from "#/resources/registry.ts";
import { apiVersionOf } from "#/resources/object.ts";
import { admitted } from "#tests/unit/resources/kind_cases.ts";

Deno.test("BUILTIN_OBJECTS are two namespaces, three tiers and a pool", () => {
  assertEquals(BUILTIN_OBJECTS.map((object) => `${object.kind} ${object.metadata.name}`), [
    "Namespace default",
    "Namespace kube-system",
    "Tier kube-admin",
    "Tier default",
    "Tier kube-baseline",
    "IPPool default-ipv4-ippool",
  ]);
});

Deno.test("BUILTIN_OBJECTS are admitted by their kinds, and keep what they say", () => {
  for (const object of BUILTIN_OBJECTS) {
    const kind = KINDS.find((known) => known.kind === object.kind && apiVersionOf(known) === object.apiVersion)!;
    const stored = admitted(kind, object);
    for (const [field, value] of Object.entries(object.spec ?? {})) assertEquals(stored.spec?.[field], value);
  }
});

Deno.test("BUILTIN_OBJECTS' pool masquerades and encapsulates nothing", () => {
  assertEquals(BUILTIN_OBJECTS.at(-1)?.spec, {
    cidr: "192.168.0.0/16",
    blockSize: 26,
    natOutgoing: true,
    ipipMode: "Never",
    vxlanMode: "Never",
  });
});
