/**
 * Where made-up addresses matter, people are told.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import type { JsonObject } from "#/base/json.ts";
import { addressNotes } from "#/projections/manifest_networks.ts";

const object = (kind: string, name: string, spec: JsonObject) => ({
  apiVersion: "v1",
  kind,
  metadata: { name },
  spec,
});

const NAMED: readonly { readonly name: string; readonly spec: JsonObject; readonly isNarrow: boolean }[] = [
  { name: "nets of a rule", spec: { ingress: [{ source: { nets: ["0.0.0.0/0", "10.0.0.0/8"] } }] }, isNarrow: true },
  { name: "notNets", spec: { egress: [{ destination: { notNets: ["10.0.0.0/8"] } }] }, isNarrow: true },
  {
    name: "a network less exceptions",
    spec: { from: [{ ipBlock: { cidr: "::/0", except: ["fd00::/8"] } }] },
    isNarrow: true,
  },
  { name: "networks of a peer", spec: { egress: [{ to: [{ networks: ["10.0.0.0/8"] }] }] }, isNarrow: true },
  { name: "whole families", spec: { from: [{ ipBlock: { cidr: "0.0.0.0/0" } }], nets: ["::/0"] }, isNarrow: false },
  { name: "no network", spec: { selector: "nets == '10.0.0.0/8'" }, isNarrow: false },
];

for (const { name, spec, isNarrow } of NAMED) {
  Deno.test(`addressNotes() ${isNarrow ? "tells of" : "says nothing of"} ${name}`, () => {
    assertEquals(addressNotes(["shop/a"], [object("GlobalNetworkPolicy", "p", spec)]).length, isNarrow ? 1 : 0);
  });
}

Deno.test("addressNotes() names one of several, and how many more there are", () => {
  const sets = ["a", "b", "c"].map((name) => object("GlobalNetworkSet", name, { nets: ["10.0.0.0/8"] }));
  assertEquals(addressNotes(["shop/a", "shop/b"], sets), [
    "No address is known of shop/a and 1 more: where networks are named (GlobalNetworkSet a and 2 more), " +
    "one of 240.0.0.0/4 and one of 100::/64 are taken for theirs",
  ]);
  assertEquals(addressNotes([], sets), []);
});
