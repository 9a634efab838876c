/**
 * Static kernels as they are committed, and how they come to run. Sources are the `.as.ts` files beside this one; `deno task kernels` makes the `.gen.ts` files.
 *
 * @module
 */

/** A kernel compiled by `deno task kernels`. */
export interface KernelCode {
  readonly compiler: string;
  readonly sourceSha256: string;
  readonly bytesSha256: string;
  readonly base64: string;
}

/** A kernel's exported functions: numbers in, one number (or nothing) out. */
export type KernelExports = Readonly<Record<string, (...parameters: number[]) => number>>;

/** The module of a kernel. Compiling takes well under a millisecond; callers keep it if they need several instances. */
export function kernelModule(code: KernelCode): WebAssembly.Module {
  return new WebAssembly.Module(Uint8Array.fromBase64(code.base64));
}

/**
 * Runs a kernel on a memory.
 *
 * @param memory what its addresses mean; at least one page
 *
 * @example
 * ```ts
 * import { instantiateKernel } from "#/wasm-policy/kernel/kernel_code.ts";
 * import { VERDICT_KERNEL } from "#/wasm-policy/kernel/verdict.gen.ts";
 * const kernel = instantiateKernel(VERDICT_KERNEL, new WebAssembly.Memory({ initial: 1 }));
 * if (kernel.abi?.() !== 1) throw new Error();
 * ```
 */
export function instantiateKernel(code: KernelCode, memory: WebAssembly.Memory): KernelExports {
  const { exports } = new WebAssembly.Instance(kernelModule(code), { env: { memory } });
  return exports as KernelExports;
}
