/**
 * Selector programs on blocks of 512 endpoints: what costs one visit per endpoint and selector elsewhere is here a few operations on 64 bytes per block and
 * selector, because the tests of labels are shared by all selectors. The static kernel does it with SIMD; {@link runTwin} is the same in plain
 * TypeScript, the fallback where WebAssembly is not to be had and the second opinion in tests. The label index and the benches use it.
 *
 * @module
 */
import { instantiateKernel } from "#/wasm-policy/kernel/kernel_code.ts";
import { SELECTOR_KERNEL } from "#/wasm-policy/kernel/selector.gen.ts";
import {
  ALWAYS_SLOT,
  OP_AND,
  OP_AND_NOT,
  OP_AND_REGISTER,
  OP_END,
  OP_LOAD,
  OP_LOAD_NOT,
  OP_OR,
  OP_OR_NOT,
  OP_OR_REGISTER,
  OP_STORE,
  OPERAND_BITS,
  OPERAND_MASK,
} from "#/wasm-policy/selector_program.ts";

/** Endpoints in a block. */
export const BLOCK_LANES = 512;
/** Words of 32 lanes in a block. */
export const BLOCK_WORDS = BLOCK_LANES / 32;

/** The layout of the kernel's memory and the meaning of its operations; must be what the committed kernel says. */
const SELECTOR_ABI = 1;
const PAGE_BYTES = 65_536;
const WORD_BYTES = 4;

/** Programs that are run together. */
export interface ProgramSet {
  /** Where programs stand, one after the other. */
  readonly code: Int32Array;
  readonly starts: ArrayLike<number>;
  /** More than the highest slot that they read. */
  readonly slots: number;
  /** As many as the one that uses most. */
  readonly registers: number;
}

/** The lanes of a block that match, for the programs that match in any. */
export interface BlockMatches {
  readonly count: number;
  /** Places of the programs in the set, ascending; only the first `count` are meant. */
  readonly programs: Int32Array;
  /** {@link BLOCK_WORDS} words for each. */
  readonly words: Int32Array;
}

/** A block that is filled, run and emptied again and again with one set of programs. Results are overwritten by the next run. */
export interface SelectorBlock {
  readonly engine: "kernel" | "twin";
  /** Takes other programs, and empties the block. */
  load(programs: ProgramSet): void;
  /** Puts an endpoint into a lane: sets the slots of the tests that its labels pass. Lanes that nobody put an endpoint into match nothing. */
  fill(lane: number, slots: readonly number[]): void;
  run(): BlockMatches;
  clear(): void;
}

/** The parts of one memory, as places of their first word; `present` counts in bytes. */
interface Layout {
  readonly slots: number;
  readonly present: number;
  readonly registers: number;
  readonly code: number;
  readonly starts: number;
  readonly found: number;
  readonly results: number;
  readonly end: number;
}

interface Views {
  readonly layout: Layout;
  readonly words: Int32Array;
  readonly bytes: Uint8Array;
  readonly count: number;
}

/** What runs the programs: numbers of bytes, as the kernel takes them. */
type Runner = (views: Views) => number;

/**
 * A block run by the kernel, or by its twin: when asked, or where the kernel cannot be had.
 *
 * @example
 * ```ts
 * import { createSelectorBlock } from "#/wasm-policy/selector_blocks.ts";
 * import { compileSelector } from "#/wasm-policy/selector_program.ts";
 * const { code } = compileSelector({ kind: "not", operand: { kind: "has", key: "env" } }, { slotOf: () => 2, costOf: () => 1 });
 * const block = createSelectorBlock();
 * block.load({ code: Int32Array.from(code), starts: [0], slots: 3, registers: 0 });
 * block.fill(0, [2]);
 * block.fill(1, []);
 * const { count, words } = block.run();
 * if (count !== 1 || words[0] !== 0b10) throw new Error();
 * ```
 */
export function createSelectorBlock(wanted: "kernel" | "twin" = "kernel"): SelectorBlock {
  const memory = wanted === "kernel" ? newMemory() : undefined;
  const kernel = memory && kernelRunner(memory);
  const run = kernel ?? runTwin;
  let views = viewsOf(undefined, { code: new Int32Array(0), starts: [], slots: ALWAYS_SLOT + 1, registers: 0 });
  let touched: number[] = [];
  const clear = (): void => {
    const { words, bytes, layout } = views;
    for (const slot of touched) {
      words.fill(0, layout.slots + slot * BLOCK_WORDS, layout.slots + (slot + 1) * BLOCK_WORDS);
      bytes[layout.present + slot] = 0;
    }
    touched = [];
  };
  return {
    engine: kernel === undefined ? "twin" : "kernel",
    load(programs) {
      clear();
      views = viewsOf(kernel && memory, programs, views.words);
    },
    fill(lane, slots) {
      const { words, bytes, layout } = views;
      const word = layout.slots + (lane >>> 5);
      const bit = 1 << (lane & 31);
      for (let at = -1; at < slots.length; at++) {
        const slot = at < 0 ? ALWAYS_SLOT : slots[at]!;
        words[word + slot * BLOCK_WORDS]! |= bit;
        if (bytes[layout.present + slot] !== 0) continue;
        bytes[layout.present + slot] = 1;
        touched.push(slot);
      }
    },
    run() {
      const { words, layout } = views;
      const count = run(views);
      return { count, programs: words.subarray(layout.found), words: words.subarray(layout.results) };
    },
    clear,
  };
}

