/**
 * Decodes the protobuf bodies that Kubernetes clients send for core kinds: the `k8s\0` envelope, then the message, into the JSON that the same
 * client would have sent. kubectl creates namespaces this way since 1.32. Called by `body.ts`; answers are always JSON.
 *
 * Nothing is dropped: a message or a field number without an entry in the tables is an error that names it.
 *
 * @module
 */
import type { Json } from "#/base/json.ts";
import { CORE_MESSAGES } from "#/server/api/protobuf_core.ts";

/** First bytes of every body: `k8s` and a zero. */
export const PROTOBUF_MAGIC: readonly number[] = [0x6b, 0x38, 0x73, 0x00];

/** Depth of nested messages; nothing that Kubernetes defines comes near. */
const NESTING_MAX = 32;

/** A body that cannot be decoded, with the place. */
export class ProtobufError extends Error {}

/** One field of a message. */
interface Field {
  readonly name: string;
  readonly type: string;
  readonly shape: "single" | "list" | "map" | "embedded";
  readonly keepZero: boolean;
}

type MessageTable = ReadonlyMap<number, Field>;

/** A value under construction. */
type Building = Record<string, Json | Json[]>;

/**
 * Decodes an enveloped body to `{apiVersion, kind, ...}`.
 *
 * @throws {ProtobufError} for bytes that are not the envelope, for an unknown kind and for an unknown field
 */
export function decodeKubernetesProtobuf(bytes: Uint8Array): Json {
  if (PROTOBUF_MAGIC.some((byte, index) => bytes[index] !== byte)) {
    throw new ProtobufError('Body must begin with the envelope "k8s\\0"');
  }
  const envelope: { apiVersion: string; kind: string; raw: Uint8Array; encoding: string; type: string } = {
    apiVersion: "",
    kind: "",
    raw: new Uint8Array(0),
    encoding: "",
    type: "",
  };
  for (const { number, value } of wireFields(bytes.subarray(PROTOBUF_MAGIC.length), "Unknown")) {
    const content = lengthDelimited(value, `Unknown field ${number}`);
    if (number === 1) {
      for (const meta of wireFields(content, "TypeMeta")) {
        const text = textOf(lengthDelimited(meta.value, `TypeMeta field ${meta.number}`), "TypeMeta");
        if (meta.number === 1) envelope.apiVersion = text;
        else if (meta.number === 2) envelope.kind = text;
      }
    } else if (number === 2) envelope.raw = content;
    else if (number === 3) envelope.encoding = textOf(content, "Unknown.contentEncoding");
    else if (number === 4) envelope.type = textOf(content, "Unknown.contentType");
  }
  if (envelope.encoding !== "" || envelope.type !== "") {
    throw new ProtobufError(`Content of type "${envelope.type}${envelope.encoding}" inside protobuf must not be used`);
  }
  if (!Object.hasOwn(CORE_MESSAGES, envelope.kind)) {
    throw new ProtobufError(`No protobuf decoder for kind "${envelope.kind}" of "${envelope.apiVersion}": send JSON`);
  }
  const body = decodeMessage(envelope.raw, envelope.kind, envelope.kind, { tables: new Map(), depth: 0 });
  return { apiVersion: envelope.apiVersion, kind: envelope.kind, ...body };
}

/** What every nested decoding shares. */
interface Decoding {
  /** Tables met so far, so that each is read once for a body. */
  readonly tables: Map<string, MessageTable>;
  readonly depth: number;
}

function decodeMessage(bytes: Uint8Array, message: string, path: string, outer: Decoding): Building {
  const decoding = { tables: outer.tables, depth: outer.depth + 1 };
  if (decoding.depth > NESTING_MAX) {
    throw new ProtobufError(`${path}: messages must not nest deeper than ${NESTING_MAX}`);
  }
  const table = decoding.tables.get(message) ?? messageTable(message);
  decoding.tables.set(message, table);
  const result: Building = {};
  for (const { number, value } of wireFields(bytes, path)) {
    const field = table.get(number);
    if (field === undefined) {
      throw new ProtobufError(`${path} has field ${number} of message ${message}, which is not known here: send JSON`);
    }
    decodeField(result, field, value, { path, decoding });
  }
  return result;
}

