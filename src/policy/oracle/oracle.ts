/**
 * The oracle: what policy means, stated once, on the API's own objects with string labels and selectors. Slow and short on purpose. It answers
 * `explain`; every other engine (the IR interpreter, WASM, nftables) must agree with it and shares nothing with it but value types.
 *
 * It judges the first packet of a connection between workloads, hosts and addresses. Established connections and connection tracking are outside. What
 * rules mean is in `oracle_match.ts` and `oracle_kubernetes.ts`, which endpoints a packet meets in `oracle_host.ts`.
 *
 * @module
 */
import { compareBytewise } from "#/base/bytewise.ts";
import type { LabelLookup } from "#/base/selector.ts";
import type { PolicyScope } from "#/policy/compiled.ts";
import type { ResolvedFlow } from "#/policy/oracle/flow.ts";
import type { Direction, HostPhase, PolicyRef } from "#/policy/ir.ts";
import { isFailsafe, isOfPhase, type Phase, type Stop, stopsOf } from "#/policy/oracle/oracle_host.ts";
import {
  kubernetesGoverns,
  kubernetesPlace,
  kubernetesRuleMatches,
  kubernetesRules,
  kubernetesSelects,
} from "#/policy/oracle/oracle_kubernetes.ts";
import { type RuleContext, ruleMatches, selects } from "#/policy/oracle/oracle_match.ts";
import { isStagedKind, policyRefOf } from "#/policy/policy_ref.ts";
import { type AskedTier, effectiveLabels, type PolicedEndpoint, type PolicyWorld } from "#/policy/oracle/world.ts";
import { policySpecOf, type RuleActionName } from "#/resources/kinds/policy_spec.ts";
import type { KubeObject } from "#/resources/object.ts";

/** What rules did with the packet. `rule` is the index of the rule that decided. */
interface RulesTrace {
  readonly outcome: "allow" | "deny" | "pass" | "no-match";
  readonly rule: number | null;
  /** Indexes of Log rules that matched on the way. */
  readonly logged: readonly number[];
}

/** What became of the packet in one policy. */
export interface PolicyTrace extends RulesTrace {
  readonly policy: PolicyRef;
}

/** What became of it in one tier; tiers without a policy that applies are not listed. */
export interface TierTrace {
  readonly tier: string;
  /** The phase of a host endpoint in which the tier was asked; `null` at workloads. */
  readonly phase: HostPhase | null;
  readonly outcome: "allow" | "deny" | "pass";
  /** Whether a rule decided, or the tier's default action. */
  readonly by: "rule" | "end-of-tier";
  readonly policies: readonly PolicyTrace[];
}

/** What became of it in one profile. `pass` goes on to the next profile, as `no-match` does. */
export interface ProfileTrace extends Omit<RulesTrace, "outcome"> {
  readonly profile: string;
  readonly outcome: RulesTrace["outcome"] | "missing";
}

/**
 * Which default decided, where no policy's rule did. `profile` stands for a profile's rule, and for a missing profile, which denies. `failsafe`: the port
 * keeps the node reachable. `endpoint-to-host`: pods do not reach their own host. `continue`: nothing in the phases of a host endpoint that is only
 * crossed decided, so the packet went on.
 */
export type VerdictDefault =
  | "end-of-tier"
  | "profile"
  | "no-profile-match"
  | "failsafe"
  | "endpoint-to-host"
  | "continue";

/** The endpoint that a verdict is about: a workload endpoint's name with its namespace before it, or a host endpoint's. */
export interface JudgedEndpoint {
  readonly kind: PolicedEndpoint["kind"];
  readonly name: string;
}

/** The verdict at one endpoint, with all that led to it. */
export interface DirectionVerdict {
  readonly endpoint: JudgedEndpoint;
  readonly verdict: "allow" | "deny";
  /** The phase of a host endpoint that decided; `null` at workloads, and where no phase did. */
  readonly phase: HostPhase | null;
  /** The tier that decided; `null` when no tier did. */
  readonly tier: string | null;
  /** The policy whose rule decided; `null` when a default did. */
  readonly policy: PolicyRef | null;
  readonly rule: number | null;
  /** `null` when a policy's rule decided. */
  readonly default: VerdictDefault | null;
  /** Where the end of a tier denied: the policies that made the tier apply. */
  readonly isolatedBy: readonly PolicyRef[];
  /** Every tier asked, phase by phase. A phase that a failsafe port goes by is not asked. */
  readonly tiers: readonly TierTrace[];
  readonly profiles: readonly ProfileTrace[];
}

