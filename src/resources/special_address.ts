/**
 * Addresses that no endpoint of a Service may have, because they mean something else on every host. Kinds call it for endpoints and external addresses.
 *
 * @module
 */
import { cidrContains, parseCidr } from "#/base/cidr.ts";
import { type Ip, parseIp } from "#/base/ip.ts";

/** Networks with a meaning of their own, each with what is said of it. */
const SPECIAL_NETWORKS: readonly (readonly [network: string, words: string])[] = [
  ["0.0.0.0/32", "the unspecified address"],
  ["::/128", "the unspecified address"],
  ["127.0.0.0/8", "a loopback address"],
  ["::1/128", "a loopback address"],
  ["169.254.0.0/16", "a link-local address"],
  ["fe80::/10", "a link-local address"],
  ["224.0.0.0/24", "a link-local multicast address"],
  ["ff02::/16", "a link-local multicast address"],
];

/**
 * The rule that a text breaks as the address of an endpoint, or `undefined`.
 *
 * @example
 * ```ts
 * import { specialAddressRule } from "#/resources/special_address.ts";
 * if (specialAddressRule("10.0.0.1") !== undefined || specialAddressRule("127.0.0.1") === undefined) throw new Error();
 * ```
 */
export function specialAddressRule(text: string): string | undefined {
  const ip: Ip | undefined = parseIp(text);
  if (ip === undefined) return "must be an IP address";
  const found = SPECIAL_NETWORKS.find(([network]) => cidrContains(parseCidr(network)!, ip));
  return found === undefined ? undefined : `must not be ${found[1]}`;
}
