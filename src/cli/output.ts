/**
 * How answers are printed: JSON, YAML, or a table in kubectl's manner. Data goes to stdout, everything said about it to stderr.
 *
 * @module
 */
import { stringify } from "yaml";
import type { Json } from "#/base/json.ts";
import { CommandFailure, EXIT } from "./exit_code.ts";

/** Formats of `-o`. */
export type OutputFormat = "json" | "yaml" | "table";

/** Where a command prints. Tests give their own. */
export interface Output {
  /** Data: one document or table. */
  print(text: string): void;
  /** Prose: progress, basis, warnings. */
  note(text: string): void;
}

/** Stdout and stderr. */
export const standardOutput: Output = { print: (text) => console.log(text), note: (text) => console.error(text) };

/** Checks the value of `-o` against what the command offers. */
export function outputFormat<Offered extends OutputFormat | "csv">(text: string, offered: readonly Offered[]): Offered {
  const format = offered.find((name) => name === text);
  if (format !== undefined) return format;
  throw new CommandFailure(`Output format must be one of ${offered.join(", ")}: "${text}"`, EXIT.usage);
}

/**
 * A table with aligned columns, three spaces apart, no lines.
 *
 * @example
 * ```ts
 * import { tableText } from "#/cli/output.ts";
 * if (tableText(["A", "LONGER"], [["x", "y"]]) !== "A   LONGER\nx   y") throw new Error();
 * ```
 */
export function tableText(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = header.map((title, at) => Math.max(title.length, ...rows.map((row) => (row[at] ?? "").length)));
  return [header, ...rows]
    .map((row) => row.map((cell, at) => cell.padEnd(widths[at]!)).join("   ").trimEnd()).join("\n");
}

/**
 * Comma-separated values as RFC 4180 has them, but for the line ends, which are those of everything else here.
 *
 * @example
 * ```ts
 * import { csvText } from "#/cli/output.ts";
 * if (csvText(["a", "b"], [["x,y", 'say "z"']]) !== 'a,b\n"x,y","say ""z"""') throw new Error();
 * ```
 */
export function csvText(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const cellText = (cell: string) => /[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
  return [header, ...rows].map((row) => row.map(cellText).join(",")).join("\n");
}

/** A value as JSON or YAML text. Values that stand in several places are written out in each: nobody reads anchors. */
export function documentText(value: Json, format: "json" | "yaml"): string {
  return format === "json"
    ? JSON.stringify(value, null, 2)
    : stringify(value, { aliasDuplicateObjects: false }).trimEnd();
}
