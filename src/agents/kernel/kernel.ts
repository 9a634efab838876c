/**
 * The kernel as a port: everything that the agent observes in and applies to the network namespace of its node. Last stop of the arrow. Drivers
 * and the agent's loop code against these interfaces; `openKernel` of `linux_kernel.ts` is the real thing.
 *
 * All methods throw `KernelError` (`code` is an errno name such as `EPERM`) when the kernel refuses or fails, unless they say that they return
 * results. Everything happens in one network namespace, the one the kernel was opened in, whatever the calling thread does later. Methods that
 * return promises may be called concurrently; calls that need one resource (the nftables context) are queued in call order.
 *
 * @module
 */
import type { KernelError } from "./kernel_error.ts";

/** What the agent needs of its node's kernel. Dispose it to stop watching and to close all sockets; kernel objects stay as they are. */
export interface Kernel extends AsyncDisposable {
  readonly links: LinkDriver;
  readonly addresses: AddressDriver;
  readonly routes: RouteDriver;
  readonly neighbours: NeighbourDriver;
  readonly nft: NftablesDriver;
  readonly pods: PodNetworkDriver;
  readonly namespaces: NamespaceDriver;
  readonly sysctls: SysctlDriver;

  /**
   * Changes of links and routes from now on, whoever makes them, until the signal aborts (the iteration then ends without an error) or the kernel
   * is disposed. The subscription stands when this returns, so observe after calling it and nothing is missed.
   *
   * A change only tells that something is to be observed again. Three things are not told and must be known: a link that goes down or away
   * takes its IPv4 routes with it without a route change for each; nftables changes are not here at all (poll
   * {@link NftablesDriver.generation}, because a standing listener slows every commit); after `overflow` everything must be observed.
   */
  watch(signal: AbortSignal): AsyncIterable<KernelChange>;
}

/** Something that happened in the kernel. */
export type KernelChange =
  /** `own` says that this very {@link Kernel} asked for it: a loop may skip those. */
  | { readonly kind: "route"; readonly action: "set" | "removed"; readonly own: boolean; readonly route: Route }
  /** Whoever asked for it: of links the kernel does not say. */
  | { readonly kind: "link"; readonly action: "set" | "removed"; readonly link: Link }
  /** Changes were lost (the socket's buffer or the queue to the reader was full): observe everything. */
  | { readonly kind: "overflow" };

/** A network interface. */
export interface Link {
  readonly index: number;
  readonly name: string;
  /** Driver kind, `veth`, `bridge`, `dummy`; `undefined` for the loopback and hardware. */
  readonly type: string | undefined;
  readonly mtu: number;
  /** Lower case with colons; `undefined` where the link has none. */
  readonly mac: string | undefined;
  /** Administratively up. */
  readonly up: boolean;
  /** Up and with carrier. */
  readonly running: boolean;
  /** Index of the bridge it is a port of. */
  readonly masterIndex: number | undefined;
  /** Index of the veth peer or parent link, which may be in another namespace. */
  readonly peerIndex: number | undefined;
}

/** What to make: a link of one kind. Interface names have at most 15 bytes. */
export type LinkSpec =
  | {
    readonly type: "dummy" | "bridge";
    readonly name: string;
    readonly mtu?: number;
    readonly mac?: string;
    readonly up?: boolean;
  }
  | VethSpec;

/** A veth pair; the peer is born in the namespace at `peer.netns` where given, so it is never seen here. */
export interface VethSpec {
  readonly type: "veth";
  readonly name: string;
  readonly mtu?: number;
  readonly mac?: string;
  readonly up?: boolean;
  readonly peer: { readonly name: string; readonly netns?: string; readonly mtu?: number; readonly mac?: string };
}

/** Changes to an existing link; absent members stay as they are. */
export interface LinkChangeSpec {
  readonly up?: boolean;
  readonly mtu?: number;
  readonly mac?: string;
  /** Name of the bridge to become a port of; `null` to leave it. */
  readonly master?: string | null;
}

