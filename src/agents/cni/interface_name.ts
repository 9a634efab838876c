/**
 * How a Pod's interface is called on the node. Other programs (and this agent after a restart) recognise workloads by it.
 *
 * @module
 */

/** What every workload's interface begins with. */
export const INTERFACE_PREFIX = "cali";

/**
 * The node-side interface of a Pod: `cali` and the first 11 hexadecimal digits of the SHA-1 of `namespace.pod`, as in Calico.
 *
 * The name depends on the Pod's name alone, so a Pod made again under its name gets the same one: before an interface is removed it must be known
 * that no newer sandbox has it.
 *
 * @example
 * ```ts
 * import { interfaceNameOf } from "#/agents/cni/interface_name.ts";
 * if (await interfaceNameOf("default", "web") !== "cali68caf03a5f4") throw new Error();
 * ```
 */
export async function interfaceNameOf(namespace: string, pod: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-1", new TextEncoder().encode(`${namespace}.${pod}`));
  return INTERFACE_PREFIX + new Uint8Array(digest).toHex().slice(0, 11);
}
