/**
 * `deno task setup`: brings everything the project needs onto this machine. Idempotent; every task that needs something runs it first.
 *
 * npm packages come by the lockfile. System packages come by apt where that may be (root, Debian family); elsewhere the exact list is printed and
 * the tasks that need them say what they skip. With `--run` only what `deno task run` needs is fetched: npm packages, no root.
 *
 * @module
 */
import { dirname, join } from "@std/path";
import { COMPILER } from "./build_kernels.ts";

/** One thing of the system and the Debian package that brings it. */
interface SystemNeed {
  readonly what: string;
  readonly debian: string;
  /** Any of these paths, or a program of this name in PATH. */
  readonly files: readonly string[];
}

const LIB = "/usr/lib/x86_64-linux-gnu";
const LIB_ARM = "/usr/lib/aarch64-linux-gnu";

/** What kernel tests, the lab and the tutorial need of the system. */
export const SYSTEM_NEEDS: readonly SystemNeed[] = [
  {
    what: "libnftables.so.1",
    debian: "libnftables1",
    files: [`${LIB}/libnftables.so.1`, `${LIB_ARM}/libnftables.so.1`],
  },
  { what: "nft", debian: "nftables", files: ["nft"] },
  { what: "ip", debian: "iproute2", files: ["ip"] },
  { what: "bird", debian: "bird2", files: ["bird"] },
  { what: "busybox", debian: "busybox", files: ["busybox"] },
  { what: "nsenter", debian: "util-linux", files: ["nsenter"] },
  { what: "ping", debian: "iputils-ping", files: ["ping"] },
];

const SEARCH = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];

function exists(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch {
    return false;
  }
}

/** Needs that this machine does not meet. */
export function missingNeeds(): readonly SystemNeed[] {
  return SYSTEM_NEEDS.filter((need) =>
    !need.files.some((file) =>
      file.startsWith("/") ? exists(file) : SEARCH.some((folder) => exists(join(folder, file)))
    )
  );
}

async function run(command: string, args: readonly string[], env: Record<string, string> = {}): Promise<boolean> {
  try {
    const child = new Deno.Command(command, { args: [...args], env, stdin: "null", stdout: "piped", stderr: "piped" });
    const output = await child.output();
    if (!output.success) {
      const text = new TextDecoder().decode(output.stderr).trim().split("\n").slice(-5).join("\n");
      console.error(`setup: "${command} ${args.join(" ")}" failed:\n${text}`);
    }
    return output.success;
  } catch (error) {
    console.error(`setup: cannot run "${command}": ${error instanceof Error ? error.message : error}`);
    return false;
  }
}

async function installSystemPackages(missing: readonly SystemNeed[]): Promise<void> {
  const packages = [...new Set(missing.map((need) => need.debian))];
  const may = Deno.uid() === 0 && exists("/usr/bin/apt-get");
  if (may) {
    console.log(`setup: installing ${packages.join(", ")}`);
    const env = { DEBIAN_FRONTEND: "noninteractive" };
    const install = ["install", "-y", "--no-install-recommends", ...packages];
    const done = await run("apt-get", install, env) ||
      await run("apt-get", ["update"], env) && await run("apt-get", install, env);
    if (done) return;
  }
  console.error(`setup: missing on this machine: ${missing.map((need) => need.what).join(", ")}`);
  console.error(`setup: to install them on Debian or Ubuntu, as root: apt-get install ${packages.join(" ")}`);
  console.error("setup: without them `deno task run` works; the lab, the tutorial and kernel tests do not");
}

/** The compiler of the static kernels has a lockfile of its own; whoever only runs the product does without it. */
async function installKernelCompiler(root: string): Promise<boolean> {
  const args = [
    "cache",
    "--quiet",
    "--no-config",
    "--frozen",
    `--lock=${join(root, "tools/kernels.lock")}`,
    `${COMPILER}/asc`,
  ];
  return await run(Deno.execPath(), args, { DENO_NO_UPDATE_CHECK: "1" });
}

async function installNpmPackages(root: string, runOnly: boolean): Promise<boolean> {
  const entries = runOnly
    ? ["main.ts", "src/server/serve.ts"]
    : ["main.ts", "src", "tests", "tools", "benches", "migrations"];
  const files = entries.flatMap((entry) => entry.endsWith(".ts") ? [entry] : [...walk(root, entry)]);
  return await run(Deno.execPath(), ["cache", "--quiet", "--frozen", ...files.map((file) => join(root, file))], {
    DENO_NO_UPDATE_CHECK: "1",
  });
}

function* walk(root: string, folder: string): Generator<string> {
  for (const entry of Deno.readDirSync(join(root, folder))) {
    const path = join(folder, entry.name);
    if (entry.isDirectory) yield* walk(root, path);
    else if (entry.name.endsWith(".ts") && !entry.name.endsWith(".as.ts")) yield path;
  }
}

/** kubectl is for the tests and the tutorial; where it cannot be had, they say so. */
async function installKubectls(): Promise<void> {
  const { installKubectl, PINNED_KUBECTL } = await import("./install_kubectl.ts");
  for (const pinned of PINNED_KUBECTL) {
    try {
      if (await installKubectl(pinned)) console.log(`setup: installed kubectl 1.${pinned.minor}`);
    } catch (error) {
      console.error(
        `setup: cannot install kubectl 1.${pinned.minor}: ${error instanceof Error ? error.message : error}`,
      );
    }
  }
}

if (import.meta.main) {
  const root = dirname(import.meta.dirname!);
  const runOnly = Deno.args.includes("--run");
  if (!await installNpmPackages(root, runOnly)) Deno.exit(1);
  if (!runOnly) {
    if (!await installKernelCompiler(root)) Deno.exit(1);
    const missing = missingNeeds();
    if (missing.length > 0) await installSystemPackages(missing);
    await installKubectls();
  }
}
