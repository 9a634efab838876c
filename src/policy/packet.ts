/**
 * What policy looks at: the first packet of a connection, after DNAT and before SNAT. Every engine judges packets; how a flow that people name becomes one
 * is `flow.ts`.
 *
 * @module
 */
import type { Ip } from "#/base/ip.ts";

/** ICMP type and code of a packet. */
export interface PacketIcmp {
  readonly type: number;
  readonly code: number;
}

/** A packet. Ports are present exactly for TCP, UDP and SCTP, `icmp` for ICMP and ICMPv6. */
export interface Packet {
  readonly source: Ip;
  /** Of the same family as `source`. */
  readonly destination: Ip;
  /** IP protocol number. */
  readonly protocol: number;
  readonly sourcePort: number | undefined;
  readonly destinationPort: number | undefined;
  readonly icmp: PacketIcmp | undefined;
}
