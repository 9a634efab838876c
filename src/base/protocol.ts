/**
 * IP protocols: the six that have names in the API, and their numbers. Inside the product a protocol is always a number.
 *
 * @module
 */

/** Protocol names as the API stores them, with their numbers. */
export const PROTOCOL_NUMBERS: Readonly<Record<ProtocolName, number>> = {
  TCP: 6,
  UDP: 17,
  ICMP: 1,
  ICMPv6: 58,
  SCTP: 132,
  UDPLite: 136,
};

/** A protocol that has a name in the API, in its stored spelling. */
export type ProtocolName = "TCP" | "UDP" | "ICMP" | "ICMPv6" | "SCTP" | "UDPLite";

/** Numbers of the protocols whose ports rules may name. UDPLite does not count, as in Calico. */
export const PROTOCOLS_WITH_PORTS: readonly number[] = [6, 17, 132];

const PROTOCOL_NAMES: readonly ProtocolName[] = ["TCP", "UDP", "ICMP", "ICMPv6", "SCTP", "UDPLite"];

/**
 * The number of a protocol given as a name (in any case) or a number from 1 to 255; `undefined` for anything else.
 *
 * @example
 * ```ts
 * import { parseProtocol } from "#/base/protocol.ts";
 * if (parseProtocol("tcp") !== 6 || parseProtocol(132) !== 132 || parseProtocol("58") !== 58) throw new Error();
 * if (parseProtocol(0) !== undefined || parseProtocol("http") !== undefined) throw new Error();
 * ```
 */
export function parseProtocol(protocol: string | number): number | undefined {
  const text = String(protocol);
  const name = canonicalProtocolName(text);
  if (name !== undefined) return PROTOCOL_NUMBERS[name];
  const number = /^[1-9]\d{0,2}$/.test(text) ? Number(text) : 0;
  return number >= 1 && number <= 255 ? number : undefined;
}

/** The stored spelling of a protocol's name given in any case, or `undefined`. */
export function canonicalProtocolName(text: string): ProtocolName | undefined {
  return PROTOCOL_NAMES.find((name) => name.toLowerCase() === text.toLowerCase());
}

/** The stored name of a protocol number, or its decimal text when it has none. */
export function formatProtocol(number: number): string {
  return PROTOCOL_NAMES.find((name) => PROTOCOL_NUMBERS[name] === number) ?? String(number);
}

/** Whether packets of the protocol have ports that rules may match. */
export function protocolHasPorts(number: number): boolean {
  return PROTOCOLS_WITH_PORTS.includes(number);
}