function decodeField(
  result: Building,
  field: Field,
  value: WireValue,
  { path, decoding }: { readonly path: string; readonly decoding: Decoding },
): void {
  const place = field.shape === "embedded" ? path : `${path}.${field.name}`;
  switch (field.shape) {
    case "embedded":
      Object.assign(result, decodeMessage(lengthDelimited(value, place), field.type, place, decoding));
      break;
    case "list": {
      const list = result[field.name] ?? [];
      if (Array.isArray(list)) list.push(...listItems(value, field.type, place, decoding));
      result[field.name] = list;
      break;
    }
    case "map": {
      const map = (result[field.name] ?? {}) as Building;
      addEntry(map, value, { type: field.type, place, decoding });
      result[field.name] = map;
      break;
    }
    case "single": {
      const decoded = decodeValue(value, field.type, place, decoding);
      const isZero = decoded === null || (!field.keepZero && (decoded === "" || decoded === 0 || decoded === false));
      if (!isZero) result[field.name] = decoded;
    }
  }
}

/** One element, or all of them where integers are packed into one value. */
function listItems(value: WireValue, type: string, place: string, decoding: Decoding): Json[] {
  if (type !== "int" || typeof value === "bigint") return [decodeValue(value, type, place, decoding)];
  const items: Json[] = [];
  const cursor = { bytes: value, at: 0 };
  while (cursor.at < value.length) items.push(integer(readVarint(cursor, place), place));
  return items;
}

function addEntry(
  map: Building,
  value: WireValue,
  { type, place, decoding }: { readonly type: string; readonly place: string; readonly decoding: Decoding },
): void {
  let key = "";
  let item: Json = type === "string" ? "" : {};
  for (const field of wireFields(lengthDelimited(value, place), place)) {
    if (field.number === 1) key = textOf(lengthDelimited(field.value, place), place);
    else if (field.number === 2) item = decodeValue(field.value, type, place, decoding);
  }
  // A plain assignment to "__proto__" would set no member.
  Object.defineProperty(map, key, { value: item, enumerable: true, configurable: true, writable: true });
}

/** A value of a named type; `null` for the zero time, which JSON writes so. */
function decodeValue(value: WireValue, type: string, place: string, decoding: Decoding): Json {
  switch (type) {
    case "int":
    case "bool": {
      if (typeof value !== "bigint") throw new ProtobufError(`${place} must be a number on the wire`);
      return type === "bool" ? value !== 0n : integer(value, place);
    }
    case "string":
      return textOf(lengthDelimited(value, place), place);
    case "Quantity":
      return textOf(singleField(lengthDelimited(value, place), place), place);
    case "Time":
      return timeOf(lengthDelimited(value, place), place);
    case "IntOrString":
      return intOrStringOf(lengthDelimited(value, place), place);
    case "FieldsV1":
      return fieldsOf(singleField(lengthDelimited(value, place), place), place);
    case "ExtraValue":
      return decodeMessage(lengthDelimited(value, place), type, place, decoding).items ?? [];
    default:
      return decodeMessage(lengthDelimited(value, place), type, place, decoding);
  }
}

/** The bytes of field 1, the only one of messages that wrap one value. */
function singleField(bytes: Uint8Array, place: string): Uint8Array {
  let content: Uint8Array = new Uint8Array(0);
  for (const field of wireFields(bytes, place)) content = lengthDelimited(field.value, place);
  return content;
}

function timeOf(bytes: Uint8Array, place: string): Json {
  let seconds: number | undefined;
  for (const { number, value } of wireFields(bytes, place)) {
    if (number === 1 && typeof value === "bigint") seconds = integer(value, place);
  }
  if (seconds === undefined) return null;
  const date = new Date(seconds * 1000);
  if (Number.isNaN(date.getTime())) throw new ProtobufError(`${place} must be a time: got second ${seconds}`);
  return date.toISOString().replace(".000Z", "Z");
}

