/**
 * The netlink wire format: message headers, nested attributes, errors with the kernel's own words. Pure: bytes in, bytes out; the same for
 * rtnetlink and nfnetlink. Numbers are in the byte order of the machine, which is little-endian wherever this runs, save those that nfnetlink
 * wants in network order.
 *
 * Decoders trust no length: whatever the bytes are, they end with a value or with a `KernelError` of code `EBADMSG`, and never read outside the
 * message.
 *
 * @module
 */
import { errnoName, KernelError } from "./kernel_error.ts";

/** Flags of a message header. */
export const NLM = {
  request: 0x1,
  multi: 0x2,
  ack: 0x4,
  /** The answer is not from one instant: ask again. */
  dumpInterrupted: 0x10,
  dump: 0x300,
  replace: 0x100,
  exclusive: 0x200,
  create: 0x400,
  append: 0x800,
} as const;

/** Message types below the families' own. */
export const NLMSG = { noop: 1, error: 2, done: 3, overrun: 4 } as const;

const HEADER_BYTES = 16;
const ATTRIBUTE_HEADER_BYTES = 4;
const ATTRIBUTE_NESTED = 0x8000;
const ATTRIBUTE_TYPE_MASK = 0x3fff;
/** Of an error message: the request is not repeated, only its header. */
const ERROR_CAPPED = 0x100;
/** Of an error message: attributes follow. */
const ERROR_ATTRIBUTES = 0x200;
const ERROR_ATTRIBUTE_TEXT = 1;
const WRITER_BYTES_START = 4096;

const UTF8 = new TextDecoder();

/** Without bitwise operators: lengths from outside may be beyond 2^31. */
const align = (length: number): number => Math.ceil(length / 4) * 4;

/** The header fields that a sender chooses. */
export interface NetlinkHeader {
  readonly type: number;
  readonly flags: number;
  readonly sequence: number;
}

/**
 * Writes messages one after the other into a buffer that grows. A message is begun, filled with its family's fixed header and attributes, and
 * ended; lengths and padding are seen to.
 *
 * @example
 * ```ts
 * import { MessageWriter, NLM } from "#/agents/kernel/netlink_codec.ts";
 * const writer = new MessageWriter();
 * writer.begin({ type: 18, flags: NLM.request, sequence: 1 });
 * writer.u32(0);
 * writer.attributeText(3, "eth0");
 * writer.end();
 * if (writer.bytes().length !== 16 + 4 + 4 + 8) throw new Error("wrong length");
 * ```
 */
export class MessageWriter {
  #bytes = new Uint8Array(WRITER_BYTES_START);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;
  #messageStart = 0;

  /** Bytes written so far. */
  get length(): number {
    return this.#length;
  }

