/**
 * Changes of links and routes as the kernel tells them, from a multicast socket to an async iteration. Lost changes are a normal thing here and come out
 * as `overflow`.
 *
 * @module
 */
import type { KernelChange } from "./kernel.ts";
import type { Libc } from "./libc.ts";
import type { NetlinkMessage } from "./netlink_codec.ts";
import { NETLINK, NetlinkSocket } from "./netlink_socket.ts";
import type { Reactor } from "./reactor.ts";
import { decodeLink, RTM_LINK } from "./rtnetlink_link.ts";
import { decodeRoute, RTM_ROUTE } from "./rtnetlink_route.ts";

/** Multicast groups: links, IPv4 routes, IPv6 routes. */
const GROUPS = [1, 7, 11];
/** Changes that wait for a reader; a slower one is told `overflow` and must observe everything, which is cheaper than so many changes. */
const KERNEL_CHANGES_MAX = 4096;

/** What a {@link KernelWatch} needs. */
export interface KernelWatchDeps {
  readonly libc: Libc;
  readonly reactor: Reactor;
  readonly netns: number;
  /** Whether the socket of that port is one of this kernel's. */
  isOwnPort(portId: number): boolean;
  /** Called once, when the subscription has ended and its socket is closed. */
  onClosed(): void;
}

/** One subscription. It is an iterable of one iteration, and releases its socket when that ends, the signal aborts or it is disposed. */
export class KernelWatch implements AsyncIterable<KernelChange>, AsyncDisposable {
  readonly #deps: KernelWatchDeps;
  readonly #socket: NetlinkSocket;
  readonly #watching: AsyncDisposable;
  readonly #signal: AbortSignal;
  readonly #onAbort = () => this.#end();
  #queue: KernelChange[] = [];
  #arrived: PromiseWithResolvers<void> = Promise.withResolvers();
  #ended: Promise<void> | undefined;

  /** Subscribes; from now on nothing is missed. */
  constructor(deps: KernelWatchDeps, signal: AbortSignal) {
    this.#deps = deps;
    this.#signal = signal;
    this.#socket = new NetlinkSocket(deps.libc, { protocol: NETLINK.route, netns: deps.netns, groups: GROUPS });
    this.#watching = deps.reactor.watch(this.#socket.fd, () => this.#take());
    signal.addEventListener("abort", this.#onAbort);
    if (signal.aborted) this.#end();
  }

  /** The changes, in the kernel's order. */
  async *[Symbol.asyncIterator](): AsyncGenerator<KernelChange, void, void> {
    try {
      while (true) {
        const changes = this.#queue;
        this.#queue = [];
        for (const change of changes) {
          if (this.#ended !== undefined) return;
          yield change;
        }
        if (this.#ended !== undefined) return;
        if (this.#queue.length === 0) await this.#arrived.promise;
      }
    } finally {
      await this.#end();
    }
  }

  /** Ends the iteration and closes the socket. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#end();
  }

  #end(): Promise<void> {
    this.#ended ??= this.#close();
    this.#arrived.resolve();
    return this.#ended;
  }

  async #close(): Promise<void> {
    this.#signal.removeEventListener("abort", this.#onAbort);
    await this.#watching[Symbol.asyncDispose]();
    this.#socket[Symbol.dispose]();
    this.#deps.onClosed();
  }

  #take(): void {
    try {
      if (this.#socket.takeError() !== 0) this.#push({ kind: "overflow" });
      while (this.#socket.receive((message) => this.#decode(message)));
    } catch {
      // Lost (ENOBUFS) or unreadable: either way only a full observation tells what happened.
      this.#push({ kind: "overflow" });
    }
  }

  #decode(message: NetlinkMessage): void {
    switch (message.type) {
      case RTM_LINK.new:
        return this.#push({ kind: "link", action: "set", link: decodeLink(message) });
      case RTM_LINK.delete:
        return this.#push({ kind: "link", action: "removed", link: decodeLink(message) });
      case RTM_ROUTE.new:
      case RTM_ROUTE.delete: {
        const route = decodeRoute(message);
        if (route === undefined) return;
        const action = message.type === RTM_ROUTE.new ? "set" : "removed";
        const own = this.#deps.isOwnPort(message.portId);
        return this.#push({ kind: "route", action, own, route: { ...route, linkName: undefined } });
      }
    }
  }

  #push(change: KernelChange): void {
    if (this.#queue.length >= KERNEL_CHANGES_MAX) this.#queue = [{ kind: "overflow" }];
    this.#queue.push(change);
    this.#arrived.resolve();
    this.#arrived = Promise.withResolvers();
  }
}
