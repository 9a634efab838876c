/**
 * Ends and ports of questions about reach, as people write them.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { formatIp } from "#/base/ip.ts";
import { parseReachEnd, parseReachPort } from "#/policy/reach/reach_end.ts";

Deno.test("parseReachEnd() reads names and addresses", () => {
  assertEquals(parseReachEnd("shop/db"), { kind: "workload", namespace: "shop", name: "db" });
  assertEquals(parseReachEnd("shop"), { kind: "namespace", namespace: "shop" });
  const cases: readonly [string, string, string][] = [
    ["10.0.0.1", "10.0.0.1", "10.0.0.1"],
    ["10.0.0.77/24", "10.0.0.0", "10.0.0.255"],
    ["10.0.0.1-10.0.0.9", "10.0.0.1", "10.0.0.9"],
    ["fd00::1-fd00::2", "fd00::1", "fd00::2"],
  ];
  for (const [text, first, last] of cases) {
    const end = parseReachEnd(text);
    assert(end.kind === "addresses", text);
    assertEquals([formatIp(end.first), formatIp(end.last)], [first, last]);
  }
});

Deno.test("parseReachEnd() refuses what is neither", () => {
  for (
    const text of [
      "",
      "a/b/c",
      "Shop",
      "10.0.0.2-10.0.0.1",
      "10.0.0.1-fd00::1",
      "shop/",
      "10.0.0.1/33",
      "10.0.0.256",
      "a.b/c",
    ]
  ) {
    assertEquals(parseReachEnd(text).kind, "invalid", text);
  }
});

Deno.test("parseReachPort() reads ports and protocols", () => {
  assertEquals(parseReachPort("443/tcp"), { protocol: 6, port: 443 });
  assertEquals(parseReachPort("UDP"), { protocol: 17, port: undefined });
  assertEquals(parseReachPort("89"), { protocol: 89, port: undefined });
  for (const text of ["", "0/tcp", "65536/tcp", "1/icmp", "http/tcp", "80/80/tcp"]) {
    assert("kind" in parseReachPort(text), text);
  }
});
