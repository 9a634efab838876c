/**
 * How people write one connection: `shop/front shop/db:5432/tcp`. Parsed here once for the command line, the product API and tests; nothing
 * is resolved, so the parts may name things that do not exist.
 *
 * @module
 */
import { parseIp } from "#/base/ip.ts";
import { parseProtocol } from "#/base/protocol.ts";

/** One end of a connection as written. */
export type EndText =
  | { readonly kind: "workload"; readonly namespace: string; readonly name: string }
  | { readonly kind: "address"; readonly address: string };

/** Where a connection goes. `port` is absent for protocols without ports. */
export interface DestinationText {
  readonly end: EndText;
  readonly port: number | undefined;
  /** IP protocol number. */
  readonly protocol: number;
}

/** A text that is not an end or a destination. */
export interface FlowTextProblem {
  readonly kind: "invalid";
  readonly message: string;
}

/** Names of namespaces have no dots, so that a misspelt address is none. */
const NAMESPACE = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
const NAME = /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/;
const PROTOCOLS_WITH_PORTS = new Set([6, 17, 132]);

/**
 * Reads one end: `namespace/name`, or an address.
 *
 * @example
 * ```ts
 * import { parseEnd } from "#/policy/oracle/flow_text.ts";
 * const end = parseEnd("shop/front");
 * if (end.kind !== "workload" || end.namespace !== "shop" || end.name !== "front") throw new Error();
 * ```
 */
export function parseEnd(text: string): EndText | FlowTextProblem {
  const bare = text.replace(/^\[(.*)\]$/, "$1");
  if (parseIp(bare) !== undefined) return { kind: "address", address: bare };
  const parts = text.split("/");
  const [namespace, name] = parts;
  if (parts.length === 2 && NAMESPACE.test(namespace!) && NAME.test(name!)) {
    return { kind: "workload", namespace: namespace!, name: name! };
  }
  return { kind: "invalid", message: `An end must be NAMESPACE/NAME or an address: "${text}"` };
}

/**
 * Reads a destination: an end, `:`, then `port/protocol` (`80/tcp`), or a protocol that has no ports (`icmp`). IPv6 addresses stand in brackets.
 *
 * @example
 * ```ts
 * import { parseDestination } from "#/policy/oracle/flow_text.ts";
 * const to = parseDestination("shop/db:5432/tcp");
 * if (!("port" in to) || to.port !== 5432 || to.protocol !== 6) throw new Error(JSON.stringify(to));
 * ```
 */
export function parseDestination(text: string): DestinationText | FlowTextProblem {
  const invalid = (rule: string): FlowTextProblem => ({ kind: "invalid", message: `${rule}: "${text}"` });
  const split = /^(\[[^\]]*\]|[^:]*):(.*)$/.exec(text);
  if (split === null) return invalid("A destination must be END:PORT/PROTOCOL, as in shop/db:5432/tcp");
  const end = parseEnd(split[1]!);
  if (end.kind === "invalid") return end;
  const parts = split[2]!.split("/");
  const protocol = parseProtocol(parts.at(-1)!);
  if (protocol === undefined || parts.length > 2) {
    return invalid("A destination must end in PORT/PROTOCOL or a protocol such as icmp");
  }
  if (parts.length === 1) {
    return PROTOCOLS_WITH_PORTS.has(protocol)
      ? invalid("A destination of this protocol must have a port")
      : { end, port: undefined, protocol };
  }
  const port = /^[0-9]{1,5}$/.test(parts[0]!) ? Number(parts[0]) : NaN;
  if (!PROTOCOLS_WITH_PORTS.has(protocol)) return invalid("Only TCP, UDP and SCTP destinations may have a port");
  return port >= 1 && port <= 65535 ? { end, port, protocol } : invalid("A port must be a number from 1 to 65535");
}
