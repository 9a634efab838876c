/**
 * Numbers and modules as bytes: against the examples of LEB128, and by having the engine's own decoder run them.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { type Code, encodeModule, OPCODES, put, signed, unsigned } from "#/wasm-policy/encoder.ts";

const UNSIGNED: readonly (readonly [value: number, bytes: readonly number[]])[] = [
  [0, [0x00]],
  [1, [0x01]],
  [127, [0x7f]],
  [128, [0x80, 0x01]],
  [16_383, [0xff, 0x7f]],
  [16_384, [0x80, 0x80, 0x01]],
  [624_485, [0xe5, 0x8e, 0x26]],
  [2 ** 31, [0x80, 0x80, 0x80, 0x80, 0x08]],
  [2 ** 32 - 1, [0xff, 0xff, 0xff, 0xff, 0x0f]],
];

const SIGNED: readonly (readonly [value: number, bytes: readonly number[]])[] = [
  [0, [0x00]],
  [63, [0x3f]],
  [64, [0xc0, 0x00]],
  [-1, [0x7f]],
  [-64, [0x40]],
  [-65, [0xbf, 0x7f]],
  [127, [0xff, 0x00]],
  [-128, [0x80, 0x7f]],
  [8_191, [0xff, 0x3f]],
  [8_192, [0x80, 0xc0, 0x00]],
  [-123_456, [0xc0, 0xbb, 0x78]],
  [2 ** 31 - 1, [0xff, 0xff, 0xff, 0xff, 0x07]],
  [-(2 ** 31), [0x80, 0x80, 0x80, 0x80, 0x78]],
];

function bytesOf(write: (to: Code) => void): Code {
  const to: Code = [];
  write(to);
  return to;
}

Deno.test("unsigned() writes LEB128", () => {
  for (const [value, bytes] of UNSIGNED) assertEquals(bytesOf((to) => unsigned(to, value)), [...bytes], String(value));
});

Deno.test("signed() writes LEB128, and takes numbers above 2^31 for the integers of the same bits", () => {
  for (const [value, bytes] of SIGNED) assertEquals(bytesOf((to) => signed(to, value)), [...bytes], String(value));
  assertEquals(bytesOf((to) => signed(to, 0xfd00_0000)), bytesOf((to) => signed(to, 0xfd00_0000 | 0)));
});

type Run = (...parameters: readonly number[]) => number;

/** Functions by name. Byte 5 of their memory is 200; slot 1 of their table is a function that subtracts. */
function run(functions: Readonly<Record<string, Code>>, parameters = 2): Readonly<Record<string, Run>> {
  const subtract = { slot: 1, locals: 0, code: code(0, 1, "i32Sub") };
  const bytes = encodeModule({
    parameters,
    functions: [subtract, ...Object.entries(functions).map(([name, code]) => ({ export: name, locals: 1, code }))],
  });
  const memory = new WebAssembly.Memory({ initial: 1 });
  new Uint8Array(memory.buffer)[5] = 200;
  const table = new WebAssembly.Table({ element: "anyfunc", initial: 2 });
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: { memory, table } });
  return exports as Record<string, Run>;
}

/** Numbers get parameters, words are instructions. */
function code(...parts: readonly (number | keyof typeof OPCODES)[]): Code {
  return bytesOf((to) => {
    for (const part of parts) {
      if (typeof part === "number") put.localGet(to, part);
      else to.push(OPCODES[part]);
    }
  });
}

Deno.test("put.i32Const() gives back every kind of number", () => {
  const values = [...SIGNED.map(([value]) => value), 300, -300, 65_535, 0x7fff_ffff, -0x8000_0000];
  const exports = run(
    Object.fromEntries(values.map((value) => [String(value), bytesOf((to) => put.i32Const(to, value))])),
  );
  for (const value of values) assertEquals(exports[String(value)]!(), value);
});

