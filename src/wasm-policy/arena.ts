/**
 * The memory of an image: one WebAssembly memory, given out piece by piece and never taken back. Tables, rows and batches live in it, and the kernel and its
 * twin in TypeScript read the same words. An image whose memory has grown too large is compiled anew (`engine.ts`).
 *
 * @module
 */

const PAGE = 65_536;
/** 2 GiB: byte addresses stay below 2^31. */
const PAGES_MAX = 32_768;
/** Bytes at address 0 that nobody gets, so that address 0 can mean "none". */
const RESERVED = 1024;

/** A growing memory; a `RangeError` says that it cannot grow further. Addresses are in bytes; `words` is looked up anew after every `allocate`, which may replace it. */
export interface Arena {
  readonly memory: WebAssembly.Memory;
  /** All of the memory as 32-bit words; word `a >> 2` is at address `a`. */
  readonly words: Uint32Array;
  /** Bytes given out. */
  readonly used: number;
  /** The address of so many zero bytes, a multiple of 16. */
  allocate(bytes: number): number;
}

/**
 * An empty arena.
 *
 * @example
 * ```ts
 * import { createArena } from "#/wasm-policy/arena.ts";
 * const arena = createArena();
 * const address = arena.allocate(8);
 * arena.words[address >> 2] = 7;
 * if (address % 16 !== 0 || arena.allocate(1) < address + 8) throw new Error();
 * ```
 */
export function createArena(): Arena {
  const memory = new WebAssembly.Memory({ initial: 16, maximum: PAGES_MAX });
  let used = RESERVED;
  let words = new Uint32Array(memory.buffer);
  return {
    memory,
    get words() {
      return words;
    },
    get used() {
      return used;
    },
    allocate(bytes) {
      const address = used;
      used = (used + bytes + 15) & ~15;
      const missing = Math.ceil(used / PAGE) - memory.buffer.byteLength / PAGE;
      if (missing > 0) {
        const current = memory.buffer.byteLength / PAGE;
        if (current + missing > PAGES_MAX) {
          throw new RangeError(`Memory of a policy image must stay below 2 GiB: ${used}`);
        }
        memory.grow(Math.min(PAGES_MAX - current, Math.max(missing, current >> 1)));
        words = new Uint32Array(memory.buffer);
      }
      return address;
    },
  };
}