/** The verdict at a host endpoint that the packet crosses on its way to or from a workload. */
export interface ForwardVerdict extends DirectionVerdict {
  readonly direction: Direction;
}

/** The verdict on a flow: allowed when every endpoint on its way allows. A half is `null` where that end is not judged. */
export interface Verdict {
  readonly verdict: "allow" | "deny";
  readonly egress: DirectionVerdict | null;
  readonly ingress: DirectionVerdict | null;
  readonly forward: readonly ForwardVerdict[];
}

/** What the tiers or profiles of an endpoint decided; `undefined` where they leave the packet to what comes next. */
type Decision = Omit<DirectionVerdict, "endpoint" | "phase" | "tiers" | "profiles">;

const NOTHING: Omit<Decision, "verdict" | "default"> = { tier: null, policy: null, rule: null, isolatedBy: [] };

/**
 * Judges a flow: at its source, at the host endpoints that it crosses, at its destination. All of them are judged, whatever the first says.
 *
 * @param scope `enforced` leaves staged policies out; `pending` takes them as if they were enforced
 *
 * @example
 * ```ts
 * import { evaluate } from "#/policy/oracle/oracle.ts";
 * import { resolveFlow } from "#/policy/oracle/flow.ts";
 * import { policyWorld } from "#/policy/oracle/world.ts";
 * const web = {
 *   apiVersion: "projectcalico.org/v3", kind: "WorkloadEndpoint", metadata: { name: "web", namespace: "shop" },
 *   spec: { node: "n", interfaceName: "cali0", ipNetworks: ["10.0.0.1/32"], profiles: ["projectcalico-default-allow"] },
 * };
 * const world = policyWorld({ policies: [], tiers: [], namespaces: [], serviceAccounts: [], workloadEndpoints: [web] });
 * const from = { kind: "address", address: "1.1.1.1" } as const;
 * const flow = resolveFlow(world, { source: from, destination: { kind: "workload", namespace: "shop", name: "web" }, protocol: 6, port: 80 });
 * if (flow.kind !== "resolved") throw new Error(flow.message);
 * const { verdict, egress, ingress } = evaluate(world, flow);
 * if (verdict !== "allow" || egress !== null || ingress?.default !== "profile") throw new Error();
 * ```
 */
export function evaluate(world: PolicyWorld, flow: ResolvedFlow, scope: PolicyScope = "enforced"): Verdict {
  const judged = stopsOf(world, flow).map((stop) => ({ stop, verdict: judge(world, flow, { stop, scope }) }));
  const part = (name: Stop["part"]) => judged.find(({ stop }) => stop.part === name)?.verdict ?? null;
  return {
    verdict: judged.every(({ verdict }) => verdict.verdict === "allow") ? "allow" : "deny",
    egress: part("egress"),
    ingress: part("ingress"),
    forward: judged.filter(({ stop }) => stop.part === "forward")
      .map(({ stop, verdict }) => ({ ...verdict, direction: stop.direction })),
  };
}

/** The verdict if everything staged were enforced; `null` where no staged policy has a say at any endpoint of the flow's way. */
export function evaluatePending(world: PolicyWorld, flow: ResolvedFlow): Verdict | null {
  const names = (stop: Stop, phase: Phase, scope: PolicyScope) =>
    tiersOf(world, { ...stop, phase, scope }).flatMap(({ policies }) => policies.map(joinedName));
  const isConcerned = stopsOf(world, flow).some((stop) =>
    stop.phases.some((phase) => `${names(stop, phase, "enforced")}` !== `${names(stop, phase, "pending")}`)
  );
  return isConcerned ? evaluate(world, flow, "pending") : null;
}

/** One endpoint on the way: its phases in order, until one decides. */
function judge(
  world: PolicyWorld,
  flow: ResolvedFlow,
  { stop, scope }: { readonly stop: Stop; readonly scope: PolicyScope },
): DirectionVerdict {
  const { endpoint, direction, phases } = stop;
  const tiers: TierTrace[] = [];
  const profiles: ProfileTrace[] = [];
  const answer = (decision: Decision, phase: Phase | null): DirectionVerdict => ({
    endpoint: { kind: endpoint.kind, name: endpoint.id },
    phase: hostPhaseOf(phase),
    ...decision,
    tiers,
    profiles,
  });
  for (const phase of phases) {
    if (phase === "endpoint-to-host") return answer({ ...NOTHING, verdict: "deny", default: phase }, phase);
    const asked = { endpoint, direction, phase, scope };
    if (isFailsafe(flow.packet, direction, phase)) {
      if (phase === "normal") return answer({ ...NOTHING, verdict: "allow", default: "failsafe" }, phase);
      continue;
    }
    const decision = judgeTiers(world, flow, asked, tiers);
    if (decision !== undefined) return answer(decision, phase);
    if (phase === "workload" || phase === "normal") {
      return answer({ ...NOTHING, ...judgeProfiles(world, flow, asked, profiles) }, phase);
    }
  }
  return answer({ ...NOTHING, verdict: "allow", default: "continue" }, null);
}

