/**
 * Network namespaces of a test's own. The kernel under test is opened inside one and stays in it, so the test itself never leaves the machine's own
 * namespace and never touches anything in it. Whatever happens, all namespaces of a test are gone at its end, and with them all that was in them.
 *
 * @module
 */
import type { Kernel } from "#/agents/kernel/kernel.ts";
import { openKernel } from "#/agents/kernel/linux_kernel.ts";

/** Runs when a test's namespaces are made; see {@link withNetns}. */
export interface TestNetns {
  /** File of the test's first namespace; its loopback is up, and nothing else is there. */
  readonly path: string;
  /** The kernel opened in it. */
  readonly kernel: Kernel;
  /** A folder of the test's own, removed at the end. */
  readonly folder: string;
  /** Makes another namespace and returns its file. */
  make(name: string): Promise<string>;
  /** Opens the kernel in a namespace once more, as somebody else would; closed at the end. */
  open(path: string): Kernel;
  /** Runs a program in a namespace (the first one unless told otherwise) and returns what it did; it does not throw for a bad exit code. */
  exec(command: readonly string[], options?: { readonly netns?: string }): Promise<ExecResult>;
}

/** What a program did. */
export interface ExecResult {
  readonly code: number;
  /** What it wrote to both outputs, the standard one first. */
  readonly output: string;
}

/**
 * Runs a test's body with a fresh network namespace. Opening the kernel needs `root` and `nftables`; `exec` needs `nsenter`.
 *
 * @example
 * ```ts ignore
 * kernelTest("generation() grows", ["root", "nftables"], () =>
 *   withNetns(async ({ kernel }) => {
 *     const before = kernel.nft.generation();
 *     await kernel.nft.run("add table inet t");
 *     assertEquals(kernel.nft.generation(), before + 1);
 *   }));
 * ```
 */
export async function withNetns(body: (netns: TestNetns) => Promise<void>): Promise<void> {
  await using cleanup = new AsyncDisposableStack();
  const folder = await Deno.makeTempDir({ prefix: "tortie-test-" });
  cleanup.defer(() => Deno.remove(folder, { recursive: true }));
  // Used for namespaces only, never for the machine's own links, routes or rules.
  const host = cleanup.use(openKernel());
  const make = async (name: string): Promise<string> => {
    const path = `${folder}/${name}`;
    await host.namespaces.create(path);
    cleanup.defer(async () => void await host.namespaces.delete(path));
    return path;
  };
  const open = (path: string): Kernel => cleanup.use(openKernel({ netns: path }));
  const path = await make("node");
  const kernel = open(path);
  await body({ path, kernel, folder, make, open, exec: (command, options) => exec(options?.netns ?? path, command) });
}

async function exec(netns: string, command: readonly string[]): Promise<ExecResult> {
  const { code, stdout, stderr } = await new Deno.Command("nsenter", {
    args: [`--net=${netns}`, "--", ...command],
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  return { code, output: decoder.decode(stdout) + decoder.decode(stderr) };
}
