/**
 * The kubectl binaries of this machine, and how tests run them: each with a kubeconfig and caches of its own, so that nothing of the user's is read or
 * written.
 *
 * @module
 */
import { join } from "@std/path";
import { kubectlCacheFolder } from "../../tools/install_kubectl.ts";

/** Kubernetes minor versions whose kubectl must work unmodified. */
export const KUBECTL_MINORS: readonly number[] = [30, 31, 32, 33];

/** Why there is nothing to run, for the name of a skipped test. */
export const NO_KUBECTL =
  "no kubectl 1.30 to 1.33 in PATH, TORTIE_KUBECTL_DIR or the cache: run tools/install_kubectl.ts";

/** A kubectl that was found. */
export interface KubectlBinary {
  readonly path: string;
  /** 30 for 1.30. */
  readonly minor: number;
}

/** How a run of kubectl ended. */
export interface KubectlResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** What a run is given besides its arguments. */
export interface KubectlRun {
  readonly stdin?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Ends the run when it fires; commands that watch need it. */
  readonly signal?: AbortSignal;
}

/**
 * One binary for each minor version found: `kubectl`, `kubectl-1.NN` and `kubectl.1.NN` in `TORTIE_KUBECTL_DIR`, the cache of `tools/install_kubectl.ts`,
 * and PATH, in this order. Versions outside {@link KUBECTL_MINORS} are left out.
 */
export async function kubectlBinaries(): Promise<readonly KubectlBinary[]> {
  const folders = [
    Deno.env.get("TORTIE_KUBECTL_DIR") ?? "",
    kubectlCacheFolder(),
    ...(Deno.env.get("PATH") ?? "").split(":"),
  ].filter((folder) => folder !== "");
  const names = [...KUBECTL_MINORS.flatMap((minor) => [`kubectl-1.${minor}`, `kubectl.1.${minor}`]), "kubectl"];
  const found = new Map<number, KubectlBinary>();
  for (const path of folders.flatMap((folder) => names.map((name) => join(folder, name)))) {
    const named = /1\.(\d+)$/.exec(path);
    if (named !== null && found.has(Number(named[1]))) continue;
    const minor = isFile(path) ? await minorVersion(path) : undefined;
    if (minor === undefined || !KUBECTL_MINORS.includes(minor) || found.has(minor)) continue;
    found.set(minor, { path, minor });
  }
  return [...found.values()].sort((a, b) => a.minor - b.minor);
}

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) return false;
    throw error;
  }
}

async function minorVersion(path: string): Promise<number | undefined> {
  const command = new Deno.Command(path, {
    args: ["version", "--client", "-o", "json"],
    stdout: "piped",
    stderr: "null",
  });
  const { success, stdout } = await command.output();
  if (!success) return undefined;
  const version = JSON.parse(new TextDecoder().decode(stdout));
  return parseInt(version.clientVersion.minor, 10);
}

/** kubectl against one server, with a home of its own that is removed at the end. */
export class Kubectl implements AsyncDisposable {
  private constructor(readonly binary: KubectlBinary, readonly folder: string) {}

  /**
   * Makes the home with its kubeconfig.
   *
   * @param server the API's URL
   */
  static async create(binary: KubectlBinary, server: string): Promise<Kubectl> {
    const folder = await Deno.makeTempDir({ prefix: "tortie-kubectl-test-" });
    const config = {
      apiVersion: "v1",
      kind: "Config",
      clusters: [{ name: "tortie", cluster: { server } }],
      users: [{ name: "tester", user: {} }],
      contexts: [{ name: "tortie", context: { cluster: "tortie", user: "tester" } }],
      "current-context": "tortie",
    };
    await Deno.writeTextFile(join(folder, "config"), JSON.stringify(config));
    return new Kubectl(binary, folder);
  }

  /** Runs kubectl to its end and returns what it printed, whatever its exit code. */
  async run(args: readonly string[], options: KubectlRun = {}): Promise<KubectlResult> {
    const child = this.#command(args, {
      stdin: options.stdin === undefined ? "null" : "piped",
      env: options.env,
      signal: options.signal,
    }).spawn();
    if (options.stdin !== undefined) {
      const writer = child.stdin.getWriter();
      await writer.write(new TextEncoder().encode(options.stdin));
      await writer.close();
    }
    const { code, stdout, stderr } = await child.output();
    const decoder = new TextDecoder();
    return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
  }

  /** Runs kubectl, which must succeed, and returns its standard output. */
  async ok(args: readonly string[], options: KubectlRun = {}): Promise<string> {
    const { code, stdout, stderr } = await this.run(args, options);
    if (code !== 0) throw new Error(`kubectl ${args.join(" ")} ended with ${code}: ${stderr}${stdout}`);
    return stdout;
  }

  /** Starts kubectl, to read its output while it runs. Dispose of it to end it. */
  follow(args: readonly string[]): KubectlFollow {
    return new KubectlFollow(this.#command(args, { stdin: "null" }).spawn(), args);
  }

  /** Writes a file into the home and returns its path. */
  async file(name: string, text: string): Promise<string> {
    const path = join(this.folder, name);
    await Deno.writeTextFile(path, text);
    return path;
  }

  #command(args: readonly string[], options: Pick<Deno.CommandOptions, "stdin" | "env" | "signal">): Deno.Command {
    return new Deno.Command(this.binary.path, {
      args: [...args],
      clearEnv: true,
      stdout: "piped",
      stderr: "piped",
      ...options,
      env: {
        PATH: Deno.env.get("PATH") ?? "",
        HOME: this.folder,
        TMPDIR: this.folder,
        KUBECONFIG: join(this.folder, "config"),
        KUBECACHEDIR: join(this.folder, "cache"),
        ...options.env,
      },
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.folder, { recursive: true });
  }
}

/** How long a test waits for a line that a running kubectl must print, in milliseconds. */
const LINE_WAIT_MS_MAX = 20_000;

/** A kubectl that runs, and what it has printed so far. */
export class KubectlFollow implements AsyncDisposable {
  #text = "";
  #grown = Promise.withResolvers<void>();
  readonly #reading: Promise<void>;

  /** @param child must have its output piped */
  constructor(readonly child: Deno.ChildProcess, readonly args: readonly string[]) {
    this.#reading = this.#read();
  }

  /** Everything printed so far. */
  get text(): string {
    return this.#text;
  }

  /** Waits until the output matches, up to a bound. */
  async waitFor(pattern: RegExp): Promise<void> {
    const late = Promise.withResolvers<void>();
    const timer = setTimeout(() => late.resolve(), LINE_WAIT_MS_MAX);
    let isLate = false;
    late.promise.then(() => isLate = true);
    try {
      while (!pattern.test(this.#text)) {
        if (isLate) throw new Error(`kubectl ${this.args.join(" ")} did not print ${pattern}: ${this.#text}`);
        await Promise.race([this.#grown.promise, late.promise]);
      }
    } finally {
      clearTimeout(timer);
    }
  }

  async #read(): Promise<void> {
    for await (const chunk of this.child.stdout.pipeThrough(new TextDecoderStream())) {
      this.#text += chunk;
      this.#grown.resolve();
      this.#grown = Promise.withResolvers<void>();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.child.kill("SIGTERM");
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
      // It has ended already.
    }
    await this.child.stderr.cancel();
    await this.#reading;
    await this.child.status;
  }
}
