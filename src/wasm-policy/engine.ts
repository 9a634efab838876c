/**
 * Back end 1: policies compiled to WebAssembly and run. A policy image is a cache of the server: made from the IR, never part of a fold.
 *
 * @module
 */
import { assert } from "#/base/assert.ts";
import { type Cidr, cidrContains, parseCidrOrIp } from "#/base/cidr.ts";
import { formatIp, type Ip } from "#/base/ip.ts";
import { formatProtocol } from "#/base/protocol.ts";
import type { ChainIr, Direction, PolicyIr } from "#/policy/ir.ts";
import type { Packet } from "#/policy/packet.ts";
import { encodeModule } from "./encoder.ts";
import { ACTION_CODES, emitPolicy, PARAMETER_COUNT } from "./emit.ts";

/** A set as the image needs it: members as in a node's slice. */
export interface ImageSet {
  readonly type: "net" | "ipPort";
  readonly members: readonly string[];
}

/** What an image is made of. */
export interface ImageInput {
  /** Policies and profiles by key. */
  readonly policies: ReadonlyMap<string, PolicyIr>;
  readonly sets: ReadonlyMap<string, ImageSet>;
}

/** The verdict of a chain; `ruleId` is `undefined` where a default decided. */
export interface ImageVerdict {
  readonly action: "allow" | "deny";
  readonly ruleId: string | undefined;
}

/** Compiled policies, ready to judge. */
export interface PolicyImage {
  /** Judges a packet by one direction's chain; a policy that is missing denies. */
  judge(chain: ChainIr, direction: Direction, packet: Packet): ImageVerdict;
}

type PolicyFunction = (...parameters: number[]) => number;

/** One end of a packet in the words of sets' members. */
interface PacketEnd {
  readonly ip: Ip;
  readonly address: string;
  readonly addressAndPort: string | undefined;
}

/** Members of one set, ready to be asked. */
interface Members {
  readonly exact: ReadonlySet<string>;
  readonly networks: readonly Cidr[];
}

/**
 * Compiles an image.
 *
 * @example
 * ```ts
 * import { compileImage } from "#/wasm-policy/engine.ts";
 * const image = compileImage({ policies: new Map(), sets: new Map() });
 * const ip = { version: 4, value: 1n } as const;
 * const packet = { source: ip, destination: ip, protocol: 6, sourcePort: 1, destinationPort: 2, icmp: undefined };
 * if (image.judge({ tiers: [], profiles: [] }, "ingress", packet).action !== "deny") throw new Error();
 * ```
 */
export function compileImage(input: ImageInput): PolicyImage {
  const setIds: string[] = [];
  const numbers = new Map<string, number>();
  const setNumber = (id: string) => {
    const number = numbers.get(id) ?? setIds.push(id) - 1;
    numbers.set(id, number);
    return number;
  };
  const functions = [...input.policies].flatMap(([key, policy]) => emitPolicy(policy, key, setNumber));
  const members = setIds.map((id) => membersOf(input.sets.get(id)));
  let current: readonly [PacketEnd, PacketEnd] | undefined;
  const inSet = (set: number, end: number) => {
    assert(current !== undefined, "A set is asked only while a packet is judged");
    return holds(members[set]!, end === 0 ? current[0] : current[1]) ? 1 : 0;
  };
  const bytes = encodeModule({
    parameters: PARAMETER_COUNT,
    imported: { module: "engine", name: "inSet", parameters: 2 },
    functions,
  });
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), { engine: { inSet } });
  const run = (key: string, direction: Direction, parameters: readonly number[]): number | undefined =>
    (exports[`${key}.${direction}`] as PolicyFunction | undefined)?.(...parameters);
  return {
    judge(chain, direction, packet) {
      current = [
        endOf(packet.source, packet.sourcePort, packet.protocol),
        endOf(packet.destination, packet.destinationPort, packet.protocol),
      ];
      const parameters = parametersOf(packet);
      return judgeChain(
        chain,
        (key) => run(key, direction, parameters),
        (key, index) => input.policies.get(key)![direction]![index]!.id,
      );
    },
  };
}

function judgeChain(
  chain: ChainIr,
  run: (policy: string) => number | undefined,
  ruleId: (policy: string, index: number) => string,
): ImageVerdict {
  const deny: ImageVerdict = { action: "deny", ruleId: undefined };
  tiers:
  for (const tier of chain.tiers) {
    for (const policy of tier.policies) {
      const result = run(policy);
      if (result === undefined) return deny;
      if (result === -1) continue;
      const code = result & 3;
      if (code === ACTION_CODES.pass) continue tiers;
      return { action: code === ACTION_CODES.allow ? "allow" : "deny", ruleId: ruleId(policy, result >> 2) };
    }
    if (tier.defaultAction === "deny") return deny;
  }
  for (const profile of chain.profiles) {
    const result = run(profile);
    if (result === undefined) return deny;
    const code = result & 3;
    if (result === -1 || code === ACTION_CODES.pass) continue;
    return { action: code === ACTION_CODES.allow ? "allow" : "deny", ruleId: ruleId(profile, result >> 2) };
  }
  return deny;
}

function words(ip: Ip): number[] {
  return [96n, 64n, 32n, 0n].map((shift) => Number(BigInt.asIntN(32, ip.value >> shift)));
}

function parametersOf(packet: Packet): number[] {
  return [
    packet.source.version,
    ...words(packet.source),
    ...words(packet.destination),
    packet.protocol,
    packet.sourcePort ?? -1,
    packet.destinationPort ?? -1,
    packet.icmp?.type ?? -1,
    packet.icmp?.code ?? -1,
  ];
}

function membersOf(set: ImageSet | undefined): Members {
  if (set === undefined || set.type === "ipPort") return { exact: new Set(set?.members), networks: [] };
  const networks = set.members.filter((member) => member.includes("/")).map(parseCidrOrIp).filter((cidr) =>
    cidr !== undefined
  );
  return { exact: new Set(set.members), networks };
}

/** Written out once per packet: a chain may ask thousands of sets about it. */
function endOf(ip: Ip, port: number | undefined, protocol: number): PacketEnd {
  const address = formatIp(ip);
  return {
    ip,
    address,
    addressAndPort: port === undefined ? undefined : `${address},${formatProtocol(protocol).toLowerCase()}:${port}`,
  };
}

function holds({ exact, networks }: Members, { ip, address, addressAndPort }: PacketEnd): boolean {
  return exact.has(address) || networks.some((network) => cidrContains(network, ip)) ||
    (addressAndPort !== undefined && exact.has(addressAndPort));
}
