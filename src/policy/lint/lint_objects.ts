/**
 * Checks of `lint` that look at each object by itself or at the labels that it selects: unreadable parts, rules without effect, selectors that match
 * nothing, sets that nobody uses, previews that preview nothing. Called by `lint.ts`.
 *
 * @module
 */
import { isJsonObject, type Json } from "#/base/json.ts";
import { formatSelector, matchSelector } from "#/base/selector.ts";
import { type Direction, policyKey, type PolicyKind, type RuleIr } from "#/policy/ir.ts";
import { DIRECTIONS, finding, type LintContext, type LintedPolicy, userRules } from "#/policy/lint/lint_context.ts";
import type { LintFinding } from "#/policy/lint/lint_finding.ts";
import { DEFAULT_TIER, lowerProfile } from "#/policy/lowering/lower.ts";
import type { SetDefinition } from "#/policy/lowering/set_definition.ts";
import { effectiveLabels } from "#/policy/oracle/world.ts";
import type { KubeObject } from "#/resources/object.ts";

/** Parts that fail closed, in policies and in profiles that users wrote. */
export function unreadableParts({ policies, objects }: LintContext): readonly LintFinding[] {
  const sources = [
    ...policies.map(({ lowered }) => ({ ref: lowered.policy.ref, problems: lowered.problems })),
    ...(objects.profiles ?? []).map((object) => {
      const { policy, problems } = lowerProfile(object, 0);
      return { ref: policy.ref, problems };
    }),
  ];
  return sources.flatMap(({ ref, problems }) =>
    [...new Set(problems)].map((problem) => {
      const place = /^spec\.(ingress|egress)\[(\d+)\]/.exec(problem);
      const rule = place === null ? undefined : { direction: place[1] as Direction, index: Number(place[2]) };
      return finding("unreadable", ref, problem, rule);
    })
  );
}

/** Rules that look narrower than they are, because nothing looks into requests. */
export function httpRules({ policies }: LintContext): readonly LintFinding[] {
  return policies.flatMap(({ object, lowered }) =>
    DIRECTIONS.flatMap((direction) => {
      const rules = object.spec?.[direction];
      return (Array.isArray(rules) ? rules : []).flatMap((rule: Json, index) =>
        isJsonObject(rule) && rule.http !== undefined
          ? [finding(
            "http-not-enforced",
            lowered.policy.ref,
            "Conditions on HTTP requests are not enforced: the rule allows the whole connection",
            { direction, index },
          )]
          : []
      );
    })
  );
}

/** Rules of a direction that the policy's types leave out. */
export function inertRules({ policies }: LintContext): readonly LintFinding[] {
  return policies.flatMap(({ object, lowered }) =>
    DIRECTIONS.flatMap((direction) => {
      const rules = object.spec?.[direction];
      if (!Array.isArray(rules) || rules.length === 0 || lowered.policy[direction] !== undefined) return [];
      const type = direction === "ingress" ? "Ingress" : "Egress";
      return [finding(
        "inert-rules",
        lowered.policy.ref,
        `spec.${direction} has ${rules.length} rule${rules.length === 1 ? "" : "s"}, but the types do not list ${type}`,
      )];
    })
  );
}

/** Policies in a tier that no Tier object stands for. The default tier needs none. */
export function missingTiers({ policies, objects }: LintContext): readonly LintFinding[] {
  const made = new Set([DEFAULT_TIER, ...objects.tiers.map(({ metadata }) => metadata.name)]);
  return policies.filter(({ object, lowered }) => object.spec?.tier !== undefined && !made.has(lowered.policy.tier))
    .filter(({ lowered }) => isCalicoKind(lowered.policy.ref.kind))
    .map(({ lowered }) =>
      finding(
        "missing-tier",
        lowered.policy.ref,
        `Tier "${lowered.policy.tier}" does not exist: it comes last and denies`,
      )
    );
}

/** Kinds whose tier is a name that users choose. */
function isCalicoKind(kind: PolicyKind): boolean {
  return /^(Staged)?(Global)?NetworkPolicy$/.test(kind);
}

/** Staged policies that would change nothing. */
export function stagedLeftovers({ policies, byKey }: LintContext): readonly LintFinding[] {
  return policies.filter(({ isStaged }) => isStaged).flatMap(({ object, lowered }) => {
    const { ref } = lowered.policy;
    const twin = byKey.get(policyKey({ ...ref, kind: ref.kind.slice("Staged".length) as PolicyKind }));
    if (lowered.stagedAction === "Delete") {
      return twin === undefined
        ? [finding("staged-leftover", ref, "It stages the deletion of a policy that is not there")]
        : [];
    }
    const isSame = twin !== undefined && comparable(object) === comparable(twin.object);
    return isSame
      ? [finding("staged-leftover", ref, `It equals the enforced ${twin.lowered.policy.ref.kind} of its name`)]
      : [];
  });
}

