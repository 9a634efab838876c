/**
 * Addresses of links, and permanent neighbours, in rtnetlink's words. Pure.
 *
 * @module
 */
import type { LinkAddress } from "./kernel.ts";
import { formatAddress, formatMac, parseAddress, parseMac, parsePrefix } from "./address_codec.ts";
import { type NetlinkMessage, NLM, spanBytes, spanU16, spanU32, spanU8, visitAttributes } from "./netlink_codec.ts";
import type { NetlinkRequest } from "./netlink_socket.ts";

const RTM_ADDRESS = { new: 20, delete: 21, get: 22 } as const;
const RTM_NEIGHBOUR = { new: 28, get: 30 } as const;
const AF = { ipv4: 2, ipv6: 10 } as const;
const HEADER_BYTES = 8;
const IFA = { address: 1, local: 2, flags: 8 } as const;
const IFA_NODAD = 2;
const NDA = { destination: 1, linkAddress: 2 } as const;
const NEIGHBOUR_HEADER_BYTES = 12;
const NUD_PERMANENT = 0x80;

/** Adds an address with prefix length to a link; IPv6 without duplicate detection, so that it can be used at once. */
export function addAddressRequest(linkIndex: number, address: string): NetlinkRequest {
  return addressRequest(RTM_ADDRESS.new, "add the address", linkIndex, address);
}

/** Removes an address from a link. */
export function deleteAddressRequest(linkIndex: number, address: string): NetlinkRequest {
  return addressRequest(RTM_ADDRESS.delete, "delete the address", linkIndex, address);
}

/** Asks for the addresses of all links, both families. */
export function dumpAddressesRequest(): NetlinkRequest {
  return {
    type: RTM_ADDRESS.get,
    flags: 0,
    operation: "dump",
    subject: "addresses",
    write(writer) {
      writer.u32(0);
      writer.u32(0);
    },
  };
}

/** Decodes one address of a dump; `undefined` for other families. */
export function decodeAddress(message: NetlinkMessage): LinkAddress | undefined {
  const family = spanU8(message, 0);
  if (family !== AF.ipv4 && family !== AF.ipv6) return undefined;
  let [local, address] = ["", ""];
  visitAttributes(message, HEADER_BYTES, (type, value) => {
    if (type === IFA.local) local = formatAddress(spanBytes(value));
    if (type === IFA.address) address = formatAddress(spanBytes(value));
  });
  return { linkIndex: spanU32(message, 4), address: `${local || address}/${spanU8(message, 1)}` };
}

/** Makes or replaces a neighbour entry that never ages. */
export function setNeighbourRequest(linkIndex: number, address: string, mac: string): NetlinkRequest {
  const bytes = parseAddress(address);
  const macBytes = parseMac(mac);
  return {
    type: RTM_NEIGHBOUR.new,
    flags: NLM.create | NLM.replace,
    operation: "set the neighbour",
    subject: address,
    write(writer) {
      writer.u32(bytes.length === 4 ? AF.ipv4 : AF.ipv6);
      writer.u32(linkIndex);
      writer.u16(NUD_PERMANENT);
      writer.u16(0);
      writer.attribute(NDA.destination, bytes);
      writer.attribute(NDA.linkAddress, macBytes);
    },
  };
}

/** Asks for the neighbours of all links, both families. */
export function dumpNeighboursRequest(): NetlinkRequest {
  return {
    type: RTM_NEIGHBOUR.get,
    flags: 0,
    operation: "dump",
    subject: "neighbours",
    write(writer) {
      writer.u32(0);
      writer.u32(0);
      writer.u32(0);
    },
  };
}

/** Decodes one neighbour of a dump; `undefined` for those that are not permanent and for other families. */
export function decodeNeighbour(
  message: NetlinkMessage,
): { readonly linkIndex: number; readonly address: string; readonly mac: string } | undefined {
  const family = spanU8(message, 0);
  if (!(spanU16(message, 8) & NUD_PERMANENT) || (family !== AF.ipv4 && family !== AF.ipv6)) return undefined;
  let [address, mac] = ["", ""];
  visitAttributes(message, NEIGHBOUR_HEADER_BYTES, (type, value) => {
    if (type === NDA.destination) address = formatAddress(spanBytes(value));
    if (type === NDA.linkAddress) mac = formatMac(spanBytes(value));
  });
  return { linkIndex: spanU32(message, 4), address, mac };
}

function addressRequest(type: number, operation: string, linkIndex: number, address: string): NetlinkRequest {
  const { bytes, bits } = parsePrefix(address);
  const ipv6 = bytes.length === 16;
  return {
    type,
    flags: type === RTM_ADDRESS.new ? NLM.create | NLM.exclusive : 0,
    operation,
    subject: address,
    write(writer) {
      writer.u8(ipv6 ? AF.ipv6 : AF.ipv4);
      writer.u8(bits);
      writer.u16(0);
      writer.u32(linkIndex);
      writer.attribute(IFA.local, bytes);
      writer.attribute(IFA.address, bytes);
      if (ipv6) writer.attributeU32(IFA.flags, IFA_NODAD);
    },
  };
}
