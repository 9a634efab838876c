/**
 * The parts of the kernel port that rtnetlink serves: links, addresses, routes, neighbours. They hold no state of their own.
 *
 * @module
 */
import { setImmediate } from "node:timers/promises";
import type {
  AddressDriver,
  Link,
  LinkDriver,
  NeighbourDriver,
  Route,
  RouteDriver,
  RouteFilter,
  RouteStep,
  RouteStepResult,
} from "./kernel.ts";
import { isKernelError, KernelError } from "./kernel_error.ts";
import type { Libc } from "./libc.ts";
import type { NetlinkRequest, NetlinkSocket } from "./netlink_socket.ts";
import { openNetns } from "./netns.ts";
import {
  addAddressRequest,
  decodeAddress,
  deleteAddressRequest,
  dumpAddressesRequest,
  setNeighbourRequest,
} from "./rtnetlink_address.ts";
import {
  changeLinkRequest,
  createLinkRequest,
  decodeLink,
  deleteLinkRequest,
  dumpLinksRequest,
  getLinkRequest,
} from "./rtnetlink_link.ts";
import { decodeRoute, dumpRoutesRequest, routeStepRequest } from "./rtnetlink_route.ts";
import type { Serial } from "./serial.ts";

/** What the drivers of one namespace share. */
export interface RtnetlinkContext {
  readonly libc: Libc;
  /** Descriptor of the namespace. */
  readonly netns: number;
  /** For everything quick. */
  readonly socket: NetlinkSocket;
  /** For deletions of links, one at a time through `slow`. */
  readonly slowSocket: NetlinkSocket;
  readonly slow: Serial;
}

/** Steps between two looks at the event loop: about 5 ms. */
const STEPS_PER_TURN_MAX = 1000;

/** The link of that name, or `undefined`. */
export function findLink(socket: NetlinkSocket, name: string): Link | undefined {
  try {
    return socket.get(getLinkRequest(name), decodeLink);
  } catch (error) {
    if (isKernelError(error, "ENODEV")) return undefined;
    throw error;
  }
}

/** The link of that name; throws `ENODEV` when there is none. */
export function requireLink(socket: NetlinkSocket, name: string): Link {
  return socket.get(getLinkRequest(name), decodeLink);
}

/** Deletes a link off the main thread; false when there was none. */
export async function deleteLink(context: RtnetlinkContext, name: string): Promise<boolean> {
  if (findLink(context.socket, name) === undefined) return false;
  try {
    await context.slow.run(() => context.slowSocket.requestAsync(deleteLinkRequest(name)));
    return true;
  } catch (error) {
    if (isKernelError(error, "ENODEV")) return false;
    throw error;
  }
}

/** Links of one namespace. */
export function linkDriver(context: RtnetlinkContext): LinkDriver {
  const { libc, socket } = context;
  return {
    dump: () => Promise.try(() => socket.dump(dumpLinksRequest(), decodeLink)),
    byName: (name) => Promise.try(() => findLink(socket, name)),
    create: (spec) =>
      Promise.try(() => {
        const path = spec.type === "veth" ? spec.peer.netns : undefined;
        const peerNetns = path === undefined ? undefined : openNetns(libc, path);
        try {
          socket.request(createLinkRequest(spec, peerNetns));
        } finally {
          if (peerNetns !== undefined) libc.close(peerNetns);
        }
      }),
    change: (name, { master, ...change }) =>
      Promise.try(() => {
        const masterIndex = typeof master === "string"
          ? requireLink(socket, master).index
          : master === null
          ? 0
          : undefined;
        socket.request(changeLinkRequest(name, { ...change, masterIndex }));
      }),
    delete: (name) => deleteLink(context, name),
  };
}

/** Addresses of one namespace. */
export function addressDriver({ socket }: RtnetlinkContext): AddressDriver {
  return {
    dump: () => Promise.try(() => socket.dump(dumpAddressesRequest(), decodeAddress)),
    add: (linkName, address) =>
      Promise.try(() => unless(socket, addAddressRequest(requireLink(socket, linkName).index, address), "EEXIST")),
    delete: (linkName, address) =>
      Promise.try(() =>
        unless(socket, deleteAddressRequest(requireLink(socket, linkName).index, address), "EADDRNOTAVAIL")
      ),
  };
}

