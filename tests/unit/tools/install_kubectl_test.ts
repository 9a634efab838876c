/**
 * @module
 */
import { assertEquals, assertThrows } from "@std/assert";
import { deflateRawSync } from "node:zlib";
import { OperationalError } from "#/base/errors.ts";
import { extractZipEntry, PINNED_KUBECTL } from "../../../tools/install_kubectl.ts";

/** A little-endian number of so many bytes. */
function le(value: number, bytes: number): number[] {
  return Array.from({ length: bytes }, (_, index) => (value >>> (8 * index)) & 0xff);
}

interface Entry {
  readonly name: string;
  readonly content: string;
  readonly method: 0 | 8 | 12;
}

/** A zip archive with a comment, and extra fields in its local headers only. */
function zip(entries: readonly Entry[]): Uint8Array {
  const body: number[] = [];
  const directory: number[] = [];
  for (const { name, content, method } of entries) {
    const plain = new TextEncoder().encode(content);
    const data = method === 8 ? [...new Uint8Array(deflateRawSync(plain))] : [...plain];
    const nameBytes = [...new TextEncoder().encode(name)];
    const sizes = [...le(0, 4), ...le(data.length, 4), ...le(plain.length, 4)];
    const common = [...le(20, 2), ...le(0, 2), ...le(method, 2), ...le(0, 4), ...sizes, ...le(nameBytes.length, 2)];
    const offset = body.length;
    body.push(...le(0x04034b50, 4), ...common, ...le(4, 2), ...nameBytes, ...le(0, 4), ...data);
    directory.push(...le(0x02014b50, 4), ...le(20, 2), ...common, ...le(0, 2), ...le(0, 2), ...le(0, 8));
    directory.push(...le(offset, 4), ...nameBytes);
  }
  const count = [...le(entries.length, 2), ...le(entries.length, 2)];
  const end = [...le(0x06054b50, 4), ...le(0, 4), ...count, ...le(directory.length, 4), ...le(body.length, 4)];
  return new Uint8Array([...body, ...directory, ...end, ...le(3, 2), 1, 2, 3]);
}

const ARCHIVE = zip([
  { name: "helm/", content: "", method: 0 },
  { name: "a/stored", content: "plain text", method: 0 },
  { name: "a/deflated", content: "again and again and again", method: 8 },
  { name: "a/other", content: "x", method: 12 },
]);

Deno.test("extractZipEntry() finds stored and deflated files", () => {
  assertEquals(new TextDecoder().decode(extractZipEntry(ARCHIVE, "a/stored")), "plain text");
  assertEquals(new TextDecoder().decode(extractZipEntry(ARCHIVE, "a/deflated")), "again and again and again");
});

Deno.test("extractZipEntry() says what it cannot read", () => {
  assertThrows(() => extractZipEntry(ARCHIVE, "a/missing"), OperationalError, 'no file "a/missing"');
  assertThrows(() => extractZipEntry(ARCHIVE, "a/other"), OperationalError, "method 12");
  assertThrows(() => extractZipEntry(new Uint8Array(100), "a"), OperationalError, "must end with a zip directory");
});

Deno.test("PINNED_KUBECTL has one package for each version that must work", () => {
  assertEquals(PINNED_KUBECTL.map(({ minor }) => minor), [30, 31, 32, 33]);
  for (const { package: name, minor, sha512 } of PINNED_KUBECTL) {
    assertEquals(name.endsWith(`-v${minor}`), true);
    assertEquals(atob(sha512).length, 64);
  }
});
