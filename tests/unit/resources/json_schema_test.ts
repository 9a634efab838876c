/**
 * OpenAPI schemas of all kinds: whole, described, in the form that kubectl reads.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { isJsonObject, type Json, type JsonObject } from "#/base/json.ts";
import { jsonSchemaOf } from "#/resources/json_schema.ts";
import { globalNetworkPolicy } from "#/resources/kinds/global_network_policy.ts";
import { pod } from "#/resources/kinds/pod.ts";
import { tier } from "#/resources/kinds/tier.ts";
import { KINDS } from "#/resources/registry.ts";

/** The schema of a field; `[]` goes into a list. */
function schemaAt(schema: JsonObject, path: string): JsonObject {
  return path.split(".").reduce<JsonObject>((current, key) => {
    const next = key === "[]" ? current.items : isJsonObject(current.properties) ? current.properties[key] : undefined;
    assert(isJsonObject(next), `No schema at "${path}"`);
    return next;
  }, schema);
}

/** Every schema within a schema, with its path. */
function* schemasIn(schema: JsonObject, path: string): Generator<readonly [string, JsonObject]> {
  yield [path, schema];
  if (isJsonObject(schema.items)) yield* schemasIn(schema.items, `${path}[]`);
  for (const [name, member] of Object.entries(isJsonObject(schema.properties) ? schema.properties : {})) {
    if (isJsonObject(member)) yield* schemasIn(member, `${path}.${name}`);
  }
}

for (const kind of KINDS) {
  Deno.test(`jsonSchemaOf() describes every field of ${kind.group} ${kind.kind}`, () => {
    const schema = jsonSchemaOf(kind);
    assertEquals(schema["x-kubernetes-group-version-kind"], [{
      group: kind.group,
      version: kind.version,
      kind: kind.kind,
    }]);
    assertEquals(Object.keys(schema.properties as JsonObject).slice(0, 3), ["apiVersion", "kind", "metadata"]);
    for (const [path, member] of schemasIn(schema, kind.kind)) {
      assert(typeof member.description === "string" && member.description !== "", `${path} has no description`);
      const hasType = typeof member.type === "string" || member["x-kubernetes-int-or-string"] === true;
      assert(hasType, `${path} has no type: ${JSON.stringify(member)}`);
    }
  });
}

Deno.test("jsonSchemaOf() says nothing that Kubernetes' clients do not read", () => {
  const forbidden = ["$schema", "$ref", "$defs", "definitions", "anyOf", "oneOf", "allOf", "const", "exclusiveMinimum"];
  const keysOf = (value: Json | undefined): string[] =>
    Array.isArray(value)
      ? value.flatMap(keysOf)
      : isJsonObject(value)
      ? [...Object.keys(value), ...Object.values(value).flatMap(keysOf)]
      : [];
  for (const kind of KINDS) {
    const keys = new Set(keysOf(jsonSchemaOf(kind)));
    assertEquals(forbidden.filter((key) => keys.has(key)), []);
    assert(!JSON.stringify(jsonSchemaOf(kind)).includes("9007199254740991"));
    assert(!JSON.stringify(jsonSchemaOf(kind)).includes('"additionalProperties":false'));
  }
});

Deno.test("jsonSchemaOf() keeps types, bounds and enums", () => {
  const schema = jsonSchemaOf(globalNetworkPolicy);
  assertEquals(schema.required, ["spec"]);
  assertEquals(schemaAt(schema, "spec.ingress").maxItems, 1024);
  assertEquals(schemaAt(schema, "spec.ingress.[]").required, ["action"]);
  assertEquals(schemaAt(schema, "spec.ingress.[].action").enum, ["Allow", "Deny", "Log", "Pass"]);
  assertEquals(schemaAt(schema, "spec.ingress.[].ipVersion").type, "integer");
  assertEquals(schemaAt(schema, "spec.ingress.[].icmp.type").maximum, 254);
  assertEquals(schemaAt(schema, "spec.ingress.[].protocol")["x-kubernetes-int-or-string"], true);
  assertEquals(schemaAt(schema, "spec.ingress.[].source.ports.[]")["x-kubernetes-int-or-string"], true);
  assertEquals(schemaAt(schema, "spec.selector").maxLength, 1024);
  assertEquals(schemaAt(schema, "metadata.labels").additionalProperties, { type: "string" });
  assertEquals(schemaAt(jsonSchemaOf(tier), "spec.order").type, "number");
});

Deno.test("jsonSchemaOf() tells kubectl how lists of core kinds merge, and says that unknown fields are kept", () => {
  const schema = jsonSchemaOf(pod);
  const containers = schemaAt(schema, "spec.containers");
  assertEquals([containers["x-kubernetes-patch-merge-key"], containers["x-kubernetes-patch-strategy"]], [
    "name",
    "merge",
  ]);
  assertEquals(schemaAt(schema, "spec.containers.[].ports")["x-kubernetes-patch-merge-key"], "containerPort");
  assertEquals(schemaAt(schema, "metadata.ownerReferences")["x-kubernetes-patch-merge-key"], "uid");
  assertEquals(schemaAt(schema, "metadata.finalizers")["x-kubernetes-patch-strategy"], "merge");
  assertEquals(schemaAt(schema, "spec")["x-kubernetes-preserve-unknown-fields"], true);
  assertEquals(JSON.stringify(jsonSchemaOf(tier)).includes("x-kubernetes-patch"), false);
});
