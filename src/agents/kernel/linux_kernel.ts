/**
 * The kernel port on the real kernel: opens the sockets and contexts of one network namespace and hands them to the drivers. Called by the agent's
 * composition root, by the lab, and by tests (in namespaces of their own).
 *
 * @module
 */
import type { Kernel, KernelChange, NamespaceDriver, NftablesDriver, SysctlDriver } from "./kernel.ts";
import { KernelWatch } from "./kernel_watch.ts";
import { Libc } from "./libc.ts";
import { Nftables } from "./libnftables.ts";
import { NETLINK, NetlinkSocket } from "./netlink_socket.ts";
import { createNetns, deleteNetns, openNetns, OWN_NETNS } from "./netns.ts";
import { changeElements, readElements } from "./nftables_elements.ts";
import { nftGeneration, observeTable } from "./nftables_observe.ts";
import { podNetworkDriver } from "./pod_network.ts";
import { Reactor } from "./reactor.ts";
import { addressDriver, linkDriver, neighbourDriver, routeDriver, type RtnetlinkContext } from "./rtnetlink_drivers.ts";
import { changeLinkRequest } from "./rtnetlink_link.ts";
import { Serial } from "./serial.ts";
import { readSysctl, writeSysctls } from "./sysctl.ts";

/** Options of {@link openKernel}. */
export interface OpenKernelOptions {
  /** File of the network namespace to work in; that of the calling thread when absent. */
  readonly netns?: string;
}

/**
 * Opens the kernel in one network namespace: this process' own, or that of a file. Changes nothing in it. Needs CAP_NET_ADMIN and CAP_SYS_ADMIN
 * over it, and libnftables; `probeHost` of `probes.ts` says beforehand what is missing. Throws `KernelError`.
 */
export function openKernel(options: OpenKernelOptions = {}): Kernel {
  // Closed in reverse order, also when opening fails half-way.
  const resources = new DisposableStack();
  try {
    const libc = resources.use(new Libc());
    const netns = openNetns(libc, options.netns ?? OWN_NETNS);
    resources.defer(() => libc.close(netns));
    const open = (protocol: number) => resources.use(new NetlinkSocket(libc, { protocol, netns }));
    const context: RtnetlinkContext = {
      libc,
      netns,
      socket: open(NETLINK.route),
      slowSocket: open(NETLINK.route),
      slow: new Serial(),
    };
    const nft: NftablesContext = {
      library: resources.use(new Nftables(libc, netns)),
      query: open(NETLINK.netfilter),
      elements: open(NETLINK.netfilter),
      elementChanges: new Serial(),
    };
    return new LinuxKernel(resources.move(), context, nft);
  } finally {
    resources.dispose();
  }
}

/** The nftables side of one namespace. */
interface NftablesContext {
  readonly library: Nftables;
  /** For reading, on the main thread. */
  readonly query: NetlinkSocket;
  /** For element changes, which may be under way off the main thread, one at a time. */
  readonly elements: NetlinkSocket;
  readonly elementChanges: Serial;
}

class LinuxKernel implements Kernel {
  readonly links;
  readonly addresses;
  readonly routes;
  readonly neighbours;
  readonly pods;
  readonly nft: NftablesDriver;
  readonly namespaces: NamespaceDriver;
  readonly sysctls: SysctlDriver;
  readonly #resources: DisposableStack;
  readonly #context: RtnetlinkContext;
  readonly #nft: NftablesContext;
  readonly #reactor: Reactor;
  readonly #watches = new Set<KernelWatch>();

  constructor(resources: DisposableStack, context: RtnetlinkContext, nft: NftablesContext) {
    this.#resources = resources;
    this.#context = context;
    this.#nft = nft;
    this.#reactor = new Reactor(context.libc);
    this.links = linkDriver(context);
    this.addresses = addressDriver(context);
    this.routes = routeDriver(context);
    this.neighbours = neighbourDriver(context);
    this.pods = podNetworkDriver(context);
    this.nft = nftablesDriver(nft);
    this.namespaces = namespaceDriver(context.libc);
    this.sysctls = sysctlDriver(context.libc, context.netns);
  }

  watch(signal: AbortSignal): AsyncIterable<KernelChange> {
    const { libc, netns, socket, slowSocket } = this.#context;
    const ownPorts = new Set([socket.portId, slowSocket.portId]);
    const isOwnPort = (portId: number) => ownPorts.has(portId);
    const onClosed = () => this.#watches.delete(watch);
    const watch = new KernelWatch({ libc, netns, reactor: this.#reactor, isOwnPort, onClosed }, signal);
    this.#watches.add(watch);
    return watch;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const watch of [...this.#watches]) await watch[Symbol.asyncDispose]();
    await this.#reactor[Symbol.asyncDispose]();
    await this.#nft.library.settled();
    await this.#nft.elementChanges.settled();
    await this.#context.slow.settled();
    this.#resources.dispose();
  }
}

function nftablesDriver({ library, query, elements, elementChanges }: NftablesContext): NftablesDriver {
  return {
    run: (script) => library.run(script),
    check: async (script) => void await library.run(script, { dryRun: true }),
    listJson: async (command) => JSON.parse(await library.run(command, { json: true })),
    generation: () => nftGeneration(query),
    observeTable: (family, table) => Promise.try(() => observeTable(query, family, table)),
    elements: (set) => Promise.try(() => readElements(query, set)),
    changeElements: (changes) => elementChanges.run(() => changeElements(elements, changes)),
  };
}

function namespaceDriver(libc: Libc): NamespaceDriver {
  return {
    create: (path) =>
      Promise.try(() => {
        createNetns(libc, path);
        const netns = openNetns(libc, path);
        try {
          using socket = new NetlinkSocket(libc, { protocol: NETLINK.route, netns });
          socket.request(changeLinkRequest("lo", { up: true }));
        } finally {
          libc.close(netns);
        }
      }),
    delete: (path) => Promise.try(() => deleteNetns(libc, path)),
  };
}

function sysctlDriver(libc: Libc, netns: number): SysctlDriver {
  return {
    read: (name) => Promise.try(() => readSysctl(libc, netns, name)),
    write: (name, value) => Promise.try(() => writeSysctls(libc, netns, [[name, value]])),
  };
}
