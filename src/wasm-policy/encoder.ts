/**
 * Writes WebAssembly modules, by hand: the few sections and instructions that compiled policies need. Lowest part of generated code; `emit.ts` and
 * `code_engine.ts` are its callers.
 *
 * Binary format: WebAssembly Core Specification 1.0, section 5. Code is appended to lists of bytes, because joining many small ones is what takes the time.
 *
 * @module
 */

/** Bytes under construction. */
export type Code = number[];

/** Appends an unsigned LEB128. */
export function unsigned(to: Code, value: number): void {
  let rest = value >>> 0;
  while (rest > 0x7f) {
    to.push((rest & 0x7f) | 0x80);
    rest >>>= 7;
  }
  to.push(rest);
}

/** Appends a signed LEB128 of a 32-bit integer. */
export function signed(to: Code, value: number): void {
  let rest = value | 0;
  while (true) {
    const low = rest & 0x7f;
    rest >>= 7;
    const isDone = (rest === 0 && (low & 0x40) === 0) || (rest === -1 && (low & 0x40) !== 0);
    to.push(isDone ? low : low | 0x80);
    if (isDone) return;
  }
}

/** Instructions without immediates, by the names of the specification. */
export const OPCODES = {
  end: 0x0b,
  return: 0x0f,
  i32Eqz: 0x45,
  i32Eq: 0x46,
  i32GeS: 0x4e,
  i32LeU: 0x4d,
  i32Add: 0x6a,
  i32Sub: 0x6b,
  i32And: 0x71,
  i32Or: 0x72,
} as const;

/** Appends instructions that have immediates. */
export const put = {
  localGet(to: Code, index: number): void {
    to.push(0x20);
    unsigned(to, index);
  },
  localTee(to: Code, index: number): void {
    to.push(0x22);
    unsigned(to, index);
  },
  i32Const(to: Code, value: number): void {
    to.push(0x41);
    signed(to, value);
  },
  /** A byte from the address on the stack plus the offset. */
  i32Load8U(to: Code, offset: number): void {
    to.push(0x2d, 0);
    unsigned(to, offset);
  },
  call(to: Code, index: number): void {
    to.push(0x10);
    unsigned(to, index);
  },
  /** Calls the function whose slot of table 0 is on the stack; it must be of type 0. */
  callIndirect(to: Code): void {
    to.push(0x11, 0, 0);
  },
  /** Opens a block without result; a branch to it leaves it. */
  block(to: Code): void {
    to.push(0x02, 0x40);
  },
  if(to: Code): void {
    to.push(0x04, 0x40);
  },
  brIf(to: Code, depth: number): void {
    to.push(0x0d);
    unsigned(to, depth);
  },
} as const;

/** A function to be written. Its one result is an i32. */
export interface FunctionBody {
  /** Exported under this name, if at all. */
  readonly export?: string;
  /** Put into this slot of table 0, if at all. */
  readonly slot?: number;
  /** i32 locals besides the parameters. */
  readonly locals: number;
  readonly code: Code;
}

/** What goes into a module. It imports `env.memory` and `env.table`; all functions have as many i32 parameters. */
export interface ModuleSpec {
  readonly parameters: number;
  readonly functions: readonly FunctionBody[];
}

const I32 = 0x7f;
const FUNCTION_TYPE = 0x60;
const FUNCREF = 0x70;

function append(to: Code, bytes: readonly number[]): void {
  for (let at = 0; at < bytes.length; at++) to.push(bytes[at]!);
}

function section(to: Code, id: number, write: (content: Code) => void): void {
  const content: Code = [];
  write(content);
  to.push(id);
  unsigned(to, content.length);
  append(to, content);
}

function text(to: Code, value: string): void {
  const bytes = new TextEncoder().encode(value);
  unsigned(to, bytes.length);
  append(to, [...bytes]);
}

/**
 * The bytes of a module.
 *
 * @example
 * ```ts
 * import { encodeModule, put } from "#/wasm-policy/encoder.ts";
 * const code: number[] = [];
 * put.localGet(code, 0);
 * const bytes = encodeModule({ parameters: 1, functions: [{ export: "same", locals: 0, code }] });
 * const env = { memory: new WebAssembly.Memory({ initial: 1 }), table: new WebAssembly.Table({ element: "anyfunc", initial: 1 }) };
 * const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), { env });
 * if ((exports.same as (n: number) => number)(7) !== 7) throw new Error();
 * ```
 */
export function encodeModule({ parameters, functions }: ModuleSpec): Uint8Array<ArrayBuffer> {
  const to: Code = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];
  section(to, 1, (out) => {
    out.push(1, FUNCTION_TYPE);
    unsigned(out, parameters);
    for (let at = 0; at < parameters; at++) out.push(I32);
    out.push(1, I32);
  });
  section(to, 2, (out) => {
    out.push(2);
    text(out, "env");
    text(out, "memory");
    out.push(0x02, 0x00, 0x00);
    text(out, "env");
    text(out, "table");
    out.push(0x01, FUNCREF, 0x00, 0x00);
  });
  section(to, 3, (out) => {
    unsigned(out, functions.length);
    for (const _ of functions) out.push(0);
  });
  writeExports(to, functions);
  writeElements(to, functions);
  return withBodies(to, functions);
}

/** The module with its code section, which is by far the largest and is copied once only. */
function withBodies(head: Code, functions: readonly FunctionBody[]): Uint8Array<ArrayBuffer> {
  const starts = functions.map(({ locals, code }) => bodyStart(locals, code.length));
  const count: Code = [];
  unsigned(count, functions.length);
  const length = functions.reduce((sum, { code }, at) => sum + starts[at]!.length + code.length + 1, count.length);
  head.push(10);
  unsigned(head, length);
  append(head, count);
  const bytes = new Uint8Array(head.length - count.length + length);
  bytes.set(head);
  let at = head.length;
  for (const [index, { code }] of functions.entries()) {
    bytes.set(starts[index]!, at);
    at += starts[index]!.length;
    bytes.set(code, at);
    at += code.length;
    bytes[at++] = OPCODES.end;
  }
  return bytes;
}

function writeExports(to: Code, functions: readonly FunctionBody[]): void {
  const exported = functions.flatMap((body, at) => body.export === undefined ? [] : [{ name: body.export, at }]);
  section(to, 7, (out) => {
    unsigned(out, exported.length);
    for (const { name, at } of exported) {
      text(out, name);
      out.push(0x00);
      unsigned(out, at);
    }
  });
}

/** One active segment for each function with a slot. */
function writeElements(to: Code, functions: readonly FunctionBody[]): void {
  const placed = functions.flatMap(({ slot }, at) => slot === undefined ? [] : [{ slot, at }]);
  if (placed.length === 0) return;
  section(to, 9, (out) => {
    unsigned(out, placed.length);
    for (const { slot, at } of placed) {
      out.push(0x00);
      put.i32Const(out, slot);
      out.push(OPCODES.end, 1);
      unsigned(out, at);
    }
  });
}

/** What stands before the code of a body: its size and its locals. */
function bodyStart(locals: number, codeLength: number): Code {
  const declared: Code = locals === 0 ? [0] : [1];
  if (locals > 0) {
    unsigned(declared, locals);
    declared.push(I32);
  }
  const start: Code = [];
  unsigned(start, declared.length + codeLength + 1);
  append(start, declared);
  return start;
}
