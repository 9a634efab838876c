/**
 * `deno task kernels`: compiles every `src/wasm-policy/kernel/<name>.as.ts` (AssemblyScript, SIMD) into `<name>.gen.ts`, which is committed: the bytes as
 * base64, with the hashes of source and bytes. AssemblyScript is needed here only and has a lockfile of
 * its own, so that whoever runs the product never downloads it; what runs is the committed file.
 *
 * With `--check` nothing is written: the hashes of each committed file must fit its source and its bytes, and a fresh build must give the same file. The build
 * is deterministic, so any difference is a stale or an edited file. Imports nothing of the project, so that its lockfile holds the compiler alone.
 *
 * @module
 */
/** Pinned here and in `kernels.lock`; part of every generated file, so that a new compiler shows as a difference. */
export const COMPILER = "npm:assemblyscript@0.28.20";

/** The part of the compiler's interface that is used. */
interface Compiler {
  main(args: readonly string[], io: {
    readonly readFile: (path: string) => string | null;
    readonly writeFile: (path: string, contents: string | Uint8Array) => void;
    readonly listFiles: () => string[];
    readonly stdout: { write(text: string | Uint8Array): void };
    readonly stderr: { write(text: string | Uint8Array): void };
  }): Promise<{ readonly error: Error | null }>;
}

const FOLDER = "src/wasm-policy/kernel";
const SOURCE_SUFFIX = ".as.ts";

/** No runtime, no data segments: a kernel works on the memory that it is given, by address. */
const OPTIONS = ["-O3", "--noAssert", "--runtime", "stub", "--importMemory", "--enable", "simd", "--use", "abort="];

/** Columns of a line of base64. */
const LINE = 110;

async function sha256(data: Uint8Array<ArrayBuffer>): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", data)).toHex();
}

/** Compiles one source; throws with the compiler's own words. */
async function compileKernel(name: string, source: string): Promise<Uint8Array<ArrayBuffer>> {
  const asc: Compiler = await import(`${COMPILER}/asc`);
  const file = `${name}.ts`;
  let bytes: Uint8Array<ArrayBuffer> | undefined;
  let words = "";
  const output = { write: (text: string | Uint8Array) => void (words += String(text)) };
  const { error } = await asc.main([file, ...OPTIONS, "--outFile", "kernel.wasm"], {
    readFile: (path: string) => path === file ? source : null,
    writeFile: (_path: string, contents: string | Uint8Array) => {
      if (typeof contents !== "string") bytes = new Uint8Array(contents);
    },
    listFiles: () => [],
    stdout: output,
    stderr: output,
  });
  if (error !== null || bytes === undefined) throw new Error(`Cannot compile "${name}${SOURCE_SUFFIX}": ${words}`);
  return bytes;
}

/** The generated file of a kernel. */
async function generate(name: string, source: string): Promise<string> {
  const bytes = await compileKernel(name, source);
  const text = bytes.toBase64();
  const lines = Array.from(
    { length: Math.ceil(text.length / LINE) },
    (_, at) => text.slice(at * LINE, (at + 1) * LINE),
  );
  const constant = `${name.toUpperCase()}_KERNEL`;
  return [
    "/**",
    ` * Generated from \`${name}${SOURCE_SUFFIX}\` by \`deno task kernels\`: never edited by hand.`,
    " *",
    " * @module",
    " */",
    'import type { KernelCode } from "./kernel_code.ts";',
    "",
    `/** The compiled kernel \`${name}\`, ${bytes.length} bytes. */`,
    `export const ${constant}: KernelCode = {`,
    `  compiler: "${COMPILER}",`,
    `  sourceSha256: "${await sha256(new TextEncoder().encode(source))}",`,
    `  bytesSha256: "${await sha256(bytes)}",`,
    "  base64:",
    `    "${lines.join('" +\n    "')}",`,
    "};",
    "",
  ].join("\n");
}

/** Names of all kernels of a checkout, sorted. */
export function kernelNames(root: string): string[] {
  return [...Deno.readDirSync(`${root}/${FOLDER}`)].map((entry) => entry.name)
    .filter((name) => name.endsWith(SOURCE_SUFFIX)).map((name) => name.slice(0, -SOURCE_SUFFIX.length)).sort();
}

/** What is wrong with a committed file without compiling anything: hashes that do not fit. */
export async function staleReasons(source: string, generated: string | undefined): Promise<string[]> {
  if (generated === undefined) return ["is not there"];
  const field = (name: string) => new RegExp(`${name}: "([0-9a-f]+)"`).exec(generated)?.[1];
  const base64 = [...(generated.split("base64:")[1] ?? "").matchAll(/"([A-Za-z0-9+/=]+)"/g)].map((match) => match[1])
    .join("");
  const bytes = Uint8Array.fromBase64(base64);
  return [
    ...field("sourceSha256") === await sha256(new TextEncoder().encode(source)) ? [] : ["was made from another source"],
    ...field("bytesSha256") === await sha256(bytes) ? [] : ["does not hold the bytes whose hash it states"],
  ];
}

async function main(root: string, isCheck: boolean): Promise<number> {
  let failures = 0;
  const names = kernelNames(root);
  for (const name of names) {
    const path = `${root}/${FOLDER}/${name}.gen.ts`;
    const source = Deno.readTextFileSync(`${root}/${FOLDER}/${name}${SOURCE_SUFFIX}`);
    const committed = readIfThere(path);
    const reasons = isCheck ? await staleReasons(source, committed) : [];
    const fresh = await generate(name, source);
    if (!isCheck) Deno.writeTextFileSync(path, fresh);
    else if (reasons.length === 0 && fresh !== committed) reasons.push("differs from a fresh build");
    for (const reason of reasons) console.error(`${FOLDER}/${name}.gen.ts ${reason}: run \`deno task kernels\``);
    failures += reasons.length;
  }
  console.log(`Kernels: ${names.join(", ")}: ${isCheck ? failures === 0 ? "as committed" : "stale" : "built"}`);
  return failures === 0 ? 0 : 1;
}

function readIfThere(path: string): string | undefined {
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

if (import.meta.main) Deno.exit(await main(`${import.meta.dirname}/..`, Deno.args.includes("--check")));
