/**
 * Values that may be written as number or text, in the one form that is stored.
 *
 * @module
 */
import { assertEquals, assertStrictEquals } from "@std/assert";
import type { Json } from "#/base/json.ts";
import {
  canonicalAsNumber,
  canonicalPort,
  canonicalPortProtocol,
  canonicalProtocol,
  mapItems,
  mapMember,
  mapSpec,
  withDefaults,
  withLabel,
} from "#/resources/canonical_values.ts";

interface CanonicalCase {
  readonly rewrite: (value: Json) => Json;
  readonly rows: readonly (readonly [Json, Json])[];
}

const CASES: readonly CanonicalCase[] = [
  {
    rewrite: canonicalProtocol,
    rows: [["tcp", "TCP"], ["udpLITE", "UDPLite"], ["6", 6], [6, 6], ["0", "0"], ["256", "256"], ["x", "x"], [
      null,
      null,
    ], [true, true]],
  },
  {
    rewrite: canonicalPortProtocol,
    rows: [[6, "TCP"], ["17", "UDP"], ["sctp", "SCTP"], [1, 1], ["udplite", "UDPLite"], [136, 136], ["x", "x"]],
  },
  {
    rewrite: canonicalPort,
    rows: [
      ["80", 80],
      ["0080", 80],
      ["80:80", 80],
      ["80:090", "80:90"],
      ["90:80", "90:80"],
      ["0", "0"],
      ["http", "http"],
      [80, 80],
      [{}, {}],
    ],
  },
  {
    rewrite: canonicalAsNumber,
    rows: [["1", 1], ["0.1", 1], ["65535.65535", 4_294_967_295], ["65536.0", "65536.0"], ["1.2.3", "1.2.3"], [1, 1], [
      "",
      "",
    ]],
  },
];

for (const { rewrite, rows } of CASES) {
  Deno.test(`${rewrite.name}() gives the stored form, and leaves what it cannot read`, () => {
    for (const [value, expected] of rows) {
      assertEquals(rewrite(value), expected);
      assertEquals(rewrite(rewrite(value)), expected);
    }
  });
}

Deno.test("mapMember(), mapItems() and mapSpec() leave other shapes alone", () => {
  const never = () => "rewritten";
  assertEquals([mapMember("a", "b", never), mapMember([1], "b", never), mapMember({ c: 1 }, "b", never)], ["a", [1], {
    c: 1,
  }]);
  assertEquals([mapItems("a", never), mapItems({ b: 1 }, never), mapItems([1, 2], never)], ["a", { b: 1 }, [
    "rewritten",
    "rewritten",
  ]]);
  const object = { apiVersion: "v1", kind: "A", metadata: { name: "a" } };
  assertStrictEquals(mapSpec(object, () => ({ b: 1 })), object);
  assertEquals(mapSpec({ ...object, spec: {} }, () => ({ b: 1 })).spec, { b: 1 });
});

Deno.test("withDefaults() fills what is missing or empty, and nothing else", () => {
  assertEquals(withDefaults({ a: "", b: false, c: 0 }, { a: 1, b: true, c: 2, d: 3 }), { a: 1, b: false, c: 0, d: 3 });
  const full = { a: 1 };
  assertStrictEquals(withDefaults(full, { a: 2 }), full);
});

Deno.test("withLabel() sets a label beside the others", () => {
  const object = { apiVersion: "v1", kind: "A", metadata: { name: "a", labels: { x: "1", y: "2" } } };
  assertEquals(withLabel(object, "x", "3").metadata.labels, { x: "3", y: "2" });
  assertStrictEquals(withLabel(object, "x", "1"), object);
});
