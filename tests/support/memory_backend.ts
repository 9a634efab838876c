/**
 * An `ApiBackend` in memory: the real decide, decider, fold, feed and log, without Postgres and without a leader's lock. For tests of the API, where
 * durability is not what is tried.
 *
 * @module
 */
import { type Clock, type Random, systemClock, systemRandom } from "#/base/ports.ts";
import { reject, type Rejection } from "#/base/problem.ts";
import type { LogHead } from "#/events/envelope.ts";
import type { EventLog } from "#/events/event_log.ts";
import { createMemoryLog } from "#/events/memory_log.ts";
import type { ClusterState, EventChanges } from "#/projections/cluster_state.ts";
import { applyEvent, cloneState, createState, type MutableClusterState } from "#/projections/fold.ts";
import { BUILTIN_OBJECTS } from "#/resources/builtin.ts";
import { findKindByName } from "#/resources/registry.ts";
import type { ApiBackend, Committed } from "#/server/api/backend.ts";
import { ChangeFeed } from "#/server/change_feed.ts";
import type { Accepted, Command } from "#/server/decide/command.ts";
import { decide } from "#/server/decide/decide.ts";
import { type Decider, startDecider } from "#/server/decider.ts";
import { PastStates } from "#/server/past_states.ts";

/** What a {@link MemoryBackend} may be given. */
export interface MemoryBackendOptions {
  readonly clock?: Clock;
  readonly random?: Random;
}

/** The backend. Everything submitted stays in {@link MemoryBackend.commands}. */
export class MemoryBackend implements ApiBackend, AsyncDisposable {
  /** Commands submitted after the built-in objects, in order. */
  readonly commands: Command[] = [];
  readonly log: EventLog = createMemoryLog("memory");
  readonly #state: MutableClusterState = createState();
  readonly #past = new PastStates(this.log);
  readonly #feed = new ChangeFeed(0);
  readonly #decider: Decider<Command, Accepted>;

  private constructor(head: LogHead, { clock = systemClock, random = systemRandom }: MemoryBackendOptions) {
    this.#decider = startDecider<MutableClusterState, Command, Accepted>({
      log: this.log,
      head,
      state: cloneState(this.#state),
      decide,
      fold: (state, event) => {
        applyEvent(state, event);
        return state;
      },
      clock,
      random,
      onCommitted: (events) => this.#feed.add(events.map((event) => applyEvent(this.#state, event))),
    });
  }

  /** A backend whose log holds the built-in objects. */
  static async create(options: MemoryBackendOptions = {}): Promise<MemoryBackend> {
    const backend = new MemoryBackend(await createMemoryLog("memory").head(), options);
    for (const object of BUILTIN_OBJECTS) {
      const [version = "", group = ""] = object.apiVersion.split("/").reverse();
      const { plural } = findKindByName(group, version, object.kind)!;
      const { name, namespace = "" } = object.metadata;
      const outcome = await backend.submit({
        context: {
          actor: { user: "system:tortie", groups: [], authMethod: "system" },
          source: { via: "controller" },
          requestId: `seed-${plural}-${name}`,
        },
        body: {
          kind: "CreateObject",
          ref: { group, plural, namespace, name },
          object,
          options: { dryRun: false, fieldManager: "tortie", fieldValidation: "Strict" },
        },
      });
      if (outcome.kind === "rejected") throw new Error(outcome.message);
    }
    backend.commands.length = 0;
    return backend;
  }

  current(): ClusterState {
    return this.#state;
  }

  head(): LogHead {
    return this.#decider.head();
  }

  async stateAt(at: string): Promise<ClusterState | Rejection> {
    const isPosition = /^[0-9]+$/.test(at);
    if (!isPosition && Number.isNaN(Date.parse(at))) return reject("BadRequest", `Instant must be known: "${at}"`);
    const position = isPosition ? Number(at) : await this.log.positionAt(new Date(at).toISOString());
    const head = this.#state.position;
    if (position > head) return reject("Invalid", `Position must be at most the head, ${head}: ${position}`);
    return position === head ? this.#state : await this.#past.at(position);
  }

  async *follow(from: number, signal: AbortSignal): AsyncGenerator<EventChanges> {
    for (let position = from; !signal.aborted;) {
      const changes = this.#feed.after(position, 100) ?? [];
      for (const change of changes) {
        yield change;
        position = change.position;
      }
      if (changes.length === 0) await this.#feed.waitAfter(position, signal);
    }
  }

  async submit(command: Command): Promise<Committed | Rejection> {
    this.commands.push(command);
    const outcome = await this.#decider.submit(command);
    if (outcome.kind === "rejected") return outcome;
    const { decision: { object, created, warnings }, events, position } = outcome;
    const metadata = object === undefined || events.length === 0
      ? object?.metadata
      : { ...object.metadata, resourceVersion: String(position) };
    const answered = object === undefined || metadata === undefined ? {} : { object: { ...object, metadata } };
    return { kind: "committed", ...answered, created, position, warnings };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#decider[Symbol.asyncDispose]();
    await this.log[Symbol.asyncDispose]();
  }
}
