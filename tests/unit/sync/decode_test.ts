/**
 * Text as frames in any split, and lines that are none.
 *
 * @module
 */
import { assertEquals, assertStringIncludes } from "@std/assert";
import fc from "fast-check";
import { createFrameDecoder, decodeFrames, LINE_BYTES_MAX } from "#/sync/decode.ts";
import { encodeFrame, encodeFrames } from "#/sync/encode.ts";
import type { Frame } from "#/sync/frames.ts";
import { FRAMES } from "./frame_samples.ts";

/** What is left of a frame after JSON: members that are `undefined` go. */
function plain(frames: readonly Frame[]): unknown {
  return JSON.parse(JSON.stringify(frames));
}

Deno.test("createFrameDecoder() reads back what encodeFrames() wrote, however it is cut", () => {
  const frames: Frame[] = [...FRAMES, { frame: "set", id: "käse🧀", add: ["ü"], del: [] }];
  const bytes = new TextEncoder().encode(encodeFrames(frames));
  fc.assert(
    fc.property(fc.array(fc.nat(bytes.length), { maxLength: 30, size: "max" }), (cuts) => {
      const decoder = createFrameDecoder();
      const read: Frame[] = [];
      const edges = [0, ...cuts.sort((a, b) => a - b), bytes.length];
      for (let at = 1; at < edges.length; at++) {
        const decoded = decoder.push(bytes.slice(edges[at - 1], edges[at]));
        assertEquals(decoded.problem, undefined);
        read.push(...decoded.frames);
      }
      assertEquals(decoder.end().problem, undefined);
      assertEquals(read as unknown, plain(frames));
    }),
  );
});

Deno.test("createFrameDecoder() names the line and the rule that it breaks", () => {
  const ping = encodeFrame({ frame: "ping", position: 1 });
  const peer = (change: string) =>
    `{"frame":"put","item":{"kind":"set","id":"s","type":"net","members":["a"]${change}}}\n`;
  const cases: readonly (readonly [string, string, string])[] = [
    ["no JSON", `${ping}{"frame"\n`, "Line 2 must be JSON"],
    ["an empty line", `${ping}\n`, "Line 2 must be JSON"],
    ["no object", "[]\n", "must be an object"],
    ["unknown frame", '{"frame":"jump"}\n', '".frame" must be one of "hello", "begin"'],
    ["missing member", '{"frame":"end"}\n', '".position" must be a whole number'],
    ["negative position", '{"frame":"end","position":-1}\n', '".position" must be a whole number'],
    ["unknown member", peer(',"narrower":1'), '".item.narrower" must not be there'],
    [
      "bad item member",
      '{"frame":"put","item":{"kind":"set","id":"s","type":"net","members":["a",7]}}\n',
      '".item.members[1]" must be a text',
    ],
    ["unknown kind", '{"frame":"put","item":{"kind":"vtep","id":"x"}}\n', '".item.kind" must be one of'],
    ["kind of Object.prototype", '{"frame":"toString"}\n', '".frame" must be one of'],
  ];
  for (const [name, text, message] of cases) {
    const decoded = createFrameDecoder().push(new TextEncoder().encode(text));
    assertStringIncludes(decoded.problem ?? "", message, name);
    assertEquals(decodeFrames(text).problem, decoded.problem, name);
  }
  assertEquals(
    createFrameDecoder().push(new TextEncoder().encode(`${ping}[]\n`)).frames.length,
    1,
    "those before it count",
  );
});

Deno.test("createFrameDecoder() refuses lines without bound, bytes that are no UTF-8 and a cut end", () => {
  const decoder = createFrameDecoder();
  const piece = new Uint8Array(LINE_BYTES_MAX).fill(0x20);
  assertEquals(decoder.push(piece).problem, undefined);
  assertStringIncludes(decoder.push(new Uint8Array([0x20])).problem ?? "", "Line 1 must be at most");
  assertStringIncludes(createFrameDecoder().push(new Uint8Array([0xff, 0x0a])).problem ?? "", "Line 1 must be UTF-8");
  const cut = createFrameDecoder();
  cut.push(new TextEncoder().encode('{"frame":"ping","position":1}'));
  assertStringIncludes(cut.end().problem ?? "", "Line 1 must end in a newline");
  assertStringIncludes(decodeFrames('{"frame":"ping","position":1}').problem ?? "", "Line 1 must end in a newline");
});
