/**
 * The last applied report of each node: in memory at once, in the database at most once a second. Not part of the log, because it says what is and not what
 * was decided.
 *
 * @module
 */
import type { Kysely } from "kysely";
import { errorText } from "#/base/errors.ts";
import type { Clock } from "#/base/ports.ts";
import type { Database } from "#/events/schema.ts";
import type { AppliedReport } from "#/sync/reports.ts";

/** A node's row is written at most this often. */
export const FLUSH_INTERVAL_MS = 1_000;

/** Keeps the reports of all nodes. Disposing writes what is not written yet. */
export class NodeStatusBook implements AsyncDisposable {
  readonly #reports = new Map<string, AppliedReport>();
  readonly #dirty = new Set<string>();
  readonly #timer: ReturnType<typeof setInterval>;
  #flushing: Promise<void> = Promise.resolve();

  private constructor(private readonly db: Kysely<Database>, private readonly clock: Clock) {
    this.#timer = setInterval(() => this.#flushSoon(), FLUSH_INTERVAL_MS);
  }

  /** Reads what earlier servers have kept. */
  static async open(db: Kysely<Database>, clock: Clock): Promise<NodeStatusBook> {
    const book = new NodeStatusBook(db, clock);
    for (const row of await db.selectFrom("node_status").selectAll().execute()) {
      book.#reports.set(row.node, {
        node: row.node,
        logId: row.log_id,
        epoch: Number(row.epoch),
        position: Number(row.position),
        appliedAt: row.applied_at,
        agentVersion: row.agent_version,
        errors: row.errors,
        unsupported: row.unsupported,
      });
    }
    return book;
  }

  /** Takes a report; an older position of the same log and epoch does not replace a newer one. */
  record(report: AppliedReport): void {
    const present = this.#reports.get(report.node);
    const isSameLog = present?.logId === report.logId && present.epoch === report.epoch;
    if (present !== undefined && isSameLog && report.position < present.position) return;
    this.#reports.set(report.node, report);
    this.#dirty.add(report.node);
  }

  /** Reports of all nodes that ever sent one. */
  all(): readonly AppliedReport[] {
    return [...this.#reports.values()];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    this.#flushSoon();
    await this.#flushing;
  }

  #flushSoon(): void {
    if (this.#dirty.size === 0) return;
    const nodes = [...this.#dirty];
    this.#dirty.clear();
    this.#flushing = this.#flushing.then(() => this.#write(nodes)).catch((error) => {
      for (const node of nodes) this.#dirty.add(node);
      console.error(`Cannot save node status: ${errorText(error)}`);
    });
  }

  async #write(nodes: readonly string[]): Promise<void> {
    const received = new Date(this.clock.now());
    const rows = nodes.map((node) => {
      const report = this.#reports.get(node)!;
      return {
        node,
        log_id: report.logId,
        epoch: report.epoch,
        position: report.position,
        applied_at: report.appliedAt,
        agent_version: report.agentVersion,
        errors: JSON.stringify(report.errors),
        unsupported: JSON.stringify(report.unsupported),
        received_at: received,
      };
    });
    await this.db.insertInto("node_status").values(rows).onConflict((conflict) =>
      conflict.column("node").doUpdateSet((row) => ({
        log_id: row.ref("excluded.log_id"),
        epoch: row.ref("excluded.epoch"),
        position: row.ref("excluded.position"),
        applied_at: row.ref("excluded.applied_at"),
        agent_version: row.ref("excluded.agent_version"),
        errors: row.ref("excluded.errors"),
        unsupported: row.ref("excluded.unsupported"),
        received_at: row.ref("excluded.received_at"),
      }))
    ).execute();
  }
}
