/**
 * A node for tests of the CNI operations: pod networks that enforce the kernel's rules, and a loop that applies what it is told to.
 *
 * @module
 */
import { OperationalError } from "#/base/errors.ts";
import type { Link, PodNetwork, PodNetworkDriver, PodNetworkSpec, Route } from "#/agents/kernel/kernel.ts";
import type { LoopPort } from "#/agents/cni/allocator.ts";
import { type NodeItem, nodeItemKey, type NodeState } from "#/projections/node_state.ts";

/** Pod networks in memory. */
export class FakePods implements PodNetworkDriver {
  /** Network namespaces that exist, by path. */
  readonly namespaces = new Set<string>();
  /** Interfaces as made, by name. */
  readonly made = new Map<string, PodNetworkSpec>();
  /** Every call, in order: `create cali... 10.0.0.0`, `delete cali...`. */
  readonly calls: string[] = [];
  /** Makes the next creations fail after they began. */
  failure: OperationalError | undefined;

  create(spec: PodNetworkSpec): Promise<PodNetwork> {
    this.calls.push(`create ${spec.addresses.join()}`);
    this.made.delete(spec.hostLink);
    if (!this.namespaces.has(spec.netns)) return Promise.reject(kernelError("No such namespace", "soon"));
    if (this.failure !== undefined) return Promise.reject(this.failure);
    this.made.set(spec.hostLink, spec);
    return Promise.resolve({ hostLink: linkOf(spec), podMac: macOf(this.calls.length) });
  }

  delete(hostLink: string): Promise<boolean> {
    this.calls.push("delete");
    if (this.failure?.operation === "delete") return Promise.reject(this.failure);
    return Promise.resolve(this.made.delete(hostLink));
  }

  check(spec: PodNetworkSpec): Promise<readonly string[]> {
    const made = this.made.get(spec.hostLink);
    const isSame = made !== undefined && JSON.stringify(made) === JSON.stringify(spec);
    return Promise.resolve(isSame ? [] : [`Interface "${spec.hostLink}" must be as it was made`]);
  }

  /** One route per interface, as the route driver makes them. */
  routes(): readonly Route[] {
    return [...this.made.values()].flatMap((spec) => spec.addresses.map((address) => routeOf(address, spec.hostLink)));
  }
}

/** The agent's loop in memory. */
export class FakeLoop implements LoopPort {
  items: Map<string, NodeItem> | undefined;
  position = 1;
  /** What becomes of an endpoint; by default it is open at once. */
  ready: (key: string, signal: AbortSignal) => Promise<"ready" | "pending"> = () => Promise.resolve("ready");
  /** Endpoints that were waited for, `namespace/pod container`. */
  readonly waited: string[] = [];

  nodeState(): { readonly items: NodeState; readonly position: number } | undefined {
    return this.items === undefined ? undefined : { items: this.items, position: this.position };
  }

  endpointReady(
    namespace: string,
    pod: string,
    containerId: string,
    signal: AbortSignal,
  ): Promise<"ready" | "pending"> {
    this.waited.push(`${namespace}/${pod} ${containerId}`);
    return this.ready(`${namespace}/${pod}`, signal);
  }
}

/** A node state with a pool and local blocks in it. */
export function stateWith(
  blocks: readonly string[],
  pool: { readonly disabled?: boolean; readonly allocatable?: boolean } = {},
): Map<string, NodeItem> {
  const items: readonly NodeItem[] = [
    {
      kind: "pool",
      id: "default",
      cidr: "10.0.0.0/16",
      blockSize: 30,
      natOutgoing: true,
      disabled: pool.disabled ?? false,
      disableBGPExport: false,
      ipipMode: "Never",
      vxlanMode: "Never",
      allocatable: pool.allocatable ?? true,
    },
    ...blocks.map((cidr) =>
      ({
        kind: "route",
        id: cidr,
        cidr,
        type: "local",
        node: "node1",
        gateway: undefined,
        programmedBy: "agent",
        pool: "default",
      }) as const
    ),
  ];
  return new Map(items.map((item) => [nodeItemKey(item), item]));
}

/** A kernel's failure. */
export function kernelError(message: string, retry: OperationalError["retry"], operation = "create"): OperationalError {
  return new OperationalError(message, { operation, subject: "kernel", retry });
}

function macOf(count: number): string {
  return `02:00:00:00:00:${count.toString(16).padStart(2, "0")}`;
}

function linkOf(spec: PodNetworkSpec): Link {
  return {
    index: 5,
    name: spec.hostLink,
    type: "veth",
    mtu: spec.mtu,
    mac: "ee:ee:ee:ee:ee:ee",
    up: true,
    running: true,
    masterIndex: undefined,
    peerIndex: 2,
  };
}

function routeOf(address: string, linkName: string): Route {
  return {
    destination: `${address}/32`,
    type: "unicast",
    gateway: undefined,
    linkIndex: 5,
    linkName,
    onlink: false,
    scope: "link",
    protocol: 80,
    priority: 0,
    source: undefined,
    table: 254,
    nextHops: [],
  };
}
