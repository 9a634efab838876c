/**
 * A netlink socket for requests: batches of changes with one acknowledgement, dumps, and slow requests sent off the main thread. The kernel does
 * a request inside `send`, so the answer is waiting when `send` returns and none of this needs to wait.
 *
 * @module
 */
import { assert } from "#/base/assert.ts";
import { KernelError } from "./kernel_error.ts";
import { type Libc, POLL_EVENTS } from "./libc.ts";
import {
  answerError,
  decodeAnswer,
  MessageWriter,
  type NetlinkMessage,
  NLM,
  NLMSG,
  visitMessages,
} from "./netlink_codec.ts";
import { withNetns } from "./netns.ts";

/** Protocols of the netlink family. */
export const NETLINK = { route: 0, netfilter: 12 } as const;

const AF_NETLINK = 16;
const SOCK_RAW_CLOEXEC_NONBLOCK = 3 | 0o2000000 | 0o4000;
const SOL_SOCKET = 1;
const SOL_NETLINK = 270;
const SO_ERROR = 4;
const SO_SNDBUFFORCE = 32;
const SO_RCVBUFFORCE = 33;
const NETLINK_ADD_MEMBERSHIP = 1;
const NETLINK_CAP_ACK = 10;
const NETLINK_EXT_ACK = 11;
const NETLINK_GET_STRICT_CHK = 12;
const MSG_DONTWAIT_TRUNC = 0x40 | 0x20;
const ENOBUFS = 105;

/** The kernel never fills more than 32 KiB in one go unless a single message is larger. */
const RECEIVE_BYTES = 64 * 1024;
const SOCKET_BUFFER_BYTES = 16 * 1024 * 1024;
const BATCH_BYTES_MAX = 60_000;
const BATCH_REQUESTS_MAX = 500;
const DUMP_ATTEMPTS_MAX = 5;
const ANSWER_WAIT_MS = 1_000;
const ANSWER_ATTEMPTS_MAX = 5;

/** One request: its header, and a function that writes the family's fixed header and the attributes. */
export interface NetlinkRequest {
  readonly type: number;
  /** Besides `request`, and `ack` or `dump`, which the socket sets. */
  readonly flags: number;
  /** For messages: `add the route`. */
  readonly operation: string;
  /** For messages: what it is done to. */
  readonly subject: string;
  write(writer: MessageWriter): void;
}

/** Options of {@link NetlinkSocket}. */
export interface NetlinkSocketOptions {
  /** `NETLINK.route` or `NETLINK.netfilter`. */
  readonly protocol: number;
  /** Descriptor of the namespace to be in for life; the thread's own when absent. */
  readonly netns?: number;
  /** Multicast groups to join. */
  readonly groups?: readonly number[];
}

/**
 * A netlink socket in one network namespace. Synchronous methods must not be called while {@link sendAsync} is under way: sockets for slow
 * requests are therefore made for one request each, which costs 7 us.
 */
export class NetlinkSocket implements Disposable {
  readonly fd: number;
  /** The address by which the kernel names this socket as the cause of a change. */
  readonly portId: number;
  readonly #libc: Libc;
  readonly #writer = new MessageWriter();
  readonly #received = new Uint8Array(RECEIVE_BYTES);
  readonly #receivedView = new DataView(this.#received.buffer);
  #sequence = 0;
  #sending = false;

  /** Opens the socket. Throws `EPERM` without CAP_NET_ADMIN. */
  constructor(libc: Libc, options: NetlinkSocketOptions) {
    this.#libc = libc;
    const create = () => libc.calls.socket(AF_NETLINK, SOCK_RAW_CLOEXEC_NONBLOCK, options.protocol);
    const fd = options.netns === undefined ? create() : withNetns(libc, options.netns, create);
    this.fd = libc.check(fd, "open a netlink socket of protocol", String(options.protocol));
    try {
      this.portId = this.#setUp(options);
    } catch (error) {
      libc.close(this.fd);
      throw error;
    }
  }