/** An endpoint, asked in one phase about one direction. */
interface Asked {
  readonly endpoint: PolicedEndpoint;
  readonly direction: Direction;
  readonly phase: Phase;
  readonly scope: PolicyScope;
}

/** Tiers in order, until a rule allows or denies, or a tier's end denies. */
function judgeTiers(world: PolicyWorld, flow: ResolvedFlow, asked: Asked, traces: TierTrace[]): Decision | undefined {
  for (const { tier, policies } of tiersOf(world, asked)) {
    const trace = judgeTier(world, flow, asked, { tier, policies });
    traces.push(trace);
    if (trace.outcome === "pass") continue;
    const last = trace.policies.at(-1);
    if (trace.by === "rule" && last !== undefined) {
      return { verdict: trace.outcome, tier, policy: last.policy, rule: last.rule, default: null, isolatedBy: [] };
    }
    const isolatedBy = policies.map(policyRefOf);
    return { verdict: trace.outcome, tier, policy: null, rule: null, default: "end-of-tier", isolatedBy };
  }
  return undefined;
}

/** The policies that judge an endpoint, by tier: all in the order in which they are asked. */
function tiersOf(world: PolicyWorld, asked: Asked): readonly AskedTier[] {
  const { endpoint, direction, phase, scope } = asked;
  const key = `${scope} ${phase} ${direction} ${endpoint.kind} ${endpoint.id}`;
  const known = world.memo.tiers.get(key);
  if (known !== undefined) return known;
  const labels: LabelLookup = effectiveLabels(world, endpoint);
  const tiers = new Map<string, KubeObject[]>();
  for (const policy of policiesOf(world, scope)) {
    if (!governs(policy, direction) || !isOfPhase(policySpecOf(policy), endpoint, phase)) continue;
    if (!selectsEndpoint(world, policy, labels)) continue;
    const { tier } = placeOf(policy);
    tiers.set(tier, [...tiers.get(tier) ?? [], policy]);
  }
  for (const policies of tiers.values()) {
    policies.sort((a, b) =>
      byOrder(placeOf(a).order, placeOf(b).order) || compareBytewise(joinedName(a), joinedName(b))
    );
  }
  const found = [...tiers].map(([tier, policies]) => ({ tier, policies })).sort(({ tier: a }, { tier: b }) =>
    Number(world.tiers.has(b)) - Number(world.tiers.has(a)) ||
    byOrder(world.tiers.get(a)?.spec?.order, world.tiers.get(b)?.spec?.order) || compareBytewise(a, b)
  );
  world.memo.tiers.set(key, found);
  return found;
}

/**
 * The policies that have a say. Staged ones have none while only what is enforced counts. Pending, they stand at their own place in the order beside
 * the enforced ones of the same name; a staged deletion takes its enforced twin away instead, and `Ignore` leaves the staged policy out.
 */
function policiesOf(world: PolicyWorld, scope: PolicyScope): readonly KubeObject[] {
  const enforced = world.policies.filter(({ kind }) => !isStagedKind(kind));
  if (scope === "enforced") return enforced;
  const staged = world.policies.filter(({ kind }) => isStagedKind(kind));
  const action = (policy: KubeObject) => policySpecOf(policy).stagedAction ?? "Set";
  const gone = new Set(
    staged.filter((policy) => action(policy) === "Delete").map((policy) => joinedName(policy).replace("/Staged", "/")),
  );
  return [
    ...enforced.filter((policy) => !gone.has(joinedName(policy))),
    ...staged.filter((policy) => !["Delete", "Ignore"].includes(action(policy))),
  ];
}

/**
 * The first rule that allows, denies or passes decides; without one the tier's default action does. A tier that nobody made denies. Before tracking and
 * before DNAT the end of a tier always passes.
 */
