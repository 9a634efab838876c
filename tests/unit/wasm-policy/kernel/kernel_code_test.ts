/** Committed kernels: they load, and know the layout they were compiled for. @module */
import { assertEquals } from "@std/assert";
import { instantiateKernel, kernelModule } from "#/wasm-policy/kernel/kernel_code.ts";
import { VERDICT_KERNEL } from "#/wasm-policy/kernel/verdict.gen.ts";
import { LAYOUT_VERSION } from "#/wasm-policy/layout.ts";

Deno.test("the verdict kernel loads, imports a memory alone, and has the layout of this version", () => {
  const imports = WebAssembly.Module.imports(kernelModule(VERDICT_KERNEL));
  assertEquals(imports.map(({ module, name, kind }) => `${module}.${name} ${kind}`), ["env.memory memory"]);
  const kernel = instantiateKernel(VERDICT_KERNEL, new WebAssembly.Memory({ initial: 1 }));
  assertEquals(kernel.abi!(), LAYOUT_VERSION);
});
