/**
 * `tortie serve` as a child process on a free port with data of its own: what end-to-end tests talk to, stop and kill. Nothing of it is left at a test's end,
 * whatever happened.
 *
 * @module
 */
import { join } from "@std/path";
import type { Json } from "#/base/json.ts";
import {
  childEnvironment,
  isRunning,
  type ProgramOptions,
  type ProgramResult,
  tortie,
  tortieCommand,
  within,
} from "#tests/support/program.ts";

/** How long a start may take, recovery after a crash included. */
const START_MS_MAX = 60_000;
/** How long a stop may take. */
const STOP_MS_MAX = 20_000;

/** How to start a server. */
export interface ServerOptions {
  /** Left out when the database is somebody else's, as named by `DATABASE_URL` in `env`. */
  readonly dataDir?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** More arguments of `tortie serve`. */
  readonly args?: readonly string[];
  /** A whole command in place of `tortie serve` and its arguments. */
  readonly command?: readonly string[];
  readonly cwd?: string;
}

/** An answer of the API. */
export interface Answer {
  readonly status: number;
  readonly body: Json;
  readonly headers: Headers;
}

/** A request other than a plain GET. */
export interface Asked {
  readonly method?: string;
  readonly body?: Json;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

/** A server that runs, or has run. Dispose of it to stop it. */
export class ServerProcess implements AsyncDisposable {
  #stdout = "";
  #stderr = "";
  #ready = Promise.withResolvers<string>();
  #url = "";
  readonly #reading: Promise<unknown>;

  private constructor(private readonly child: Deno.ChildProcess, private readonly dataDir: string | undefined) {
    this.#ready.promise.catch(() => {});
    this.#reading = Promise.all([
      this.#read(child.stdout, (text) => this.#stdout += text),
      this.#read(child.stderr, (text) => this.#stderr += text),
    ]);
    child.status.then(async ({ code }) => {
      await this.#reading;
      this.#ready.reject(new Error(`The server ended with ${code}: ${this.#stderr}${this.#stdout}`));
    });
  }

  /** Starts a server and waits for its line that says where it serves; throws with its words when it ends instead. */
  static async start(options: ServerOptions): Promise<ServerProcess> {
    const server = ServerProcess.#spawn(options);
    try {
      server.#url = await within("the server's first line", START_MS_MAX, server.#ready.promise);
      return server;
    } catch (error) {
      await server[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Runs a server that must not start, and returns what it said when it ended. */
  static async refused(options: ServerOptions): Promise<ProgramResult> {
    await using server = ServerProcess.#spawn(options);
    const { code } = await within("the server to refuse", START_MS_MAX, server.ended());
    return { code, stdout: server.stdout, stderr: server.stderr };
  }

  static #spawn(options: ServerOptions): ServerProcess {
    const directory = options.dataDir === undefined ? [] : ["--data-dir", options.dataDir];
    const listen = options.env?.TORTIE_LISTEN === undefined && !options.args?.includes("--listen")
      ? ["--listen", "127.0.0.1:0"]
      : [];
    const [program = "", ...args] = options.command ??
      tortieCommand(["serve", ...directory, ...listen, ...options.args ?? []]);
    const child = new Deno.Command(program, {
      args,
      cwd: options.cwd ?? "/",
      clearEnv: true,
      env: childEnvironment(options.env),
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    return new ServerProcess(child, options.dataDir);
  }

  /** `http://127.0.0.1:<port>`. */
  get url(): string {
    return this.#url;
  }

  /** Process id. */
  get pid(): number {
    return this.child.pid;
  }

  /** Everything it has printed on standard output. */
  get stdout(): string {
    return this.#stdout;
  }

  /** Everything it has printed on standard error. */
  get stderr(): string {
    return this.#stderr;
  }

  /** Process id of its embedded Postgres, read from the file that every Postgres keeps in its data. */
  postgresPid(): number {
    const text = Deno.readTextFileSync(join(this.dataDir ?? "", "postgres", "postmaster.pid"));
    return Number(text.split("\n")[0]);
  }

  /** Sends a signal. */
  kill(signal: Deno.Signal): void {
    this.child.kill(signal);
  }

  /** How it ended; what it printed is complete by then. */
  async ended(): Promise<Deno.CommandStatus> {
    const status = await this.child.status;
    await this.#reading;
    return status;
  }

  /** Sends a signal and waits for the end. */
  async stop(signal: Deno.Signal): Promise<Deno.CommandStatus> {
    this.kill(signal);
    return await within(`the server to end on ${signal}`, STOP_MS_MAX, this.ended());
  }

  /** Sends a request to the API. */
  async ask(path: string, asked: Asked = {}): Promise<Answer> {
    const { method = "GET", body, headers, signal } = asked;
    const response = await fetch(`${this.#url}${path}`, {
      method,
      headers: { accept: "application/json", "content-type": "application/json", ...headers },
      body: body === undefined ? undefined : JSON.stringify(body),
      signal,
    });
    const text = await response.text();
    const isJson = response.headers.get("content-type")?.includes("json") ?? false;
    return { status: response.status, body: isJson ? JSON.parse(text) : text, headers: response.headers };
  }

  /** Sends a request that must be granted, and returns its body. */
  async ok(path: string, asked: Asked = {}): Promise<Json> {
    const { status, body } = await this.ask(path, asked);
    if (status < 200 || status > 299) {
      throw new Error(`${asked.method ?? "GET"} ${path}: ${status} ${JSON.stringify(body)}`);
    }
    return body;
  }

  /** Runs `tortie ARGS` against this server. */
  tortie(args: readonly string[], options: ProgramOptions = {}): Promise<ProgramResult> {
    return tortie(args, { ...options, env: { TORTIE_SERVER: this.#url, ...options.env } });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const signal of ["SIGTERM", "SIGKILL"] as const) {
      if (isRunning(this.child.pid)) this.child.kill(signal);
      try {
        await within(`the server to end on ${signal}`, STOP_MS_MAX, this.ended());
        return;
      } catch (error) {
        if (signal === "SIGKILL") throw error;
      }
    }
  }

  async #read(stream: ReadableStream<Uint8Array>, add: (text: string) => void): Promise<void> {
    for await (const text of stream.pipeThrough(new TextDecoderStream())) {
      add(text);
      const url = / serves (http:\S+) /.exec(this.#stdout)?.[1];
      if (url !== undefined) this.#ready.resolve(url);
    }
  }
}
