/**
 * Routes in rtnetlink's words: requests that make, delete and dump them, and the decoder of what the kernel says of one. Pure.
 *
 * @module
 */
import type { NextHop, Route, RouteFilter, RouteScope, RouteSpec, RouteStep, RouteType } from "./kernel.ts";
import { formatAddress, parseAddress, parseDestination, spanAddress } from "./address_codec.ts";
import { KernelError } from "./kernel_error.ts";
import {
  malformed,
  type NetlinkMessage,
  NLM,
  type Span,
  spanBytes,
  spanU16,
  spanU32,
  spanU8,
  visitAttributes,
} from "./netlink_codec.ts";
import type { NetlinkRequest } from "./netlink_socket.ts";

/** Message types of routes. */
export const RTM_ROUTE = { new: 24, delete: 25, get: 26 } as const;

/** The table that packets use unless rules say otherwise. */
export const MAIN_TABLE = 254;

const HEADER_BYTES = 12;
const RTA = { destination: 1, link: 4, gateway: 5, priority: 6, source: 7, multipath: 9, table: 15, via: 18 } as const;
const AF = { ipv4: 2, ipv6: 10 } as const;
const RTNH_ONLINK = 4;
const RTNH_BYTES = 8;
const RTM_CLONED = 0x200;
const SCOPE_NUMBERS = { global: 0, site: 200, link: 253, host: 254, nowhere: 255 } as const;
const SCOPES: ReadonlyMap<number, RouteScope> = new Map([
  [0, "global"],
  [200, "site"],
  [253, "link"],
  [254, "host"],
  [255, "nowhere"],
]);
const TYPE_NUMBERS = { unicast: 1, blackhole: 6, unreachable: 7, prohibit: 8, throw: 9 } as const;
/** By number; 0 is "unspecified", which no route has. */
const TYPES: readonly RouteType[] = [
  "other",
  "unicast",
  "local",
  "broadcast",
  "anycast",
  "multicast",
  "blackhole",
  "unreachable",
  "prohibit",
  "throw",
];

/** A route as one message tells it: links by index only. */
export type DecodedRoute = Omit<Route, "linkName">;

/** Carries out one step of a plan; `linkIndex` is the index of `step.route.linkName`. */
export function routeStepRequest(step: RouteStep, linkIndex: number | undefined): NetlinkRequest {
  const { route } = step;
  const prefix = parseDestination(route.destination);
  const ipv6 = prefix.bytes.length === 16;
  const gateway = route.gateway === undefined ? undefined : familyAddress(route.gateway, prefix.bytes.length);
  const source = route.source === undefined ? undefined : familyAddress(route.source, prefix.bytes.length);
  const deleting = step.kind === "delete";
  const table = route.table ?? MAIN_TABLE;
  return {
    type: deleting ? RTM_ROUTE.delete : RTM_ROUTE.new,
    flags: deleting ? 0 : NLM.create | (step.kind === "set" ? NLM.replace : NLM.exclusive),
    operation: `${step.kind} the route`,
    subject: route.destination,
    write(writer) {
      writer.u8(ipv6 ? AF.ipv6 : AF.ipv4);
      writer.u8(prefix.bits);
      writer.u16(0);
      writer.u8(table < 256 ? table : 0);
      writer.u8(route.protocol);
      writer.u8(deleting && route.scope === undefined ? SCOPE_NUMBERS.nowhere : SCOPE_NUMBERS[effectiveScope(route)]);
      writer.u8(TYPE_NUMBERS[route.type ?? "unicast"]);
      writer.u32(route.onlink === true ? RTNH_ONLINK : 0);
      writer.attribute(RTA.destination, prefix.bytes);
      writer.attributeU32(RTA.table, table);
      if (gateway !== undefined) writer.attribute(RTA.gateway, gateway);
      if (linkIndex !== undefined) writer.attributeU32(RTA.link, linkIndex);
      if (source !== undefined) writer.attribute(RTA.source, source);
      if (route.priority !== undefined) writer.attributeU32(RTA.priority, route.priority);
    },
  };
}

