/**
 * Addresses that no endpoint may have.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { specialAddressRule } from "#/resources/special_address.ts";

const ROWS: readonly (readonly [string, string | undefined])[] = [
  ["10.0.0.1", undefined],
  ["fd00::1", undefined],
  ["224.0.1.1", undefined],
  ["0.0.0.0", "must not be the unspecified address"],
  ["::", "must not be the unspecified address"],
  ["127.1.2.3", "must not be a loopback address"],
  ["::1", "must not be a loopback address"],
  ["169.254.0.1", "must not be a link-local address"],
  ["fe80::1", "must not be a link-local address"],
  ["224.0.0.1", "must not be a link-local multicast address"],
  ["ff02::1", "must not be a link-local multicast address"],
  ["web", "must be an IP address"],
];

for (const [text, rule] of ROWS) {
  Deno.test(`specialAddressRule() says of ${text}: ${rule ?? "nothing"}`, () => {
    assertEquals(specialAddressRule(text), rule);
  });
}
