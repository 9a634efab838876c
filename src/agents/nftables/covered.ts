/**
 * Removes networks that lie inside another one of a list, because nft refuses overlaps in interval sets. Between the IR and nft's text.
 *
 * @module
 */
import { type Cidr, cidrContainsCidr, parseCidrOrIp } from "#/base/cidr.ts";

/**
 * The members that no other member covers, in their order, without duplicates. Texts that are no addresses are left out. Sorted by prefix length
 * once, so that sets of many members stay cheap.
 *
 * @example
 * ```ts
 * import { withoutCovered } from "#/agents/nftables/covered.ts";
 * const left = withoutCovered(["10.0.0.1", "10.0.0.0/8", "192.168.0.0/16"]);
 * if (left.join() !== "10.0.0.0/8,192.168.0.0/16") throw new Error(left.join());
 * ```
 */
export function withoutCovered(members: readonly string[]): string[] {
  const parsed = [...new Set(members)].flatMap((text): { text: string; cidr: Cidr }[] => {
    const cidr = parseCidrOrIp(text);
    return cidr === undefined ? [] : [{ text, cidr }];
  });
  const networks = parsed.filter(({ cidr }) => cidr.prefixLength < (cidr.version === 4 ? 32 : 128));
  return parsed.filter((inner) =>
    !networks.some((outer) => outer !== inner && cidrContainsCidr(outer.cidr, inner.cidr) && outer.text !== inner.text)
  ).map(({ text }) => text);
}
