/**
 * The saved slice on disk: whole or not at all, and never taken for one when it is not.
 *
 * @module
 */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { OperationalError } from "#/base/errors.ts";
import { SliceFile } from "#/agents/slice_file.ts";
import { formatSavedSlice, type Slice } from "#/sync/slice.ts";
import { stateOf } from "./nftables/items.ts";

function sliceAt(position: number): Slice {
  const config = { kind: "config", id: "node", node: "n", ipv4Address: "172.18.0.2/24", blocks: [] } as const;
  return { logId: "log", epoch: 1, position, state: stateOf([config]) };
}

async function withFolder(body: (folder: string) => void | Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "tortie-slice-" });
  try {
    await body(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function unexpected(error: unknown): never {
  throw error;
}

function messageOf(read: ReturnType<SliceFile["read"]>): string {
  assert(read !== undefined && "message" in read, "Expected the file to be refused");
  return read.message;
}

Deno.test("SliceFile.read() gives back what was saved, and nothing where there is no file", () =>
  withFolder(async (folder) => {
    const file = new SliceFile(join(folder, "deep", "data"));
    assertEquals(file.read(), undefined);
    file.save(sliceAt(7), unexpected);
    await file.flushed();
    assertEquals(file.read(), sliceAt(7));
    assertEquals(new SliceFile(join(folder, "deep", "data")).read(), sliceAt(7));
  }));

Deno.test("SliceFile.save() writes the last of several, and flushed() waits for it", () =>
  withFolder(async (folder) => {
    const file = new SliceFile(folder);
    for (let position = 1; position <= 100; position++) file.save(sliceAt(position), unexpected);
    await file.flushed();
    assertEquals(file.read(), sliceAt(100));
    file.save(sliceAt(101), unexpected);
    await file.flushed();
    assertEquals(file.read(), sliceAt(101));
    assertEquals([...Deno.readDirSync(folder)].map(({ name }) => name), ["slice.ndjson"]);
    assertEquals(Deno.statSync(join(folder, "slice.ndjson")).mode! & 0o777, 0o600);
  }));

const SPOILT: readonly { readonly name: string; readonly spoil: (text: string) => string }[] = [
  { name: "cut short", spoil: (text) => text.slice(0, -20) },
  { name: "cut at a line", spoil: (text) => text.slice(0, text.lastIndexOf("\n", text.length - 2) + 1) },
  { name: "altered", spoil: (text) => text.replace('"position":7', '"position":8') },
  { name: "empty", spoil: () => "" },
  { name: "no text", spoil: () => "\0\0\0\0" },
];

for (const { name, spoil } of SPOILT) {
  Deno.test(`SliceFile.read() refuses a file that is ${name}, and a new slice replaces it`, () =>
    withFolder(async (folder) => {
      const path = join(folder, "slice.ndjson");
      Deno.writeTextFileSync(path, spoil(formatSavedSlice(sliceAt(7))));
      const file = new SliceFile(folder);
      assertStringIncludes(messageOf(file.read()), `Saved slice "${path}" is not used: `);
      file.save(sliceAt(9), unexpected);
      await file.flushed();
      assertEquals(file.read(), sliceAt(9));
    }));
}

Deno.test("SliceFile.read() tells a file that cannot be read", () =>
  withFolder((folder) => {
    Deno.mkdirSync(join(folder, "slice.ndjson"));
    assertStringIncludes(messageOf(new SliceFile(folder).read()), "Cannot read");
  }));

Deno.test("SliceFile never shows half a slice: an unfinished write leaves the old file", () =>
  withFolder(async (folder) => {
    const file = new SliceFile(folder);
    file.save(sliceAt(1), unexpected);
    await file.flushed();
    // What a crash in the middle of the next write leaves.
    Deno.writeTextFileSync(join(folder, "slice.ndjson.new"), formatSavedSlice(sliceAt(2)).slice(0, 50));
    assertEquals(new SliceFile(folder).read(), sliceAt(1));
    file.save(sliceAt(3), unexpected);
    await file.flushed();
    assertEquals(file.read(), sliceAt(3));
  }));

Deno.test("SliceFile.save() tells what keeps it from writing, and writes the next one", () =>
  withFolder(async (folder) => {
    const file = new SliceFile(folder);
    const errors: unknown[] = [];
    Deno.mkdirSync(join(folder, "slice.ndjson.new"));
    file.save(sliceAt(1), (error) => errors.push(error));
    await file.flushed();
    assert(errors.length === 1 && errors[0] instanceof OperationalError);
    assertStringIncludes(errors[0].message, "Cannot save the slice");
    Deno.removeSync(join(folder, "slice.ndjson.new"));
    file.save(sliceAt(2), unexpected);
    await file.flushed();
    assertEquals(file.read(), sliceAt(2));
  }));