/** Interfaces. */
export interface LinkDriver {
  dump(): Promise<readonly Link[]>;
  /** The link of that name, or `undefined`. */
  byName(name: string): Promise<Link | undefined>;
  /** Makes a link. Throws `EEXIST` when the name is taken here or, for a peer, there. */
  create(spec: LinkSpec): Promise<void>;
  /** Changes a link. Throws `ENODEV` when there is none of that name. */
  change(name: string, spec: LinkChangeSpec): Promise<void>;
  /** Deletes a link (a veth with its peer). False when there was none. Takes 15-30 ms, off the main thread. */
  delete(name: string): Promise<boolean>;
}

/** An address of a link. */
export interface LinkAddress {
  readonly linkIndex: number;
  /** With its prefix length: `10.0.0.1/24`. */
  readonly address: string;
}

/** Addresses of links. */
export interface AddressDriver {
  dump(): Promise<readonly LinkAddress[]>;
  /** Adds an address with prefix length, `10.0.0.1/24`; one that is already there is left alone (false). No duplicate detection for IPv6. */
  add(linkName: string, address: string): Promise<boolean>;
  /** Removes an address; false when it was not there. */
  delete(linkName: string, address: string): Promise<boolean>;
}

/** What the kernel does with a packet that the route matches. */
export type RouteType =
  | "unicast"
  | "local"
  | "broadcast"
  | "anycast"
  | "multicast"
  | "blackhole"
  | "unreachable"
  | "prohibit"
  | "throw"
  | "other";

/** How far the destination is, in the kernel's words. IPv6 routes always say `global`. */
export type RouteScope = "global" | "site" | "link" | "host" | "nowhere" | "other";

/** A route to be made or deleted. */
export interface RouteSpec {
  /** Network in CIDR form without host bits, of either family: `10.0.0.0/26`, `0.0.0.0/0`, `fd00::/64`. */
  readonly destination: string;
  /** `unicast` when absent. */
  readonly type?: "unicast" | "blackhole" | "unreachable" | "prohibit" | "throw";
  readonly gateway?: string;
  /** Interface by name, looked up when applied. */
  readonly linkName?: string;
  /** The gateway is on the link even if no route says so. */
  readonly onlink?: boolean;
  /** When absent: `link` for a unicast route without gateway, else `global`. Without meaning for IPv6. */
  readonly scope?: Exclude<RouteScope, "other">;
  /** The owner: see {@link ROUTE_PROTOCOLS}. */
  readonly protocol: number;
  /** Metric; when absent 0 for IPv4 and 1024 for IPv6, the kernel's own defaults. Lower wins. */
  readonly priority?: number;
  /** Preferred source address. */
  readonly source?: string;
  /** Routing table; 254 (main) when absent. */
  readonly table?: number;
}

/** A route as the kernel has it. */
export interface Route {
  readonly destination: string;
  readonly type: RouteType;
  readonly gateway: string | undefined;
  readonly linkIndex: number | undefined;
  /** `undefined` when the link went away meanwhile, for routes without a link, and in changes from `watch`. */
  readonly linkName: string | undefined;
  readonly onlink: boolean;
  readonly scope: RouteScope;
  readonly protocol: number;
  readonly priority: number;
  readonly source: string | undefined;
  readonly table: number;
  /** Next hops of a multipath route; empty for all others. `gateway` and `linkIndex` are then those of the first. */
  readonly nextHops: readonly NextHop[];
}

/** One way of a multipath route. */
export interface NextHop {
  readonly gateway: string | undefined;
  readonly linkIndex: number;
  readonly weight: number;
}

/** Which routes to dump; absent members do not filter. */
export interface RouteFilter {
  /** Only routes of these owners. */
  readonly protocols?: readonly number[];
  /** 254 (main) when absent. */
  readonly table?: number;
  readonly family?: "ipv4" | "ipv6";
}

