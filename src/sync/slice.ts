/**
 * A node's slice in the hands of its agent: batches of frames applied to a node state, whole or not at all, and the slice as text to be saved on the
 * node. Pure: reading and writing of files and sockets is the agent's.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { NODE_ITEM_KINDS, type NodeItem, nodeItemKey, type NodeState } from "#/projections/node_state.ts";
import type { RuleIr, SideIr } from "#/policy/ir.ts";
import { decodeFrames } from "#/sync/decode.ts";
import { encodeFrame, itemFrames } from "#/sync/encode.ts";
import { type Frame, SYNC_CONTRACT } from "#/sync/frames.ts";

/** A node state and where in which log it stands. */
export interface Slice {
  readonly logId: string;
  readonly epoch: number;
  /** Every event up to here is in the state. */
  readonly position: number;
  readonly state: NodeState;
}

/** A batch applied, or why all of it is refused. */
export type BatchOutcome =
  | { readonly kind: "applied"; readonly state: NodeState; readonly position: number }
  | { readonly kind: "refused"; readonly message: string };

/**
 * Applies a batch, from its `begin` to its `end`, and returns the new state; the given one is never changed.
 *
 * A full batch starts from nothing, a delta from `state`. Deleting what is not there changes nothing; changing the members of a set that is not
 * there refuses the batch, and so does a state that would be incomplete: without its config, or with an item that names a policy or set that is
 * missing.
 */
export function applyBatch(state: NodeState, frames: readonly Frame[]): BatchOutcome {
  const [begin, ...body] = frames;
  const end = body.pop();
  if (begin?.frame !== "begin") return refused(`A batch must start with "begin": "${begin?.frame ?? "nothing"}"`);
  if (end?.frame !== "end") return refused(`A batch must finish with "end": "${end?.frame ?? "nothing"}"`);
  const next = new Map(begin.type === "full" ? [] : state);
  const members = new Map<string, Set<string>>();
  for (const frame of body) {
    const message = applyFrame(next, members, frame);
    if (message !== undefined) return refused(message);
  }
  for (const [key, changed] of members) {
    const set = next.get(key);
    if (set?.kind === "set") next.set(key, { ...set, members: [...changed].sort() });
  }
  const missing = missingReference(next);
  if (missing !== undefined) return refused(missing);
  return { kind: "applied", state: next, position: end.position };
}

/** A slice's items in dependency order, by id within a kind. */
export function sortedItems(state: NodeState): NodeItem[] {
  const rank = new Map(NODE_ITEM_KINDS.map((kind, at) => [kind, at]));
  return [...state.values()].sort((a, b) => rank.get(a.kind)! - rank.get(b.kind)! || (a.id < b.id ? -1 : 1));
}

/**
 * A slice as text for the node's disk: the frames of a full batch and a last line with the SHA-256 of all before it, so that a file cut short or altered
 * is never taken for a slice. Equal slices give equal text.
 */
export function formatSavedSlice(slice: Slice): string {
  const { logId, epoch, position } = slice;
  let text = encodeFrame({ frame: "hello", contract: SYNC_CONTRACT, logId, epoch, from: 0 });
  text += encodeFrame({ frame: "begin", type: "full" });
  for (const item of sortedItems(slice.state)) for (const frame of itemFrames(item)) text += encodeFrame(frame);
  text += encodeFrame({ frame: "end", position });
  return `${text}${checksumLine(text)}`;
}

/** Reads a saved slice, or says why it must not be used. The agent then starts without one. */
export function parseSavedSlice(text: string): Slice | { readonly kind: "refused"; readonly message: string } {
  const bodyEnd = text.lastIndexOf("\n", text.length - 2) + 1;
  const body = text.slice(0, bodyEnd);
  if (text.slice(bodyEnd) !== checksumLine(body)) return refused("A saved slice must end in its checksum");
  const { frames, problem } = decodeFrames(body);
  if (problem !== undefined) return refused(problem);
  const [hello, ...batch] = frames;
  if (hello?.frame !== "hello") return refused('A saved slice must start with "hello"');
  if (hello.contract !== SYNC_CONTRACT) {
    return refused(`A saved slice must be of contract ${SYNC_CONTRACT}: ${hello.contract}`);
  }
  if (batch[0]?.frame !== "begin" || batch[0].type !== "full") return refused("A saved slice must be a full batch");
  const outcome = applyBatch(new Map(), batch);
  if (outcome.kind === "refused") return outcome;
  return { logId: hello.logId, epoch: hello.epoch, position: outcome.position, state: outcome.state };
}

/** `members` holds the sets whose members change in the batch, so that each is sorted once. */
function applyFrame(
  next: Map<string, NodeItem>,
  members: Map<string, Set<string>>,
  frame: Frame,
): string | undefined {
  switch (frame.frame) {
    case "put":
      members.delete(nodeItemKey(frame.item));
      next.set(nodeItemKey(frame.item), frame.item);
      return undefined;
    case "del":
      members.delete(nodeItemKey(frame));
      next.delete(nodeItemKey(frame));
      return undefined;
    case "set": {
      const key = `set:${frame.id}`;
      const set = next.get(key);
      if (set?.kind !== "set") return `A set must be there before its members change: "${frame.id}"`;
      const changed = members.get(key) ?? new Set(set.members);
      members.set(key, changed);
      for (const member of frame.del) changed.delete(member);
      for (const member of frame.add) changed.add(member);
      return undefined;
    }
    default:
      return `A batch must hold only "put", "set" and "del": "${frame.frame}"`;
  }
}

function missingReference(state: NodeState): string | undefined {
  if (state.get("config:node") === undefined) return "A node state must hold its config";
  for (const item of state.values()) {
    const missing = referencesOf(item).find((key) => !state.has(key));
    if (missing !== undefined) {
      return `An item must not name one that is missing: "${nodeItemKey(item)}" names "${missing}"`;
    }
  }
  return undefined;
}

/** Profiles are not among them: one that is missing denies, and that is its meaning. */
function referencesOf(item: NodeItem): string[] {
  if (item.kind === "endpoint") {
    return [item.ingress, item.egress].flatMap((chain) => chain.tiers)
      .flatMap((tier) => tier.policies.map((id) => `policy:${id}`));
  }
  if (item.kind !== "policy" && item.kind !== "profile") return [];
  return [...item.policy.ingress ?? [], ...item.policy.egress ?? []].flatMap(setsOf);
}

function setsOf(rule: RuleIr): string[] {
  return [rule.source, rule.destination].flatMap((side: SideIr) =>
    [...side.sets, ...side.notSets, ...side.portSets, ...side.notPortSets].map((id) => `set:${id}`)
  );
}

function checksumLine(body: string): string {
  return `{"checksum":"${createHash("sha256").update(body, "utf8").digest("hex")}"}\n`;
}

function refused(message: string): { readonly kind: "refused"; readonly message: string } {
  return { kind: "refused", message };
}
