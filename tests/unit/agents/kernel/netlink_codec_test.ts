/**
 * The netlink wire format: what is written is read back, and what does not fit is refused.
 *
 * @module
 */
import { assertEquals, assertThrows } from "@std/assert";
import { KernelError } from "#/agents/kernel/kernel_error.ts";
import {
  answerError,
  decodeAnswer,
  MessageWriter,
  type NetlinkMessage,
  NLM,
  NLMSG,
  type Span,
  spanI32,
  spanText,
  spanU16,
  spanU32,
  spanU32NetworkOrder,
  spanU64NetworkOrder,
  spanU8,
  visitAttributes,
  visitMessages,
} from "#/agents/kernel/netlink_codec.ts";

function decode(bytes: Uint8Array<ArrayBuffer>): NetlinkMessage[] {
  const messages: NetlinkMessage[] = [];
  visitMessages(
    new DataView(bytes.buffer, bytes.byteOffset, bytes.length),
    bytes.length,
    (message) => messages.push(message),
  );
  return messages;
}

function attributes(span: Span, skip: number): [number, Span][] {
  const found: [number, Span][] = [];
  visitAttributes(span, skip, (type, value) => found.push([type, value]));
  return found;
}

Deno.test("MessageWriter writes what the decoders read back", () => {
  const writer = new MessageWriter();
  writer.begin({ type: 24, flags: NLM.request, sequence: 7 });
  writer.u8(1);
  writer.u8(2);
  writer.u16(0x0304);
  writer.attributeU8(1, 0xab);
  writer.attributeU16(2, 0xabcd);
  writer.attributeU32(3, 0xfedcba98);
  writer.attributeU32NetworkOrder(4, 0x01020304);
  writer.attributeText(5, "käse");
  writer.attribute(6, Uint8Array.of(1, 2, 3, 4, 5));
  writer.nest(7, () => writer.nest(8, () => writer.attributeText(9, "")));
  writer.end();
  writer.begin({ type: 25, flags: NLM.request, sequence: 8 });
  writer.end();
  writer.addFlags(NLM.ack);

  const [first, second] = decode(writer.bytes());
  assertEquals([first?.type, first?.flags, first?.sequence, first?.portId], [24, NLM.request, 7, 0]);
  assertEquals([second?.type, second?.flags, second?.sequence], [25, NLM.request | NLM.ack, 8]);
  const [u8, u16, u32, be, text, bytes, nested] = attributes(first!, 4).map(([, value]) => value);
  assertEquals([spanU8(first!, 1), spanU16(first!, 2)], [2, 0x0304]);
  assertEquals([spanU8(u8!), spanU16(u16!), spanU32(u32!), spanU32NetworkOrder(be!)], [
    0xab,
    0xabcd,
    0xfedcba98,
    0x01020304,
  ]);
  assertEquals(spanI32(u32!), 0xfedcba98 | 0);
  assertEquals([spanText(text!), bytes!.end - bytes!.start], ["käse", 5]);
  const [[type, inner]] = attributes(nested!, 0) as [[number, Span]];
  assertEquals([type, attributes(inner, 0).map(([t, value]) => [t, spanText(value)])], [8, [[9, ""]]]);
});

Deno.test("MessageWriter lays bytes out as the kernel wants them", () => {
  const writer = new MessageWriter();
  writer.begin({ type: 0x0102, flags: 0x0304, sequence: 0x05060708 });
  writer.attributeU8(9, 0xff);
  writer.nest(10, () => {});
  writer.end();
  assertEquals(
    Array.from(writer.bytes()),
    [28, 0, 0, 0, 2, 1, 4, 3, 8, 7, 6, 5, 0, 0, 0, 0, 5, 0, 9, 0, 0xff, 0, 0, 0, 4, 0, 10, 0x80],
  );
});

Deno.test("MessageWriter grows and leaves no old bytes in reused space", () => {
  const writer = new MessageWriter();
  const big = new Uint8Array(50_000).fill(0xee);
  for (let round = 0; round < 3; round++) {
    writer.begin({ type: 1, flags: 0, sequence: round });
    writer.attribute(1, big);
    writer.end();
  }
  assertEquals(decode(writer.bytes()).length, 3);
  writer.reset();
  writer.begin({ type: 1, flags: 0, sequence: 1 });
  writer.attributeU8(1, 1);
  writer.end();
  assertEquals(Array.from(writer.bytes().subarray(16)), [5, 0, 1, 0, 1, 0, 0, 0]);
});

