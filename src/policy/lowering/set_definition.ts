/**
 * The sets that lowered rules refer to: what they are called and who belongs in them. The projections keep their members; equal definitions have equal
 * ids, so that policies share sets.
 *
 * @module
 */
import { formatProtocol } from "#/base/protocol.ts";
import type { Selector } from "#/base/selector.ts";
import { selectorId, uniqueId } from "#/base/selector_id.ts";

/** A port by name, of one protocol or of any. */
export interface NamedPortMatch {
  readonly name: string;
  /** IP protocol number. */
  readonly protocol: number | "any";
}

/**
 * A set of what matches a selector. `net`: the addresses of all endpoints, and the nets of all network sets, that match. `ipPort`: for each endpoint that
 * matches, its addresses with the protocol and number of every port of its that has the name.
 */
export type SelectorSetDefinition =
  | { readonly id: string; readonly type: "net"; readonly selector: Selector; readonly port?: undefined }
  | { readonly id: string; readonly type: "ipPort"; readonly selector: Selector; readonly port: NamedPortMatch };

/** The set of a Service's endpoints, ready or not: their addresses (`net`), or these with the slices' ports (`ipPort`). */
export interface ServiceSetDefinition {
  readonly id: string;
  readonly type: "net" | "ipPort";
  /** `namespace/name`. */
  readonly service: string;
}

/** What fills a set. */
export type SetDefinition = SelectorSetDefinition | ServiceSetDefinition;

/**
 * The set of everything that matches a selector. Its id is the selector's.
 *
 * @example
 * ```ts
 * import { ALL } from "#/base/selector.ts";
 * import { selectorSet } from "#/policy/lowering/set_definition.ts";
 * if (selectorSet(ALL).id !== "s:5y5I3VdRZfDU01O--xXAPx2yxCQQqMf0M6IWug") throw new Error();
 * ```
 */
export function selectorSet(selector: Selector): SelectorSetDefinition {
  return { id: selectorId(selector), type: "net", selector };
}

/** The set of addresses and ports that matching endpoints give a name. Its id hashes the selector's id, the protocol and the name, as in Calico. */
export function namedPortSet(selector: Selector, port: NamedPortMatch): SelectorSetDefinition {
  const protocol = port.protocol === "any" ? "any" : formatProtocol(port.protocol).toLowerCase();
  return { id: uniqueId("n", `${selectorId(selector)},${protocol},${port.name}`), type: "ipPort", selector, port };
}

/**
 * The set of a Service's endpoints. Its id hashes the Service's name, as in Calico.
 *
 * @param service `namespace/name`
 * @param type with ports for traffic to the Service, without for traffic from it
 *
 * @example
 * ```ts
 * import { serviceSet } from "#/policy/lowering/set_definition.ts";
 * if (!serviceSet("shop/db", "net").id.startsWith("svcnoport:")) throw new Error();
 * ```
 */
export function serviceSet(service: string, type: "net" | "ipPort"): ServiceSetDefinition {
  return { id: uniqueId(type === "ipPort" ? "svc" : "svcnoport", service), type, service };
}
