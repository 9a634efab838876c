/**
 * `decide`: the only way to write. Takes the state, a command and the leader's inputs, and answers with events or a refusal; pure and synchronous, so that
 * one leader can decide one command after the other and fold each outcome before the next. First step of the arrow.
 *
 * @module
 */
import { assertNever } from "#/base/assert.ts";
import type { ClusterState } from "#/projections/cluster_state.ts";
import { findKind } from "#/resources/registry.ts";
import { admit } from "#/resources/validate.ts";
import type { Command, DecideInputs, Decision } from "#/server/decide/command.ts";
import { decideNodeCommand } from "#/server/decide/node_commands.ts";
import { decideObjectCommand } from "#/server/decide/object_commands.ts";
import type { Kinds } from "#/server/decide/scope.ts";

/** Every kind that this binary serves. */
export const SERVED_KINDS: Kinds = { find: findKind, admit };

/**
 * Decides a command on a state.
 *
 * The events must be appended together and folded before the next command is decided. Nothing is changed here. A command that changes nothing is accepted
 * without events; so is a dry run.
 *
 * @param kinds the kinds served; tests give their own
 */
export function decide(
  state: ClusterState,
  { context, body }: Command,
  inputs: DecideInputs,
  kinds: Kinds = SERVED_KINDS,
): Decision {
  switch (body.kind) {
    case "NodeCommand":
      return decideNodeCommand(state, body.node, body.command, context, inputs);
    case "CreateObject":
    case "ReplaceObject":
    case "PatchObject":
    case "DeleteObject":
      return decideObjectCommand({ state, kinds, context, inputs }, body);
    default:
      return assertNever(body);
  }
}
