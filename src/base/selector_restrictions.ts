/**
 * What a selector demands of single labels, read off its tree: the hint by which an index finds the few selectors that an endpoint may match. Every
 * match satisfies its restrictions; the reverse does not hold.
 *
 * @module
 */
import { assertNever } from "#/base/assert.ts";
import { compareBytewise } from "#/base/bytewise.ts";
import type { Selector } from "#/base/selector.ts";

/** Demands on one label. `present` together with `absent`, or an empty list of values, cannot be met. */
export interface LabelRestriction {
  readonly present: boolean;
  readonly absent: boolean;
  /** The value must be one of these; `undefined` for any value. */
  readonly values: readonly string[] | undefined;
}

/** Demands by label; a label that is not listed may be anything. */
export type LabelRestrictions = ReadonlyMap<string, LabelRestriction>;

const NONE: LabelRestrictions = new Map();

/**
 * The demands of a selector.
 *
 * @example
 * ```ts
 * import { parseSelector } from "#/base/selector_parser.ts";
 * import { selectorRestrictions } from "#/base/selector_restrictions.ts";
 * const parsed = parseSelector("app in {'a', 'b'} && env != 'prod'");
 * if (parsed.kind !== "parsed") throw new Error();
 * const found = selectorRestrictions(parsed.selector);
 * if (found.get("app")?.values?.join() !== "a,b" || found.has("env")) throw new Error();
 * ```
 */
export function selectorRestrictions(selector: Selector): LabelRestrictions {
  switch (selector.kind) {
    case "all":
    case "global":
    case "notEquals":
    case "notIn":
      return NONE;
    case "equals":
      return restrict(selector.key, { present: true, absent: false, values: [selector.value] });
    case "in":
      return restrict(selector.key, { present: true, absent: false, values: selector.values });
    case "has":
    case "contains":
    case "startsWith":
    case "endsWith":
      return restrict(selector.key, { present: true, absent: false, values: undefined });
    case "not":
      return selector.operand.kind === "has"
        ? restrict(selector.operand.key, { present: false, absent: true, values: undefined })
        : NONE;
    case "and":
      return selector.operands.map(selectorRestrictions).reduce(both);
    case "or":
      return selector.operands.map(selectorRestrictions).reduce(either);
    default:
      return assertNever(selector);
  }
}

/** Whether no labels at all can meet the demands, so that the selector never matches. */
export function isImpossible(restrictions: LabelRestrictions): boolean {
  return [...restrictions.values()].some((one) => (one.present && one.absent) || one.values?.length === 0);
}

function restrict(key: string, restriction: LabelRestriction): LabelRestrictions {
  return new Map([[key, restriction]]);
}

function both(a: LabelRestrictions, b: LabelRestrictions): LabelRestrictions {
  const joined = new Map(a);
  for (const [key, right] of b) {
    const left = joined.get(key);
    joined.set(
      key,
      left === undefined ? right : {
        present: left.present || right.present,
        absent: left.absent || right.absent,
        values: left.values === undefined || right.values === undefined
          ? left.values ?? right.values
          : left.values.filter((value) => right.values?.includes(value)),
      },
    );
  }
  return joined;
}

/** Keeps what both arms demand. An arm that can never match demands nothing of the other. */
function either(a: LabelRestrictions, b: LabelRestrictions): LabelRestrictions {
  if (isImpossible(a)) return b;
  if (isImpossible(b)) return a;
  const joined = new Map<string, LabelRestriction>();
  for (const [key, left] of a) {
    const right = b.get(key);
    if (right === undefined) continue;
    const present = left.present && right.present;
    const absent = left.absent && right.absent;
    const values = left.values === undefined || right.values === undefined
      ? undefined
      : [...new Set([...left.values, ...right.values])].sort(compareBytewise);
    if (present || absent) joined.set(key, { present, absent, values });
  }
  return joined;
}
