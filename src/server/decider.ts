/**
 * The one decider: turns commands into events, one command at a time, and commits what has piled up as one batch. Between `decide` and the log on the
 * arrow; only the leader runs one, and nothing else appends.
 *
 * Decisions are taken against a pending state, in which the events of earlier commands count although their commit is still on its way. No answer leaves
 * before everything it rests on is durable and folded into the state that readers see. While one batch is being committed, the next piles up: nothing waits
 * for a timer, and a lone writer pays one commit.
 *
 * @module
 */
import { assert } from "#/base/assert.ts";
import { OperationalError } from "#/base/errors.ts";
import type { Clock, Random } from "#/base/ports.ts";
import { reject, type Rejection } from "#/base/problem.ts";
import type { EventDraft, LogHead, StoredEvent } from "#/events/envelope.ts";
import type { EventLog } from "#/events/event_log.ts";
import { hashEvent } from "#/events/integrity.ts";
import { unstorable } from "#/events/storable.ts";
import type { DecideInputs } from "#/server/decide/command.ts";

/** A batch is closed when it has this many events; a command that makes more has a batch of its own. */
export const BATCH_EVENTS_MAX = 500;
/** A batch is closed when its payloads have this many UTF-16 code units. */
export const BATCH_LENGTH_MAX = 8 * 1024 * 1024;
/** Most events of one command: the deletion of a large namespace and no more. */
export const COMMAND_EVENTS_MAX = 20_000;
/** Most UTF-16 code units of payload in one command: what one statement can take. */
export const COMMAND_LENGTH_MAX = 128 * 1024 * 1024;
/** Most commands that wait for their commit; one more is refused with TooManyRequests. */
export const WAITING_COMMANDS_MAX = 4_096;
/** Most UTF-16 code units of payload that wait for their commit. */
export const WAITING_LENGTH_MAX = 64 * 1024 * 1024;

/** The least that an accepted command says. */
export interface AcceptedCommand {
  readonly kind: "accepted";
  readonly events: readonly EventDraft[];
}

/** What the decider needs. */
export interface DeciderDeps<State, Command, Accepted extends AcceptedCommand> {
  readonly log: EventLog;
  /** Where the log stands; `state` is the fold of everything up to there. */
  readonly head: LogHead;
  /** The pending state from now on: nobody else may change it, nor show it to readers. */
  readonly state: State;
  /** Pure: state and command in, events or a refusal out. */
  readonly decide: (state: State, command: Command, inputs: DecideInputs) => Accepted | Rejection;
  /** Returns the state after an event; may be the same object, changed in place. */
  readonly fold: (state: State, event: StoredEvent) => State;
  readonly clock: Clock;
  readonly random: Random;
  /** Called with each batch after its commit and before the answers to its commands: the place to fold the state that readers see. */
  readonly onCommitted: (events: readonly StoredEvent[]) => void;
}

/** A command that was carried out, durably. */
export interface Decided<Accepted> {
  readonly kind: "decided";
  readonly decision: Accepted;
  /** Empty when the command changed nothing. */
  readonly events: readonly StoredEvent[];
  /** Position of the command's last event; of what the decision rests on when it changed nothing. */
  readonly position: number;
}

/** The decider at work. Disposing of it refuses new commands and waits for those that it has. */
export interface Decider<Command, Accepted> extends AsyncDisposable {
  /**
   * Decides at once and answers after the commit. What `decide` throws comes back as it is: nothing was changed then.
   *
   * @throws `OperationalError`, as a rejected promise, when the commit failed, now or before: whether the command was carried out is then unknown
   */
  submit(command: Command): Promise<Decided<Accepted> | Rejection>;
  /** The head as last committed. */
  head(): LogHead;
  /** Aborts, with an `OperationalError` as reason, when a batch failed: the pending state is no longer the log's, and the process must end. */
  readonly failed: AbortSignal;
}

/**
 * Starts deciding.
 *
 * The caller holds the leader's lock. Whatever the reason of a failed commit (the database is gone, or another writer has moved the head), there is no
 * second try: the decisions that followed rest on events that may not exist.
 */
export function startDecider<State, Command, Accepted extends AcceptedCommand>(
  deps: DeciderDeps<State, Command, Accepted>,
): Decider<Command, Accepted> {
  return new OneDecider(deps);
}

/** A command between its decision and its answer. */
interface Waiting<Accepted> {
  readonly outcome: Decided<Accepted> | Rejection;
  readonly events: readonly StoredEvent[];
  readonly length: number;
  readonly answer: PromiseWithResolvers<Decided<Accepted> | Rejection>;
}

class OneDecider<State, Command, Accepted extends AcceptedCommand> implements Decider<Command, Accepted> {
  readonly #deps: DeciderDeps<State, Command, Accepted>;
  readonly #failed = new AbortController();
  #state: State;
  /** Where the log will stand when everything that waits is committed. */
  #pending: LogHead;
  #committed: LogHead;
  #waiting: Waiting<Accepted>[] = [];
  #waitingLength = 0;
  #committing: Promise<void> | undefined;
  #stopping = false;

  constructor(deps: DeciderDeps<State, Command, Accepted>) {
    this.#deps = deps;
    this.#state = deps.state;
    this.#pending = deps.head;
    this.#committed = deps.head;
  }

  get failed(): AbortSignal {
    return this.#failed.signal;
  }

  head(): LogHead {
    return this.#committed;
  }

