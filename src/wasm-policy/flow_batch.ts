/**
 * Flows as columns of words: how many of them cross into WebAssembly at once, how they are stored and compared. A flow is a packet and the number of the chain that
 * judges it (`engine.ts` gives chains numbers).
 *
 * @module
 */
import type { Ip } from "#/base/ip.ts";
import type { Packet } from "#/policy/packet.ts";
import { NONE, serviceOfWord, serviceWord } from "./layout.ts";
import { NO_PORT } from "./port_space.ts";
import { hashWords } from "./word_table.ts";

/** Packets as columns; all of one length but `wide`. Read-only by contract. */
export interface PacketColumns {
  /** IPv4 addresses; for IPv6 the index of an address in `wide`. */
  readonly source: Uint32Array;
  readonly destination: Uint32Array;
  /** Family, protocol and ICMP (`serviceWord`). */
  readonly service: Uint32Array;
  /** 65,536 where the packet has none. */
  readonly sourcePort: Uint32Array;
  readonly destinationPort: Uint32Array;
  /** IPv6 addresses, four words each, the most significant first. */
  readonly wide: Uint32Array;
}

/** Packets, each with the number of its chain. */
export interface FlowBatch {
  readonly packets: PacketColumns;
  readonly chain: Uint32Array;
}

/** Columns of packets, the ones that are told apart in order of comparison. */
const WORDS = ["source", "destination", "service", "sourcePort", "destinationPort"] as const;

/**
 * Packets as columns.
 *
 * @example
 * ```ts
 * import { packetAt, packetColumns } from "#/wasm-policy/flow_batch.ts";
 * import { parseIp } from "#/base/ip.ts";
 * const packet = { source: parseIp("::1")!, destination: parseIp("::2")!, protocol: 6, sourcePort: 1, destinationPort: 2, icmp: undefined };
 * if (packetAt(packetColumns([packet]), 0).destination.value !== 2n) throw new Error();
 * ```
 */
export function packetColumns(packets: readonly Packet[]): PacketColumns {
  const column = () => new Uint32Array(packets.length);
  const [source, destination, service, sourcePort, destinationPort] = [
    column(),
    column(),
    column(),
    column(),
    column(),
  ];
  const wide: number[] = [];
  const addressWord = ({ version, value }: Ip): number => {
    if (version === 4) return Number(value);
    for (const shift of [96n, 64n, 32n, 0n]) wide.push(Number((value >> shift) & 0xffff_ffffn));
    return wide.length / 4 - 1;
  };
  for (const [at, packet] of packets.entries()) {
    source[at] = addressWord(packet.source);
    destination[at] = addressWord(packet.destination);
    service[at] = serviceWord({ version: packet.source.version, protocol: packet.protocol, icmp: packet.icmp });
    sourcePort[at] = packet.sourcePort ?? NO_PORT;
    destinationPort[at] = packet.destinationPort ?? NO_PORT;
  }
  return { source, destination, service, sourcePort, destinationPort, wide: Uint32Array.from(wide) };
}

/** The packet of a row. */
export function packetAt(packets: PacketColumns, at: number): Packet {
  const { version, protocol, icmp } = serviceOfWord(packets.service[at]!);
  const ip = (word: number): Ip =>
    version === 4 ? { version, value: BigInt(word) } : { version, value: wideAddress(packets.wide, word) };
  const port = (word: number) => word === NO_PORT ? undefined : word;
  return {
    source: ip(packets.source[at]!),
    destination: ip(packets.destination[at]!),
    protocol,
    sourcePort: port(packets.sourcePort[at]!),
    destinationPort: port(packets.destinationPort[at]!),
    icmp,
  };
}

function wideAddress(wide: Uint32Array, index: number): bigint {
  return [0, 1, 2, 3].reduce((value, word) => (value << 32n) | BigInt(wide[index * 4 + word]!), 0n);
}

/** Flows without duplicates. */
export interface DistinctFlows {
  /** Row of the first of each. */
  readonly rows: Uint32Array;
  /** How many rows are the same. */
  readonly counts: Uint32Array;
}

/**
 * Groups rows that say the same, ends included: a replay judges each flow once, however often it was seen. IPv6 addresses must stand once in `wide` for their
 * flows to be found the same; twice costs time only.
 *
 * @param ends more columns that tell flows apart, the endpoints or chains of each row
 *
 * @example
 * ```ts
 * import { distinctFlows, packetColumns } from "#/wasm-policy/flow_batch.ts";
 * import { parseIp } from "#/base/ip.ts";
 * const ip = parseIp("10.0.0.1")!;
 * const packet = { source: ip, destination: ip, protocol: 6, sourcePort: 1, destinationPort: 2, icmp: undefined };
 * const { rows, counts } = distinctFlows(packetColumns([packet, packet]), []);
 * if (rows.length !== 1 || counts[0] !== 2) throw new Error();
 * ```
 */
export function distinctFlows(packets: PacketColumns, ends: readonly Uint32Array[]): DistinctFlows {
  const columns = [...WORDS.map((word) => packets[word]), ...ends];
  const length = packets.source.length;
  const bits = Math.max(4, Math.ceil(Math.log2(length * 2 + 1)));
  const mask = 2 ** bits - 1;
  const slots = new Uint32Array(2 ** bits).fill(NONE);
  const rows = new Uint32Array(length);
  const counts = new Uint32Array(length);
  let distinct = 0;
  for (let at = 0; at < length; at++) {
    let hash = 0;
    for (const column of columns) hash = Math.imul(hash ^ column[at]!, 0x9e3779b1) ^ (hash >>> 15);
    for (let slot = hashWords([hash >>> 0]) & mask;; slot = (slot + 1) & mask) {
      const known = slots[slot]!;
      if (known === NONE) {
        slots[slot] = distinct;
        rows[distinct] = at;
        counts[distinct++] = 1;
        break;
      }
      if (isSameRow(columns, at, rows[known]!)) {
        counts[known]! += 1;
        break;
      }
    }
  }
  return { rows: rows.slice(0, distinct), counts: counts.slice(0, distinct) };
}

function isSameRow(columns: readonly Uint32Array[], a: number, b: number): boolean {
  for (let at = 0; at < columns.length; at++) if (columns[at]![a] !== columns[at]![b]) return false;
  return true;
}

/** The rows of a choice, in its order; `wide` is shared. */
export function pickPackets(packets: PacketColumns, rows: Uint32Array): PacketColumns {
  const pick = (column: Uint32Array) => {
    const picked = new Uint32Array(rows.length);
    for (let at = 0; at < rows.length; at++) picked[at] = column[rows[at]!]!;
    return picked;
  };
  return {
    source: pick(packets.source),
    destination: pick(packets.destination),
    service: pick(packets.service),
    sourcePort: pick(packets.sourcePort),
    destinationPort: pick(packets.destinationPort),
    wide: packets.wide,
  };
}