function intOrStringOf(bytes: Uint8Array, place: string): Json {
  let isText = false;
  let int = 0;
  let text = "";
  for (const { number, value } of wireFields(bytes, place)) {
    if (number === 1) isText = value === 1n;
    else if (number === 2 && typeof value === "bigint") int = integer(value, place);
    else if (number === 3) text = textOf(lengthDelimited(value, place), place);
  }
  return isText ? text : int;
}

function fieldsOf(bytes: Uint8Array, place: string): Json {
  try {
    return JSON.parse(textOf(bytes, place));
  } catch {
    throw new ProtobufError(`${place} must hold JSON`);
  }
}

// --- wire format -----------------------------------------------------------------------------------------------------------------------------------

type WireValue = bigint | Uint8Array;

interface WireField {
  readonly number: number;
  readonly value: WireValue;
}

interface Cursor {
  readonly bytes: Uint8Array;
  at: number;
}

function* wireFields(bytes: Uint8Array, path: string): Generator<WireField> {
  const cursor: Cursor = { bytes, at: 0 };
  while (cursor.at < bytes.length) {
    const tag = Number(readVarint(cursor, path));
    const number = Math.floor(tag / 8);
    switch (tag % 8) {
      case 0:
        yield { number, value: readVarint(cursor, path) };
        break;
      case 2: {
        const length = Number(readVarint(cursor, path));
        const end = cursor.at + length;
        if (end > bytes.length) throw new ProtobufError(`${path} ends in the middle of field ${number}`);
        const value = bytes.subarray(cursor.at, end);
        cursor.at = end;
        yield { number, value };
        break;
      }
      default:
        throw new ProtobufError(`${path} has field ${number} of wire type ${tag % 8}, which Kubernetes does not use`);
    }
  }
}

function readVarint(cursor: Cursor, path: string): bigint {
  let value = 0n;
  for (let shift = 0n; shift < 70n; shift += 7n) {
    const byte = cursor.bytes[cursor.at++];
    if (byte === undefined) throw new ProtobufError(`${path} ends in the middle of a number`);
    value |= BigInt(byte & 0x7f) << shift;
    if (byte < 0x80) return value;
  }
  throw new ProtobufError(`${path} has a number of more than ten bytes`);
}

function integer(value: bigint, place: string): number {
  const signed = Number(BigInt.asIntN(64, value));
  if (!Number.isSafeInteger(signed)) throw new ProtobufError(`${place} must be at most 2^53 in size: got ${value}`);
  return signed;
}

function lengthDelimited(value: WireValue, place: string): Uint8Array {
  if (typeof value === "bigint") throw new ProtobufError(`${place} must have a length on the wire`);
  return value;
}

function textOf(bytes: Uint8Array, place: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new ProtobufError(`${place} must be UTF-8`);
  }
}

// --- tables ----------------------------------------------------------------------------------------------------------------------------------------

const FIELD = /^(\d+) (\w+)(\[\]|\{\}|\?|\+)?(?: (\w+))?$/;

/**
 * The fields of a message by number, read from the notation of `protobuf_core.ts`. Read anew for each body: they are
 * small and rare, and a cache would be state of the module.
 *
 * @throws {ProtobufError} when the tables have no such message
 */
export function messageTable(message: string): MessageTable {
  const text = Object.hasOwn(CORE_MESSAGES, message) ? CORE_MESSAGES[message] : undefined;
  if (text === undefined) throw new ProtobufError(`No protobuf table for message "${message}": send JSON`);
  const table = new Map<number, Field>();
  for (const entry of text.split(", ")) {
    const match = FIELD.exec(entry);
    if (match === null) throw new ProtobufError(`Bad table entry "${entry}" of message "${message}"`);
    const [, number, name, mark, type = "string"] = match;
    const shape = mark === "[]" ? "list" : mark === "{}" ? "map" : mark === "+" ? "embedded" : "single";
    table.set(Number(number), { name: name!, type, shape, keepZero: mark === "?" });
  }
  return table;
}
