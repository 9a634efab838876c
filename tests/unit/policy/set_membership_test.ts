/**
 * Membership in compiled sets.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { parseIp } from "#/base/ip.ts";
import { membershipIn } from "#/policy/set_membership.ts";

Deno.test("membershipIn() finds addresses, networks and named ports, and nothing in a set that is not there", () => {
  const sets = membershipIn(
    new Map([
      ["s:1", { type: "net", members: ["10.0.0.1", "10.1.0.0/16", "fd00::/64"] }],
      ["n:1", { type: "ipPort", members: ["10.0.0.1,tcp:80", "fd00::1,udp:53"] }],
    ]),
  );
  const has = (id: string, address: string, end?: { protocol: number; port: number }) =>
    sets.has(id, parseIp(address)!, end);
  assertEquals(["10.0.0.1", "10.0.0.2", "10.1.9.9", "fd00::5"].map((address) => has("s:1", address)), [
    true,
    false,
    true,
    true,
  ]);
  assertEquals(has("n:1", "10.0.0.1", { protocol: 6, port: 80 }), true);
  assertEquals(has("n:1", "10.0.0.1", { protocol: 17, port: 80 }), false);
  assertEquals(has("n:1", "fd00::1", { protocol: 17, port: 53 }), true);
  assertEquals(has("s:2", "10.0.0.1"), false);
});