Deno.test("MessageWriter loses nothing wherever its buffer has to grow", () => {
  for (let offset = 0; offset < 24; offset++) {
    const writer = new MessageWriter();
    writer.begin({ type: 1, flags: 0, sequence: 1 });
    writer.attribute(1, new Uint8Array(4096 - 16 - 4 - 24 + offset));
    const start = writer.length;
    writer.u8(1);
    writer.u8(2);
    writer.u16(0x0403);
    writer.u32(0x08070605);
    writer.u16NetworkOrder(0x090a);
    writer.u16(0x0c0b);
    writer.attributeU8(0x0e0d, 0x0f);
    writer.nest(0x1110, () => writer.attributeU16(0x1312, 0x1514), { flagged: false });
    writer.end();
    assertEquals(
      Array.from(writer.bytes().subarray(start)),
      [...Array.from({ length: 12 }, (_, i) => i + 1), 5, 0, 0x0d, 0x0e, 0x0f, 0, 0, 0]
        .concat([12, 0, 0x10, 0x11, 6, 0, 0x12, 0x13, 0x14, 0x15, 0, 0]),
    );
  }
});

Deno.test("spanU64NetworkOrder() reads handles", () => {
  const bytes = Uint8Array.of(0, 0, 0, 1, 0, 0, 0, 2);
  assertEquals(spanU64NetworkOrder({ view: new DataView(bytes.buffer), start: 0, end: 8 }), 2 ** 32 + 2);
});

Deno.test("decodeAnswer() finds errno and the kernel's words, whether the request is repeated or capped", () => {
  for (const capped of [false, true]) {
    const writer = new MessageWriter();
    const flags = 0x200 | (capped ? 0x100 : 0);
    writer.begin({ type: NLMSG.error, flags, sequence: 3 });
    writer.u32(-17 >>> 0);
    // The request's header, and the rest of it where it is not capped.
    writer.u32(24);
    writer.u32(0);
    writer.u32(0);
    writer.u32(0);
    if (!capped) writer.u32(0xffffffff);
    if (!capped) writer.u32(0xffffffff);
    writer.attributeText(1, "File exists already");
    writer.end();
    const [message] = decode(writer.bytes());
    assertEquals(decodeAnswer(message!), { errno: 17, text: "File exists already" });
  }
  const error = answerError({ errno: 17, text: "there" }, "add the route", "10.0.0.0/8");
  assertEquals([error.code, error.message], ["EEXIST", 'Cannot add the route "10.0.0.0/8": EEXIST (there)']);
});

Deno.test("decodeAnswer() reads acknowledgements and the end of a dump as no error", () => {
  const writer = new MessageWriter();
  writer.begin({ type: NLMSG.error, flags: 0x100, sequence: 1 });
  for (let i = 0; i < 5; i++) writer.u32(0);
  writer.end();
  writer.begin({ type: NLMSG.done, flags: NLM.multi, sequence: 1 });
  writer.u32(0);
  writer.end();
  writer.begin({ type: NLMSG.done, flags: NLM.multi, sequence: 1 });
  writer.end();
  assertEquals(decode(writer.bytes()).map((message) => decodeAnswer(message).errno), [0, 0, 0]);
});

Deno.test("visitMessages() and visitAttributes() refuse lengths that do not fit", () => {
  const cases: readonly { readonly name: string; readonly bytes: number[] }[] = [
    { name: "header cut off", bytes: [16, 0, 0, 0, 1] },
    { name: "message shorter than its header", bytes: [15, 0, 0, 0, ...new Array(12).fill(0)] },
    { name: "message longer than what there is", bytes: [17, 0, 0, 0, ...new Array(12).fill(0)] },
    { name: "attribute cut off", bytes: [18, 0, 0, 0, ...new Array(12).fill(0), 4, 0] },
    { name: "attribute shorter than its header", bytes: [20, 0, 0, 0, ...new Array(12).fill(0), 3, 0, 1, 0] },
    { name: "attribute longer than its message", bytes: [20, 0, 0, 0, ...new Array(12).fill(0), 5, 0, 1, 0] },
  ];
  for (const { name, bytes } of cases) {
    const read = () => decode(Uint8Array.from(bytes)).forEach((message) => attributes(message, 0));
    const error = assertThrows(read, KernelError, "Cannot decode");
    assertEquals(error.code, "EBADMSG", name);
  }
});
