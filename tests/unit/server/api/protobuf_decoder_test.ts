/**
 * The protobuf decoder against bytes and JSON that Kubernetes' own library made of the same objects (v0.33), every field set; and against damaged bodies.
 *
 * @module
 */
import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import type { Json } from "#/base/json.ts";
import { CORE_MESSAGES } from "#/server/api/protobuf_core.ts";
import { decodeKubernetesProtobuf, messageTable, ProtobufError } from "#/server/api/protobuf_decoder.ts";

interface Vector {
  readonly name: string;
  /** Base64 of the enveloped body. */
  readonly protobuf: string;
  readonly json: Json;
}

const VECTORS: readonly Vector[] = Deno.readTextFileSync(
  new URL("./testdata/protobuf_vectors.jsonl", import.meta.url),
).trim().split("\n").map((line) => JSON.parse(line));

/** Kinds and fields that the tables leave out on purpose. */
const REFUSED: Readonly<Record<string, string>> = {
  "Pod, volume of a vendor": "field 11 of message VolumeSource",
  "ConfigMap": 'No protobuf decoder for kind "ConfigMap"',
};

/** Go writes `null` where a time is not set; the decoder leaves it out. */
function withoutNulls(value: Json): Json {
  return JSON.parse(JSON.stringify(value), (_, member) => member === null ? undefined : member);
}

function bytesOf(base64: string): Uint8Array {
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}

/** A message of one length-delimited field. */
function field(number: number, content: readonly number[] | string): number[] {
  const bytes = typeof content === "string" ? [...new TextEncoder().encode(content)] : content;
  return [number * 8 + 2, bytes.length, ...bytes];
}

function namespaceBody(raw: readonly number[]): Uint8Array {
  const type = field(1, [...field(1, "v1"), ...field(2, "Namespace")]);
  return new Uint8Array([0x6b, 0x38, 0x73, 0, ...type, ...field(2, raw)]);
}

for (const { name, protobuf, json } of VECTORS) {
  const refusal = REFUSED[name];
  if (refusal === undefined) {
    Deno.test(`decodeKubernetesProtobuf() decodes ${name}`, () => {
      assertEquals(decodeKubernetesProtobuf(bytesOf(protobuf)), withoutNulls(json));
    });
  } else {
    Deno.test(`decodeKubernetesProtobuf() refuses ${name}`, () => {
      assertThrows(() => decodeKubernetesProtobuf(bytesOf(protobuf)), ProtobufError, refusal);
    });
  }
}

const DAMAGED: readonly { readonly name: string; readonly bytes: Uint8Array; readonly says: string }[] = [
  { name: "JSON", bytes: new TextEncoder().encode("{}"), says: "envelope" },
  { name: "nothing", bytes: new Uint8Array(0), says: "envelope" },
  { name: "a cut body", bytes: namespaceBody([0x0a, 0x05, 0x0a]), says: "ends in the middle of field 1" },
  { name: "a cut number", bytes: namespaceBody([0x80]), says: "ends in the middle of a number" },
  { name: "an endless number", bytes: namespaceBody(Array(11).fill(0x80)), says: "more than ten bytes" },
  {
    name: "text that is not UTF-8",
    bytes: namespaceBody(field(1, field(1, [0xff]))),
    says: "metadata.name must be UTF-8",
  },
  { name: "a number for a text", bytes: namespaceBody(field(1, [0x08, 1])), says: "metadata.name must have a length" },
  { name: "an unknown field", bytes: namespaceBody(field(9, "x")), says: "field 9 of message Namespace" },
  { name: "a fixed-size number", bytes: namespaceBody([0x0d, 0, 0, 0, 0]), says: "wire type 5" },
];

for (const { name, bytes, says } of DAMAGED) {
  Deno.test(`decodeKubernetesProtobuf() refuses ${name}`, () => {
    assertThrows(() => decodeKubernetesProtobuf(bytes), ProtobufError, says);
  });
}

Deno.test("decodeKubernetesProtobuf() takes a map key that objects inherit for what it is", () => {
  const labels = field(11, [...field(1, "__proto__"), ...field(2, "x")]);
  const decoded = JSON.stringify(decodeKubernetesProtobuf(namespaceBody(field(1, labels))));
  assertStringIncludes(decoded, '{"__proto__":"x"}');
});

Deno.test("messageTable() reads every table, and every type in them exists", () => {
  const scalars = ["string", "int", "bool", "Quantity", "Time", "IntOrString", "FieldsV1"];
  for (const message of Object.keys(CORE_MESSAGES)) {
    const table = messageTable(message);
    assertEquals(table.size, CORE_MESSAGES[message]!.split(", ").length, `a field number of ${message} stands twice`);
    for (const { name, type } of table.values()) {
      const isKnown = scalars.includes(type) || Object.hasOwn(CORE_MESSAGES, type);
      assertEquals(isKnown, true, `${message}.${name} has the unknown type ${type}`);
    }
  }
});
