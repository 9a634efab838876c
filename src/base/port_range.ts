/**
 * Ports and ranges of ports as rules write them: `80`, `80:90`. Shared by validation and lowering; named ports are not ranges and are read elsewhere.
 *
 * @module
 */

/** Inclusive range of ports, 1 to 65535; `min` is at most `max`. */
export interface PortRange {
  readonly min: number;
  readonly max: number;
}

/** Highest port number. */
export const PORT_MAX = 65_535;

/**
 * Reads a port (number or decimal text) or a range `min:max`; `undefined` for anything else, names of ports included.
 *
 * @example
 * ```ts
 * import { parsePortRange } from "#/base/port_range.ts";
 * const range = parsePortRange("80:90");
 * if (range?.min !== 80 || range.max !== 90) throw new Error();
 * if (parsePortRange(0) !== undefined || parsePortRange("90:80") !== undefined || parsePortRange("http") !== undefined) throw new Error();
 * ```
 */
export function parsePortRange(text: string | number): PortRange | undefined {
  const match = /^(\d{1,5})(?::(\d{1,5}))?$/.exec(String(text));
  if (match === null) return undefined;
  const min = Number(match[1]);
  const max = Number(match[2] ?? match[1]);
  return min >= 1 && min <= max && max <= PORT_MAX ? { min, max } : undefined;
}

/** One entry of a list of ports: numbers, or the name of a workload's port. */
export type PortEntry =
  | { readonly kind: "range"; readonly range: PortRange }
  | { readonly kind: "name"; readonly name: string };

/**
 * Reads an entry of a list of ports; `undefined` when it is neither a port, nor a range, nor a name of at most 128 of `[a-zA-Z0-9_.-]`. Digits alone
 * are never a name, so that a port out of bounds is not taken for one.
 *
 * @example
 * ```ts
 * import { parsePort } from "#/base/port_range.ts";
 * if (parsePort("http")?.kind !== "name" || parsePort(80)?.kind !== "range" || parsePort("70000") !== undefined) throw new Error();
 * ```
 */
export function parsePort(entry: string | number): PortEntry | undefined {
  const range = parsePortRange(entry);
  if (range !== undefined) return { kind: "range", range };
  const isName = typeof entry === "string" && /^[a-zA-Z0-9_.-]{1,128}$/.test(entry) && !/^\d+$/.test(entry);
  return isName ? { kind: "name", name: entry } : undefined;
}

/** Prints a range: `80`, or `80:90`. */
export function formatPortRange(range: PortRange): string {
  return range.min === range.max ? String(range.min) : `${range.min}:${range.max}`;
}

/** Whether one of the ranges holds the port. */
export function portInRanges(port: number, ranges: readonly PortRange[]): boolean {
  return ranges.some((range) => range.min <= port && port <= range.max);
}

/**
 * The fewest ranges that hold the same ports, sorted. Overlapping and adjacent ones become one, because interval sets of the kernel refuse overlaps.
 *
 * @example
 * ```ts
 * import { formatPortRange, mergePortRanges } from "#/base/port_range.ts";
 * const merged = mergePortRanges([{ min: 90, max: 95 }, { min: 80, max: 89 }, { min: 1, max: 1 }]);
 * if (merged.map(formatPortRange).join() !== "1,80:95") throw new Error();
 * ```
 */
export function mergePortRanges(ranges: readonly PortRange[]): readonly PortRange[] {
  const merged: PortRange[] = [];
  for (const range of [...ranges].sort((a, b) => a.min - b.min)) {
    const last = merged.at(-1);
    if (last !== undefined && range.min <= last.max + 1) {
      merged[merged.length - 1] = { min: last.min, max: Math.max(last.max, range.max) };
    } else merged.push({ min: range.min, max: range.max });
  }
  return merged;
}
