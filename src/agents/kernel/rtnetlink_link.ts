/**
 * Interfaces in rtnetlink's words: requests that make, change, find and delete links, and the decoder of what the kernel says of one. Pure.
 *
 * @module
 */
import type { Link, LinkSpec } from "./kernel.ts";
import { formatMac, parseMac } from "./address_codec.ts";
import { KernelError } from "./kernel_error.ts";
import {
  type MessageWriter,
  type NetlinkMessage,
  NLM,
  type Span,
  spanBytes,
  spanI32,
  spanText,
  spanU32,
  visitAttributes,
} from "./netlink_codec.ts";
import type { NetlinkRequest } from "./netlink_socket.ts";

/** Message types of links. */
export const RTM_LINK = { new: 16, delete: 17, get: 18 } as const;

const HEADER_BYTES = 16;
const IFLA = { address: 1, name: 3, mtu: 4, link: 5, master: 10, info: 18, netnsFd: 28, extMask: 29 } as const;
const IFLA_INFO = { kind: 1, data: 2 } as const;
const VETH_INFO_PEER = 1;
const SKIP_STATS = 8;
const IFF_UP = 0x1;
const IFF_RUNNING = 0x40;
/** What `IFNAMSIZ` leaves for the name itself. */
const LINK_NAME_BYTES_MAX = 15;

/** Changes to a link, with the bridge by index; 0 leaves it. */
export interface LinkChange {
  readonly up?: boolean;
  readonly mtu?: number;
  readonly mac?: string;
  readonly masterIndex?: number;
}

/** Makes a link. The namespace of a veth's peer is a descriptor here, open until the request is done. */
export function createLinkRequest(spec: LinkSpec, peerNetns: number | undefined): NetlinkRequest {
  checkLinkName(spec.name);
  if (spec.type === "veth") checkLinkName(spec.peer.name);
  return {
    type: RTM_LINK.new,
    flags: NLM.create | NLM.exclusive,
    operation: "create the link",
    subject: spec.name,
    write(writer) {
      writeHeader(writer, spec.up ?? false);
      writeLinkAttributes(writer, spec);
      writer.nest(IFLA.info, () => {
        writer.attributeText(IFLA_INFO.kind, spec.type);
        if (spec.type !== "veth") return;
        writer.nest(IFLA_INFO.data, () =>
          writer.nest(VETH_INFO_PEER, () => {
            // Never up here: the kernel answers ENOTCONN, as the other end does not stand yet.
            writeHeader(writer, undefined);
            writeLinkAttributes(writer, spec.peer);
            if (peerNetns !== undefined) writer.attributeU32(IFLA.netnsFd, peerNetns);
          }));
      });
    },
  };
}

/** Changes the link of that name. */
export function changeLinkRequest(name: string, change: LinkChange): NetlinkRequest {
  checkLinkName(name);
  return {
    type: RTM_LINK.new,
    flags: 0,
    operation: "change the link",
    subject: name,
    write(writer) {
      writeHeader(writer, change.up);
      writeLinkAttributes(writer, { name, ...change });
      if (change.masterIndex !== undefined) writer.attributeU32(IFLA.master, change.masterIndex);
    },
  };
}

/** Deletes the link of that name; the kernel takes 15 to 30 ms inside the request. */
export function deleteLinkRequest(name: string): NetlinkRequest {
  return namedRequest(RTM_LINK.delete, "delete the link", name);
}

/** Asks for the link of that name. */
export function getLinkRequest(name: string): NetlinkRequest {
  return namedRequest(RTM_LINK.get, "find the link", name);
}

/** Asks for all links, without their statistics. */
export function dumpLinksRequest(): NetlinkRequest {
  return {
    type: RTM_LINK.get,
    flags: 0,
    operation: "dump",
    subject: "links",
    write(writer) {
      writeHeader(writer, undefined);
      writer.attributeU32(IFLA.extMask, SKIP_STATS);
    },
  };
}

/** Decodes a message of type `RTM_LINK.new` or `RTM_LINK.delete`. */
export function decodeLink(message: NetlinkMessage): Link {
  const flags = spanU32(message, 8);
  let [name, mtu] = ["", 0];
  let type: string | undefined;
  let mac: string | undefined;
  let masterIndex: number | undefined;
  let peerIndex: number | undefined;
  visitAttributes(message, HEADER_BYTES, (attribute, value) => {
    switch (attribute) {
      case IFLA.name:
        name = spanText(value);
        break;
      case IFLA.mtu:
        mtu = spanU32(value);
        break;
      case IFLA.address:
        mac = formatMac(spanBytes(value));
        break;
      case IFLA.master:
        masterIndex = spanU32(value);
        break;
      case IFLA.link:
        peerIndex = spanU32(value);
        break;
      case IFLA.info:
        type = decodeKind(value);
        break;
    }
  });
  return {
    index: spanI32(message, 4),
    name,
    type,
    mtu,
    mac,
    up: (flags & IFF_UP) !== 0,
    running: (flags & IFF_RUNNING) !== 0,
    masterIndex,
    peerIndex,
  };
}

/** Throws `ENAMETOOLONG` or `EINVAL` for what cannot be an interface's name. */
export function checkLinkName(name: string): void {
  const bytes = new TextEncoder().encode(name).length;
  const code = bytes > LINK_NAME_BYTES_MAX
    ? "ENAMETOOLONG"
    : /[\s/:\0]/.test(name) || name === ""
    ? "EINVAL"
    : undefined;
  if (code === undefined) return;
  const detail = `must be 1 to ${LINK_NAME_BYTES_MAX} bytes without white space, "/" and ":"`;
  throw new KernelError({ operation: "name a link", subject: name, code, detail });
}

function namedRequest(type: number, operation: string, name: string): NetlinkRequest {
  checkLinkName(name);
  return {
    type,
    flags: 0,
    operation,
    subject: name,
    write(writer) {
      writeHeader(writer, undefined);
      if (type === RTM_LINK.get) writer.attributeU32(IFLA.extMask, SKIP_STATS);
      writer.attributeText(IFLA.name, name);
    },
  };
}

/** The fixed header; `up` undefined leaves the flags alone. */
function writeHeader(writer: MessageWriter, up: boolean | undefined): void {
  writer.u32(0);
  writer.u32(0);
  writer.u32(up === true ? IFF_UP : 0);
  writer.u32(up === undefined ? 0 : IFF_UP);
}

function writeLinkAttributes(
  writer: MessageWriter,
  link: { readonly name: string; readonly mtu?: number; readonly mac?: string },
): void {
  writer.attributeText(IFLA.name, link.name);
  if (link.mtu !== undefined) writer.attributeU32(IFLA.mtu, link.mtu);
  if (link.mac !== undefined) writer.attribute(IFLA.address, parseMac(link.mac));
}

function decodeKind(info: Span): string | undefined {
  let kind: string | undefined;
  visitAttributes(info, 0, (type, value) => {
    if (type === IFLA_INFO.kind) kind = spanText(value);
  });
  return kind;
}