  async submit(command: Command): Promise<Decided<Accepted> | Rejection> {
    this.#failed.signal.throwIfAborted();
    if (this.#stopping) throw stopping();
    if (this.#waiting.length >= WAITING_COMMANDS_MAX || this.#waitingLength >= WAITING_LENGTH_MAX) {
      return reject("TooManyRequests", `Too many commands wait for their commit: ${this.#waiting.length}`);
    }
    const { outcome, events } = this.#carryOut(command);
    const length = payloadLength(events);
    const answer = Promise.withResolvers<Decided<Accepted> | Rejection>();
    this.#waiting.push({ outcome, events, length, answer });
    this.#waitingLength += length;
    this.#committing ??= this.#commitAll();
    return await answer.promise;
  }

  /** Decides and folds; synchronous, so that no other command can come in between. */
  #carryOut(command: Command): Pick<Waiting<Accepted>, "outcome" | "events"> {
    const { clock, random, decide } = this.#deps;
    // The clock may step back; the log's time may not.
    const now = new Date(Math.max(clock.now(), Date.parse(this.#pending.occurredAt))).toISOString();
    const decision = decide(this.#state, command, { now, uuid: () => random.uuid() });
    if (decision.kind === "rejected") return { outcome: decision, events: [] };
    const refusal = refuseUnstorable(decision.events);
    if (refusal !== undefined) return { outcome: refusal, events: [] };
    const events = decision.events.map((draft) => this.#place(draft, now));
    return { outcome: { kind: "decided", decision, events, position: this.#pending.position }, events };
  }

  #place(draft: EventDraft, occurredAt: string): StoredEvent {
    const placed = { ...draft, position: this.#pending.position + 1, occurredAt };
    const event = { ...placed, hash: hashEvent(this.#pending.hash, placed) };
    try {
      this.#state = this.#deps.fold(this.#state, event);
    } catch (error) {
      // Half folded: what follows would be decided on a state that no log has.
      throw this.#fail(error);
    }
    this.#pending = { ...this.#pending, position: event.position, hash: event.hash, occurredAt };
    return event;
  }

  async #commitAll(): Promise<void> {
    // What else is submitted in this turn joins the first batch.
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const batch = this.#takeBatch();
      try {
        await this.#commit(batch.flatMap((waiting) => waiting.events));
      } catch (error) {
        const failure = this.#fail(error);
        for (const { answer } of batch) answer.reject(failure);
        return;
      }
      for (const { answer, outcome } of batch) answer.resolve(outcome);
    }
    this.#committing = undefined;
  }

  async #commit(events: readonly StoredEvent[]): Promise<void> {
    if (events.length === 0) return;
    const { head } = await this.#deps.log.append(this.#committed, events);
    assert(head.hash === events.at(-1)?.hash, "Expected the log to have hashed as the decider did");
    this.#committed = head;
    this.#deps.onCommitted(events);
  }

  /** The longest run of waiting commands within the bounds of a batch, at least one. */
  #takeBatch(): Waiting<Accepted>[] {
    let count = 0;
    let events = 0;
    let length = 0;
    for (const waiting of this.#waiting) {
      events += waiting.events.length;
      length += waiting.length;
      if (count > 0 && (events > BATCH_EVENTS_MAX || length > BATCH_LENGTH_MAX)) break;
      count += 1;
    }
    const batch = this.#waiting.splice(0, count);
    for (const waiting of batch) this.#waitingLength -= waiting.length;
    return batch;
  }

  /** Ends everything: waiting commands are told that their outcome is unknown. Returns what they are told. */
  #fail(cause: unknown): OperationalError {
    const fenced = cause instanceof OperationalError && cause.code === "FENCED";
    const failure = new OperationalError(
      fenced
        ? "Lost the lead: another writer has moved the log"
        : "Cannot commit: the outcome of what was submitted is unknown",
      {
        operation: "commit events",
        subject: `positions after ${this.#committed.position}`,
        retry: "never",
        code: fenced ? "FENCED" : "COMMIT_FAILED",
        cause,
      },
    );
    for (const { answer } of this.#waiting.splice(0)) answer.reject(failure);
    this.#failed.abort(failure);
    return failure;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping = true;
    await this.#committing;
  }
}

function payloadLength(events: readonly EventDraft[]): number {
  return events.reduce((sum, event) => sum + event.payload.length, 0);
}

/** A refusal of events that the log cannot hold: the one odd request and not the batch it would travel in. */
function refuseUnstorable(events: readonly EventDraft[]): Rejection | undefined {
  if (events.length > COMMAND_EVENTS_MAX) {
    return reject("Invalid", `A command must make at most ${COMMAND_EVENTS_MAX} events: ${events.length}`);
  }
  const length = payloadLength(events);
  if (length > COMMAND_LENGTH_MAX) {
    return reject("Invalid", `A command must write at most ${COMMAND_LENGTH_MAX} characters: ${length}`);
  }
  for (const draft of events) {
    const message = unstorable(draft);
    if (message === undefined) continue;
    const problems = [{ path: "", reason: "FieldValueInvalid", message }];
    return reject("Invalid", `${draft.object.kind} "${draft.object.name}" ${message}`, problems);
  }
  return undefined;
}

function stopping(): OperationalError {
  return new OperationalError("Server is stopping", {
    operation: "submit a command",
    subject: "decider",
    retry: "soon",
    code: "STOPPING",
  });
}
