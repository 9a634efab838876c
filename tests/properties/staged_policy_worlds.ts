/**
 * Random staged policies: previews of the enforced ones of a case, under the same name, and some that stand alone.
 *
 * @module
 */
import fc from "fast-check";
import type { JsonObject } from "#/base/json.ts";
import type { KubeObject } from "#/resources/object.ts";
import { kubernetesPolicy } from "./kubernetes_policy_worlds.ts";
import { calicoPolicy } from "./policy_rules.ts";
import { oneOf, rarely } from "./policy_vocabulary.ts";

const STAGED_KINDS: ReadonlyMap<string, string> = new Map([
  ["projectcalico.org/v3 NetworkPolicy", "StagedNetworkPolicy"],
  ["projectcalico.org/v3 GlobalNetworkPolicy", "StagedGlobalNetworkPolicy"],
  ["networking.k8s.io/v1 NetworkPolicy", "StagedKubernetesNetworkPolicy"],
]);

/** What is staged: a change, mostly. Absent means `Set`. */
export type StagedDraft =
  | { readonly action: "Set" | "Learn" | "Ignore" | undefined; readonly policy: KubeObject; readonly twin: number }
  | { readonly action: "Delete"; readonly twin: number };

const change: fc.Arbitrary<StagedDraft> = fc.record({
  action: oneOf<"Set" | "Learn" | "Ignore" | undefined>("Set", undefined, "Learn", "Ignore"),
  policy: rarely(3, calicoPolicy, kubernetesPolicy),
  twin: fc.nat(11),
});
const deletion: fc.Arbitrary<StagedDraft> = fc.record({ action: fc.constant("Delete" as const), twin: fc.nat(5) });

/** Staged policies to be; `stagedPolicies` makes them of the enforced ones. */
export const stagedDrafts: fc.Arbitrary<StagedDraft[]> = fc.array(rarely(3, change, deletion), { maxLength: 3 });

/**
 * The staged policies of a case, each once: a change takes the name of the enforced policy that it is a twin of, if there is one of its number and kind;
 * a deletion says nothing but its tier.
 */
export function stagedPolicies(enforced: readonly KubeObject[], drafts: readonly StagedDraft[]): readonly KubeObject[] {
  const found = drafts.flatMap((draft): KubeObject[] => {
    const twin = enforced[draft.twin];
    if (draft.action === "Delete") {
      const tier = twin?.spec?.tier;
      return twin === undefined ? [] : stagedForm(twin, "Delete", typeof tier === "string" ? { tier } : {});
    }
    const { policy, action } = draft;
    const sameKind = enforced.filter(({ apiVersion, kind }) =>
      apiVersion === policy.apiVersion && kind === policy.kind
    );
    const metadata = sameKind[draft.twin]?.metadata ?? policy.metadata;
    return stagedForm({ ...policy, metadata }, action, policy.spec ?? {});
  });
  return [...new Map(found.map((one) => [`${one.kind}/${one.metadata.namespace}/${one.metadata.name}`, one])).values()];
}

function stagedForm(policy: KubeObject, action: StagedDraft["action"], spec: JsonObject): KubeObject[] {
  const kind = STAGED_KINDS.get(`${policy.apiVersion} ${policy.kind}`);
  if (kind === undefined) return [];
  const { name, namespace } = policy.metadata;
  return [{
    apiVersion: "projectcalico.org/v3",
    kind,
    metadata: namespace === undefined ? { name } : { name, namespace },
    spec: action === undefined ? spec : { ...spec, stagedAction: action },
  }];
}
