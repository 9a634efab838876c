/**
 * The second opinion on flows: the compiled policies of the whole cluster, judged in WebAssembly along the same way that nodes' chains lie on. `explain`
 * compares it with the oracle's verdict.
 *
 * One image follows the live state: it is made of what the policy projection holds, and brought up to it when a question comes. A few more are kept for past
 * states, compiled from their objects.
 *
 * @module
 */
import type { CompiledPolicies } from "#/policy/compiled.ts";
import type { ResolvedFlow } from "#/policy/oracle/flow.ts";
import { flowJudge, type FlowVerdict } from "#/policy/flow_judge.ts";
import type { PathEnd } from "#/policy/path.ts";
import { policyObjectsOf } from "#/policy/policy_objects.ts";
import type { ClusterState } from "#/projections/cluster_state.ts";
import { compileObjects } from "#/projections/compiled_policies.ts";
import { compileImage, type PolicyImage } from "#/wasm-policy/engine.ts";
import type { SecondOpinion } from "./explain_query.ts";

/** Compiled policies and the position of the log that they stand for. */
export interface CompiledAt {
  readonly position: number;
  readonly compiled: CompiledPolicies;
}

/** What the second opinion needs. */
export interface SecondOpinionDeps {
  /** The policies of the live state, as nodes are sent them; the same value until they change. */
  readonly live: () => CompiledAt;
  /** Told when WebAssembly failed and the interpreter judged instead. */
  readonly onFailure?: (message: string) => void;
}

/** Past states whose images are kept, besides the live one. */
export const PAST_IMAGES_MAX = 3;

/** An image and what it was made of. */
interface ImageAt extends CompiledAt {
  readonly image: PolicyImage;
}

/** Makes the second opinion, and keeps the images that it compiles. */
export function compiledOpinion({ live, onFailure }: SecondOpinionDeps): SecondOpinion {
  const compileAnew = (compiled: CompiledPolicies) =>
    compileImage(compiled, { memo: "off", ...(onFailure === undefined ? {} : { onFailure }) });
  let kept: ImageAt | undefined;
  /** Most lately asked last. A log has one state at a position, so that the position says which it is. */
  let past: readonly ImageAt[] = [];
  const liveImage = (now: CompiledAt): ImageAt => {
    if (kept === undefined || kept.image.isWorn()) kept = { ...now, image: compileAnew(now.compiled) };
    else {
      if (kept.compiled !== now.compiled) kept.image.update(now.compiled);
      kept = { ...now, image: kept.image };
    }
    return kept;
  };
  const pastImage = (state: ClusterState): ImageAt => {
    const found = past.find(({ position }) => position === state.position) ?? compiledFrom(state, compileAnew);
    past = [...past.filter((one) => one !== found), found].slice(-PAST_IMAGES_MAX);
    return found;
  };
  return (state, flow) => {
    const now = live();
    return judged(state.position === now.position ? liveImage(now) : pastImage(state), flow);
  };
}

function compiledFrom(state: ClusterState, compileAnew: (compiled: CompiledPolicies) => PolicyImage): ImageAt {
  const objects = policyObjectsOf((collection) => state.collections.get(collection)?.values() ?? []);
  const compiled = compileObjects(objects);
  return { position: state.position, compiled, image: compileAnew(compiled) };
}

function judged({ compiled, image }: ImageAt, flow: ResolvedFlow): FlowVerdict {
  // Which rules logged on the way is not the image's business.
  const judge = flowJudge(
    compiled,
    (chain, direction, packet) => ({ ...image.judge(chain, direction, packet), logged: [] }),
  );
  return judge(flow.packet, endsOf(compiled, flow));
}

/** The ends by name: of endpoints that share an address, the one that was asked about. */
function endsOf(
  { endpoints, hostEndpoints }: CompiledPolicies,
  { source, destination, sourceHost, destinationHost }: ResolvedFlow,
): { readonly source: PathEnd; readonly destination: PathEnd } {
  const endOf = (workload: ResolvedFlow["source"], host: ResolvedFlow["sourceHost"]): PathEnd => {
    const endpoint = workload && endpoints.find(({ id }) => id === workload.id);
    if (endpoint !== undefined) return { kind: "workload", endpoint };
    const hostEndpoint = host && hostEndpoints.find(({ id }) => id === host.id);
    return hostEndpoint === undefined ? { kind: "outside" } : { kind: "host", endpoint: hostEndpoint };
  };
  return { source: endOf(source, sourceHost), destination: endOf(destination, destinationHost) };
}
