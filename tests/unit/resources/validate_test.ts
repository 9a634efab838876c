/**
 * Admission as a whole: order of its steps, unknown fields, nulls, bounds; and the tutorial's files as they are.
 *
 * @module
 */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { dirname, fromFileUrl, join } from "@std/path";
import { parse } from "yaml";
import type { JsonObject } from "#/base/json.ts";
import { globalNetworkPolicy } from "#/resources/kinds/global_network_policy.ts";
import { pod } from "#/resources/kinds/pod.ts";
import { tier } from "#/resources/kinds/tier.ts";
import type { KubeObject } from "#/resources/object.ts";
import { findKindByName } from "#/resources/registry.ts";
import {
  admit,
  type FieldValidation,
  OBJECT_DEPTH_MAX,
  PROBLEMS_MAX,
  strictDecodingMessage,
} from "#/resources/validate.ts";
import { calicoObject, coreObject } from "#tests/unit/resources/kind_cases.ts";

const strange: KubeObject = {
  ...calicoObject("GlobalNetworkPolicy", { name: "a" }, {
    selector: "all()",
    foo: 1,
    ingress: [{ action: "Allow" }, { action: "Allow", source: { net: ["10.0.0.0/8"], ports: ["http"] }, bar: {} }],
  }),
  extra: { kept: false },
};
const UNKNOWN = ["extra", "spec.foo", "spec.ingress[1].bar", "spec.ingress[1].source.net"];

Deno.test("admit() says of a value of a wrong type only that", () => {
  const object = calicoObject("GlobalNetworkPolicy", { name: "a" }, { types: "Ingress", selector: ["a"] });
  assertEquals(
    admit(globalNetworkPolicy, object, undefined, "Strict").problems.map(({ path, reason }) => [path, reason]),
    [
      ["spec.selector", "FieldValueTypeInvalid"],
      ["spec.types", "FieldValueTypeInvalid"],
    ],
  );
});

for (const mode of ["Strict", "Warn", "Ignore"] satisfies FieldValidation[]) {
  Deno.test(`admit() finds and drops unknown fields under ${mode}`, () => {
    const outcome = admit(globalNetworkPolicy, strange, undefined, mode);
    assertEquals(outcome.problems, []);
    assertEquals([...outcome.unknownFields].sort(), UNKNOWN);
    assertEquals([...outcome.warnings].sort(), mode === "Warn" ? UNKNOWN.map((path) => `unknown field "${path}"`) : []);
    assertEquals(outcome.object.extra, undefined);
    assertEquals(outcome.object.spec, {
      selector: "all()",
      ingress: [{ action: "Allow" }, { action: "Allow", source: { ports: ["http"] } }],
      tier: "default",
      types: ["Ingress"],
    });
  });
}

Deno.test("admit() finds unknown members of metadata", () => {
  const metadata = {
    name: "a",
    nmae: "b",
    ownerReferences: [{ apiVersion: "v1", kind: "A", name: "a", uid: "u", x: 1 }],
  };
  const outcome = admit(tier, { ...calicoObject("Tier", metadata), status: { phase: "x" } }, undefined, "Warn");
  assertEquals([...outcome.unknownFields].sort(), ["metadata.nmae", "metadata.ownerReferences[0].x", "status.phase"]);
  assertEquals(outcome.object.metadata.ownerReferences, [{ apiVersion: "v1", kind: "A", name: "a", uid: "u" }]);
  assertEquals([outcome.problems, outcome.object.status], [[], {}]);
});

Deno.test("strictDecodingMessage() is in Kubernetes' words", () => {
  assertEquals(
    strictDecodingMessage(["a", "b[0].c"]),
    'strict decoding error: unknown field "a", unknown field "b[0].c"',
  );
});

Deno.test("admit() keeps what a loose kind does not model, but for nulls", () => {
  const spec = {
    containers: [{ name: "a", resources: { limits: { cpu: 1 } } }],
    tolerations: [{ key: null, operator: "Exists" }],
  };
  const outcome = admit(
    pod,
    coreObject("Pod", { name: "a", namespace: "b" }, { spec, more: [1, { a: "b" }] }),
    undefined,
    "Strict",
  );
  assertEquals([outcome.problems, outcome.unknownFields], [[], []]);
  assertEquals(outcome.object.more, [1, { a: "b" }]);
  assertEquals(outcome.object.spec, {
    containers: [{ name: "a", resources: { limits: { cpu: 1 } } }],
    tolerations: [{ operator: "Exists" }],
    serviceAccountName: "default",
  });
});

Deno.test("admit() refuses metadata that is no object, and tells nothing else then", () => {
  for (const metadata of [undefined, null, "a", ["a"], 1]) {
    const outcome = admit(
      tier,
      { apiVersion: "projectcalico.org/v3", kind: "Tier", metadata } as unknown as KubeObject,
      undefined,
      "Strict",
    );
    assertEquals(outcome.problems.map(({ path, reason }) => `${path} ${reason}`), ["metadata FieldValueTypeInvalid"]);
  }
});