/** Asks for the routes of one family; the kernel filters by table, and by owner where there is only one. */
export function dumpRoutesRequest(family: "ipv4" | "ipv6", filter: RouteFilter): NetlinkRequest {
  const table = filter.table ?? MAIN_TABLE;
  const [protocol] = filter.protocols?.length === 1 ? filter.protocols : [];
  return {
    type: RTM_ROUTE.get,
    flags: 0,
    operation: "dump",
    subject: `${family} routes`,
    write(writer) {
      writer.u8(AF[family]);
      writer.u8(0);
      writer.u16(0);
      writer.u8(table < 256 ? table : 0);
      writer.u8(protocol ?? 0);
      writer.u16(0);
      writer.u32(0);
      writer.attributeU32(RTA.table, table);
    },
  };
}

/** Decodes a message of type `RTM_ROUTE.new` or `RTM_ROUTE.delete`; `undefined` for the kernel's cached clones and for other families. */
export function decodeRoute(message: NetlinkMessage): DecodedRoute | undefined {
  const family = spanU8(message, 0);
  const flags = spanU32(message, 8);
  if (flags & RTM_CLONED || (family !== AF.ipv4 && family !== AF.ipv6)) return undefined;
  let address = family === AF.ipv4 ? "0.0.0.0" : "::";
  let table = spanU8(message, 4);
  let priority = 0;
  let gateway: string | undefined;
  let linkIndex: number | undefined;
  let source: string | undefined;
  let nextHops: readonly NextHop[] = [];
  visitAttributes(message, HEADER_BYTES, (type, value) => {
    switch (type) {
      case RTA.destination:
        address = spanAddress(value);
        break;
      case RTA.link:
        linkIndex = spanU32(value);
        break;
      case RTA.gateway:
        gateway = spanAddress(value);
        break;
      case RTA.via:
        gateway = viaAddress(value);
        break;
      case RTA.priority:
        priority = spanU32(value);
        break;
      case RTA.source:
        source = spanAddress(value);
        break;
      case RTA.table:
        table = spanU32(value);
        break;
      case RTA.multipath:
        nextHops = decodeNextHops(value);
        break;
    }
  });
  const [first] = nextHops;
  return {
    destination: `${address}/${spanU8(message, 1)}`,
    type: TYPES[spanU8(message, 7)] ?? "other",
    gateway: gateway ?? first?.gateway,
    linkIndex: linkIndex ?? first?.linkIndex,
    onlink: (flags & RTNH_ONLINK) !== 0,
    scope: SCOPES.get(spanU8(message, 6)) ?? "other",
    protocol: spanU8(message, 5),
    priority,
    source,
    table,
    nextHops,
  };
}

/** The scope that a spec means. */
export function effectiveScope(route: RouteSpec): Exclude<RouteScope, "other"> {
  if (route.scope !== undefined) return route.scope;
  return (route.type ?? "unicast") === "unicast" && route.gateway === undefined ? "link" : "global";
}

function familyAddress(text: string, bytesWanted: number): Uint8Array<ArrayBuffer> {
  const bytes = parseAddress(text);
  if (bytes.length !== bytesWanted) {
    const detail = "must be of the family of the destination";
    throw new KernelError({ operation: "read the route address", subject: text, code: "EINVAL", detail });
  }
  return bytes;
}

/** `RTA_VIA`: a two-byte family, then an address that may be of the other family. */
function viaAddress(value: Span): string {
  spanU16(value);
  return formatAddress(spanBytes({ ...value, start: value.start + 2 }));
}

function decodeNextHops(value: Span): readonly NextHop[] {
  const hops: NextHop[] = [];
  for (let start = value.start; start < value.end;) {
    const size = spanU16({ ...value, start });
    if (size < RTNH_BYTES || start + size > value.end) throw malformed(`next hop at byte ${start} has length ${size}`);
    const hop = { view: value.view, start, end: start + size };
    let gateway: string | undefined;
    visitAttributes(hop, RTNH_BYTES, (type, attribute) => {
      if (type === RTA.gateway) gateway = spanAddress(attribute);
      if (type === RTA.via) gateway = viaAddress(attribute);
    });
    hops.push({ gateway, linkIndex: spanU32(hop, 4), weight: spanU8(hop, 3) + 1 });
    start += (size + 3) & ~3;
  }
  return hops;
}
