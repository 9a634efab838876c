/**
 * What CNI needs to know of the rest of the agent: the node state in force, and when a sandbox's interface is open. Between the CNI server and the loop.
 *
 * @module
 */
import type { EndpointItem } from "#/projections/node_state.ts";
import type { Slice } from "#/sync/slice.ts";
import type { LoopPort } from "./cni/allocator.ts";
import type { AgentLoop, PassReport } from "./loop.ts";

/** Whether the server is there, for who must not wait for it. */
export class ServerHealth {
  #away = new AbortController();

  /** Aborts when the server goes away; another one from then on until it is back. */
  get away(): AbortSignal {
    return this.#away.signal;
  }

  /** @param problem why the server is not there; `undefined` when it is */
  set(problem: string | undefined): void {
    if (problem !== undefined) this.#away.abort();
    else if (this.#away.signal.aborted) this.#away = new AbortController();
  }
}

/** The sandbox that is waited for. */
interface Sandbox {
  readonly workload: string;
  readonly containerId: string;
}

/** The loop as CNI sees it. */
export function loopPort(loop: Pick<AgentLoop, "slice" | "waitFor">, health: Pick<ServerHealth, "away">): LoopPort {
  return {
    nodeState: () => loop.slice === undefined ? undefined : { items: loop.slice.state, position: loop.slice.position },
    async endpointReady(namespace, pod, containerId, signal) {
      const sandbox = { workload: `${namespace}/${pod}`, containerId };
      // What the node state has already needs no server.
      const isKnown = endpointOf(loop.slice, sandbox) !== undefined;
      const patience = isKnown ? signal : AbortSignal.any([signal, health.away]);
      try {
        await loop.waitFor((report) => isOpen(report, sandbox), patience);
        return "ready";
      } catch {
        return "pending";
      }
    },
  };
}

function endpointOf(slice: Slice | undefined, { workload, containerId }: Sandbox): EndpointItem | undefined {
  return [...slice?.state.values() ?? []].filter((item) => item.kind === "endpoint").find((item) =>
    item.workload === workload && item.containerId === containerId
  );
}

/** Whether a pass has left the sandbox's policy and routes in the kernel. What failed for others, or for BIRD, does not count. */
function isOpen({ slice, errors }: PassReport, sandbox: Sandbox): boolean {
  const endpoint = endpointOf(slice, sandbox);
  if (endpoint === undefined) return false;
  return !errors.some(({ item }) => ["nftables", "routes", `endpoint:${endpoint.id}`].includes(item));
}