  /**
   * Carries out requests in order, going on after failing ones: one entry per request, `undefined` where it was done. Only the last message of
   * each send asks for an acknowledgement; failing ones report themselves and are told apart by sequence number.
   */
  batch(requests: readonly NetlinkRequest[]): (KernelError | undefined)[] {
    const errors: (KernelError | undefined)[] = [];
    while (errors.length < requests.length) {
      const sent = this.#fill(requests, errors.length);
      this.send(this.#writer.bytes());
      errors.push(...this.#answers(sent));
    }
    return errors;
  }

  /** Carries out one request; throws what the kernel refuses. */
  request(request: NetlinkRequest): void {
    const [error] = this.batch([request]);
    if (error !== undefined) throw error;
  }

  /** Like {@link request}, with `send` off the main thread: for requests that the kernel takes long to do. */
  async requestAsync(request: NetlinkRequest): Promise<void> {
    const sent = this.#fill([request], 0);
    await this.sendAsync(this.#writer.bytes().slice());
    const [error] = this.#answers(sent);
    if (error !== undefined) throw error;
  }

  /** Asks for one object: the answer as `decode` makes it. Throws what the kernel refuses. */
  get<T>(request: NetlinkRequest, decode: (message: NetlinkMessage) => T): T {
    const found: T[] = [];
    const sent = this.#fill([request], 0);
    this.send(this.#writer.bytes());
    const [error] = this.#answers(sent, (message) => found.push(decode(message)));
    if (error !== undefined) throw error;
    const [first] = found;
    if (first === undefined) throw this.#unanswered(request, "ENODATA");
    return first;
  }

  /**
   * Dumps objects: what `decode` makes of each message, without its `undefined`s. When the kernel says that the dump was interrupted by a change
   * it is taken again, at most five times; after that the error has code `EAGAIN`.
   */
  dump<T>(request: NetlinkRequest, decode: (message: NetlinkMessage) => T | undefined): T[] {
    for (let attempt = 0; attempt < DUMP_ATTEMPTS_MAX; attempt++) {
      const items = this.#dumpOnce(request, decode);
      if (items !== undefined) return items;
    }
    throw this.#unanswered(request, "EAGAIN");
  }

  /** Sends bytes as they are; the kernel has done what they ask when this returns. */
  send(bytes: Uint8Array<ArrayBuffer>): void {
    assert(!this.#sending, "Expected no asynchronous send to be under way on this socket");
    const sent = this.#libc.calls.send(this.fd, bytes, bytes.length, 0);
    this.#libc.check(sent, "send netlink bytes, number", String(bytes.length));
  }

  /** Like {@link send}, off the main thread. `bytes` must not be changed before it resolves. */
  async sendAsync(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    assert(!this.#sending, "Expected no asynchronous send to be under way on this socket");
    this.#sending = true;
    try {
      const sent = await this.#libc.calls.sendAsync(this.fd, bytes, bytes.length, 0);
      // Why it failed is on the other thread's errno. What is left to go wrong with an open socket is memory or the size of its buffer.
      if (sent !== bytes.length) {
        const subject = String(bytes.length);
        throw new KernelError({ operation: "send netlink bytes, number", subject, code: "ENOBUFS" });
      }
    } finally {
      this.#sending = false;
    }
  }

  /** Hands what one `recv` brings to `visit`; false when nothing is there. The messages are valid only during the call. */
  receive(visit: (message: NetlinkMessage) => void): boolean {
    const count = this.#libc.calls.recv(this.fd, this.#received, RECEIVE_BYTES, MSG_DONTWAIT_TRUNC);
    if (count < 0) {
      // Any errno but this one means "look again later", for which nothing needs to be exact.
      if (this.#libc.errno() === ENOBUFS) throw this.#libc.failure("receive from netlink port", String(this.portId));
      return false;
    }
    if (count > RECEIVE_BYTES) {
      const subject = String(this.portId);
      throw new KernelError({
        operation: "receive from netlink port",
        subject,
        code: "EMSGSIZE",
        detail: `${count} bytes`,
      });
    }
    visitMessages(this.#receivedView, count, visit);
    return true;
  }

  /** Takes the error that waits on the socket, as an errno; 0 when there is none. */
  takeError(): number {
    const value = new Int32Array(1);
    const bytes = new Uint8Array(value.buffer);
    this.#libc.calls.getsockopt(this.fd, SOL_SOCKET, SO_ERROR, bytes, new Uint8Array(new Int32Array([4]).buffer));
    return value[0] ?? 0;
  }

  /** The next sequence number, for callers that write their own messages. */
  nextSequence(): number {
    this.#sequence = (this.#sequence + 1) >>> 0;
    return this.#sequence;
  }

  /** Closes the socket. */
  [Symbol.dispose](): void {
    assert(!this.#sending, "Expected no asynchronous send to be under way on this socket");
    this.#libc.close(this.fd);
  }

  #setUp(options: NetlinkSocketOptions): number {
    // Refused to processes without CAP_NET_ADMIN over the host, which then live with the default size.
    this.#setOption(SOL_SOCKET, SO_RCVBUFFORCE, SOCKET_BUFFER_BYTES, { optional: true });
    this.#setOption(SOL_SOCKET, SO_SNDBUFFORCE, SOCKET_BUFFER_BYTES, { optional: true });
    this.#setOption(SOL_NETLINK, NETLINK_CAP_ACK, 1);
    this.#setOption(SOL_NETLINK, NETLINK_EXT_ACK, 1);
    if (options.protocol === NETLINK.route) this.#setOption(SOL_NETLINK, NETLINK_GET_STRICT_CHK, 1);
    const address = new Uint8Array(12);
    new DataView(address.buffer).setUint16(0, AF_NETLINK, true);
    const { calls } = this.#libc;
    this.#libc.check(
      calls.bind(this.fd, address, address.length),
      "bind a netlink socket, descriptor",
      String(this.fd),
    );
    for (const group of options.groups ?? []) this.#setOption(SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, group);
    const length = new Uint8Array(new Int32Array([address.length]).buffer);
    this.#libc.check(calls.getsockname(this.fd, address, length), "name a netlink socket, descriptor", String(this.fd));
    return new DataView(address.buffer).getUint32(4, true);
  }

  #setOption(level: number, option: number, value: number, { optional = false } = {}): void {
    const bytes = new Uint8Array(new Int32Array([value]).buffer);
    const result = this.#libc.calls.setsockopt(this.fd, level, option, bytes, bytes.length);
    if (!optional) this.#libc.check(result, "set netlink socket option", String(option));
  }

  /** Writes as many requests as go into one send; the last asks for an acknowledgement. */
  #fill(requests: readonly NetlinkRequest[], from: number): readonly SentRequest[] {
    this.#writer.reset();
    const sent: SentRequest[] = [];
    for (let i = from; i < requests.length && sent.length < BATCH_REQUESTS_MAX; i++) {
      const request = requests[i];
      if (request === undefined || this.#writer.length > BATCH_BYTES_MAX) break;
      const sequence = this.nextSequence();
      this.#writer.begin({ type: request.type, flags: NLM.request | request.flags, sequence });
      request.write(this.#writer);
      this.#writer.end();
      sent.push({ request, sequence });
    }
    this.#writer.addFlags(NLM.ack);
    return sent;
  }

  /** Collects answers until the last request has its own. */
  #answers(sent: readonly SentRequest[], visit?: (message: NetlinkMessage) => void): (KernelError | undefined)[] {
    const indexes = new Map(sent.map(({ sequence }, index) => [sequence, index]));
    const errors = new Array<KernelError | undefined>(sent.length).fill(undefined);
    const last = sent.length - 1;
    let done = false;
    while (!done) {
      this.#receiveAnswer(sent[last]?.request, (message) => {
        const index = indexes.get(message.sequence);
        const request = index === undefined ? undefined : sent[index]?.request;
        if (index === undefined || request === undefined) return;
        if (message.type !== NLMSG.error) return visit?.(message);
        const answer = decodeAnswer(message);
        if (answer.errno !== 0) errors[index] = answerError(answer, request.operation, request.subject);
        if (index === last) done = true;
      });
    }
    return errors;
  }

  #dumpOnce<T>(request: NetlinkRequest, decode: (message: NetlinkMessage) => T | undefined): T[] | undefined {
    const sequence = this.nextSequence();
    this.#writer.reset();
    this.#writer.begin({ type: request.type, flags: NLM.request | NLM.dump | request.flags, sequence });
    request.write(this.#writer);
    this.#writer.end();
    this.send(this.#writer.bytes());
    const items: T[] = [];
    let [done, interrupted] = [false, false];
    try {
      while (!done) {
        this.#receiveAnswer(request, (message) => {
          if (message.sequence !== sequence) return;
          if (message.flags & NLM.dumpInterrupted) interrupted = true;
          if (message.type === NLMSG.done || message.type === NLMSG.error) {
            const answer = decodeAnswer(message);
            if (answer.errno !== 0) throw answerError(answer, request.operation, request.subject);
            done = true;
            return;
          }
          const item = decode(message);
          if (item !== undefined) items.push(item);
        });
      }
    } catch (error) {
      this.#drain();
      throw error;
    }
    return interrupted ? undefined : items;
  }

  /** Receives once; waits, with a bound, in the odd case that the answer is not there yet. */
  #receiveAnswer(request: NetlinkRequest | undefined, visit: (message: NetlinkMessage) => void): void {
    const pollFd = new Uint8Array(8);
    const view = new DataView(pollFd.buffer);
    view.setInt32(0, this.fd, true);
    view.setInt16(4, POLL_EVENTS.readable, true);
    for (let attempt = 0; attempt < ANSWER_ATTEMPTS_MAX; attempt++) {
      if (this.receive(visit)) return;
      this.#libc.calls.poll(pollFd, 1n, ANSWER_WAIT_MS);
    }
    throw this.#unanswered(request, "ETIMEDOUT");
  }

  /** Takes everything off the socket, so that an abandoned dump does not stand in the way of the next. */
  #drain(): void {
    while (this.receive(() => {}));
  }

  #unanswered(request: NetlinkRequest | undefined, code: string): KernelError {
    return new KernelError({
      operation: request?.operation ?? "get an answer from netlink port",
      subject: request?.subject ?? String(this.portId),
      code,
    });
  }
}

/** A request on its way. */
interface SentRequest {
  readonly request: NetlinkRequest;
  readonly sequence: number;
}
