/**
 * Ports: numbers, ranges, names, and merging.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { formatPortRange, mergePortRanges, parsePort, parsePortRange, portInRanges } from "#/base/port_range.ts";

Deno.test("parsePortRange() reads numbers and ranges from 1 to 65535", () => {
  assertEquals(parsePortRange(1), { min: 1, max: 1 });
  assertEquals(parsePortRange("65535"), { min: 65535, max: 65535 });
  assertEquals(parsePortRange("80:90"), { min: 80, max: 90 });
  assertEquals(parsePortRange("80:80"), { min: 80, max: 80 });
  for (
    const bad of [
      0,
      65536,
      -1,
      1.5,
      NaN,
      "",
      "0",
      "0:80",
      "90:80",
      "80:65536",
      "80:",
      ":80",
      "80-90",
      "http",
      " 80",
      "1:2:3",
    ]
  ) {
    assertEquals(parsePortRange(bad), undefined, String(bad));
  }
});

Deno.test("parsePort() tells names from numbers and refuses what is neither", () => {
  assertEquals(parsePort("http"), { kind: "name", name: "http" });
  assertEquals(parsePort("a.b_c-D9"), { kind: "name", name: "a.b_c-D9" });
  assertEquals(parsePort("8080"), { kind: "range", range: { min: 8080, max: 8080 } });
  assertEquals(parsePort("x".repeat(128))?.kind, "name");
  for (const bad of ["", "0", "70000", "90:80", "a b", "a:b", "é", "x".repeat(129), 0, 65536]) {
    assertEquals(parsePort(bad), undefined, String(bad));
  }
});

Deno.test("formatPortRange() prints a single port without a colon", () => {
  assertEquals([{ min: 80, max: 80 }, { min: 80, max: 81 }].map(formatPortRange), ["80", "80:81"]);
});

Deno.test("portInRanges() includes both ends", () => {
  const ranges = [{ min: 80, max: 90 }];
  assertEquals([79, 80, 90, 91].map((port) => portInRanges(port, ranges)), [false, true, true, false]);
  assertEquals(portInRanges(80, []), false);
});

const anyRanges = fc.array(
  fc.tuple(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 0, max: 5 })).map(([min, more]) => ({
    min,
    max: min + more,
  })),
  { maxLength: 8 },
);

Deno.test("mergePortRanges() holds the same ports in sorted ranges with gaps between", () => {
  fc.assert(fc.property(anyRanges, (ranges) => {
    const merged = mergePortRanges(ranges);
    const isApart = merged.every((range, index) => index === 0 || range.min > merged[index - 1]!.max + 1);
    const ports = Array.from({ length: 50 }, (_, port) => port);
    return isApart && ports.every((port) => portInRanges(port, ranges) === portInRanges(port, merged));
  }));
});
