/**
 * What every decision about an object works with: the state, the kinds served, the circumstances of the command and the leader's inputs. Made by
 * `decide`, passed down.
 *
 * @module
 */
import type { Problem } from "#/base/problem.ts";
import type { EventContext } from "#/events/envelope.ts";
import type { ClusterState } from "#/projections/cluster_state.ts";
import type { KindDefinition } from "#/resources/kind.ts";
import type { KubeObject, ObjectRef } from "#/resources/object.ts";
import type { DecideInputs, FieldValidation } from "#/server/decide/command.ts";

/** What admission says of an object. */
export interface Admission {
  /** The object with defaults, without unknown fields where its kind is strict. */
  readonly object: KubeObject;
  /** Broken rules; the object is refused unless empty. */
  readonly problems: readonly Problem[];
  readonly warnings: readonly string[];
  /** Field paths that the kind does not know. */
  readonly unknownFields: readonly string[];
}

/** The kinds that a decision may be about. A parameter, so that tests need only the kinds they speak of. */
export interface Kinds {
  readonly find: (group: string, plural: string) => KindDefinition | undefined;
  readonly admit: (
    kind: KindDefinition,
    object: KubeObject,
    old: KubeObject | undefined,
    fieldValidation: FieldValidation,
  ) => Admission;
}

/** The surroundings of one decision. */
export interface WriteScope {
  readonly state: ClusterState;
  readonly kinds: Kinds;
  readonly context: EventContext;
  readonly inputs: DecideInputs;
}

/** The object a command is about. */
export interface Target {
  readonly kind: KindDefinition;
  readonly ref: ObjectRef;
  /** As it is now; `undefined` when there is none. */
  readonly live: KubeObject | undefined;
  /** The versions that stand for it as it is: its own, and of a view also that of its source, whose changes the view may not show. */
  readonly versions: readonly string[];
}

/** An object to store in place of another, admitted and complete but for the event that makes it so. */
export interface ObjectWrite {
  readonly kind: KindDefinition;
  readonly ref: ObjectRef;
  /** `undefined` for a creation. */
  readonly before: KubeObject | undefined;
  readonly after: KubeObject;
  /** Whose write it is, for the record of managed fields. */
  readonly manager: string;
  readonly dryRun: boolean;
  readonly warnings: readonly string[];
}

/** The leader's time in whole seconds, as Kubernetes writes times. */
export function secondsOf(inputs: DecideInputs): string {
  return `${inputs.now.slice(0, 19)}Z`;
}