/** Neighbours of one namespace. */
export function neighbourDriver({ socket }: RtnetlinkContext): NeighbourDriver {
  return {
    set: ({ linkName, address, mac }) =>
      Promise.try(() => socket.request(setNeighbourRequest(requireLink(socket, linkName).index, address, mac))),
  };
}

/** Routes of one namespace. */
export function routeDriver({ socket }: RtnetlinkContext): RouteDriver {
  return {
    dump: (filter = {}) => Promise.try(() => dumpRoutes(socket, filter)),
    apply: async (steps) => {
      const results: RouteStepResult[] = [];
      while (results.length < steps.length) {
        if (results.length > 0) await setImmediate();
        results.push(...applyRouteSteps(socket, steps.slice(results.length, results.length + STEPS_PER_TURN_MAX)));
      }
      return results;
    },
  };
}

/** Dumps routes as {@link RouteDriver} says. */
export function dumpRoutes(socket: NetlinkSocket, filter: RouteFilter): Route[] {
  const families = filter.family === undefined ? (["ipv4", "ipv6"] as const) : [filter.family];
  const wanted = filter.protocols === undefined ? undefined : new Set(filter.protocols);
  const decoded = families.flatMap((family) => {
    try {
      return socket.dump(dumpRoutesRequest(family, filter), (message) => {
        const route = decodeRoute(message);
        return route !== undefined && (wanted?.has(route.protocol) ?? true) ? route : undefined;
      });
    } catch (error) {
      // A table that nobody has put a route into does not exist.
      if (isKernelError(error, "ENOENT")) return [];
      throw error;
    }
  });
  const names = decoded.some((route) => route.linkIndex !== undefined)
    ? new Map(socket.dump(dumpLinksRequest(), decodeLink).map((link) => [link.index, link.name]))
    : undefined;
  return decoded.map((route) => ({
    ...route,
    linkName: route.linkIndex === undefined ? undefined : names?.get(route.linkIndex),
  }));
}

/** Carries out steps as {@link RouteDriver} says, without letting anything else run. */
export function applyRouteSteps(socket: NetlinkSocket, steps: readonly RouteStep[]): RouteStepResult[] {
  const indexes = new Map<string, number | undefined>();
  const indexOf = (name: string) => {
    if (!indexes.has(name)) indexes.set(name, findLink(socket, name)?.index);
    return indexes.get(name);
  };
  const prepared = steps.map((step): NetlinkRequest | RouteStepResult => {
    try {
      const { linkName, destination } = step.route;
      const linkIndex = linkName === undefined ? undefined : indexOf(linkName);
      if (linkName === undefined || linkIndex !== undefined) return routeStepRequest(step, linkIndex);
      // Routes go with their link.
      if (step.kind === "delete") return { kind: "absent" };
      const detail = `there is no link "${linkName}"`;
      throw new KernelError({ operation: `${step.kind} the route`, subject: destination, code: "ENODEV", detail });
    } catch (error) {
      if (error instanceof KernelError) return { kind: "failed", error };
      throw error;
    }
  });
  const errors = socket.batch(prepared.filter((item) => "write" in item)).values();
  return prepared.map((item, index) => {
    if (!("write" in item)) return item;
    const error = errors.next().value;
    if (error === undefined) return { kind: "done" };
    const absent = steps[index]?.kind === "delete" && error.code === "ESRCH";
    return absent ? { kind: "absent" } : { kind: "failed", error };
  });
}

/** Carries out a request; false when the answer is that there was nothing to do. */
function unless(socket: NetlinkSocket, request: NetlinkRequest, code: string): boolean {
  try {
    socket.request(request);
    return true;
  } catch (error) {
    if (isKernelError(error, code)) return false;
    throw error;
  }
}
