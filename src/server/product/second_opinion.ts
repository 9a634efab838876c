/**
 * The compiled policy's verdict on a flow: the same chains, policies and sets that nodes get, compiled to WebAssembly. `explain` compares it with the oracle's.
 *
 * @module
 */
import { type Direction, policyKey } from "#/policy/ir.ts";
import type { ResolvedFlow } from "#/policy/flow.ts";
import type { WorldEndpoint } from "#/policy/world.ts";
import type { ClusterState } from "#/projections/cluster_state.ts";
import { buildFromState, nodeState } from "#/projections/node_projection.ts";
import type { EndpointItem, NodeItem } from "#/projections/node_state.ts";
import { compileImage, type PolicyImage } from "#/wasm-policy/engine.ts";
import type { SecondOpinion } from "./explain_query.ts";

/** Node states of a cluster state: of the live one from the projection that is kept, of past ones built from scratch. */
export type NodeItems = (state: ClusterState, node: string) => readonly NodeItem[];

/** One node's endpoints and the image that judges them. */
interface NodeImage {
  readonly endpoints: ReadonlyMap<string, EndpointItem>;
  readonly image: PolicyImage;
}

/** Node states built from scratch, for a state that no projection follows. */
export function builtNodeItems(state: ClusterState, node: string): readonly NodeItem[] {
  return nodeState(buildFromState(state), node);
}

/**
 * Makes the second opinion. An endpoint that no node state has (its node does not exist) has none.
 *
 * @param nodeItems where node states come from
 */
export function compiledOpinion(nodeItems: NodeItems): SecondOpinion {
  return (state, flow) => {
    const halves = [judgeEnd(state, flow, "egress", nodeItems), judgeEnd(state, flow, "ingress", nodeItems)];
    if (halves.includes(undefined)) return undefined;
    return halves.includes("deny") ? "deny" : "allow";
  };
}

function judgeEnd(
  state: ClusterState,
  flow: ResolvedFlow,
  direction: Direction,
  nodeItems: NodeItems,
): "allow" | "deny" | undefined {
  const end: WorldEndpoint | undefined = direction === "egress" ? flow.source : flow.destination;
  if (end === undefined) return "allow";
  const { endpoints, image } = imageOf(nodeItems(state, end.node));
  const endpoint = endpoints.get(end.id);
  return endpoint === undefined ? undefined : image.judge(endpoint[direction], direction, flow.packet).action;
}

function imageOf(items: readonly NodeItem[]): NodeImage {
  const policies = items.filter((item) => item.kind === "policy" || item.kind === "profile");
  const sets = items.filter((item) => item.kind === "set");
  return {
    endpoints: new Map(items.filter((item) => item.kind === "endpoint").map((item) => [item.id, item])),
    image: compileImage({
      policies: new Map(policies.map(({ policy }) => [policyKey(policy.ref), policy])),
      sets: new Map(sets.map((set) => [set.id, set])),
    }),
  };
}
