/**
 * Sets of connections as people read them: in a cell of a table, and as rows of comma-separated values.
 *
 * @module
 */
import { formatProtocol, PROTOCOL_NUMBERS, protocolHasPorts } from "#/base/protocol.ts";
import { type Connections, formatConnections, type ProtocolConnections } from "#/policy/reach/connection_set.ts";
import type { ProtocolName } from "#/base/protocol.ts";

const PORT_MAX = 65_535;
/** Protocols, ICMP types and ICMP codes are one byte each. */
const BYTES: readonly number[] = Array.from({ length: 256 }, (_, at) => at);
/** Protocols that are told one by one; of more, those that are missing are told. */
const PROTOCOLS_TOLD_MAX = 128;

/**
 * Connections in one line: `All`, `TCP 80,443; UDP 53; ICMP 8/0`, `2-5; TCP`, `All but TCP 22`; `none` for none. Where most protocols are there, those that
 * are missing are told.
 *
 * @example
 * ```ts
 * import { connectionsText } from "#/cli/connections_text.ts";
 * const text = connectionsText([{ protocol: "TCP", ports: [[80, 80], [443, 444]] }, { protocol: "ICMP" }]);
 * if (text !== "TCP 80,443-444; ICMP") throw new Error(text);
 * ```
 */
export function connectionsText(connections: Connections): string {
  const isMost = connections !== "All" && connections.length > PROTOCOLS_TOLD_MAX;
  return isMost ? `All but ${formatConnections(missingFrom(connections))}` : formatConnections(connections);
}

/** Columns of {@link connectionsRows}. */
export const CONNECTIONS_COLUMNS: readonly string[] = ["protocol", "ports"];

/**
 * Connections as rows of protocol and ports, where ICMP has types and codes in place of ports. All connections are one row, and all ports of a protocol
 * are told as such.
 */
export function connectionsRows(connections: Connections): string[][] {
  if (connections === "All") return [["All", ""]];
  return connections.map((entry) => [String(entry.protocol), detailText(entry)]);
}

function detailText({ ports, types }: ProtocolConnections): string {
  if (ports !== undefined) return ports.map(([from, to]) => from === to ? String(from) : `${from}-${to}`).join(",");
  return (types ?? []).map(([type, code]) => code === null ? String(type) : `${type}/${code}`).join(",");
}

/** What is not in the list. */
function missingFrom(entries: readonly ProtocolConnections[]): ProtocolConnections[] {
  const present = new Map(entries.map((entry) => [numberOf(entry.protocol), entry]));
  return BYTES.flatMap((number): ProtocolConnections[] => {
    const name = formatProtocol(number);
    const protocol = name in PROTOCOL_NUMBERS ? name as ProtocolName : number;
    const entry = present.get(number);
    if (entry === undefined) return [{ protocol }];
    if (protocolHasPorts(number)) return withSome({ protocol, ports: missingPorts(entry.ports ?? []) });
    return entry.types === undefined ? [] : withSome({ protocol, types: missingTypes(entry.types) });
  });
}

function withSome(entry: ProtocolConnections): ProtocolConnections[] {
  return (entry.ports ?? entry.types ?? []).length === 0 ? [] : [entry];
}

function numberOf(protocol: ProtocolName | number): number {
  return typeof protocol === "number" ? protocol : PROTOCOL_NUMBERS[protocol];
}

function missingPorts(ports: readonly (readonly [number, number])[]): [number, number][] {
  const starts = [1, ...ports.map(([, to]) => to + 1)];
  const ends = [...ports.map(([from]) => from - 1), PORT_MAX];
  return starts.map((start, at): [number, number] => [start, ends[at]!]).filter(([from, to]) => from <= to);
}

function missingTypes(types: readonly (readonly [number, number | null])[]): [number, number | null][] {
  return BYTES.flatMap((type): [number, number | null][] => {
    const codes = types.filter(([known]) => known === type).map(([, code]) => code);
    if (codes.length === 0) return [[type, null]];
    return codes.includes(null) ? [] : BYTES.filter((code) => !codes.includes(code)).map((code) => [type, code]);
  });
}
