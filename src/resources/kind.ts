/**
 * What the API knows of one kind: its names, schema, defaults, rules and printed columns. One file per kind under `kinds/` makes one of these
 * with `defineKind`; `registry.ts` lists them. Admission, OpenAPI, tables and docs are all read off it.
 *
 * @module
 */
import type { z } from "zod";
import type { Problem } from "#/base/problem.ts";
import type { KindName, KubeObject } from "#/resources/object.ts";

/** One column of `kubectl get`. */
export interface PrinterColumn {
  readonly name: string;
  readonly type: "string" | "integer" | "number" | "boolean" | "date";
  readonly description: string;
  /** 0 is always shown, 1 only with `-o wide`. */
  readonly priority: 0 | 1;
  /** The cell's text or number. Dates are RFC 3339; the table writer turns them into ages. */
  readonly cell: (object: KubeObject) => string | number | boolean | null;
}

/** How strategic merge patch treats the lists of a core kind: field path (`spec.containers`) to its merge key; lists not named are atomic. */
export type MergeKeys = Readonly<Record<string, string>>;

/** One kind, complete. */
export interface KindDefinition extends KindName {
  readonly singular: string;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  /** One sentence for discovery, `kubectl explain` and the docs. */
  readonly description: string;
  /**
   * zod schema of the object without `apiVersion`, `kind` and `metadata`: usually `z.strictObject({spec, status})`. Every field has a
   * `.describe()`. Unknown fields are refused (`fieldValidation=Strict`), warned about or dropped; core kinds are loose and keep them.
   */
  readonly schema: z.ZodType;
  /** `loose`: fields that we do not model are kept (core kinds). `strict`: they are unknown fields. */
  readonly fields: "strict" | "loose";
  /** Fills in what the user left out. Pure and idempotent. Runs before the schema and the rules. */
  readonly defaults: (object: KubeObject) => KubeObject;
  /** Rules across fields, and the rule of the name. `old` is the stored object on an update. All problems at once. */
  readonly validate: (object: KubeObject, old: KubeObject | undefined) => readonly Problem[];
  readonly columns: readonly PrinterColumn[];
  /** Whether `/status` is served and a write to the main resource leaves `status` alone. */
  readonly statusSubresource: boolean;
  /** Lists that strategic merge patch merges by key; `undefined` where the kind answers 415 to that patch type, as custom resources do. */
  readonly mergeKeys: MergeKeys | undefined;
  /** `derived`: a view of other objects (v3 Node, WorkloadEndpoints of Pods); see `projections/views.ts`. */
  readonly storage: "stored" | "derived";
}