/** What a policy says, in one form: keys sorted, without what only a staged one has. */
function comparable(object: KubeObject): string {
  const { stagedAction: _, ...spec } = object.spec ?? {};
  return JSON.stringify(sorted(spec));
}

function sorted(value: Json | undefined): Json | undefined {
  if (Array.isArray(value)) return value.map((item) => sorted(item) ?? null);
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(Object.keys(value).sort().map((key) => [key, sorted(value[key])]));
}

/** Policies that select nobody. */
export function emptySubjects(context: LintContext): readonly LintFinding[] {
  const { compiled, world } = context;
  const used = new Set<string>();
  for (const { ingress, egress } of compiled.endpoints) {
    for (const { tiers } of [ingress, egress]) {
      for (const { policies } of tiers) for (const key of policies) used.add(key);
    }
  }
  const endpoints = [...world.endpoints, ...world.hostEndpoints].map((endpoint) => effectiveLabels(world, endpoint));
  const isEmpty = ({ key, isStaged, lowered }: LintedPolicy) =>
    !isStaged && !used.has(key) && !endpoints.some((labels) => matchSelector(lowered.subject, labels));
  return context.policies.filter(isEmpty).map(({ lowered }) =>
    finding(
      "subject-matches-nothing",
      lowered.policy.ref,
      `No endpoint matches ${formatSelector(lowered.subject)}`,
    )
  );
}

/** Selectors, services and named ports of rules that nothing answers to. */
export function emptyPeers({ policies, compiled }: LintContext): readonly LintFinding[] {
  const isEmpty = (id: string) => (compiled.sets.get(id)?.members.length ?? 0) === 0;
  return policies.filter(({ isStaged }) => !isStaged).flatMap(({ lowered }) => {
    const definitions = new Map(lowered.sets.map((set) => [set.id, set]));
    return DIRECTIONS.flatMap((direction) =>
      userRules(lowered.policy, direction).flatMap(({ index, lowered: rules }) => {
        const empty = new Set(rules.flatMap(neededSets).filter((ids) => ids.every(isEmpty)).flat());
        return [...empty].map((id) => {
          const message = `Nothing matches ${definitionText(definitions.get(id), id)}`;
          return finding("peer-matches-nothing", lowered.policy.ref, message, { direction, index });
        });
      })
    );
  });
}

/** Lists of sets of which the rule needs a member in one: each address set by itself, and the sets of ports where no port is numeric. */
function neededSets(rule: RuleIr): readonly (readonly string[])[] {
  return [rule.source, rule.destination].flatMap((side) => [
    ...side.sets.map((id) => [id]),
    ...(side.portSets.length > 0 && side.ports.length === 0 ? [side.portSets] : []),
  ]);
}

function definitionText(definition: SetDefinition | undefined, id: string): string {
  if (definition === undefined) return id;
  if (!("selector" in definition)) return `the service "${definition.service}"`;
  const text = formatSelector(definition.selector);
  return definition.type === "net" ? text : `the port name "${definition.port.name}" among ${text}`;
}

/** Network sets that no rule selects, of policies or of profiles. */
export function unusedNetworkSets({ objects, policies, world }: LintContext): readonly LintFinding[] {
  const sets = [
    ...policies.flatMap(({ lowered }) => lowered.sets),
    ...(objects.profiles ?? []).flatMap((object) => lowerProfile(object, 0).sets),
  ];
  const unique = [...new Map(sets.map((set) => [set.id, set])).values()];
  return (objects.networkSets ?? []).flatMap((object, index) => {
    const labels = effectiveLabels(world, world.networkSets[index]!);
    const isUsed = unique.some((set) => set.type === "net" && "selector" in set && matchSelector(set.selector, labels));
    const { namespace = "", name } = object.metadata;
    return isUsed ? [] : [finding("unused-network-set", { kind: object.kind, namespace, name }, "No rule selects it")];
  });
}

/** Workload endpoints with a direction that no policy governs. */
export function uncoveredEndpoints({ compiled }: LintContext): readonly LintFinding[] {
  return compiled.endpoints.flatMap((endpoint) => {
    const open = DIRECTIONS.filter((direction) => endpoint[direction].tiers.length === 0);
    if (open.length === 0) return [];
    const [namespace = "", name = ""] = endpoint.workload.split("/");
    const ref = { kind: "WorkloadEndpoint", namespace, name };
    return [finding("uncovered-endpoint", ref, `No policy governs its ${open.join(" and its ")}`)];
  });
}
