/**
 * Makes BIRD what the node state says: prints its configuration, has BIRD itself check it, swaps the file and tells BIRD to read it. The last step of the
 * arrow for routes between nodes. Called by the agent's loop.
 *
 * Sessions whose parameters stay the same are not touched by a new configuration. One that BIRD refuses never replaces the one that runs.
 *
 * @module
 */
import { resolve } from "@std/path";
import { birdConfig, type BirdProblem } from "./config.ts";
import {
  birdCommand,
  type BirdReply,
  type BirdRoute,
  isError,
  parseProtocols,
  parseRoutes,
  quoted,
} from "./control.ts";
import { BirdDaemon, type BirdOptions, type StopMode } from "./daemon.ts";
import type { BirdDesired } from "./desired.ts";

/** Differences that are remembered between two looks; BIRD that ends more often has said enough. */
export const DIFFERENCES_KEPT_MAX = 100;

/** What {@link BirdDriver.apply} did. `problems` names items that could not be part of the configuration. */
export type BirdApplied =
  & { readonly problems: readonly BirdProblem[] }
  & (
    | { readonly kind: "unchanged" | "configured" | "started" }
    /** BIRD would not take it and goes on as before; the message is BIRD's own, with file and line. */
    | { readonly kind: "refused"; readonly message: string }
  );

/** A BGP session as BIRD sees it. */
export interface BirdSession {
  /** Id of the `PeerItem`; BIRD's name for a session that is no peer of the node state. */
  readonly id: string;
  readonly isEstablished: boolean;
  /** `Established`, `Connect`, `Active        Socket: Connection refused` ... */
  readonly info: string;
}

/** How BIRD stands. */
export interface BirdObservation {
  readonly pid: number | undefined;
  readonly sessions: readonly BirdSession[];
  /** What was found otherwise than applied since the last look, one sentence each: BIRD ended, sessions missing or foreign. */
  readonly differences: readonly string[];
}

/** BIRD as the loop drives it. Disposing it ends BIRD so that peers and kernel keep the routes for a while. */
export interface BirdDriver extends AsyncDisposable {
  /** Path of BIRD's control socket. */
  readonly socket: string;
  /**
   * Makes BIRD this. Applying the same again does nothing. The first call starts BIRD, or takes over one that runs in the same directory. Throws
   * `OperationalError` when BIRD cannot be started or asked: try again later.
   */
  apply(desired: BirdDesired): Promise<BirdApplied>;
  /** Looks at BIRD. When it is not as applied, the next {@link apply} configures it again. */
  observe(): Promise<BirdObservation>;
  /** BIRD's routing table. */
  routes(): Promise<readonly BirdRoute[]>;
  /** Ends BIRD. */
  stop(mode: StopMode): Promise<void>;
}

/** Makes a driver; BIRD itself starts with the first configuration. */
export async function createBirdDriver(options: BirdOptions): Promise<BirdDriver> {
  const directory = resolve(options.directory);
  await Deno.mkdir(directory, { recursive: true, mode: 0o700 });
  return new ProcessDriver({ ...options, directory });
}

class ProcessDriver implements BirdDriver {
  readonly #daemon: BirdDaemon;
  /** Text that BIRD is known to run; `undefined` when it is not known. */
  #active: string | undefined;
  #sessions: ReadonlyMap<string, string> = new Map();
  #isRunning = false;
  #differences: string[] = [];
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: BirdOptions) {
    this.#daemon = new BirdDaemon(options, (message) => this.#note(message));
  }

  get socket(): string {
    return this.#daemon.path("socket");
  }

  apply(desired: BirdDesired): Promise<BirdApplied> {
    const result = this.#last.then(() => this.#apply(desired));
    this.#last = result.catch(() => undefined);
    return result;
  }

  async observe(): Promise<BirdObservation> {
    const pid = await this.#daemon.pid();
    const protocols = pid === undefined ? [] : parseProtocols(await birdCommand(this.socket, "show protocols"));
    const sessions = protocols.filter((protocol) => protocol.type === "BGP");
    if (pid !== undefined && this.#active !== undefined) {
      const names = new Set(sessions.map((session) => session.name));
      for (const name of this.#sessions.keys()) if (!names.has(name)) this.#drift(`missing session ${name}`);
      for (const name of names) if (!this.#sessions.has(name)) this.#drift(`foreign session ${name}`);
    }
    return {
      pid,
      sessions: sessions.map(({ name, info }) => ({
        id: this.#sessions.get(name) ?? name,
        isEstablished: info.startsWith("Established"),
        info,
      })),
      differences: this.#differences.splice(0),
    };
  }

  async routes(): Promise<readonly BirdRoute[]> {
    return parseRoutes(await birdCommand(this.socket, "show route"));
  }

  async stop(mode: StopMode): Promise<void> {
    await this.#last;
    this.#isRunning = false;
    this.#active = undefined;
    await this.#daemon.stop(mode);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop("keepRoutes");
  }

  async #apply(desired: BirdDesired): Promise<BirdApplied> {
    const { text, sessions, problems } = birdConfig(desired, { logFile: this.#daemon.path("log") });
    if (this.#isRunning && text === this.#active) return { kind: "unchanged", problems };
    await Deno.writeTextFile(this.#daemon.path("next"), text, { mode: 0o600 });
    const complaint = this.#isRunning ? await this.#checkRunning() : await this.#checkAlone();
    if (complaint !== undefined) return { kind: "refused", message: complaint, problems };
    await Deno.rename(this.#daemon.path("next"), this.#daemon.path("config"));
    const isNew = !this.#isRunning && await this.#daemon.start() === "started";
    this.#isRunning = true;
    const refusal = isNew ? undefined : await this.#configure();
    if (refusal !== undefined) {
      if (this.#active !== undefined) await Deno.writeTextFile(this.#daemon.path("config"), this.#active);
      return { kind: "refused", message: refusal, problems };
    }
    this.#active = text;
    this.#sessions = sessions;
    return { kind: isNew ? "started" : "configured", problems };
  }

  async #checkRunning(): Promise<string | undefined> {
    return complaintOf(await birdCommand(this.socket, `configure check ${quoted(this.#daemon.path("next"))}`));
  }

  /** Has a BIRD of its own look at the file, as none runs. */
  async #checkAlone(): Promise<string | undefined> {
    const [program, ...before] = this.#daemon.command;
    const args = [...before, "-p", "-c", this.#daemon.path("next")];
    const { success, stderr } = await new Deno.Command(program, { args, stdin: "null" }).output();
    return success ? undefined : new TextDecoder().decode(stderr).trim();
  }

  async #configure(): Promise<string | undefined> {
    return complaintOf(await birdCommand(this.socket, "configure"));
  }

  #drift(message: string): void {
    this.#note(message);
    this.#active = undefined;
  }

  #note(message: string): void {
    if (this.#differences.length < DIFFERENCES_KEPT_MAX) this.#differences.push(message);
  }
}

/** BIRD's complaint, if the answer is one. */
function complaintOf(reply: BirdReply): string | undefined {
  return isError(reply) ? reply.message : undefined;
}
