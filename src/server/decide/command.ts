/**
 * Commands: every request to change anything, as data, so that another replica may forward them to the leader. `decide` turns one into events or a
 * refusal; nothing else writes.
 *
 * @module
 */
import type { Json } from "#/base/json.ts";
import type { Rejection } from "#/base/problem.ts";
import type { EventContext, EventDraft } from "#/events/envelope.ts";
import type { KubeObject, ObjectRef } from "#/resources/object.ts";
import type { NodeCommand, NodeCommandResult } from "#/sync/reports.ts";

/** What Kubernetes' `fieldValidation` says about unknown and duplicate fields. */
export type FieldValidation = "Strict" | "Warn" | "Ignore";

/** Options that every write of an object shares. */
export interface WriteOptions {
  readonly dryRun: boolean;
  readonly fieldManager: string;
  readonly fieldValidation: FieldValidation;
}

/** Media types of PATCH, by Kubernetes' short names. */
export type PatchType = "json" | "merge" | "strategic" | "apply";

/** A request to change an object of the API. `subresource` is `status` or empty. */
export type ObjectCommand =
  | {
    readonly kind: "CreateObject";
    readonly ref: ObjectRef;
    readonly object: KubeObject;
    readonly options: WriteOptions;
  }
  | {
    readonly kind: "ReplaceObject";
    readonly ref: ObjectRef;
    readonly subresource: string;
    readonly object: KubeObject;
    readonly options: WriteOptions;
  }
  | {
    readonly kind: "PatchObject";
    readonly ref: ObjectRef;
    readonly subresource: string;
    readonly patchType: PatchType;
    /** The parsed body: an operation list for `json`, an object otherwise (`apply` bodies are YAML, parsed already). */
    readonly patch: Json;
    /** Server-side apply only: take over fields owned by other managers. */
    readonly force: boolean;
    readonly options: WriteOptions;
  }
  | {
    readonly kind: "DeleteObject";
    readonly ref: ObjectRef;
    readonly preconditions: { readonly uid?: string; readonly resourceVersion?: string };
    readonly dryRun: boolean;
  };

/** Anything that may be decided. A node's command carries the node that sent it, as authenticated. */
export type Command =
  | { readonly context: EventContext; readonly body: ObjectCommand }
  | {
    readonly context: EventContext;
    readonly body: { readonly kind: "NodeCommand"; readonly node: string; readonly command: NodeCommand };
  };

/** What `decide` may use besides state and command: the leader's clock reading and randomness, recorded in the events it makes. */
export interface DecideInputs {
  /** RFC 3339 with milliseconds, UTC. */
  readonly now: string;
  /** A fresh UUID each time. */
  readonly uuid: () => string;
}

/** A command carried out. `events` is empty when it changes nothing or is a dry run. */
export interface Accepted {
  readonly kind: "accepted";
  readonly events: readonly EventDraft[];
  /** The object after the write, without `resourceVersion` when new events will give it one; absent for a node's commands. */
  readonly object?: KubeObject;
  /** Whether the object is new: the API answers 201 instead of 200. */
  readonly created: boolean;
  /** Lines for `Warning:` headers. */
  readonly warnings: readonly string[];
  /** For a node's commands. `position` is filled in by the writer after the commit. */
  readonly node?: Omit<Extract<NodeCommandResult, { result: "done" }>, "position">;
}

/** The outcome of `decide`. */
export type Decision = Accepted | Rejection;
