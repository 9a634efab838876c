/**
 * Membership in sets as their members say it: how the interpreter asks compiled policies. Plain look-ups, made ready once.
 *
 * @module
 */
import { parseCidr } from "#/base/cidr.ts";
import { formatIp, type Ip, ipBits, type IpVersion } from "#/base/ip.ts";
import { formatProtocol } from "#/base/protocol.ts";
import type { CompiledSet } from "#/policy/compiled.ts";
import type { SetMembership } from "#/policy/ir_interpreter.ts";

/** Members that are asked for as they are written, and networks by how long their prefixes are. */
interface ReadySet {
  readonly exact: ReadonlySet<string>;
  readonly networks: readonly NetworksOfLength[];
}

/** Networks of one family and prefix length: their addresses with the host bits shifted out. */
interface NetworksOfLength {
  readonly version: IpVersion;
  readonly hostBits: bigint;
  readonly prefixes: Set<bigint>;
}

/**
 * Membership in compiled sets. A set is made ready when it is first asked, and must not change afterwards.
 *
 * @example
 * ```ts
 * import { membershipIn } from "#/policy/set_membership.ts";
 * const sets = membershipIn(new Map([["s:1", { type: "net", members: ["10.0.0.0/8"] } as const]]));
 * if (!sets.has("s:1", { version: 4, value: 0x0a000001n })) throw new Error();
 * ```
 */
export function membershipIn(sets: ReadonlyMap<string, CompiledSet>): SetMembership {
  const ready = new Map<string, ReadySet>();
  return {
    has(setId, ip, end) {
      let set = ready.get(setId);
      if (set === undefined) ready.set(setId, set = readySet(sets.get(setId)));
      return set.exact.has(memberText(ip, end)) ||
        set.networks.some(({ version, hostBits, prefixes }) =>
          version === ip.version && prefixes.has(ip.value >> hostBits)
        );
    },
  };
}

function memberText(ip: Ip, end: { readonly protocol: number; readonly port: number } | undefined): string {
  const address = formatIp(ip);
  return end === undefined ? address : `${address},${formatProtocol(end.protocol).toLowerCase()}:${end.port}`;
}

function readySet(set: CompiledSet | undefined): ReadySet {
  const members = set?.members ?? [];
  const byLength = new Map<string, NetworksOfLength>();
  for (const member of set?.type === "net" ? members : []) {
    const cidr = member.includes("/") ? parseCidr(member) : undefined;
    if (cidr === undefined) continue;
    const hostBits = BigInt(ipBits(cidr.version) - cidr.prefixLength);
    const key = `${cidr.version}/${hostBits}`;
    const networks = byLength.get(key) ?? { version: cidr.version, hostBits, prefixes: new Set() };
    networks.prefixes.add(cidr.address >> hostBits);
    byLength.set(key, networks);
  }
  return { exact: new Set(members), networks: [...byLength.values()] };
}
