/**
 * Shared pieces of schema, each at both sides of its rule.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import type { z } from "zod";
import { conditionList as coreConditionList, localReferenceList } from "#/resources/kinds/core_schema.ts";
import {
  asNumber,
  cidrText,
  conditionList,
  dnsNameText,
  durationText,
  filledText,
  hostCidrText,
  interfaceAddressText,
  interfaceNameText,
  ipText,
  macText,
  networkText,
  portNameText,
  secretKeyRef,
  SELECTOR_LENGTH_MAX,
  selectorText,
  uniqueList,
} from "#/resources/kinds/field_schema.ts";

interface FieldCase {
  readonly name: string;
  readonly schema: z.ZodType;
  readonly good: readonly unknown[];
  readonly bad: readonly unknown[];
}

const CASES: readonly FieldCase[] = [
  {
    name: "dnsNameText()",
    schema: dnsNameText(),
    good: ["a", "kns.shop", "x".repeat(253)],
    bad: ["", ".a", "A", "a_b", "x".repeat(254), 5],
  },
  {
    name: "portNameText()",
    schema: portNameText(),
    good: ["http", "9p", "x".repeat(15)],
    bad: ["", "80", "HTTP", "a--b", "x".repeat(16), 80],
  },
  { name: 'portNameText("optional")', schema: portNameText("optional"), good: ["", "http"], bad: ["80", "a_b"] },
  {
    name: "networkText()",
    schema: networkText(),
    good: ["10.0.0.1", "10.0.0.1/8", "fd00::1/64", "0.0.0.0/0"],
    bad: ["", "10.0.0", "10.0.0.0/33", "10.0.0.1-10.0.0.2", 5],
  },
  {
    name: "selectorText()",
    schema: selectorText(),
    good: ["", " ", "all()", "a == 'b' && has(c)", 'a == "global()"', "x".repeat(500) + " == 'a'"],
    bad: ["a", "a = 'b'", "global()", "!(a == 'b' || global())", "ALL()", "x".repeat(SELECTOR_LENGTH_MAX + 1), 5],
  },
  {
    name: 'selectorText("alone")',
    schema: selectorText("alone"),
    good: ["", "global()", " global() ", "(global())", "a == 'b'"],
    bad: ["!global()", "global() && all()", "a == 'b' || global()"],
  },
  {
    name: "cidrText()",
    schema: cidrText(),
    good: ["0.0.0.0/0", "10.0.0.0/8", "10.0.0.1/32", "::/0", "FD00::/8"],
    bad: [
      "",
      "10.0.0.0",
      "10.0.0.1/8",
      "10.0.0.0/33",
      "010.0.0.0/8",
      "10.0.0.0/08",
      "fd00::1/64",
      "x/8",
      `${"0".repeat(60)}::/8`,
    ],
  },
  {
    name: "hostCidrText()",
    schema: hostCidrText(),
    good: ["10.0.0.1/32", "fd00::1/128"],
    bad: ["10.0.0.1", "10.0.0.0/31", "fd00::1/32", "x"],
  },
  {
    name: "interfaceAddressText(4)",
    schema: interfaceAddressText(4),
    good: ["10.0.0.1", "10.0.0.1/24"],
    bad: ["fd00::1", "10.0.0.1/33", ""],
  },
  { name: "interfaceAddressText()", schema: interfaceAddressText(), good: ["10.0.0.1", "fd00::1/64"], bad: ["x"] },
  { name: "ipText(6)", schema: ipText(6), good: ["::", "fd00::1"], bad: ["10.0.0.1", "fd00::1/64", "fe80::1%eth0"] },
  { name: "asNumber()", schema: asNumber(), good: [1, 4_294_967_295], bad: [0, 4_294_967_296, 1.5, "1", null, NaN] },
  {
    name: "durationText()",
    schema: durationText(),
    good: ["90s", "1m30s", "1.5h", "10ms", "3µs"],
    bad: ["", "90", "s", "1 m", "-1s", "1d", "1s".repeat(40)],
  },
  {
    name: "interfaceNameText()",
    schema: interfaceNameText(),
    good: ["eth0", "a.b-c_d", "x".repeat(15)],
    bad: ["", "x".repeat(16), "a/b", "a b"],
  },
  {
    name: "macText()",
    schema: macText(),
    good: ["ee:EE:00:11:22:33"],
    bad: ["ee:ee:ee:ee:ee", "ee-ee-ee-ee-ee-ee", "g0:00:00:00:00:00"],
  },
  { name: "filledText(3)", schema: filledText(3), good: ["a", "abc"], bad: ["", "abcd"] },
  {
    name: "secretKeyRef()",
    schema: secretKeyRef(),
    good: [{ name: "a", key: "b" }, { name: "a", key: "b", optional: true }],
    bad: [{}, { name: "", key: "b" }, { name: "a", key: "b", value: "secret" }],
  },
  {
    name: "uniqueList(3, 1)",
    schema: uniqueList(filledText(9), 3, 1),
    good: [["a"], ["a", "b", "c"]],
    bad: [[], ["a", "a"], ["a", "b", "c", "d"]],
  },
  {
    name: "conditionList()",
    schema: conditionList(),
    good: [[], [{ type: "A", status: "True", reason: "R", message: "m" }]],
    bad: [[{ type: "A" }], [{ type: "A", status: "True", x: 1 }]],
  },
  {
    name: "conditionList() of core kinds",
    schema: coreConditionList(),
    good: [[{ type: "A", status: "True", x: 1 }]],
    bad: [[{ type: "A" }]],
  },
  {
    name: "localReferenceList()",
    schema: localReferenceList(),
    good: [[{}], [{ name: "a" }]],
    bad: [[{ name: 1 }], ["a"]],
  },
];

for (const { name, schema, good, bad } of CASES) {
  Deno.test(`${name} takes what fits and nothing else`, () => {
    assertEquals(good.filter((value) => !schema.safeParse(value).success), []);
    assertEquals(bad.filter((value) => schema.safeParse(value).success), []);
  });
}
