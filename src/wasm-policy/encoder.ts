/**
 * Writes WebAssembly modules, by hand: the few sections and instructions that compiled policies need. Lowest part of back end 1; `emit.ts` is its caller.
 *
 * Binary format: WebAssembly Core Specification 1.0, section 5.
 *
 * @module
 */

/** Instructions and immediates as bytes. */
export type Code = readonly number[];

/** Unsigned LEB128. */
export function unsigned(value: number): number[] {
  const bytes: number[] = [];
  let rest = value >>> 0;
  do {
    const low = rest & 0x7f;
    rest >>>= 7;
    bytes.push(rest === 0 ? low : low | 0x80);
  } while (rest !== 0);
  return bytes;
}

/** Signed LEB128 of a 32-bit integer. */
export function signed(value: number): number[] {
  const bytes: number[] = [];
  let rest = value | 0;
  while (true) {
    const low = rest & 0x7f;
    rest >>= 7;
    const isDone = (rest === 0 && (low & 0x40) === 0) || (rest === -1 && (low & 0x40) !== 0);
    bytes.push(isDone ? low : low | 0x80);
    if (isDone) return bytes;
  }
}

/** Instructions used; names as in the specification with `.` left out. */
export const op = {
  localGet: (index: number): Code => [0x20, ...unsigned(index)],
  i32Const: (value: number): Code => [0x41, ...signed(value)],
  i32Eqz: [0x45] as Code,
  i32Eq: [0x46] as Code,
  i32Ne: [0x47] as Code,
  i32LeU: [0x4d] as Code,
  i32And: [0x71] as Code,
  i32Or: [0x72] as Code,
  i32Sub: [0x6b] as Code,
  call: (index: number): Code => [0x10, ...unsigned(index)],
  return: [0x0f] as Code,
  /** Opens a block without result; a branch to it leaves it. */
  block: [0x02, 0x40] as Code,
  brIf: (depth: number): Code => [0x0d, ...unsigned(depth)],
  end: [0x0b] as Code,
} as const;

/** A function to be written: all its parameters and its one result are i32. */
export interface FunctionBody {
  readonly export: string;
  readonly code: Code;
}

/** What goes into a module. All functions have the same parameters. */
export interface ModuleSpec {
  /** Parameters of every function. */
  readonly parameters: number;
  /** Imported function, index 0: its parameters, all i32; the result is i32. */
  readonly imported: { readonly module: string; readonly name: string; readonly parameters: number };
  readonly functions: readonly FunctionBody[];
}

const I32 = 0x7f;
const FUNCTION_TYPE = 0x60;

function vector(items: readonly (readonly number[])[]): number[] {
  return [...unsigned(items.length), ...items.flat()];
}

function section(id: number, content: readonly number[]): number[] {
  return [id, ...unsigned(content.length), ...content];
}

function text(value: string): number[] {
  const bytes = [...new TextEncoder().encode(value)];
  return [...unsigned(bytes.length), ...bytes];
}

function functionType(parameters: number): number[] {
  return [FUNCTION_TYPE, ...vector(Array.from({ length: parameters }, () => [I32])), ...vector([[I32]])];
}

/**
 * The bytes of a module.
 *
 * @example
 * ```ts
 * import { encodeModule, op } from "#/wasm-policy/encoder.ts";
 * const bytes = encodeModule({
 *   parameters: 1,
 *   imported: { module: "env", name: "f", parameters: 1 },
 *   functions: [{ export: "same", code: op.localGet(0) }],
 * });
 * const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: { f: () => 0 } });
 * if ((exports.same as (n: number) => number)(7) !== 7) throw new Error();
 * ```
 */
export function encodeModule(spec: ModuleSpec): Uint8Array<ArrayBuffer> {
  const { imported, functions } = spec;
  const bodies = functions.map(({ code }) => {
    const body = [...unsigned(0), ...code, ...op.end];
    return [...unsigned(body.length), ...body];
  });
  const EXPORTED_FUNCTION = 0;
  return new Uint8Array([
    ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
    ...section(1, vector([functionType(imported.parameters), functionType(spec.parameters)])),
    ...section(2, vector([[...text(imported.module), ...text(imported.name), 0x00, ...unsigned(0)]])),
    ...section(3, vector(functions.map(() => unsigned(1)))),
    ...section(
      7,
      vector(functions.map((body, at) => [...text(body.export), EXPORTED_FUNCTION, ...unsigned(at + 1)])),
    ),
    ...section(10, vector(bodies)),
  ]);
}
