/**
 * What all raw nftables messages share: message types, the nfnetlink header, and requests for one object or a dump. Pure.
 *
 * @module
 */
import type { NftFamily } from "./kernel.ts";
import { type MessageWriter, type Span, spanBytes } from "./netlink_codec.ts";
import type { NetlinkRequest } from "./netlink_socket.ts";

const SUBSYSTEM = 10;

/** Bytes of the header that follows netlink's own. */
export const NFNETLINK_HEADER_BYTES = 4;

/** Message types of nftables, subsystem included. */
export const NFT = {
  getTable: (SUBSYSTEM << 8) | 1,
  getChain: (SUBSYSTEM << 8) | 4,
  getRule: (SUBSYSTEM << 8) | 7,
  getSet: (SUBSYSTEM << 8) | 10,
  newElements: (SUBSYSTEM << 8) | 12,
  getElements: (SUBSYSTEM << 8) | 13,
  deleteElements: (SUBSYSTEM << 8) | 14,
  getGeneration: (SUBSYSTEM << 8) | 16,
  batchBegin: 16,
  batchEnd: 17,
} as const;

const FAMILIES: Readonly<Record<NftFamily, number>> = { inet: 1, ip: 2, arp: 3, netdev: 5, bridge: 7, ip6: 10 };

/** Writes the nfnetlink header of a message about one family, or of a batch mark (family 0). */
export function writeNfnetlinkHeader(writer: MessageWriter, family: NftFamily | undefined): void {
  writer.u8(family === undefined ? 0 : FAMILIES[family]);
  writer.u8(0);
  writer.u16NetworkOrder(family === undefined ? SUBSYSTEM : 0);
}

/** What to ask for, and in whose name errors speak. */
export interface NftQuery {
  readonly type: number;
  readonly family: NftFamily | undefined;
  readonly operation: string;
  readonly subject: string;
  /** Attributes by type, as text. */
  readonly attributes?: readonly (readonly [type: number, text: string])[];
}

/** A request that reads. */
export function nftQuery(query: NftQuery): NetlinkRequest {
  return {
    type: query.type,
    flags: 0,
    operation: query.operation,
    subject: query.subject,
    write(writer) {
      writeNfnetlinkHeader(writer, query.family);
      for (const [type, text] of query.attributes ?? []) writer.attributeText(type, text);
    },
  };
}

/**
 * The text of one type in an object's user data, where nft keeps comments: a list of one-byte type, one-byte length, value. User data is its owner's to
 * shape, so what does not read as such a list has no text, and is no error.
 */
export function userDataText(span: Span, wanted: number): string | undefined {
  const bytes = spanBytes(span);
  for (let at = 0; at + 2 <= bytes.length;) {
    const [type = 0, length = 0] = bytes.subarray(at, at + 2);
    const value = bytes.subarray(at + 2, at + 2 + length);
    if (value.length < length) return undefined;
    if (type === wanted) {
      const end = value.at(-1) === 0 ? length - 1 : length;
      return new TextDecoder().decode(value.subarray(0, end));
    }
    at += 2 + length;
  }
  return undefined;
}
