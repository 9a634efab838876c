/**
 * Ends with addresses of both families: whose ICMP counts.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { formatConnections } from "#/policy/reach/connection_set.ts";
import { difference, headersOfPort, headerSpaceOf } from "#/policy/reach/header_space.ts";
import { unionOfFamilies } from "#/policy/reach/reach_families.ts";
import {
  ALL_HEADERS,
  connectionsOf,
  createHeaderSets,
  internHeaders,
  NO_HEADERS,
  unionOf,
} from "#/policy/reach/reach_sets.ts";

const space = headerSpaceOf({ rules: [], sourcePorts: [], destinationPorts: [{ protocol: 6, port: 80 }] });
const sets = createHeaderSets(space);
const only = (protocol: number) => internHeaders(sets, headersOfPort(space, protocol, undefined));
const allBut = (protocol: number) =>
  internHeaders(sets, difference(sets.sets[ALL_HEADERS]!, headersOfPort(space, protocol, undefined)));
const ICMP = 1;
const TCP = 6;
const ICMPV6 = 58;

const CASES = [
  { name: "both let all through", four: ALL_HEADERS, six: ALL_HEADERS, expected: ALL_HEADERS },
  { name: "a rule against ICMP", four: allBut(ICMP), six: ALL_HEADERS, expected: allBut(ICMP) },
  { name: "a rule against ICMPv6", four: ALL_HEADERS, six: allBut(ICMPV6), expected: allBut(ICMPV6) },
  { name: "IPv6 closed", four: ALL_HEADERS, six: NO_HEADERS, expected: ALL_HEADERS },
  { name: "IPv6 open for TCP alone", four: ALL_HEADERS, six: only(TCP), expected: ALL_HEADERS },
  { name: "IPv4 closed", four: NO_HEADERS, six: ALL_HEADERS, expected: ALL_HEADERS },
  {
    name: "lists of what is allowed",
    four: only(ICMP),
    six: only(ICMPV6),
    expected: unionOf(sets, only(ICMP), only(ICMPV6)),
  },
];

for (const { name, four, six, expected } of CASES) {
  Deno.test(`unionOfFamilies() tells ${name}`, () => {
    const text = (id: number) => formatConnections(connectionsOf(sets, id));
    assertEquals(text(unionOfFamilies(sets, four, six)), text(expected));
  });
}
