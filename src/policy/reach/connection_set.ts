/**
 * Sets of connections as people and programs are told them: exact, sorted, and equal exactly when they print alike. What `reach`, `plan` and their JSON
 * hold; the computing is done on regions of headers (`header_space.ts`).
 *
 * A connection is a protocol with, where it has ports, a destination port (1 to 65535), and for ICMP and ICMPv6 a type and a code. Source ports are not
 * part of it: a connection is in the set when some source port lets it through, because a client may choose its own.
 *
 * @module
 */
import { PORT_MAX } from "#/base/port_range.ts";
import { PROTOCOL_NUMBERS, type ProtocolName } from "#/base/protocol.ts";

/** The connections of one protocol; never none of them. */
export interface ProtocolConnections {
  /** `TCP`, `UDP`, `SCTP`, `ICMP`, `ICMPv6`, `UDPLite`, or the number of any other, from 0 to 255. */
  readonly protocol: ProtocolName | number;
  /** TCP, UDP and SCTP only, and there always: inclusive ranges, sorted, apart; all ports are `[[1, 65535]]`. */
  readonly ports?: readonly (readonly [number, number])[];
  /** ICMP and ICMPv6 only, where not all of it is meant: type and code, `null` for all codes of the type. Sorted. */
  readonly types?: readonly (readonly [number, number | null])[];
}

/** Exactly the connections of all 256 protocols, or those listed, by protocol number. An empty list is none. */
export type Connections = "All" | readonly ProtocolConnections[];

/** A connection to look up. `port` for TCP, UDP and SCTP, `icmp` for ICMP and ICMPv6. */
export interface Connection {
  /** IP protocol number. */
  readonly protocol: number;
  readonly port?: number;
  readonly icmp?: { readonly type: number; readonly code: number };
}

/**
 * Whether the set holds a connection.
 *
 * @example
 * ```ts
 * import { allowsConnection } from "#/policy/reach/connection_set.ts";
 * const web = [{ protocol: "TCP", ports: [[80, 81]] }] as const;
 * if (!allowsConnection(web, { protocol: 6, port: 81 }) || allowsConnection(web, { protocol: 17, port: 81 })) throw new Error();
 * ```
 */
export function allowsConnection(connections: Connections, connection: Connection): boolean {
  if (connections === "All") return true;
  const { port, icmp } = connection;
  const entry = connections.find(({ protocol }) => numberOf(protocol) === connection.protocol);
  if (entry === undefined) return false;
  if (entry.ports !== undefined) return entry.ports.some(([low, high]) => low <= port! && port! <= high);
  return entry.types === undefined ||
    entry.types.some(([type, code]) => type === icmp?.type && (code === null || code === icmp.code));
}

/**
 * A short text for tables: `All`, `TCP 80,443,8000-8080; UDP; ICMP 8,3/1`. Runs of protocols without name are drawn together; a protocol with ports and
 * no numbers has them all. For people only; programs read the JSON.
 *
 * @example
 * ```ts
 * import { formatConnections } from "#/policy/reach/connection_set.ts";
 * const text = formatConnections([{ protocol: 2 }, { protocol: 3 }, { protocol: "TCP", ports: [[80, 80], [90, 99]] }]);
 * if (text !== "2-3; TCP 80,90-99") throw new Error(text);
 * ```
 */
export function formatConnections(connections: Connections): string {
  if (connections === "All") return "All";
  const parts: string[] = [];
  for (let at = 0; at < connections.length; at++) {
    const entry = connections[at]!;
    let last = at;
    while (typeof entry.protocol === "number" && connections[last + 1]?.protocol === entry.protocol + last + 1 - at) {
      last += 1;
    }
    parts.push(last === at ? formatProtocolConnections(entry) : `${entry.protocol}-${connections[last]!.protocol}`);
    at = last;
  }
  return parts.length === 0 ? "none" : parts.join("; ");
}

function formatProtocolConnections({ protocol, ports, types }: ProtocolConnections): string {
  const details = [
    ...(ports ?? []).filter(([low, high]) => low > 1 || high < PORT_MAX)
      .map(([low, high]) => low === high ? String(low) : `${low}-${high}`),
    ...(types ?? []).map(([type, code]) => code === null ? String(type) : `${type}/${code}`),
  ];
  return details.length === 0 ? String(protocol) : `${protocol} ${details.join(",")}`;
}

function numberOf(protocol: ProtocolConnections["protocol"]): number {
  return typeof protocol === "number" ? protocol : PROTOCOL_NUMBERS[protocol];
}
