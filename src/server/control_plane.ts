/**
 * The control plane's core: the leader's lock, the decider, the state that readers see and the feed of its changes. Implements what the API, the product API
 * and the agents' streams need (`ApiBackend`).
 *
 * @module
 */
import { OperationalError } from "#/base/errors.ts";
import type { Clock, Random } from "#/base/ports.ts";
import { reject, type Rejection } from "#/base/problem.ts";
import type { LogHead, StoredEvent } from "#/events/envelope.ts";
import { acquireLeadership } from "#/events/leadership.ts";
import type { Store } from "#/events/store.ts";
import type { ClusterState, EventChanges } from "#/projections/cluster_state.ts";
import { applyEvent, cloneState, createState, type MutableClusterState } from "#/projections/fold.ts";
import { BUILTIN_OBJECTS } from "#/resources/builtin.ts";
import { findKindByName } from "#/resources/registry.ts";
import type { ApiBackend, Committed } from "#/server/api/backend.ts";
import { ChangeFeed } from "#/server/change_feed.ts";
import type { Accepted, Command } from "#/server/decide/command.ts";
import { decide } from "#/server/decide/decide.ts";
import { type Decided, type Decider, startDecider } from "#/server/decider.ts";
import { PastStates } from "#/server/past_states.ts";

/** What the control plane is made of. */
export interface ControlPlaneDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
}

/** Called after each commit, when the state shows it and before its commands are answered. Must not throw. */
export type CommitListener = (changes: readonly EventChanges[], state: ClusterState) => void;

/** Changes handed to a follower at a time. */
const FOLLOW_CHUNK_EVENTS = 500;
const POSITION = /^[0-9]{1,15}$/;
const INSTANT = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})$/;

/** The running core. Dispose it to finish what is under way and give up the lead. */
export class ControlPlane implements ApiBackend, AsyncDisposable {
  readonly #listeners: CommitListener[] = [];
  readonly #past: PastStates;
  readonly #feed: ChangeFeed;
  readonly #ended = new AbortController();
  #decider: Decider<Command, Accepted> | undefined;

  private constructor(
    private readonly deps: ControlPlaneDeps,
    private readonly state: MutableClusterState,
    private readonly resources: AsyncDisposableStack,
  ) {
    this.#past = new PastStates(deps.store.log);
    this.#feed = new ChangeFeed(state.position);
  }

  /**
   * Takes the lead, folds the log and starts deciding; fills a new log with the built-in objects.
   *
   * @throws OperationalError with code `LED_BY_ANOTHER` when another server leads on this database
   */
  static async start(deps: ControlPlaneDeps): Promise<ControlPlane> {
    await using opening = new AsyncDisposableStack();
    const leadership = await acquireLeadership(deps.store.connectionString);
    if (leadership.kind === "held") {
      throw new OperationalError(`Another server leads on this database: ${leadership.holder}`, {
        operation: "take the lead",
        subject: deps.store.description,
        retry: "backoff",
        code: "LED_BY_ANOTHER",
      });
    }
    opening.use(leadership);
    const head = await deps.store.log.head();
    const state = createState();
    for await (const event of deps.store.log.read({ to: head.position })) applyEvent(state, event);
    const plane = new ControlPlane(deps, state, opening.move());
    plane.#decide(head);
    for (const signal of [leadership.lost, deps.store.lost]) plane.#endWith(signal);
    if (head.position === 0) await plane.#seed();
    return plane;
  }

  /** Aborts, with an `OperationalError` as reason, when the process must end: the lead, the database or a commit is lost. */
  get ended(): AbortSignal {
    return this.#ended.signal;
  }

  /** Registers a listener for everything committed from now on. */
  onCommit(listener: CommitListener): void {
    this.#listeners.push(listener);
  }

  current(): ClusterState {
    return this.state;
  }

  head(): LogHead {
    return this.#decider!.head();
  }

