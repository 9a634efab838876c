/**
 * Server-side printing: objects as `meta.k8s.io/v1` Tables and as PartialObjectMetadata. kubectl prints the cells as they come, so ages are
 * written here, as kubectl writes them.
 *
 * @module
 */
import type { PrinterColumn } from "#/resources/kind.ts";
import type { KubeObject, ObjectMeta } from "#/resources/object.ts";

/** `metadata` of a list. */
export interface ListMeta {
  readonly resourceVersion: string;
  readonly continue?: string;
  readonly remainingItemCount?: number;
}

/** What each row carries besides its cells: `includeObject` of the request. */
export type IncludeObject = "Metadata" | "None" | "Object";

/** How a table is made. */
export interface TableOptions {
  readonly columns: readonly PrinterColumn[];
  readonly meta: ListMeta;
  readonly include: IncludeObject;
  /** Milliseconds since the Unix epoch, for ages. */
  readonly now: number;
  /** `false` for the later frames of a watch, whose reader knows the columns. */
  readonly withColumns: boolean;
}

/** A `Table`, as JSON. */
export interface Table {
  readonly kind: "Table";
  readonly apiVersion: "meta.k8s.io/v1";
  readonly metadata: ListMeta;
  readonly columnDefinitions: readonly ColumnDefinition[] | null;
  readonly rows: readonly { readonly cells: readonly unknown[]; readonly object?: unknown }[];
}

/** One entry of `columnDefinitions`. */
export interface ColumnDefinition {
  readonly name: string;
  readonly type: string;
  readonly format: string;
  readonly description: string;
  readonly priority: number;
}

/** Objects as a table, in the kind's own columns. */
export function tableOf(objects: readonly KubeObject[], options: TableOptions): Table {
  const { columns, meta, include, now, withColumns } = options;
  return {
    kind: "Table",
    apiVersion: "meta.k8s.io/v1",
    metadata: meta,
    columnDefinitions: withColumns ? columns.map(definitionOf) : null,
    rows: objects.map((object) => ({
      cells: columns.map((column) => cellOf(column, object, now)),
      ...rowObject(object, include),
    })),
  };
}

function definitionOf({ name, type, description, priority }: PrinterColumn): ColumnDefinition {
  // An age is text by now; "date" would make kubectl read it as a time. The format "name" marks the column that names the object.
  return {
    name,
    type: type === "date" ? "string" : type,
    format: name === "Name" ? "name" : "",
    description,
    priority,
  };
}

function cellOf(column: PrinterColumn, object: KubeObject, now: number): string | number | boolean | null {
  const cell = column.cell(object);
  if (column.type !== "date") return cell;
  const time = typeof cell === "string" ? Date.parse(cell) : NaN;
  return Number.isNaN(time) ? "<unknown>" : humanDuration(now - time);
}

function rowObject(object: KubeObject, include: IncludeObject): { object?: unknown } {
  switch (include) {
    case "None":
      return {};
    case "Object":
      return { object };
    case "Metadata":
      return { object: metadataOf(object) };
  }
}

/** An object's metadata alone, as clients that cache only metadata want it. */
export interface PartialObjectMetadata {
  readonly kind: "PartialObjectMetadata";
  readonly apiVersion: "meta.k8s.io/v1";
  readonly metadata: ObjectMeta;
}

/** The metadata of an object, shared and not copied. */
export function metadataOf(object: KubeObject): PartialObjectMetadata {
  return { kind: "PartialObjectMetadata", apiVersion: "meta.k8s.io/v1", metadata: object.metadata };
}

/** `includeObject` of a query; an unknown word means the default, Metadata. */
export function includeObjectOf(query: URLSearchParams): IncludeObject {
  const text = query.get("includeObject");
  return text === "None" || text === "Object" ? text : "Metadata";
}

/**
 * A duration as kubectl prints ages: two units while the larger is small, one after that. Clocks may differ: a little in the future is `0s`, more
 * is `<invalid>`.
 *
 * @param milliseconds may be negative
 * @example
 * ```ts
 * import { humanDuration } from "#/server/api/table.ts";
 * if (humanDuration(119_000) !== "119s" || humanDuration(301_000) !== "5m1s" || humanDuration(9 * 86_400_000) !== "9d") throw new Error();
 * ```
 */
export function humanDuration(milliseconds: number): string {
  const seconds = Math.trunc(milliseconds / 1000);
  if (seconds < -1) return "<invalid>";
  if (seconds < 0) return "0s";
  if (seconds < 60 * 2) return `${seconds}s`;
  const minutes = Math.trunc(seconds / 60);
  if (minutes < 10) return twoUnits(minutes, "m", seconds % 60, "s");
  if (minutes < 60 * 3) return `${minutes}m`;
  const hours = Math.trunc(minutes / 60);
  if (hours < 8) return twoUnits(hours, "h", minutes % 60, "m");
  if (hours < 24 * 2) return `${hours}h`;
  const days = Math.trunc(hours / 24);
  if (days < 8) return twoUnits(days, "d", hours % 24, "h");
  if (days < 365 * 2) return `${days}d`;
  const years = Math.trunc(days / 365);
  if (years < 8) return twoUnits(years, "y", days % 365, "d");
  return `${years}y`;
}

function twoUnits(large: number, largeUnit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${large}${largeUnit}` : `${large}${largeUnit}${small}${smallUnit}`;
}