  /** What is written so far, as a view into the writer's own buffer: valid until the next write. */
  bytes(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(0, this.#length);
  }

  /** Forgets everything, keeps the buffer. */
  reset(): void {
    this.#length = 0;
    this.#messageStart = 0;
  }

  /** Starts a message; the one before must be ended. */
  begin(header: NetlinkHeader): void {
    this.#messageStart = this.#length;
    const at = this.#reserve(HEADER_BYTES);
    this.#view.setUint32(at, 0, true);
    this.#view.setUint16(at + 4, header.type, true);
    this.#view.setUint16(at + 6, header.flags, true);
    this.#view.setUint32(at + 8, header.sequence, true);
    this.#view.setUint32(at + 12, 0, true);
  }

  /** Ends the message: writes its length, pads to four bytes. */
  end(): void {
    this.#view.setUint32(this.#messageStart, this.#length - this.#messageStart, true);
    this.#pad();
  }

  /** Sets flags of the message begun last, ended or not. */
  addFlags(flags: number): void {
    const at = this.#messageStart + 6;
    this.#view.setUint16(at, this.#view.getUint16(at, true) | flags, true);
  }

  /** One byte of a fixed header. */
  u8(value: number): void {
    const at = this.#reserve(1);
    this.#view.setUint8(at, value);
  }

  /** Two bytes of a fixed header. */
  u16(value: number): void {
    const at = this.#reserve(2);
    this.#view.setUint16(at, value, true);
  }

  /** Two bytes in network order, as in nfnetlink's header. */
  u16NetworkOrder(value: number): void {
    const at = this.#reserve(2);
    this.#view.setUint16(at, value, false);
  }

  /** Four bytes of a fixed header. */
  u32(value: number): void {
    const at = this.#reserve(4);
    this.#view.setUint32(at, value, true);
  }

  /** An attribute of raw bytes. */
  attribute(type: number, value: Uint8Array): void {
    const at = this.#attributeHeader(type, value.length);
    this.#bytes.set(value, at);
    this.#pad();
  }

  /** An attribute of one byte. */
  attributeU8(type: number, value: number): void {
    const at = this.#attributeHeader(type, 1);
    this.#view.setUint8(at, value);
    this.#pad();
  }

  /** An attribute of two bytes. */
  attributeU16(type: number, value: number): void {
    const at = this.#attributeHeader(type, 2);
    this.#view.setUint16(at, value, true);
    this.#pad();
  }

  /** An attribute of four bytes. */
  attributeU32(type: number, value: number): void {
    const at = this.#attributeHeader(type, 4);
    this.#view.setUint32(at, value, true);
  }

  /** An attribute of four bytes in network order, as nfnetlink wants its numbers. */
  attributeU32NetworkOrder(type: number, value: number): void {
    const at = this.#attributeHeader(type, 4);
    this.#view.setUint32(at, value, false);
  }

  /** An attribute of text with its closing zero. */
  attributeText(type: number, text: string): void {
    const encoded = new TextEncoder().encode(text);
    const at = this.#attributeHeader(type, encoded.length + 1);
    this.#bytes.set(encoded, at);
    this.#bytes[at + encoded.length] = 0;
    this.#pad();
  }

  /** An attribute that holds what `fill` writes: attributes, or a fixed header and attributes. `flagged: false` leaves out the nested flag. */
  nest(type: number, fill: () => void, options: { readonly flagged?: boolean } = {}): void {
    const start = this.#reserve(ATTRIBUTE_HEADER_BYTES);
    this.#view.setUint16(start + 2, options.flagged === false ? type : type | ATTRIBUTE_NESTED, true);
    fill();
    this.#view.setUint16(start, this.#length - start, true);
    this.#pad();
  }

  #attributeHeader(type: number, length: number): number {
    const at = this.#reserve(ATTRIBUTE_HEADER_BYTES + length);
    this.#view.setUint16(at, ATTRIBUTE_HEADER_BYTES + length, true);
    this.#view.setUint16(at + 2, type, true);
    return at + ATTRIBUTE_HEADER_BYTES;
  }