/** The kernel's job in plain TypeScript, on the same memory. */
function runTwin({ words, bytes, layout, count }: Views): number {
  const accumulator = new Int32Array(BLOCK_WORDS);
  let matches = 0;
  for (let program = 0; program < count; program++) {
    let at = layout.code + words[layout.starts + program]!;
    const body = at + 1 + words[at]!;
    let met = 0;
    for (at += 1; at < body; at++) met |= bytes[layout.present + words[at]!]!;
    if (met === 0) continue;
    runProgram(words, layout, at, accumulator);
    const used = layout.slots + ALWAYS_SLOT * BLOCK_WORDS;
    const result = layout.results + matches * BLOCK_WORDS;
    let any = 0;
    for (let word = 0; word < BLOCK_WORDS; word++) {
      const lanes = accumulator[word]! & words[used + word]!;
      words[result + word] = lanes;
      any |= lanes;
    }
    if (any !== 0) words[layout.found + matches++] = program;
  }
  return matches;
}

function runProgram(words: Int32Array, layout: Layout, start: number, accumulator: Int32Array): void {
  for (let at = start;; at++) {
    const instruction = words[at]!;
    const operation = instruction >>> OPERAND_BITS;
    if (operation === OP_END) return;
    const base = (operation < OP_STORE ? layout.slots : layout.registers) + (instruction & OPERAND_MASK) * BLOCK_WORDS;
    // One loop for each operation, so that the engine compiles each to straight code.
    switch (operation) {
      case OP_LOAD:
        for (let word = 0; word < BLOCK_WORDS; word++) accumulator[word] = words[base + word]!;
        break;
      case OP_LOAD_NOT:
        for (let word = 0; word < BLOCK_WORDS; word++) accumulator[word] = ~words[base + word]!;
        break;
      case OP_AND:
      case OP_AND_REGISTER:
        for (let word = 0; word < BLOCK_WORDS; word++) accumulator[word]! &= words[base + word]!;
        break;
      case OP_AND_NOT:
        for (let word = 0; word < BLOCK_WORDS; word++) accumulator[word]! &= ~words[base + word]!;
        break;
      case OP_OR:
      case OP_OR_REGISTER:
        for (let word = 0; word < BLOCK_WORDS; word++) accumulator[word]! |= words[base + word]!;
        break;
      case OP_OR_NOT:
        for (let word = 0; word < BLOCK_WORDS; word++) accumulator[word]! |= ~words[base + word]!;
        break;
      default:
        for (let word = 0; word < BLOCK_WORDS; word++) words[base + word] = accumulator[word]!;
    }
  }
}

function newMemory(): WebAssembly.Memory | undefined {
  try {
    return new WebAssembly.Memory({ initial: 1 });
  } catch {
    return undefined;
  }
}

/** The kernel on a memory; `undefined` where it cannot be compiled, or speaks of another layout. */
function kernelRunner(memory: WebAssembly.Memory): Runner | undefined {
  try {
    const { abi, match } = instantiateKernel(SELECTOR_KERNEL, memory);
    if (match === undefined || abi?.() !== SELECTOR_ABI) return undefined;
    return ({ layout, count }) =>
      match(
        layout.slots * WORD_BYTES,
        layout.present,
        layout.registers * WORD_BYTES,
        layout.code * WORD_BYTES,
        layout.starts * WORD_BYTES,
        count,
        layout.found * WORD_BYTES,
        layout.results * WORD_BYTES,
      );
  } catch {
    return undefined;
  }
}

/** Lays the parts out, on the memory or on an array that is long enough already or new, and copies the programs in. Slots come out empty. */
function viewsOf(
  memory: WebAssembly.Memory | undefined,
  programs: ProgramSet,
  array: Int32Array = new Int32Array(0),
): Views {
  const { code, starts, slots, registers } = programs;
  const count = starts.length;
  const wordsOfBytes = (bytes: number) => Math.ceil(bytes / (BLOCK_WORDS * WORD_BYTES)) * BLOCK_WORDS;
  const registersAt = slots * BLOCK_WORDS;
  const resultsAt = registersAt + registers * BLOCK_WORDS;
  const presentAt = resultsAt + (count + 1) * BLOCK_WORDS;
  const codeAt = presentAt + wordsOfBytes(slots);
  const startsAt = codeAt + code.length;
  const foundAt = startsAt + count;
  const layout: Layout = {
    slots: 0,
    registers: registersAt,
    results: resultsAt,
    present: presentAt * WORD_BYTES,
    code: codeAt,
    starts: startsAt,
    found: foundAt,
    end: foundAt + count,
  };
  const words = memory !== undefined
    ? wordsOfMemory(memory, layout.end)
    : layout.end <= array.length
    ? array
    : new Int32Array(layout.end);
  words.fill(0, 0, codeAt);
  words.set(code, codeAt);
  words.set(Array.isArray(starts) ? starts : Int32Array.from(starts), startsAt);
  return { layout, words, bytes: new Uint8Array(words.buffer), count };
}

function wordsOfMemory(memory: WebAssembly.Memory, words: number): Int32Array {
  const missing = words * WORD_BYTES - memory.buffer.byteLength;
  if (missing > 0) memory.grow(Math.ceil(missing / PAGE_BYTES));
  return new Int32Array(memory.buffer);
}
