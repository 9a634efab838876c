/**
 * Handles: the names under which addresses are owned. A sandbox's handle comes from its network and container, so that a repeated ADD finds what
 * the first one got and a DEL that knows nothing else finds what to give back. Used by the CNI operations and by the server's decider.
 *
 * @module
 */

/**
 * The handle of one sandbox in one network, `<network>.<containerId>`.
 *
 * A trailing carriage return, which configuration files edited elsewhere leave in the network's name, is not part of it.
 *
 * @example
 * ```ts
 * import { handleOf } from "#/ipam/handles.ts";
 * if (handleOf("k8s-pod-network", "3f0c") !== "k8s-pod-network.3f0c") throw new Error();
 * ```
 */
export function handleOf(network: string, containerId: string): string {
  return `${network.replace(/\r+$/, "")}.${containerId}`;
}

/**
 * The container a handle belongs to: what follows the last dot, because container ids hold none and network names may.
 *
 * @example
 * ```ts
 * import { containerOfHandle } from "#/ipam/handles.ts";
 * if (containerOfHandle("pods.v2.3f0c") !== "3f0c") throw new Error();
 * ```
 */
export function containerOfHandle(handle: string): string {
  return handle.slice(handle.lastIndexOf(".") + 1);
}

/** Whether a handle is of the given network. */
export function isHandleOfNetwork(handle: string, network: string): boolean {
  return handle === handleOf(network, containerOfHandle(handle));
}