/**
 * One step of a plan. `set` makes the route, replacing what is at the same destination, priority and table whoever owns it; `add` refuses to
 * (`EEXIST`); `delete` removes the route only if all that the spec says (owner included) fits.
 */
export interface RouteStep {
  readonly kind: "set" | "add" | "delete";
  readonly route: RouteSpec;
}

/** What became of one step; `absent` when there was nothing to delete. */
export type RouteStepResult =
  | { readonly kind: "done" }
  | { readonly kind: "absent" }
  | { readonly kind: "failed"; readonly error: KernelError };

/** The routing tables. */
export interface RouteDriver {
  /** Routes of both families, without the kernel's cached clones. */
  dump(filter?: RouteFilter): Promise<readonly Route[]>;
  /**
   * Carries out the steps in order and goes on after a failing one: routes are independent of each other. Returns one result per step, in step
   * order. Throws only when the socket itself fails.
   */
  apply(steps: readonly RouteStep[]): Promise<readonly RouteStepResult[]>;
}

/** The owners of routes that matter here (`/etc/iproute2/rt_protos`; 80 is what Calico uses for its own and Tortie uses too). */
export const ROUTE_PROTOCOLS = { kernel: 2, boot: 3, static: 4, bird: 12, tortie: 80 } as const;

/** A neighbour entry that never ages. */
export interface PermanentNeighbour {
  readonly linkName: string;
  readonly address: string;
  readonly mac: string;
}

/** Neighbour tables (ARP and NDP). */
export interface NeighbourDriver {
  /** Makes or replaces a permanent entry. */
  set(neighbour: PermanentNeighbour): Promise<void>;
}

/** Families of nftables tables. */
export type NftFamily = "inet" | "ip" | "ip6" | "arp" | "bridge" | "netdev";

/** The kernel's nftables ruleset. */
export interface NftablesDriver {
  /**
   * Runs a script in nft's language as one transaction: all of it is applied, or nothing. Returns what it printed (for `list` commands). Throws
   * `KernelError` with nft's own text in the message and `code` = `ENOENT`, `EEXIST`, `EBUSY` ... as far as the text says, else `EINVAL`.
   *
   * Short scripts run on the main thread (0.1 ms); long ones off it. Element changes of interval sets are slow here: use
   * {@link changeElements}.
   */
  run(script: string): Promise<string>;
  /** Like {@link run}, but only checks the script: parse, evaluation against the current ruleset. Changes nothing. */
  check(script: string): Promise<void>;
  /** Runs a `list` command and returns nft's JSON (`{nftables: [...]}`), not looked into. Slow with large rulesets: 350 ms for 10,000 rules. */
  listJson(command: string): Promise<unknown>;
  /** The ruleset's generation: goes up at every commit by anyone in this namespace. Costs 5 us. Zero-based and wraps at 2^32. */
  generation(): number;
  /** Everything drift detection needs of one table, or `undefined` when there is no such table. 50 ms for 10,000 rules. */
  observeTable(family: NftFamily, table: string): Promise<TableObservation | undefined>;
  /** The elements of a set as text in the form of {@link ElementChange}, sorted. Throws `ENOENT` when there is no such set. */
  elements(set: SetRef): Promise<readonly string[]>;
  /** Changes elements of one or more sets in one transaction, in order. Throws `EEXIST` for an overlap in an interval set, `ENOENT` for a missing element. */
  changeElements(changes: readonly ElementChange[]): Promise<void>;
}

/** What the kernel holds of one table, read without the rules' contents. */
export interface TableObservation {
  /** Generation at which all of this was true. */
  readonly generation: number;
  /** Somebody has put the table to sleep: its base chains see no packets. */
  readonly isDormant: boolean;
  readonly chains: ReadonlyMap<string, ChainObservation>;
  /** Named sets and maps (anonymous ones are left out). */
  readonly sets: ReadonlyMap<string, SetObservation>;
}

