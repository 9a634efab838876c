/**
 * The event: what every line of the log carries. Middle of the arrow: `decide` makes drafts, the log gives them positions and hashes, projections
 * fold them. The shape is frozen: fields are added with a new `schemaVersion` of the payload or a new column, never changed.
 *
 * @module
 */

/** Who did it, as the API authenticated them. */
export interface Actor {
  readonly user: string;
  readonly groups: readonly string[];
  /** How the user was known: `none` (loopback without authentication), `token`, `mtls`, `system` (Tortie itself). */
  readonly authMethod: "none" | "token" | "mtls" | "system";
}

/** Through what it came. */
export interface Source {
  readonly via: "api" | "kube" | "agent" | "controller" | "import" | "cli";
  readonly ip?: string;
  readonly userAgent?: string;
  readonly fieldManager?: string;
}

/** Version-control facts a client may send along. */
export interface Vcs {
  readonly repo?: string;
  readonly commit?: string;
  readonly change?: string;
}

/** What the event is about. `group` is empty for the core group, `namespace` for cluster scope. */
export interface EventObject {
  readonly group: string;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

/** The circumstances of a command, copied to each of its events. */
export interface EventContext {
  readonly actor: Actor;
  readonly source: Source;
  /** Identifies the request; also the key that makes a retry change nothing. */
  readonly requestId: string;
  readonly causationId?: string;
  readonly correlationId?: string;
  /** Why, in the user's words: `--reason`, or the annotation `tortie.dev/reason`. */
  readonly reason?: string;
  readonly vcs?: Vcs;
  /** The agent's own time of what it reports, RFC 3339 with milliseconds. */
  readonly observedAt?: string;
}

/** An event before it has a place in the log. */
export interface EventDraft {
  /** `group/plural/namespace/name`, `core` for the empty group, `-` for no namespace. */
  readonly stream: string;
  /** 1 for the stream's first event, then one more each. */
  readonly revision: number;
  /** Past tense: `GlobalNetworkPolicyCreated`, `BlockGranted`. */
  readonly type: string;
  readonly schemaVersion: number;
  readonly object: EventObject;
  /** Exact JSON text of the payload; hashed and stored byte for byte. */
  readonly payload: string;
  readonly context: EventContext;
}

/** An event of the log. */
export interface StoredEvent extends EventDraft {
  /** 1 for the first event; dense; commit order. */
  readonly position: number;
  /** Server time, RFC 3339 with milliseconds, UTC; never before its predecessor's. */
  readonly occurredAt: string;
  /** Lower-case hexadecimal sha256 of the previous hash and the canonical bytes of all other columns. */
  readonly hash: string;
}

/** Where the log stands. A new epoch begins only when a restored log is recovered. */
export interface LogHead {
  readonly logId: string;
  readonly epoch: number;
  /** Position of the last event; 0 for an empty log. */
  readonly position: number;
  /** Hash of the last event; 64 zeros for an empty log. */
  readonly hash: string;
  /** Time of the last event; the epoch for an empty log. */
  readonly occurredAt: string;
}

/** Object text above this many bytes is refused at admission. */
export const PAYLOAD_BYTES_MAX = 1_572_864;

/**
 * The name of an object's stream.
 *
 * @example
 * ```ts
 * import { streamOf } from "#/events/envelope.ts";
 * if (streamOf({ group: "", plural: "pods", namespace: "shop", name: "web" }) !== "core/pods/shop/web") throw new Error();
 * if (streamOf({ group: "projectcalico.org", plural: "tiers", namespace: "", name: "t" }) !== "projectcalico.org/tiers/-/t") throw new Error();
 * ```
 */
export function streamOf(
  ref: { readonly group: string; readonly plural: string; readonly namespace: string; readonly name: string },
): string {
  return `${ref.group || "core"}/${ref.plural}/${ref.namespace || "-"}/${ref.name}`;
}
