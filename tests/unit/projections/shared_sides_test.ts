/**
 * What is shared is equal to what was there before, and shared it is.
 *
 * @module
 */
import { assertEquals, assertStrictEquals } from "@std/assert";
import { formatSelector } from "#/base/selector.ts";
import { lowerPolicy, lowerProfile } from "#/policy/lowering/lower.ts";
import { type SharedSides, shareNothing, shareParts } from "#/projections/shared_sides.ts";
import type { KubeObject } from "#/resources/object.ts";

const DNS = { action: "Allow", protocol: "UDP", destination: { ports: [53], nets: ["10.0.0.0/8"] } };
const SAME = { selector: "all()" };

function networkPolicy(name: string): KubeObject {
  return {
    apiVersion: "projectcalico.org/v3",
    kind: "NetworkPolicy",
    metadata: { name, namespace: "shop" },
    spec: {
      tier: "default",
      order: 7,
      selector: "all()",
      types: ["Ingress", "Egress"],
      ingress: [{ action: "Allow", source: SAME }, { action: "Deny", source: { ports: ["bad port!"] } }],
      egress: [{ action: "Allow", destination: SAME, metadata: { annotations: { why: "own" } } }, DNS],
    },
  };
}

Deno.test("shareParts() changes nothing but what is one object", () => {
  const sides: SharedSides = new Map();
  const [one, other] = ["one", "other"].map((name) => {
    const lowered = lowerPolicy(networkPolicy(name), 3);
    const shared = shareParts(lowered, sides);
    assertEquals(shared, { ...lowered, subject: shared.subject });
    return shared;
  });
  const { ingress, egress } = one!.policy;
  assertStrictEquals(ingress?.[0]?.source, egress?.[0]?.destination, "within a policy");
  assertStrictEquals(egress?.[1]?.destination, other!.policy.egress?.[1]?.destination, "among policies");
  const [set] = one!.sets;
  assertStrictEquals(set !== undefined && "selector" in set && set.selector, one!.subject, "subject and set");
  assertEquals(formatSelector(one!.subject), '(projectcalico.org/namespace == "shop" && all())');
});

Deno.test("shareNothing() keeps a profile as it is, with one empty list for all", () => {
  const lowered = lowerProfile({ apiVersion: "v1", kind: "Namespace", metadata: { name: "shop" } }, 3);
  const shared = shareNothing(lowered);
  assertEquals(shared, lowered);
  assertStrictEquals(shared.sets, shareNothing(lowered).sets);
});