  #pad(): void {
    const padding = align(this.#length) - this.#length;
    for (let at = this.#reserve(padding); at < this.#length; at++) this.#bytes[at] = 0;
  }

  /** Makes room for `count` bytes, which may hold what was there before, and returns where they start. May replace the view: call it before naming that. */
  #reserve(count: number): number {
    const at = this.#length;
    this.#length += count;
    if (this.#length > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(this.#length, this.#bytes.length * 2));
      grown.set(this.#bytes.subarray(0, at));
      this.#bytes = grown;
      this.#view = new DataView(grown.buffer);
    }
    return at;
  }
}

/** A stretch of received bytes: a message's payload, or an attribute's value. Valid only while the buffer below it is not reused. */
export interface Span {
  readonly view: DataView;
  readonly start: number;
  readonly end: number;
}

/** One received message. */
export interface NetlinkMessage extends NetlinkHeader, Span {
  /** Whose request caused it; 0 when the kernel itself did. */
  readonly portId: number;
}

/** Calls `visit` for each message in the first `length` bytes; throws `EBADMSG` at the first one that does not fit. */
export function visitMessages(view: DataView, length: number, visit: (message: NetlinkMessage) => void): void {
  if (length > view.byteLength) throw malformed(`${length} bytes announced: must be at most ${view.byteLength}`);
  for (let at = 0; at < length;) {
    if (length - at < HEADER_BYTES) throw malformed(`header at byte ${at} is cut off after ${length - at} bytes`);
    const size = view.getUint32(at, true);
    if (size < HEADER_BYTES || at + size > length) {
      throw malformed(`message at byte ${at} has length ${size}: must be ${HEADER_BYTES} to ${length - at}`);
    }
    visit({
      type: view.getUint16(at + 4, true),
      flags: view.getUint16(at + 6, true),
      sequence: view.getUint32(at + 8, true),
      portId: view.getUint32(at + 12, true),
      view,
      start: at + HEADER_BYTES,
      end: at + size,
    });
    at += align(size);
  }
}

/**
 * Calls `visit` for each attribute of a span, after `skip` bytes of fixed header (padded to four). The nested and byte-order flags are taken off
 * the type. Throws `EBADMSG` at the first attribute that does not fit.
 */
export function visitAttributes(span: Span, skip: number, visit: (type: number, value: Span) => void): void {
  const { view, end } = span;
  if (span.start + skip > end) {
    throw malformed(`fixed header at byte ${span.start} needs ${skip} bytes: only ${end - span.start} are there`);
  }
  for (let at = span.start + align(skip); at < end;) {
    if (end - at < ATTRIBUTE_HEADER_BYTES) {
      throw malformed(`attribute at byte ${at} is cut off after ${end - at} bytes`);
    }
    const size = view.getUint16(at, true);
    if (size < ATTRIBUTE_HEADER_BYTES || at + size > end) {
      throw malformed(`attribute at byte ${at} has length ${size}: must be ${ATTRIBUTE_HEADER_BYTES} to ${end - at}`);
    }
    const type = view.getUint16(at + 2, true) & ATTRIBUTE_TYPE_MASK;
    visit(type, { view, start: at + ATTRIBUTE_HEADER_BYTES, end: at + size });
    at += align(size);
  }
}

/** The byte at `offset` of a span. */
export function spanU8(span: Span, offset = 0): number {
  return span.view.getUint8(need(span, offset, 1));
}

/** The two-byte number at `offset` of a span. */
export function spanU16(span: Span, offset = 0): number {
  return span.view.getUint16(need(span, offset, 2), true);
}

/** The four-byte number at `offset` of a span. */
export function spanU32(span: Span, offset = 0): number {
  return span.view.getUint32(need(span, offset, 4), true);
}

/** The signed four-byte number at `offset` of a span. */
export function spanI32(span: Span, offset = 0): number {
  return span.view.getInt32(need(span, offset, 4), true);
}

/** The four-byte number in network order at the start of a span. */
export function spanU32NetworkOrder(span: Span): number {
  return span.view.getUint32(need(span, 0, 4), false);
}

/** The eight-byte number in network order at the start of a span; exact up to 2^53. */
export function spanU64NetworkOrder(span: Span): number {
  return Number(span.view.getBigUint64(need(span, 0, 8), false));
}

/** The text of a span up to its first zero byte; bytes that are not UTF-8 show as replacement characters. */
export function spanText(span: Span): string {
  const bytes = spanBytes(span);
  const zero = bytes.indexOf(0);
  return UTF8.decode(zero < 0 ? bytes : bytes.subarray(0, zero));
}

/** The bytes of a span, not copied. */
export function spanBytes(span: Span): Uint8Array {
  return new Uint8Array(span.view.buffer, span.view.byteOffset + span.start, span.end - span.start);
}

/** What an error message says; `errno` 0 is an acknowledgement. */
export interface NetlinkAnswer {
  readonly errno: number;
  /** The kernel's own words, when it said any. */
  readonly text: string | undefined;
}

/** Decodes a message of type `NLMSG.error` (with errno) or `NLMSG.done` (where a dump's error is in the same place). */
export function decodeAnswer(message: NetlinkMessage): NetlinkAnswer {
  if (message.type === NLMSG.done && message.end - message.start < 4) return { errno: 0, text: undefined };
  const errno = 0 - spanI32(message);
  if (!(message.flags & ERROR_ATTRIBUTES)) return { errno, text: undefined };
  let skip = 4;
  if (message.type === NLMSG.error) {
    const requestBytes = message.flags & ERROR_CAPPED ? HEADER_BYTES : Math.max(spanU32(message, 4), HEADER_BYTES);
    skip += align(requestBytes);
  }
  let text: string | undefined;
  visitAttributes(message, skip, (type, value) => {
    if (type === ERROR_ATTRIBUTE_TEXT) text = spanText(value);
  });
  return { errno, text };
}

/** The error for an answer that is not an acknowledgement. */
export function answerError(answer: NetlinkAnswer, operation: string, subject: string): KernelError {
  return new KernelError({
    operation,
    subject,
    code: errnoName(answer.errno),
    ...(answer.text === undefined ? {} : { detail: answer.text }),
  });
}

/** The error for bytes that are no netlink. */
export function malformed(detail: string): KernelError {
  return new KernelError({ operation: "decode", subject: "netlink message", code: "EBADMSG", detail });
}

function need(span: Span, offset: number, count: number): number {
  const at = span.start + offset;
  if (at + count > span.end) {
    throw malformed(`${count} bytes wanted at byte ${at}: only ${Math.max(span.end - at, 0)} are there`);
  }
  return at;
}
