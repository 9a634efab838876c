/**
 * Table-driven tests of a kind: each case changes a valid object a little and states every problem that admission must find.
 *
 * @module
 */
import { assertEquals, assertStringIncludes } from "@std/assert";
import type { Json, JsonObject } from "#/base/json.ts";
import type { KindDefinition } from "#/resources/kind.ts";
import type { KubeObject, ObjectMeta } from "#/resources/object.ts";
import { admit } from "#/resources/validate.ts";

/** One row. */
export interface KindCase {
  readonly name: string;
  /** Members laid over the base's `spec`; `undefined` removes one. */
  readonly spec?: Readonly<Record<string, Json | undefined>>;
  /** The same for `status`. */
  readonly status?: Readonly<Record<string, Json | undefined>>;
  /** The same for `metadata`. */
  readonly metadata?: Readonly<Record<string, Json | undefined>>;
  /** The stored object, laid over the base in the same way; the case is an update when given. */
  readonly old?: Readonly<Record<string, Json | undefined>>;
  /** `path reason` of each problem, in any order; none means that the object is admitted. */
  readonly problems?: readonly string[];
  /** Text that must be in one of the messages. */
  readonly message?: string;
}

/** The base with a case's changes. */
export function changed(base: KubeObject, change: Pick<KindCase, "spec" | "status" | "metadata">): KubeObject {
  const object = {
    ...base,
    metadata: overlaid(base.metadata as unknown as JsonObject, change.metadata),
  } as unknown as KubeObject;
  return {
    ...object,
    ...(base.spec === undefined && change.spec === undefined ? {} : { spec: overlaid(base.spec ?? {}, change.spec) }),
    ...(change.status === undefined ? {} : { status: overlaid(base.status ?? {}, change.status) }),
  };
}

function overlaid(base: JsonObject, over: KindCase["spec"] = {}): JsonObject {
  const merged = { ...base, ...over };
  return Object.fromEntries(Object.entries(merged).filter(([, value]) => value !== undefined));
}

/** Registers one test for each case. */
export function testKind(kind: KindDefinition, base: KubeObject, cases: readonly KindCase[]): void {
  for (const row of cases) {
    const verdict = row.problems === undefined ? "admits" : "refuses";
    Deno.test(`${kind.kind}.admit() ${verdict} ${row.name}`, () => checkCase(kind, base, row));
  }
}

function checkCase(kind: KindDefinition, base: KubeObject, row: KindCase): void {
  const old = row.old === undefined ? undefined : admitted(kind, changed(base, { spec: row.old }));
  const { problems } = admit(kind, changed(base, row), old, "Strict");
  const told = problems.map((problem) => `${problem.path} ${problem.reason}`).sort();
  assertEquals(told, [...row.problems ?? []].sort(), JSON.stringify(problems, null, 1));
  if (row.message !== undefined) {
    assertStringIncludes(problems.map((problem) => problem.message).join("\n"), row.message);
  }
}

/** What is stored of an object that must be admitted. */
export function admitted(kind: KindDefinition, object: KubeObject): KubeObject {
  const outcome = admit(kind, object, undefined, "Strict");
  assertEquals(outcome.problems, []);
  assertEquals(outcome.unknownFields, []);
  return outcome.object;
}

/** The cells of a kind's columns for an object, by column name. */
export function cellsOf(
  kind: KindDefinition,
  object: KubeObject,
): Readonly<Record<string, string | number | boolean | null>> {
  return Object.fromEntries(kind.columns.map((column) => [column.name, column.cell(object)]));
}

/** A v3 object without spec. */
export function calicoObject(kind: string, metadata: ObjectMeta, spec?: JsonObject): KubeObject {
  return { apiVersion: "projectcalico.org/v3", kind, metadata, ...(spec === undefined ? {} : { spec }) };
}

/** A core object. */
export function coreObject(kind: string, metadata: ObjectMeta, rest: JsonObject = {}): KubeObject {
  return { apiVersion: "v1", kind, metadata, ...rest };
}
