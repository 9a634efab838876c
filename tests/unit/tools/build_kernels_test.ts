/** Committed kernels fit their sources, as far as hashes tell; a fresh build is compared by `deno task kernels --check`. @module */
import { assert, assertEquals } from "@std/assert";
import { kernelNames, staleReasons } from "../../../tools/build_kernels.ts";

const ROOT = `${import.meta.dirname}/../../..`;
const FOLDER = `${ROOT}/src/wasm-policy/kernel`;

Deno.test("staleReasons() finds nothing wrong with the committed kernels", async () => {
  const names = kernelNames(ROOT);
  assert(names.includes("verdict"), names.join());
  for (const name of names) {
    const [source, generated] = [`${name}.as.ts`, `${name}.gen.ts`].map((file) =>
      Deno.readTextFileSync(`${FOLDER}/${file}`)
    );
    assertEquals(await staleReasons(source!, generated), [], name);
  }
});

Deno.test("staleReasons() notices another source, other bytes, and a file that is not there", async () => {
  const [source, generated] = ["verdict.as.ts", "verdict.gen.ts"].map((file) =>
    Deno.readTextFileSync(`${FOLDER}/${file}`)
  );
  assertEquals(await staleReasons(`${source} `, generated), ["was made from another source"]);
  const edited = generated!.replace(/"AGFzbQ/, '"AGFzbR');
  assertEquals(await staleReasons(source!, edited), ["does not hold the bytes whose hash it states"]);
  assertEquals(await staleReasons(source!, undefined), ["is not there"]);
});
