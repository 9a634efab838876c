/**
 * `GET /tortie/v1/reach` and `GET /tortie/v1/lint`: what the policies of a state allow altogether, and what they hardly mean. Answered from the compiled
 * policies, which are what nodes are sent.
 *
 * @module
 */
import { reject, type Rejection } from "#/base/problem.ts";
import { lint } from "#/policy/lint/lint.ts";
import type { LintFinding } from "#/policy/lint/lint_finding.ts";
import { type PolicyObjects, policyObjectsOf } from "#/policy/policy_objects.ts";
import { reach, type ReachEntry } from "#/policy/reach/reach.ts";
import {
  type EndpointFacts,
  parseReachQuestion,
  reachOptionsOf,
  type ReachQuestion,
  unknownEnd,
} from "#/policy/reach/reach_question.ts";
import { workloadNames } from "#/policy/manifests/workload_names.ts";
import type { ClusterState } from "#/projections/cluster_state.ts";
import { compileObjects } from "#/projections/compiled_policies.ts";

/** What an answer rests on. */
export interface Basis {
  readonly position: number;
  readonly time: string;
  readonly exact: true;
}

/** What an answer about a state rests on. */
export function basisOf(state: ClusterState): Basis {
  return { position: state.position, time: state.occurredAt, exact: true };
}

/** The policy objects of a state. */
export function objectsOf(state: ClusterState): PolicyObjects {
  return policyObjectsOf((collection) => state.collections.get(collection)?.values() ?? []);
}

/** What is known of the endpoints of a state: workloads are those that own Pods. */
export function endpointFactsOf(state: ClusterState, { workloadEndpoints }: PolicyObjects): EndpointFacts {
  const pods = [...state.collections.get("core/pods")?.values() ?? []];
  return { workloads: workloadNames(workloadEndpoints, pods, []), synthetic: new Set() };
}

/** The question of a request, or the parameter that is wrong. */
export function reachQuestionOf(query: URLSearchParams): ReachQuestion | Rejection {
  const text = (name: string) => query.get(name) ?? undefined;
  const question = parseReachQuestion({ from: text("from"), to: text("to"), by: text("by"), port: text("port") });
  return question.kind === "question"
    ? question
    : reject("BadRequest", `Parameter "${question.parameter}": ${question.message}`);
}

/** Who may connect to whom; a refusal when an end means nothing in the state. */
export function reachAt(
  state: ClusterState,
  question: ReachQuestion,
): { readonly basis: Basis; readonly entries: readonly ReachEntry[] } | Rejection {
  const objects = objectsOf(state);
  const compiled = compileObjects(objects);
  const facts = endpointFactsOf(state, objects);
  const namespaces = objects.namespaces.map(({ metadata }) => metadata.name);
  const unknown = unknownEnd(question, compiled, { facts, namespaces });
  if (unknown !== undefined) return reject("NotFound", `${unknown} (at position ${state.position})`);
  return { basis: basisOf(state), entries: reach(compiled, reachOptionsOf(question, facts)) };
}

/** What there is to find. */
export function lintAt(state: ClusterState): { readonly basis: Basis; readonly findings: readonly LintFinding[] } {
  const objects = objectsOf(state);
  return { basis: basisOf(state), findings: lint(objects, compileObjects(objects)) };
}
