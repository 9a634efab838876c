/**
 * How people narrow a question about reach: the ends they name, and the port. Parsed here once for the command line and the product API; nothing is
 * resolved, so the parts may name things that do not exist.
 *
 * @module
 */
import { cidrFirst, cidrLast, parseCidrOrIp } from "#/base/cidr.ts";
import { compareIps, type Ip, parseIp } from "#/base/ip.ts";
import { parseProtocol, protocolHasPorts } from "#/base/protocol.ts";

/** Ends that a question is narrowed to. Addresses mean workloads that have one of them as well as the part of the outside that they cover. */
export type ReachEnd =
  | { readonly kind: "workload"; readonly namespace: string; readonly name: string }
  | { readonly kind: "namespace"; readonly namespace: string }
  | { readonly kind: "addresses"; readonly first: Ip; readonly last: Ip };

/** The one port, or the one protocol, that a question is narrowed to. `port` is there for TCP, UDP and SCTP, and may be absent there too: any port. */
export interface ReachPort {
  /** IP protocol number. */
  readonly protocol: number;
  readonly port: number | undefined;
}

/** A text that means none of these. */
export interface ReachTextProblem {
  readonly kind: "invalid";
  readonly message: string;
}

/** Names of namespaces have no dots, so that a misspelt address is none. */
const NAMESPACE = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
const NAME = /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/;

/**
 * Reads an end: `namespace/name`, `namespace`, an address, a CIDR, or a range `first-last`.
 *
 * @example
 * ```ts
 * import { parseReachEnd } from "#/policy/reach/reach_end.ts";
 * if (parseReachEnd("shop/db").kind !== "workload" || parseReachEnd("shop").kind !== "namespace") throw new Error();
 * if (parseReachEnd("10.0.0.0/8").kind !== "addresses" || parseReachEnd("10.0.0.9-10.0.0.1").kind !== "invalid") throw new Error();
 * ```
 */
export function parseReachEnd(text: string): ReachEnd | ReachTextProblem {
  const cidr = parseCidrOrIp(text);
  if (cidr !== undefined) return { kind: "addresses", first: cidrFirst(cidr), last: cidrLast(cidr) };
  const [first, last, ...more] = text.split("-").map(parseIp);
  if (first !== undefined && last !== undefined && more.length === 0) {
    return first.version === last.version && compareIps(first, last) <= 0
      ? { kind: "addresses", first, last }
      : { kind: "invalid", message: `A range must go from a lower to a higher address of one family: "${text}"` };
  }
  const [namespace = "", name, ...rest] = text.split("/");
  if (rest.length === 0 && NAMESPACE.test(namespace) && (name === undefined || NAME.test(name))) {
    return name === undefined ? { kind: "namespace", namespace } : { kind: "workload", namespace, name };
  }
  return {
    kind: "invalid",
    message: `An end must be NAMESPACE/NAME, NAMESPACE, an address, a CIDR or FIRST-LAST: "${text}"`,
  };
}

/**
 * Reads a port: `443/tcp`, or a protocol alone (`icmp`, `tcp`, `89`).
 *
 * @example
 * ```ts
 * import { parseReachPort } from "#/policy/reach/reach_end.ts";
 * const port = parseReachPort("443/tcp");
 * if ("kind" in port || port.protocol !== 6 || port.port !== 443) throw new Error();
 * if (!("kind" in parseReachPort("443"))) throw new Error("443 is no named protocol, and too large for a number");
 * ```
 */
export function parseReachPort(text: string): ReachPort | ReachTextProblem {
  const parts = text.split("/");
  const protocol = parseProtocol(parts.at(-1) ?? "");
  if (protocol === undefined || parts.length > 2) {
    return { kind: "invalid", message: `A port must be PORT/PROTOCOL or a protocol such as icmp: "${text}"` };
  }
  if (parts.length === 1) return { protocol, port: undefined };
  const port = /^[0-9]{1,5}$/.test(parts[0]!) ? Number(parts[0]) : 0;
  if (!protocolHasPorts(protocol)) {
    return { kind: "invalid", message: `Only TCP, UDP and SCTP have ports: "${text}"` };
  }
  if (port < 1 || port > 65_535) return { kind: "invalid", message: `A port must be from 1 to 65535: "${text}"` };
  return { protocol, port };
}
