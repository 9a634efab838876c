/**
 * Removes networks that lie inside another one of a list, because nft refuses overlaps in interval sets. Between the IR and nft's text.
 *
 * @module
 */
import { type Cidr, cidrContainsCidr, compareCidrs, formatCidrOrIp, maskCidr, parseCidrOrIp } from "#/base/cidr.ts";

/**
 * The members that no other member covers, in their order, without duplicates and in the kernel's spelling: no host bits, a single address bare. Texts
 * that are no addresses are left out. One pass over the sorted members, so that sets of many stay cheap.
 *
 * @example
 * ```ts
 * import { withoutCovered } from "#/agents/nftables/covered.ts";
 * const left = withoutCovered(["10.0.0.1", "10.0.0.0/8", "192.168.0.0/16"]);
 * if (left.join() !== "10.0.0.0/8,192.168.0.0/16") throw new Error(left.join());
 * ```
 */
export function withoutCovered(members: readonly string[]): string[] {
  const networks = new Map<string, Cidr>();
  for (const text of members) {
    const cidr = parseCidrOrIp(text);
    if (cidr !== undefined) networks.set(formatCidrOrIp(maskCidr(cidr)), maskCidr(cidr));
  }
  const covered = new Set<string>();
  let outer: Cidr | undefined;
  // A network comes before all that lies in it.
  for (const [text, cidr] of [...networks].sort(([, a], [, b]) => compareCidrs(a, b))) {
    if (outer !== undefined && cidrContainsCidr(outer, cidr)) covered.add(text);
    else outer = cidr;
  }
  return [...networks.keys()].filter((text) => !covered.has(text));
}
