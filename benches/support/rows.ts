/**
 * What a bench says: rows of one table. A bench started by `run.ts` prints its rows as JSON, one a line, and the runner makes one table of all; started by
 * hand it prints its own table. Progress goes to stderr in both cases.
 *
 * @module
 */
import { errorText } from "#/base/errors.ts";

/** One line of the table. */
export interface BenchRow {
  /** What was measured, with the size of it. */
  readonly bench: string;
  /** Our figure, with its unit. */
  readonly ours: string;
  /** The counterpart's figure and name; absent where nothing is there to compare with. */
  readonly counterpart?: string;
  /** How many times as fast as the counterpart we are; above 1 is faster. */
  readonly ratio?: Spread;
  /** The target, and whether it is met. Absent where this shape has none. */
  readonly target?: Target;
  /** The figures without their formatting, for scripts. */
  readonly values: Readonly<Record<string, number>>;
}

/** A median of rounds with its range. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** A figure to beat. `met` is left out where the measurement has another shape than the target's, so that it proves nothing. */
export interface Target {
  readonly text: string;
  readonly met?: boolean;
}

/** What a bench prints for the runner, one JSON text a line. */
export type BenchLine =
  | { readonly kind: "row"; readonly row: BenchRow }
  | { readonly kind: "skipped"; readonly reason: string };

/** How a bench was asked to run. */
export interface BenchOptions {
  /** Small sizes and one round: shows that the bench works, and says nothing about speed. */
  readonly quick: boolean;
}

/** Thrown by a bench that this machine cannot run: no failure, but never silent. */
export class BenchSkipped extends Error {
  override name = "BenchSkipped";
}

/** Runs a bench as a program: reads `--quick` and `--json`, prints, and exits with 1 when it failed. */
export async function runBench(bench: (options: BenchOptions) => Promise<readonly BenchRow[]>): Promise<void> {
  const isForRunner = Deno.args.includes("--json");
  const print = (line: BenchLine) => console.log(JSON.stringify(line));
  try {
    const rows = await bench({ quick: Deno.args.includes("--quick") });
    if (isForRunner) { for (const row of rows) print({ kind: "row", row }); }
    else console.log(formatTable(rows));
  } catch (error) {
    if (!(error instanceof BenchSkipped)) {
      console.error(error instanceof Error ? error.stack : errorText(error));
      Deno.exit(1);
    }
    if (isForRunner) print({ kind: "skipped", reason: error.message });
    else console.log(`skipped: ${error.message}`);
  }
}

const HEADERS = ["bench", "ours", "counterpart", "as fast", "target"] as const;

/**
 * The rows as a table of text.
 *
 * @example
 * ```ts
 * import { formatTable } from "./rows.ts";
 * const table = formatTable([{ bench: "sort", ours: "2 ms", ratio: { median: 2, min: 1, max: 3 }, values: {} }]);
 * if (!table.includes("2.0x (1.0-3.0)")) throw new Error(table);
 * ```
 */
export function formatTable(rows: readonly BenchRow[]): string {
  const cells = [HEADERS, ...rows.map(cellsOf)];
  const widths = HEADERS.map((_, column) => Math.max(...cells.map((line) => line[column]!.length)));
  const lines = cells.map((line) => line.map((cell, column) => cell.padEnd(widths[column]!)).join("  ").trimEnd());
  const rule = widths.map((width) => "-".repeat(width)).join("  ");
  return [lines[0], rule, ...lines.slice(1)].join("\n");
}

function cellsOf({ bench, ours, counterpart, ratio, target }: BenchRow): string[] {
  return [bench, ours, counterpart ?? "-", ratio === undefined ? "-" : formatSpread(ratio), formatTarget(target)];
}

function formatSpread({ median, min, max }: Spread): string {
  return `${formatRatio(median)}x (${formatRatio(min)}-${formatRatio(max)})`;
}

function formatRatio(ratio: number): string {
  return ratio >= 10 ? String(Math.round(ratio)) : ratio.toFixed(ratio >= 1 ? 1 : 2);
}

function formatTarget(target: Target | undefined): string {
  if (target === undefined) return "-";
  return target.met === undefined ? `(${target.text})` : `${target.text}: ${target.met ? "met" : "MISSED"}`;
}

/** A rate as people read it. */
export function perSecond(rate: number): string {
  return `${Math.round(rate).toLocaleString("en")}/s`;
}

/** A time in the unit that suits it. */
export function duration(ms: number): string {
  if (ms >= 1_000) return `${(ms / 1_000).toFixed(2)} s`;
  if (ms >= 10) return `${ms.toFixed(0)} ms`;
  if (ms >= 1) return `${ms.toFixed(1)} ms`;
  return ms >= 0.001 ? `${(ms * 1_000).toFixed(ms >= 0.01 ? 0 : 1)} us` : `${(ms * 1_000_000).toFixed(0)} ns`;
}
