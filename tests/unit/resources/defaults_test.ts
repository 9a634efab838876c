/**
 * Properties of every kind's defaults: filling in twice is filling in once, whatever the user sent, and nothing throws.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import fc from "fast-check";
import type { Json, JsonObject } from "#/base/json.ts";
import { apiVersionOf, type KubeObject } from "#/resources/object.ts";
import { KINDS } from "#/resources/registry.ts";
import { admit } from "#/resources/validate.ts";

/** Values that fields of the API may have, and ones that they may not. */
const value: fc.Arbitrary<Json> = fc.oneof(
  fc.constantFrom<Json>(
    "",
    "80",
    "80:90",
    "tcp",
    "58",
    "all()",
    "10.0.0.0/8",
    "10.0.0.1",
    "fd00::/8",
    "1.10",
    "Ingress",
    "Delete",
    "default",
    "kube-admin",
  ),
  fc.integer({ min: -1, max: 70_000 }),
  fc.boolean(),
  fc.constant(null),
  fc.constant<Json>([]),
  fc.constant<Json>({}),
);

/** Every field that some kind's defaults look at. */
const MEMBERS = [
  "tier",
  "order",
  "types",
  "defaultAction",
  "cidr",
  "blockSize",
  "allowedUses",
  "nodeSelector",
  "asNumber",
  "localASNumber",
  "ipNetworks",
  "serviceAccount",
  "serviceAccountName",
  "podCIDR",
  "podCIDRs",
  "finalizers",
  "stagedAction",
  "nets",
  "qosControls",
  "labelsToApply",
  "ipipMode",
  "bgp",
  "podSelector",
  "policyTypes",
  "subject",
  "type",
  "selector",
  "clusterIP",
  "sessionAffinity",
  "unknown",
];

const entity = fc.dictionary(
  fc.constantFrom("ports", "notPorts", "nets", "port", "targetPort", "portNumber", "pods", "podSelector"),
  fc.oneof(value, fc.array(value, { maxLength: 3 })),
);
const rule = fc.dictionary(
  fc.constantFrom(
    "action",
    "protocol",
    "notProtocol",
    "source",
    "destination",
    "ports",
    "name",
    "asNumber",
    "from",
    "to",
    "protocols",
  ),
  fc.oneof(value, entity, fc.array(entity, { maxLength: 2 })),
);
const spec: fc.Arbitrary<JsonObject> = fc.tuple(
  fc.dictionary(fc.constantFrom(...MEMBERS), fc.oneof(value, fc.array(value, { maxLength: 3 }))),
  fc.dictionary(
    fc.constantFrom("ingress", "egress", "ports", "containers", "initContainers", "bgp", "qosControls", "subject"),
    fc.oneof(value, rule, fc.array(fc.oneof(rule, value), { maxLength: 3 })),
  ),
).map(([fields, lists]) => ({ ...fields, ...lists }));
const anySpec: fc.Arbitrary<Json | undefined> = fc.oneof({ weight: 8, arbitrary: spec }, value, fc.constant(undefined));

for (const kind of KINDS) {
  Deno.test(`${apiVersionOf(kind)} ${kind.kind}.defaults() is idempotent and total`, () => {
    fc.assert(
      fc.property(anySpec, anySpec, fc.constantFrom("default", "kube-admin", "a.b", "A"), (specValue, status, name) => {
        const object = {
          apiVersion: apiVersionOf(kind),
          kind: kind.kind,
          metadata: { name },
          spec: specValue,
          status,
        } as KubeObject;
        const once = kind.defaults(object);
        assertEquals(kind.defaults(once), once);
      }),
    );
  });

  Deno.test(`admit() of ${apiVersionOf(kind)} ${kind.kind} is idempotent and total`, () => {
    fc.assert(fc.property(anySpec, anySpec, (specValue, status) => {
      const metadata = { name: "default", ...(kind.namespaced ? { namespace: "shop" } : {}) };
      const object = {
        apiVersion: apiVersionOf(kind),
        kind: kind.kind,
        metadata,
        spec: specValue,
        status,
      } as KubeObject;
      const first = admit(kind, object, undefined, "Ignore");
      const second = admit(kind, first.object, undefined, "Strict");
      assertEquals(second.object, first.object);
      assertEquals(second.problems, first.problems);
      assertEquals(second.unknownFields, []);
      if (first.problems.length === 0) assertEquals(admit(kind, first.object, first.object, "Strict").problems, []);
    }));
  });
}