Deno.test("admit() asks no rules across fields while types are wrong", () => {
  const spec = { doNotTrack: true, ingress: "all" };
  const outcome = admit(
    globalNetworkPolicy,
    calicoObject("GlobalNetworkPolicy", { name: "A" }, spec),
    undefined,
    "Strict",
  );
  assertEquals(outcome.problems.map(({ path, reason }) => `${path} ${reason}`), ["spec.ingress FieldValueTypeInvalid"]);
  assertEquals(outcome.problems[0]?.message, 'Invalid value: "all": must be a list');
});

Deno.test("admit() tells at most so many problems, and how many more there are", () => {
  const ingress = Array.from({ length: PROBLEMS_MAX + 20 }, () => ({ action: "Allow", protocol: 0 }));
  const { problems } = admit(
    globalNetworkPolicy,
    calicoObject("GlobalNetworkPolicy", { name: "a" }, { ingress }),
    undefined,
    "Strict",
  );
  assertEquals(problems.length, PROBLEMS_MAX + 1);
  assertEquals(problems.at(-1)?.message, "Too many problems to show: 20 more");
});

Deno.test("admit() lists at most so many unknown fields, and drops all", () => {
  const spec = Object.fromEntries(Array.from({ length: 50_000 }, (_, at) => [`field${at}`, at]));
  const outcome = admit(tier, calicoObject("Tier", { name: "a" }, spec), undefined, "Warn");
  assertEquals([outcome.unknownFields.length, outcome.warnings.length], [PROBLEMS_MAX, PROBLEMS_MAX]);
  assertEquals(Object.keys(outcome.object.spec ?? {}), ["order", "defaultAction"]);
});

Deno.test("admit() refuses objects that nest too deep, however deep", () => {
  const nested = (depth: number): JsonObject => {
    let value: JsonObject = {};
    for (let level = 0; level < depth; level++) value = { a: value };
    return value;
  };
  const problemsAt = (depth: number) =>
    admit(
      pod,
      coreObject("Pod", { name: "a", namespace: "b" }, { spec: { containers: [{ name: "a" }], deep: nested(depth) } }),
      undefined,
      "Strict",
    ).problems;
  assertEquals(problemsAt(OBJECT_DEPTH_MAX - 3), []);
  assertEquals(problemsAt(50_000).map((problem) => problem.message), [
    `Object must nest at most ${OBJECT_DEPTH_MAX} deep`,
  ]);
});

Deno.test("admit() takes member names that objects inherit for what they are", () => {
  const text = '{"apiVersion":"projectcalico.org/v3","kind":"Tier","metadata":{"name":"a"},' +
    '"spec":{"constructor":1,"toString":2,"__proto__":{"order":5}}}';
  const outcome = admit(tier, JSON.parse(text), undefined, "Strict");
  assertEquals(outcome.problems, []);
  assertEquals([...outcome.unknownFields].sort(), ["spec.__proto__", "spec.constructor", "spec.toString"]);
  assertEquals(outcome.object.spec, { order: 1_000_000, defaultAction: "Deny" });
});

Deno.test("admit() changes nothing of what it is given", () => {
  const before = structuredClone(strange);
  admit(globalNetworkPolicy, strange, undefined, "Ignore");
  assertEquals(strange, before);
});

const TUTORIAL = join(dirname(fromFileUrl(import.meta.url)), "../../../examples/tutorial");

for (const file of ["10-default-deny.yaml", "20-allow-busybox-egress.yaml", "30-allow-nginx-ingress.yaml"]) {
  Deno.test(`admit() takes the tutorial's ${file} as it is`, () => {
    const object: KubeObject = parse(Deno.readTextFileSync(join(TUTORIAL, file)));
    const [group = "", version = ""] = object.apiVersion.split("/");
    const kind = findKindByName(group, version, object.kind);
    assert(kind !== undefined);
    const outcome = admit(kind, object, undefined, "Strict");
    assertEquals([outcome.problems, outcome.unknownFields, outcome.warnings], [[], [], []]);
    const { tier: policyTier, ...spec } = outcome.object.spec ?? {};
    assertEquals([policyTier, spec], ["default", object.spec]);
  });
}

Deno.test("admit() names field and rule in every message", () => {
  const bad = calicoObject("GlobalNetworkPolicy", { name: "a" }, {
    order: "x",
    selector: 5,
    types: ["x"],
    ingress: [{ action: 1, source: { nets: ["x"], ports: [{}] } }],
  });
  const { problems } = admit(globalNetworkPolicy, bad, undefined, "Strict");
  assertEquals(problems.length, 6);
  for (const { path, message } of problems) {
    assert(path !== "");
    if (!message.startsWith("Unsupported value")) assertStringIncludes(message, "must ");
  }
});