  async stateAt(at: string): Promise<ClusterState | Rejection> {
    if (!POSITION.test(at) && !(INSTANT.test(at) && !Number.isNaN(Date.parse(at)))) {
      return reject("BadRequest", `Instant must be a position or an RFC 3339 time: "${at}"`);
    }
    const head = this.state.position;
    const position = POSITION.test(at)
      ? Number(at)
      : Math.min(head, await this.deps.store.log.positionAt(new Date(at).toISOString()));
    if (position > head) return reject("Invalid", `Position must be at most the head, ${head}: ${position}`);
    // A copy: the live state moves on while the caller reads.
    return position === head ? cloneState(this.state) : await this.#past.at(position);
  }

  async *follow(from: number, signal: AbortSignal): AsyncGenerator<EventChanges> {
    let position = from;
    while (!signal.aborted) {
      const changes = this.#feed.after(position, FOLLOW_CHUNK_EVENTS);
      const batch = changes ?? this.#refold(position);
      for await (const change of batch) {
        if (signal.aborted) return;
        yield change;
        position = change.position;
      }
      if (changes?.length === 0) await this.#feed.waitAfter(position, signal);
    }
  }

  async submit(command: Command): Promise<Committed | Rejection> {
    const outcome = await this.#decider!.submit(command);
    return outcome.kind === "rejected" ? outcome : committed(outcome);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#decider?.[Symbol.asyncDispose]();
    await this.resources[Symbol.asyncDispose]();
  }

  #decide(head: LogHead): void {
    this.#decider = startDecider<MutableClusterState, Command, Accepted>({
      log: this.deps.store.log,
      head,
      state: cloneState(this.state),
      decide,
      fold: (state, event) => {
        applyEvent(state, event);
        return state;
      },
      clock: this.deps.clock,
      random: this.deps.random,
      onCommitted: (events) => this.#onCommitted(events),
    });
    this.#endWith(this.#decider.failed);
  }

  #onCommitted(events: readonly StoredEvent[]): void {
    const changes = events.map((event) => applyEvent(this.state, event));
    this.#feed.add(changes);
    for (const listener of this.#listeners) listener(changes, this.state);
  }

  #endWith(signal: AbortSignal): void {
    const end = () => this.#ended.abort(signal.reason);
    if (signal.aborted) end();
    else signal.addEventListener("abort", end, { once: true });
  }

  /** Changes that the feed has no longer, made again from the log. */
  async *#refold(position: number): AsyncGenerator<EventChanges> {
    const to = this.#feed.tailStart;
    const base = await this.#past.at(position);
    const state = cloneState(base);
    for await (const event of this.deps.store.log.read({ from: position + 1, to })) yield applyEvent(state, event);
  }

  async #seed(): Promise<void> {
    for (const object of BUILTIN_OBJECTS) {
      const [group, version] = object.apiVersion.includes("/")
        ? object.apiVersion.split("/") as [string, string]
        : ["", object.apiVersion];
      const kind = findKindByName(group, version, object.kind)!;
      const outcome = await this.submit({
        context: {
          actor: { user: "system:tortie", groups: ["system:masters"], authMethod: "system" },
          source: { via: "controller", fieldManager: "tortie" },
          requestId: this.deps.random.uuid(),
          reason: "A new log begins with the built-in objects",
        },
        body: {
          kind: "CreateObject",
          ref: {
            group,
            plural: kind.plural,
            namespace: object.metadata.namespace ?? "",
            name: object.metadata.name,
          },
          object,
          options: { dryRun: false, fieldManager: "tortie", fieldValidation: "Strict" },
        },
      });
      if (outcome.kind === "rejected") {
        throw new OperationalError(
          `Built-in ${object.kind} "${object.metadata.name}" was refused: ${outcome.message}`,
          {
            operation: "begin the log",
            subject: this.deps.store.description,
            retry: "never",
          },
        );
      }
    }
  }
}

function committed(outcome: Decided<Accepted>): Committed {
  const { decision, position, events } = outcome;
  const object = decision.object === undefined || events.length === 0 ? decision.object : {
    ...decision.object,
    metadata: { ...decision.object.metadata, resourceVersion: String(position) },
  };
  return {
    kind: "committed",
    created: decision.created,
    position,
    warnings: decision.warnings,
    ...(object === undefined ? {} : { object }),
    ...(decision.node === undefined ? {} : { node: { ...decision.node, position } }),
  };
}
