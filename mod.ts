/**
 * Tortie as a library: the pure parts that are useful without a server. The policy language and its meaning, the events and the fold that makes states of
 * them, node states, and the frames between server and agents. Everything here is data and functions; nothing does I/O.
 *
 * @example
 * ```ts
 * import { matchSelector, parseSelector } from "./mod.ts";
 * const parsed = parseSelector("app == 'nginx' && !has(canary)");
 * if (parsed.kind !== "parsed") throw new Error(parsed.message);
 * const labels = new Map([["app", "nginx"]]);
 * if (!matchSelector(parsed.selector, (key) => labels.get(key))) throw new Error("does not match");
 * ```
 *
 * @module
 */
export { formatSelector, matchSelector, type Selector } from "#/base/selector.ts";
export { parseSelector, type SelectorParse } from "#/base/selector_parser.ts";
export { selectorId } from "#/base/selector_id.ts";
export type { KubeObject, ObjectMeta } from "#/resources/object.ts";
export type { KindDefinition } from "#/resources/kind.ts";
export { KINDS } from "#/resources/registry.ts";
export { admit } from "#/resources/validate.ts";
export { evaluate, type Verdict } from "#/policy/oracle/oracle.ts";
export { type PolicyObjects, policyObjectsOf } from "#/policy/policy_objects.ts";
export { type PolicyWorld, policyWorld } from "#/policy/oracle/world.ts";
export { type Flow, resolveFlow } from "#/policy/oracle/flow.ts";
export { explain, type Explanation } from "#/policy/oracle/explain.ts";
export { lowerPolicy, lowerProfile } from "#/policy/lowering/lower.ts";
export type { ChainIr, PolicyIr, RuleIr } from "#/policy/ir.ts";
export { compileImage, type PolicyImage } from "#/wasm-policy/engine.ts";
export type { EventDraft, LogHead, StoredEvent } from "#/events/envelope.ts";
export { verifyChain } from "#/events/integrity.ts";
export type { ClusterState, EventChanges } from "#/projections/cluster_state.ts";
export { applyEvent, createState } from "#/projections/fold.ts";
export { diffStates, type ObjectDifference } from "#/projections/object_diff.ts";
export { buildFromState, nodeState } from "#/projections/node_projection.ts";
export type { NodeItem, NodeState } from "#/projections/node_state.ts";
