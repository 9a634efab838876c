/**
 * Elements of nftables sets, read and changed by raw netlink: 10 us to 15 ms where libnftables needs up to 350 ms, because it reads a whole interval set
 * before it changes one element.
 *
 * Reaches sets keyed by an address (plain or interval) and by an address with protocol and port. Everything else, verdict maps among them, is
 * libnftables' business.
 *
 * @module
 */
import type { ElementChange, SetRef } from "./kernel.ts";
import { KernelError } from "./kernel_error.ts";
import {
  answerError,
  decodeAnswer,
  MessageWriter,
  type NetlinkMessage,
  NLM,
  NLMSG,
  type Span,
  spanBytes,
  spanU32NetworkOrder,
  visitAttributes,
} from "./netlink_codec.ts";
import type { NetlinkSocket } from "./netlink_socket.ts";
import { NFNETLINK_HEADER_BYTES, NFT, nftQuery, writeNfnetlinkHeader } from "./nftables_codec.ts";
import { type ElementKey, elementKey, elementTexts, setKeyKind } from "./nftables_key.ts";

const LIST = { table: 1, set: 2, elements: 3, element: 1 } as const;
const ELEMENT = { key: 1, flags: 3, dataValue: 1 } as const;
const ELEMENT_FLAGS = { intervalEnd: 1, catchAll: 2 } as const;
const SET = { table: 1, name: 2, flags: 3, keyType: 4 } as const;
/** An attribute has at most 65,535 bytes, an interval of IPv6 addresses 64. */
const ELEMENTS_PER_MESSAGE_MAX = 500;
/** Larger batches are sent off the main thread: the kernel needs 4 us and more per element. */
const SYNC_BATCH_BYTES_MAX = 4096;

/** Changes elements in one transaction. */
export async function changeElements(socket: NetlinkSocket, changes: readonly ElementChange[]): Promise<void> {
  const batch = new MessageWriter();
  const subjects = new Map<number, ElementChange>();
  writeBatchMark(batch, NFT.batchBegin, socket.nextSequence());
  for (const change of changes) {
    for (let from = 0; from < change.elements.length; from += ELEMENTS_PER_MESSAGE_MAX) {
      const sequence = socket.nextSequence();
      subjects.set(sequence, change);
      writeElements(batch, { sequence, change, texts: change.elements.slice(from, from + ELEMENTS_PER_MESSAGE_MAX) });
    }
  }
  if (subjects.size === 0) return;
  writeBatchMark(batch, NFT.batchEnd, socket.nextSequence());
  if (batch.length <= SYNC_BATCH_BYTES_MAX) socket.send(batch.bytes());
  else await socket.sendAsync(batch.bytes());
  throwFirstError(socket, subjects);
}

/** The elements of a set as text, sorted by key. */
export function readElements(socket: NetlinkSocket, set: SetRef): readonly string[] {
  const query = { family: set.family, operation: "read the elements of set", subject: set.set };
  const kind = readKeyKind(socket, set);
  const keys: ElementKey[] = [];
  socket.dump(
    nftQuery({ ...query, type: NFT.getElements, attributes: [[LIST.table, set.table], [LIST.set, set.set]] }),
    (message) => decodeElements(message, keys),
  );
  return elementTexts(keys, kind);
}

function writeBatchMark(batch: MessageWriter, type: number, sequence: number): void {
  batch.begin({ type, flags: NLM.request, sequence });
  writeNfnetlinkHeader(batch, undefined);
  batch.end();
}

/** One message: some elements of one change. */
interface ElementsMessage {
  readonly sequence: number;
  readonly change: ElementChange;
  readonly texts: readonly string[];
}

function writeElements(batch: MessageWriter, { sequence, change, texts }: ElementsMessage): void {
  const adding = change.kind === "add";
  // Every message acknowledges itself, so that "no answer" never has to be read as success.
  const flags = NLM.request | NLM.ack | (adding ? NLM.create : 0);
  batch.begin({ type: adding ? NFT.newElements : NFT.deleteElements, flags, sequence });
  writeNfnetlinkHeader(batch, change.family);
  batch.attributeText(LIST.table, change.table);
  batch.attributeText(LIST.set, change.set);
  batch.nest(LIST.elements, () => {
    for (const text of texts) {
      for (const { bytes, intervalEnd } of elementKey(text, change.interval)) {
        batch.nest(LIST.element, () => {
          batch.nest(ELEMENT.key, () => batch.attribute(ELEMENT.dataValue, bytes));
          if (intervalEnd) batch.attributeU32NetworkOrder(ELEMENT.flags, ELEMENT_FLAGS.intervalEnd);
        });
      }
    }
  });
  batch.end();
}

/** Reads all answers of a batch, which are there when its `send` has returned. */
function throwFirstError(socket: NetlinkSocket, subjects: ReadonlyMap<number, ElementChange>): void {
  let first: KernelError | undefined;
  let answered = 0;
  const take = (message: NetlinkMessage) => {
    if (message.type !== NLMSG.error) return;
    const answer = decodeAnswer(message);
    const change = subjects.get(message.sequence);
    if (change !== undefined) answered++;
    if (answer.errno === 0 || first !== undefined) return;
    const operation = change === undefined ? "commit elements of" : `${change.kind} elements of set`;
    first = answerError(answer, operation, change?.set ?? "nftables batch");
  };
  while (socket.receive(take));
  if (first !== undefined) throw first;
  if (answered < subjects.size) {
    const detail = `${answered} of ${subjects.size} messages were answered`;
    throw new KernelError({ operation: "commit elements of", subject: "nftables batch", code: "EIO", detail });
  }
}

function readKeyKind(socket: NetlinkSocket, set: SetRef): ReturnType<typeof setKeyKind> {
  const attributes = [[SET.table, set.table], [SET.name, set.set]] as const;
  const query = { family: set.family, operation: "read the set", subject: set.set };
  return socket.get(nftQuery({ ...query, type: NFT.getSet, attributes }), (message) => {
    let [flags, keyType] = [0, 0];
    visitAttributes(message, NFNETLINK_HEADER_BYTES, (type, value) => {
      if (type === SET.flags) flags = spanU32NetworkOrder(value);
      if (type === SET.keyType) keyType = spanU32NetworkOrder(value);
    });
    return setKeyKind(set.set, { flags, keyType });
  });
}

function decodeElements(message: NetlinkMessage, keys: ElementKey[]): void {
  visitAttributes(message, NFNETLINK_HEADER_BYTES, (type, list) => {
    if (type !== LIST.elements) return;
    visitAttributes(list, 0, (_, element) => {
      const key = decodeElement(element);
      if (key !== undefined) keys.push(key);
    });
  });
}

function decodeElement(element: Span): ElementKey | undefined {
  let bytes: Uint8Array<ArrayBuffer> | undefined;
  let flags = 0;
  visitAttributes(element, 0, (type, value) => {
    if (type === ELEMENT.flags) flags = spanU32NetworkOrder(value);
    if (type !== ELEMENT.key) return;
    visitAttributes(value, 0, (dataType, data) => {
      if (dataType === ELEMENT.dataValue) bytes = Uint8Array.from(spanBytes(data));
    });
  });
  if (bytes === undefined || flags & ELEMENT_FLAGS.catchAll) return undefined;
  return { bytes, intervalEnd: (flags & ELEMENT_FLAGS.intervalEnd) !== 0 };
}