Deno.test("each instruction does what its name says", () => {
  const exports = run({
    eqz: code(0, "i32Eqz"),
    eq: code(0, 1, "i32Eq"),
    geS: code(0, 1, "i32GeS"),
    leU: code(0, 1, "i32LeU"),
    add: code(0, 1, "i32Add"),
    and: code(0, 1, "i32And"),
    or: code(0, 1, "i32Or"),
    load: bytesOf((to) => (put.localGet(to, 0), put.i32Load8U(to, 3))),
    call: bytesOf((to) => (put.localGet(to, 0), put.localGet(to, 1), put.call(to, 0))),
    callSlot: bytesOf((to) => (to.push(...code(1, 0)), put.i32Const(to, 1), put.callIndirect(to))),
    tee: bytesOf((to) => (put.localGet(to, 0), put.localTee(to, 2), put.localGet(to, 2), to.push(OPCODES.i32Add))),
    leaves: bytesOf((to) => {
      put.block(to);
      put.localGet(to, 0);
      put.brIf(to, 0);
      put.localGet(to, 1);
      put.if(to);
      put.i32Const(to, 1);
      to.push(OPCODES.return, OPCODES.end);
      put.i32Const(to, 2);
      to.push(OPCODES.return, OPCODES.end);
      put.i32Const(to, 3);
    }),
  });
  const results = (name: string, pairs: readonly (readonly [number, number])[]) =>
    pairs.map(([a, b]) => exports[name]!(a, b));
  assertEquals(results("eqz", [[0, 0], [1, 0], [-1, 0]]), [1, 0, 0]);
  assertEquals(results("eq", [[5, 5], [5, 6]]), [1, 0]);
  assertEquals(results("geS", [[5, 5], [-1, 0], [0, -1]]), [1, 0, 1]);
  assertEquals(results("leU", [[5, 5], [6, 5], [-1, 5], [5, -1]]), [1, 0, 0, 1]);
  assertEquals(results("add", [[6, 3]]), [9]);
  assertEquals(results("and", [[6, 3], [-1, 7]]), [2, 7]);
  assertEquals(results("or", [[6, 3], [0, 0]]), [7, 0]);
  assertEquals(results("load", [[2, 0], [3, 0]]), [200, 0]);
  assertEquals(results("call", [[6, 3]]), [3]);
  assertEquals(results("callSlot", [[6, 3]]), [-3]);
  assertEquals(results("tee", [[6, 0]]), [12]);
  assertEquals(results("leaves", [[0, 0], [1, 0], [0, 1]]), [2, 3, 1]);
});

Deno.test("encodeModule() takes many functions, long names and long bodies", () => {
  const many = Object.fromEntries(
    Array.from({ length: 300 }, (_, at) => [`f${at}`, bytesOf((to) => put.i32Const(to, at))]),
  );
  const exports = run(many);
  assertEquals([exports.f0!(), exports.f127!(), exports.f128!(), exports.f299!()], [0, 127, 128, 299]);
  const long = `NetworkPolicy/${"é".repeat(300)}/"quoted" \\ name`;
  const body = bytesOf((to) => {
    put.i32Const(to, 0);
    for (let at = 0; at < 20_000; at++) put.i32Const(to, 1), to.push(OPCODES.i32Or);
  });
  const named = run({ [long]: body });
  assertEquals([Object.keys(named), named[long]!()], [[long], 1]);
});

Deno.test("encodeModule() gives functions as many parameters as asked", () => {
  const bytes = encodeModule({ parameters: 200, functions: [{ export: "last", locals: 0, code: code(199) }] });
  const env = {
    memory: new WebAssembly.Memory({ initial: 1 }),
    table: new WebAssembly.Table({ element: "anyfunc", initial: 0 }),
  };
  const { last } = new WebAssembly.Instance(new WebAssembly.Module(bytes), { env }).exports as Record<string, Run>;
  assertEquals(last!(...Array.from({ length: 200 }, (_, at) => at)), 199);
});
