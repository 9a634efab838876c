/**
 * Makers of printer columns: what `kubectl get` and `tortie get` show of an object. Each kind lists its own with these.
 *
 * @module
 */
import { isJsonObject, type Json } from "#/base/json.ts";
import type { PrinterColumn } from "#/resources/kind.ts";
import type { KubeObject } from "#/resources/object.ts";

/** First column of every kind. */
export const NAME_COLUMN: PrinterColumn = {
  name: "Name",
  type: "string",
  description: "Name, unique among objects of the kind in the namespace.",
  priority: 0,
  cell: (object) => object.metadata.name,
};

/** How long ago the object was created; the table writer turns the time into an age. */
export const AGE_COLUMN: PrinterColumn = {
  name: "Age",
  type: "date",
  description: "Time since the object was created.",
  priority: 0,
  cell: (object) => object.metadata.creationTimestamp ?? null,
};

/**
 * The value of a field, `undefined` where any part of the path is missing.
 *
 * @param path member names joined by dots; no list indices
 *
 * @example
 * ```ts
 * import { valueAt } from "#/resources/columns.ts";
 * const object = { apiVersion: "v1", kind: "Pod", metadata: { name: "a" }, spec: { nodeName: "node1" } };
 * if (valueAt(object, "spec.nodeName") !== "node1") throw new Error();
 * ```
 */
export function valueAt(object: KubeObject, path: string): Json | undefined {
  let value: Json | undefined = object as Json;
  for (const member of path.split(".")) {
    if (!isJsonObject(value)) return undefined;
    value = value[member];
  }
  return value;
}

/** A column that is always shown: the field at a path, lists joined by commas, nothing where it is missing. */
export function fieldColumn(
  name: string,
  path: string,
  description: string,
  type: PrinterColumn["type"] = "string",
): PrinterColumn {
  return { name, type, description, priority: 0, cell: (object) => cellText(valueAt(object, path)) };
}

/** A column whose cell is computed. */
export function computedColumn(name: string, description: string, cell: PrinterColumn["cell"]): PrinterColumn {
  return { name, type: "string", description, priority: 0, cell };
}

/** The same column, shown only with `-o wide`. */
export function wide(column: PrinterColumn): PrinterColumn {
  return { ...column, priority: 1 };
}

function cellText(value: Json | undefined): string | number | boolean | null {
  if (value === undefined || value === null) return null;
  if (Array.isArray(value)) {
    return value.map((item: Json) => typeof item === "string" ? item : JSON.stringify(item)).join(",");
  }
  return typeof value === "object" ? JSON.stringify(value) : value;
}
