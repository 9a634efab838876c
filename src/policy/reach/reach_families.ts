/**
 * Connections of ends that have addresses of both families, told as one set: IPv4's and IPv6's drawn together, but for ICMP, which is IPv4's, and ICMPv6, which
 * is IPv6's. Used by `reach_world.ts`.
 *
 * A rule against ICMP is one about IPv4. Taken literally, packets of protocol 1 could still go by IPv6, which no host sends, and the rule would close nothing.
 *
 * @module
 */
import { hasAtom, headersOfPort, type HeaderSpace } from "#/policy/reach/header_space.ts";
import { differenceOf, type HeaderSets, internHeaders, unionOf } from "#/policy/reach/reach_sets.ts";

const ICMP = 1;
const ICMPV6 = 58;

/**
 * The number of what two ends may open by either family. A family's own ICMP is left to it where it lets any protocol through that no rule names; where it does
 * not, what it says of its ICMP says nothing of the kind, and the other family's headers count as they are.
 *
 * @param four number of the set of headers that IPv4 lets through
 * @param six the same for IPv6
 *
 * @example
 * ```ts
 * import { headerSpaceOf } from "#/policy/reach/header_space.ts";
 * import { unionOfFamilies } from "#/policy/reach/reach_families.ts";
 * import { ALL_HEADERS, createHeaderSets, NO_HEADERS } from "#/policy/reach/reach_sets.ts";
 * const sets = createHeaderSets(headerSpaceOf({ rules: [], sourcePorts: [], destinationPorts: [] }));
 * if (unionOfFamilies(sets, ALL_HEADERS, ALL_HEADERS) !== ALL_HEADERS) throw new Error();
 * if (unionOfFamilies(sets, ALL_HEADERS, NO_HEADERS) !== ALL_HEADERS) throw new Error();
 * ```
 */
export function unionOfFamilies(sets: HeaderSets, four: number, six: number): number {
  if (four === six) return four;
  const unnamed = unnamedAtom(sets.space);
  const lets = (id: number) => unnamed !== undefined && hasAtom(sets.sets[id]!, unnamed);
  const without = (id: number, protocol: number) =>
    differenceOf(sets, id, internHeaders(sets, headersOfPort(sets.space, protocol, undefined)));
  return unionOf(sets, lets(six) ? without(four, ICMPV6) : four, lets(four) ? without(six, ICMP) : six);
}

/** The atom of the protocols that no rule names; `undefined` where rules name nearly all. */
function unnamedAtom({ plain }: HeaderSpace): number | undefined {
  const met = new Set<number>();
  for (const atom of plain.values()) {
    if (met.has(atom)) return atom;
    met.add(atom);
  }
  return undefined;
}
