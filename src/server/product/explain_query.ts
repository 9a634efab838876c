/**
 * `GET /tortie/v1/explain`: why a connection is allowed or denied, answered by the oracle on the objects of a state. The compiled policy judges the same
 * packet as a second opinion; the two must agree, or an alarm is raised.
 *
 * @module
 */
import { reject, type Rejection } from "#/base/problem.ts";
import type { ClusterState } from "#/projections/cluster_state.ts";
import { explain, type Explanation, type PolicyOrigin } from "#/policy/oracle/explain.ts";
import { type ResolvedFlow, resolveFlow } from "#/policy/oracle/flow.ts";
import type { FlowVerdict } from "#/policy/flow_judge.ts";
import { parseDestination, parseEnd } from "#/policy/oracle/flow_text.ts";
import type { PolicyRef } from "#/policy/ir.ts";
import { evaluate, evaluatePending, type Verdict } from "#/policy/oracle/oracle.ts";
import { policyObjectsOf } from "#/policy/policy_objects.ts";
import { policyCollectionOf } from "#/policy/policy_ref.ts";
import { type PolicyWorld, policyWorld } from "#/policy/oracle/world.ts";
import { engineDifference } from "./engine_agreement.ts";

/** The question as asked: `shop/front`, `shop/db:5432/tcp`. */
export interface ExplainQuestion {
  readonly from: string;
  readonly to: string;
}

/** Judges a resolved flow by another engine. */
export type SecondOpinion = (state: ClusterState, flow: ResolvedFlow) => FlowVerdict;

/** The oracle's view of a state. */
export function worldOf(state: ClusterState): PolicyWorld {
  return policyWorld(policyObjectsOf((collection) => state.collections.get(collection)?.values() ?? []));
}

/** Answers the question on a state, or refuses it because an end means nothing there. */
export function explainAt(
  state: ClusterState,
  question: ExplainQuestion,
  { secondOpinion, alarm }: { readonly secondOpinion: SecondOpinion; readonly alarm: (message: string) => void },
): Explanation | Rejection {
  const from = parseEnd(question.from);
  if (from.kind === "invalid") return reject("BadRequest", from.message);
  const to = parseDestination(question.to);
  if ("kind" in to) return reject("BadRequest", to.message);
  const world = worldOf(state);
  const flow = resolveFlow(world, {
    source: from,
    destination: to.end,
    protocol: to.protocol,
    ...(to.port === undefined ? {} : { port: to.port }),
  });
  if (flow.kind === "unresolved") return reject(flow.reason, `${flow.message} (at position ${state.position})`);
  const verdict: Verdict = evaluate(world, flow);
  const difference = engineDifference(verdict, secondOpinion(state, flow));
  if (difference !== undefined) {
    const { oracle, compiled } = difference;
    alarm(
      `Policy engines disagree at position ${state.position} on ${question.from} to ${question.to}: oracle "${oracle}", compiled "${compiled}"`,
    );
  }
  const basis = { position: state.position, occurredAt: state.occurredAt, exact: true };
  return explain({ ...verdict, pending: evaluatePending(world, flow) }, basis, (ref) => originOf(state, ref));
}

/** The event and author of a policy, or of what a profile stands for. */
function originOf(state: ClusterState, ref: PolicyRef): PolicyOrigin | undefined {
  const origin = state.origins.get(ref.kind === "Profile" ? profileStream(ref.name) : policyStream(ref));
  return origin === undefined ? undefined : { position: origin.position, author: origin.author };
}

function policyStream({ kind, namespace, name }: PolicyRef): string {
  return `${policyCollectionOf(kind)}/${namespace === "" ? "-" : namespace}/${name}`;
}

/** `kns.<namespace>` and `ksa.<namespace>.<name>` are a namespace and a service account. A namespace's name has no dot. */
function profileStream(profile: string): string {
  const account = /^ksa\.([^.]+)\.(.+)$/.exec(profile);
  if (account !== null) return `core/serviceaccounts/${account[1]}/${account[2]}`;
  return profile.startsWith("kns.")
    ? `core/namespaces/-/${profile.slice("kns.".length)}`
    : `projectcalico.org/profiles/-/${profile}`;
}
