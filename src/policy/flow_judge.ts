/**
 * The IR interpreter on whole flows: every chain on the path between the two ends of a packet, in both directions. What the compiled engines are compared
 * with where no oracle is at hand.
 *
 * @module
 */
import { assert } from "#/base/assert.ts";
import type { CompiledPolicies } from "#/policy/compiled.ts";
import type { ChainIr, Direction, HostPhase } from "#/policy/ir.ts";
import { type ChainOutcome, type IrTables, runChain } from "#/policy/ir_interpreter.ts";
import type { Packet } from "#/policy/packet.ts";
import { endAt, isNeededByIpv6, type Path, type PathEnd, pathOf, type PathStep } from "#/policy/path.ts";
import { membershipIn } from "#/policy/set_membership.ts";

/** What one endpoint on the way said: the outcome of the chain that decided there, or that no chain did and the packet went on. */
export interface JudgedStep extends Omit<ChainOutcome, "action"> {
  readonly verdict: "allow" | "deny";
  readonly direction: Direction;
  /** Id of the endpoint. */
  readonly endpoint: string;
  /** The phase of a host endpoint that decided; `undefined` at workloads, and where none did. */
  readonly phase: HostPhase | undefined;
}

/** What the chains of one direction said: those of the sender's side, or those of the receiver's. */
export interface JudgedHalf {
  readonly verdict: "allow" | "deny";
  /** The rules that decided, at most one for each step, in the order of the path; none where a default did. */
  readonly ruleIds: readonly string[];
  /** Every endpoint on the way, whatever the ones before it said. */
  readonly steps: readonly JudgedStep[];
}

/** The verdict on a flow. A half is `undefined` when no chain of its direction is on the way. Each is judged whatever the other says. */
export interface FlowVerdict {
  readonly verdict: "allow" | "deny";
  readonly egress: JudgedHalf | undefined;
  readonly ingress: JudgedHalf | undefined;
  /** Whether the flow is dropped at its end, whatever policies say: a pod spoke to its own host. */
  readonly endpointToHost: boolean;
}

/** Judges a packet by one chain: the interpreter, or an engine in its place. */
export type ChainJudge = (chain: ChainIr, direction: Direction, packet: Packet) => ChainOutcome;

/** Judges packets between ends that are known already, or between those that have the packet's addresses. */
export type FlowJudge = (
  packet: Packet,
  ends?: { readonly source: PathEnd; readonly destination: PathEnd },
) => FlowVerdict;

/**
 * Judges one packet. For many, make a {@link flowJudge} once.
 *
 * @example
 * ```ts
 * import { judgeFlow } from "#/policy/flow_judge.ts";
 * const compiled = { endpoints: [], hostEndpoints: [], policies: new Map(), sets: new Map() };
 * const ip = { version: 4, value: 1n } as const;
 * const packet = { source: ip, destination: ip, protocol: 6, sourcePort: 1, destinationPort: 2, icmp: undefined };
 * if (judgeFlow(compiled, packet).verdict !== "allow") throw new Error("no endpoint, no policy");
 * ```
 */
export function judgeFlow(compiled: CompiledPolicies, packet: Packet): FlowVerdict {
  return flowJudge(compiled)(packet);
}

/**
 * A judge of packets with its sets made ready.
 *
 * @param judgeChain an engine that is asked instead of the interpreter
 */
export function flowJudge(compiled: CompiledPolicies, judgeChain: ChainJudge = interpreterOf(compiled)): FlowJudge {
  return (packet, ends) => {
    const { source, destination } = ends ??
      { source: endAt(compiled, packet.source), destination: endAt(compiled, packet.destination) };
    return judgePath(pathOf(compiled, source, destination), packet, judgeChain);
  };
}

function interpreterOf({ policies, sets }: CompiledPolicies): ChainJudge {
  const tables: IrTables = { policies, sets: membershipIn(sets) };
  return (chain, direction, packet) => runChain(chain, direction, packet, tables);
}

function judgePath(path: Path, packet: Packet, judgeChain: ChainJudge): FlowVerdict {
  if (path.end === "deny" && isNeededByIpv6(packet)) {
    return { verdict: "allow", egress: undefined, ingress: undefined, endpointToHost: false };
  }
  const half = (direction: Direction): JudgedHalf | undefined => {
    const steps = path.steps.filter((step) => step[0]?.direction === direction)
      .map((step) => judgeStep(step, packet, judgeChain));
    if (steps.length === 0) return undefined;
    return {
      verdict: steps.some(({ verdict }) => verdict === "deny") ? "deny" : "allow",
      ruleIds: steps.map(({ ruleId }) => ruleId).filter((id) => id !== undefined),
      steps,
    };
  };
  const egress = half("egress");
  const ingress = half("ingress");
  const isDenied = egress?.verdict === "deny" || ingress?.verdict === "deny";
  return { verdict: isDenied ? "deny" : path.end, egress, ingress, endpointToHost: path.end === "deny" };
}

function judgeStep(step: PathStep, packet: Packet, judgeChain: ChainJudge): JudgedStep {
  const [first] = step;
  assert(first !== undefined, "A step must have a chain");
  const { direction, endpoint } = first;
  const logged: string[] = [];
  for (const { chain, phase } of step) {
    const { action, ...outcome } = judgeChain(chain, direction, packet);
    logged.push(...outcome.logged);
    if (action !== "continue") return { ...outcome, verdict: action, direction, endpoint, phase, logged };
  }
  const undecided = { ruleId: undefined, policy: undefined, tier: undefined, phase: undefined };
  return { ...undecided, verdict: "allow", direction, endpoint, logged };
}
