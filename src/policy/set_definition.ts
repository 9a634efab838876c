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
 * A set. `net`: the addresses of all workload endpoints, and the nets of all network sets, that match the selector. `ipPort`: for each workload endpoint
 * that matches, its addresses with the protocol and number of every port of its that has the name.
 */
export type SetDefinition =
  | { readonly id: string; readonly type: "net"; readonly selector: Selector; readonly port?: undefined }
  | { readonly id: string; readonly type: "ipPort"; readonly selector: Selector; readonly port: NamedPortMatch };

/**
 * The set of everything that matches a selector. Its id is the selector's.
 *
 * @example
 * ```ts
 * import { ALL } from "#/base/selector.ts";
 * import { selectorSet } from "#/policy/set_definition.ts";
 * if (selectorSet(ALL).id !== "s:5y5I3VdRZfDU01O--xXAPx2yxCQQqMf0M6IWug") throw new Error();
 * ```
 */
export function selectorSet(selector: Selector): SetDefinition {
  return { id: selectorId(selector), type: "net", selector };
}

/** The set of addresses and ports that matching endpoints give a name. Its id hashes the selector's id, the protocol and the name, as in Calico. */
export function namedPortSet(selector: Selector, port: NamedPortMatch): SetDefinition {
  const protocol = port.protocol === "any" ? "any" : formatProtocol(port.protocol).toLowerCase();
  return { id: uniqueId("n", `${selectorId(selector)},${protocol},${port.name}`), type: "ipPort", selector, port };
}
