/**
 * Numbers and modules as bytes: against the examples of LEB128, and by having the engine's own decoder run them.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { type Code, encodeModule, op, signed, unsigned } from "#/wasm-policy/encoder.ts";

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

Deno.test("unsigned() writes LEB128", () => {
  for (const [value, bytes] of UNSIGNED) assertEquals(unsigned(value), [...bytes], String(value));
});

Deno.test("signed() writes LEB128", () => {
  for (const [value, bytes] of SIGNED) assertEquals(signed(value), [...bytes], String(value));
});

Deno.test("signed() takes numbers above 2^31 for the integers of the same bits", () => {
  assertEquals(signed(2 ** 32 - 1), signed(-1));
  assertEquals(signed(0xfd00_0000), signed(0xfd00_0000 | 0));
});

type Run = (...parameters: readonly number[]) => number;

/** Functions by name, of modules whose imported function adds its two parameters. */
function run(functions: Readonly<Record<string, Code>>, parameters = 2): Readonly<Record<string, Run>> {
  const bytes = encodeModule({
    parameters,
    imported: { module: "env", name: "add", parameters: 2 },
    functions: Object.entries(functions).map(([name, code]) => ({ export: name, code })),
  });
  const env = { add: (a: number, b: number) => a + b };
  return new WebAssembly.Instance(new WebAssembly.Module(bytes), { env }).exports as Record<string, Run>;
}

Deno.test("op.i32Const() gives back every kind of number", () => {
  const values = [...SIGNED.map(([value]) => value), 300, -300, 65_535, 0x7fff_ffff, -0x8000_0000];
  const functions = Object.fromEntries(values.map((value) => [String(value), op.i32Const(value)]));
  const exports = run(functions);
  for (const value of values) assertEquals(exports[String(value)]!(), value);
});

const PARAMETERS = [...op.localGet(0), ...op.localGet(1)];

Deno.test("op: each instruction does what its name says", () => {
  const exports = run({
    eqz: [...op.localGet(0), ...op.i32Eqz],
    eq: [...PARAMETERS, ...op.i32Eq],
    ne: [...PARAMETERS, ...op.i32Ne],
    leU: [...PARAMETERS, ...op.i32LeU],
    and: [...PARAMETERS, ...op.i32And],
    or: [...PARAMETERS, ...op.i32Or],
    sub: [...PARAMETERS, ...op.i32Sub],
    call: [...PARAMETERS, ...op.call(0)],
    returns: [...op.i32Const(1), ...op.return, ...op.i32Const(2)],
    leaves: [
      ...op.block,
      ...op.block,
      ...op.localGet(0),
      ...op.brIf(0),
      ...op.localGet(1),
      ...op.brIf(1),
      ...op.i32Const(1),
      ...op.return,
      ...op.end,
      ...op.i32Const(2),
      ...op.return,
      ...op.end,
      ...op.i32Const(3),
    ],
  });
  const results = (name: string, pairs: readonly (readonly [number, number])[]) =>
    pairs.map(([a, b]) => exports[name]!(a, b));
  assertEquals(results("eqz", [[0, 0], [1, 0], [-1, 0]]), [1, 0, 0]);
  assertEquals(results("eq", [[5, 5], [5, 6]]), [1, 0]);
  assertEquals(results("ne", [[5, 5], [5, 6]]), [0, 1]);
  assertEquals(results("leU", [[5, 5], [6, 5], [-1, 5], [5, -1]]), [1, 0, 0, 1]);
  assertEquals(results("and", [[6, 3], [-1, 7]]), [2, 7]);
  assertEquals(results("or", [[6, 3], [0, 0]]), [7, 0]);
  assertEquals(results("sub", [[6, 3], [3, 6]]), [3, -3]);
  assertEquals(results("call", [[6, 3]]), [9]);
  assertEquals(results("returns", [[0, 0]]), [1]);
  assertEquals(results("leaves", [[0, 0], [1, 0], [0, 1]]), [1, 2, 3]);
});

Deno.test("encodeModule() takes no function, many functions, long names and long bodies", () => {
  assertEquals(Object.keys(run({})), []);
  const many = Object.fromEntries(Array.from({ length: 300 }, (_, at) => [`f${at}`, op.i32Const(at)]));
  const exports = run(many);
  assertEquals([exports.f0!(), exports.f127!(), exports.f128!(), exports.f299!()], [0, 127, 128, 299]);
  const long = `NetworkPolicy/${"é".repeat(300)}/"quoted" \\ name`;
  const body = [...op.i32Const(0), ...Array.from({ length: 20_000 }, () => [...op.i32Const(1), ...op.i32Or]).flat()];
  const named = run({ [long]: body });
  assertEquals([Object.keys(named), named[long]!()], [[long], 1]);
});

Deno.test("encodeModule() gives functions as many parameters as asked", () => {
  const last = run({ last: op.localGet(199) }, 200).last!;
  assertEquals(last(...Array.from({ length: 200 }, (_, at) => at)), 199);
});