/** One chain of an observed table. */
export interface ChainObservation {
  readonly handle: number;
  /** Set for base chains only. */
  readonly hook: string | undefined;
  /** Priority within the hook; base chains only. */
  readonly priority: number | undefined;
  /** Policy of a base chain. */
  readonly policy: "accept" | "drop" | undefined;
  readonly rules: readonly RuleObservation[];
}

/** One rule of an observed chain, in order. */
export interface RuleObservation {
  readonly handle: number;
  /** The rule's comment; owners keep an id or a hash of the rule there. */
  readonly comment: string | undefined;
}

/** One named set or map of an observed table. */
export interface SetObservation {
  readonly handle: number;
  readonly isMap: boolean;
  readonly isInterval: boolean;
  /** nft's number of the key's type: 7 for IPv4 addresses, 8 for IPv6, 41 for interface names; those of concatenated keys are joined, six bits each. */
  readonly keyType: number;
  /** The set's comment. */
  readonly comment: string | undefined;
}

/** Names a set. */
export interface SetRef {
  readonly family: NftFamily;
  readonly table: string;
  readonly set: string;
}

/**
 * Elements to add to or delete from a set whose key is an address, a network, or an address with protocol and port.
 *
 * Element text: `10.0.0.1` or `fd00::1`; in interval sets also `10.0.0.0/8`; in sets keyed `ipv4_addr . inet_proto . inet_service` (or ipv6)
 * `10.0.0.1,tcp:8080`. One set holds one address family. In an interval set elements are deleted as they were added.
 */
export interface ElementChange extends SetRef {
  readonly kind: "add" | "delete";
  /** The set has `flags interval`. */
  readonly interval: boolean;
  readonly elements: readonly string[];
}

/** Where and how a pod is attached. */
export interface PodNetworkSpec {
  /** Interface on the node, at most 15 bytes. */
  readonly hostLink: string;
  /** Path of the pod's network namespace: `/run/netns/x`, `/proc/123/ns/net`. Must exist. */
  readonly netns: string;
  /** Interface in the pod: `eth0`. */
  readonly podLink: string;
  /** Addresses of the pod without prefix length; at most one of each family, at least one. */
  readonly addresses: readonly string[];
  readonly mtu: number;
}

/** A pod's interface as made. */
export interface PodNetwork {
  readonly hostLink: Link;
  /** MAC of the interface inside the pod. */
  readonly podMac: string;
}

/** Attaches pods to the node. */
export interface PodNetworkDriver {
  /**
   * Makes the veth pair, the pod's addresses, routes and neighbour, and the node-side sysctls. An interface of the same name is replaced. The
   * host end comes up last; the route to the pod is not made here but by the owner of routes. On failure the pair is removed again.
   *
   * Forwarding is turned on for the pod's interface only: the node's own `net.ipv4.ip_forward` and `net.ipv6.conf.all.forwarding`, without which
   * nothing comes in from other nodes (and no IPv6 goes between pods), are the agent's to set at start.
   */
  create(spec: PodNetworkSpec): Promise<PodNetwork>;
  /** Removes the pod's interface; false when there was none. The namespace is its maker's to delete. */
  delete(hostLink: string): Promise<boolean>;
  /** Differences between the spec and the kernel, each as a sentence; empty when all is as `create` made it. */
  check(spec: PodNetworkSpec): Promise<readonly string[]>;
}

/** Named network namespaces: files that hold a namespace. */
export interface NamespaceDriver {
  /** Makes a namespace held by the file `path` (made too, with its folder), loopback up. Throws `EEXIST` when the file exists. */
  create(path: string): Promise<void>;
  /** Unmounts and removes the file; the kernel frees the namespace when nothing else uses it. False when there was no file. */
  delete(path: string): Promise<boolean>;
}

/** Kernel settings under `/proc/sys`; those under `net` are this namespace's. */
export interface SysctlDriver {
  /** Reads `net.ipv4.ip_forward` or, where a name may hold dots, `net/ipv4/conf/eth0.1/proxy_arp`. Without the line end. */
  read(name: string): Promise<string>;
  /** Writes a value. */
  write(name: string, value: string): Promise<void>;
}