function judgeTier(world: PolicyWorld, flow: ResolvedFlow, asked: Asked, { tier, policies }: AskedTier): TierTrace {
  const phase = hostPhaseOf(asked.phase);
  const traces: PolicyTrace[] = [];
  for (const policy of policies) {
    const namespace = policy.metadata.namespace ?? "";
    const rules = rulesOf(policy, { world, packet: flow.packet, namespace, direction: asked.direction });
    const trace = { policy: policyRefOf(policy), ...judgeRules(rules) };
    traces.push(trace);
    if (trace.outcome !== "no-match") return { tier, phase, outcome: trace.outcome, by: "rule", policies: traces };
  }
  const passes = phase === "untracked" || phase === "preDnat" || world.tiers.get(tier)?.spec?.defaultAction === "Pass";
  return { tier, phase, outcome: passes ? "pass" : "deny", by: "end-of-tier", policies: traces };
}

function hostPhaseOf(phase: Phase | null): HostPhase | null {
  return phase === "workload" || phase === "endpoint-to-host" ? null : phase;
}

/** A rule that is about to be asked. */
interface AskedRule {
  readonly action: RuleActionName;
  readonly matches: () => boolean;
}

function judgeRules(rules: readonly AskedRule[]): RulesTrace {
  const logged: number[] = [];
  for (const [index, { action, matches }] of rules.entries()) {
    if (!matches()) continue;
    if (action === "Log") logged.push(index);
    else {
      const outcome = action === "Allow" ? "allow" : action === "Pass" ? "pass" : "deny";
      return { outcome, rule: index, logged };
    }
  }
  return { outcome: "no-match", rule: null, logged };
}

/**
 * Profiles in their order. The first rule that allows or denies decides; one that passes leaves the profile for the next. A missing profile denies, and so
 * does the end of the list.
 */
function judgeProfiles(
  world: PolicyWorld,
  { packet }: ResolvedFlow,
  { endpoint, direction }: Asked,
  traces: ProfileTrace[],
): Pick<Decision, "verdict" | "default"> {
  const context: RuleContext = { world, packet, namespace: "", direction };
  for (const profile of endpoint.profiles) {
    const rules = world.profiles.get(profile)?.[direction]
      .map((rule) => ({ action: rule.action, matches: () => ruleMatches(rule, context) }));
    const trace: ProfileTrace = rules === undefined
      ? { profile, outcome: "missing", rule: null, logged: [] }
      : { profile, ...judgeRules(rules) };
    traces.push(trace);
    if (trace.outcome === "allow") return { verdict: "allow", default: "profile" };
    if (trace.outcome === "deny" || trace.outcome === "missing") return { verdict: "deny", default: "profile" };
  }
  return { verdict: "deny", default: "no-profile-match" };
}

/** Whether the policies of Kubernetes' own making say what this one means. */
function isKubernetes({ apiVersion, kind }: KubeObject): boolean {
  return !apiVersion.startsWith("projectcalico.org/") || kind === "StagedKubernetesNetworkPolicy";
}

function rulesOf(policy: KubeObject, context: RuleContext): readonly AskedRule[] {
  const { world, direction } = context;
  if (isKubernetes(policy)) {
    return kubernetesRules(world, policy, direction)
      .map((rule) => ({ action: rule.action, matches: () => kubernetesRuleMatches(rule, context) }));
  }
  return (policySpecOf(policy)[direction] ?? [])
    .map((rule) => ({ action: rule.action, matches: () => ruleMatches(rule, context) }));
}

function selectsEndpoint(world: PolicyWorld, policy: KubeObject, labels: LabelLookup): boolean {
  return isKubernetes(policy)
    ? kubernetesSelects(policy, labels)
    : selects(world, policySpecOf(policy), policy.metadata.namespace ?? "", labels);
}

/** By its types alone: a policy without rules for a direction in its types still isolates. An empty list means both. */
function governs(policy: KubeObject, direction: Direction): boolean {
  if (isKubernetes(policy)) return kubernetesGoverns(policy, direction);
  const types = policySpecOf(policy).types ?? [];
  return types.length === 0 || types.includes(direction === "ingress" ? "Ingress" : "Egress");
}

function placeOf(policy: KubeObject): { readonly tier: string; readonly order: number | undefined } {
  if (isKubernetes(policy)) return kubernetesPlace(policy);
  const { tier = "default", order } = policySpecOf(policy);
  return { tier, order };
}

function byOrder(a: unknown, b: unknown): number {
  const [left, right] = [a, b].map((order) => typeof order === "number" ? order : Infinity);
  return left === right ? 0 : left! - right!;
}

function joinedName(policy: KubeObject): string {
  const { name, namespace, kind } = policyRefOf(policy);
  return `${name}/${namespace}/${kind}`;
}
