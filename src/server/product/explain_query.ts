/**
 * `GET /tortie/v1/explain`: why a connection is allowed or denied, answered by the oracle on the objects of a state. The compiled policy judges the same
 * packet as a second opinion; the two must agree, or an alarm is raised.
 *
 * @module
 */
import { reject, type Rejection } from "#/base/problem.ts";
import type { KubeObject } from "#/resources/object.ts";
import type { ClusterState } from "#/projections/cluster_state.ts";
import { explain, type Explanation } from "#/policy/explain.ts";
import { type ResolvedFlow, resolveFlow } from "#/policy/flow.ts";
import { parseDestination, parseEnd } from "#/policy/flow_text.ts";
import { evaluate, type Verdict } from "#/policy/oracle.ts";
import { type PolicyWorld, policyWorld } from "#/policy/world.ts";

/** The question as asked: `shop/front`, `shop/db:5432/tcp`. */
export interface ExplainQuestion {
  readonly from: string;
  readonly to: string;
}

/** Judges a resolved flow by another engine: `allow`, `deny`, or `undefined` where it cannot. */
export type SecondOpinion = (state: ClusterState, flow: ResolvedFlow) => "allow" | "deny" | undefined;

function objectsOf(state: ClusterState, collection: string): readonly KubeObject[] {
  return [...state.collections.get(collection)?.values() ?? []];
}

/** The oracle's view of a state. */
export function worldOf(state: ClusterState): PolicyWorld {
  return policyWorld({
    policies: [
      ...objectsOf(state, "projectcalico.org/networkpolicies"),
      ...objectsOf(state, "projectcalico.org/globalnetworkpolicies"),
    ],
    tiers: objectsOf(state, "projectcalico.org/tiers"),
    namespaces: objectsOf(state, "core/namespaces"),
    serviceAccounts: objectsOf(state, "core/serviceaccounts"),
    workloadEndpoints: objectsOf(state, "projectcalico.org/workloadendpoints"),
  });
}

const PLURALS: Readonly<Record<string, string>> = {
  NetworkPolicy: "networkpolicies",
  GlobalNetworkPolicy: "globalnetworkpolicies",
};

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
  const other = secondOpinion(state, flow);
  if (other !== undefined && other !== verdict.verdict) {
    alarm(
      `Policy engines disagree at position ${state.position} on ${question.from} to ${question.to}: oracle ${verdict.verdict}, compiled ${other}`,
    );
  }
  return explain(verdict, { position: state.position, occurredAt: state.occurredAt, exact: true }, (ref) => {
    const namespace = ref.namespace === "" ? "-" : ref.namespace;
    const origin = state.origins.get(`projectcalico.org/${PLURALS[ref.kind]}/${namespace}/${ref.name}`);
    return origin === undefined ? undefined : { position: origin.position, author: origin.author };
  });
}
