/**
 * What a selector demands of single labels, read off its tree: the hint by which the label index files it, so that most selectors are never tried on
 * most endpoints.
 *
 * @module
 */
import { assertNever } from "#/base/assert.ts";
import type { Selector } from "#/base/selector.ts";

/** What a label must be for the selector to match: there with any value, or there with one of these. No value at all means that it never matches. */
export type Restriction = "present" | ReadonlySet<string>;

/** Demands by label. A label that is not listed may be anything, or missing. */
export type Restrictions = ReadonlyMap<string, Restriction>;

const NONE: Restrictions = new Map();

/**
 * The demands that every matching endpoint meets. They are necessary, not sufficient: what meets them must still be matched. Negations demand nothing.
 *
 * @example
 * ```ts
 * import { labelRestrictions } from "#/projections/label_restrictions.ts";
 * const web = { kind: "equals", key: "app", value: "web" } as const;
 * const demands = labelRestrictions({ kind: "and", operands: [web, { kind: "not", operand: { kind: "has", key: "old" } }] });
 * if (demands.size !== 1 || demands.get("app") === "present") throw new Error();
 * ```
 */
export function labelRestrictions(selector: Selector): Restrictions {
  switch (selector.kind) {
    case "all":
    case "global":
    case "notEquals":
    case "notIn":
    case "not":
      return NONE;
    case "has":
    case "contains":
    case "startsWith":
    case "endsWith":
      return new Map([[selector.key, "present"]]);
    case "equals":
      return new Map([[selector.key, new Set([selector.value])]]);
    case "in":
      return new Map([[selector.key, new Set(selector.values)]]);
    case "and":
      return selector.operands.map(labelRestrictions).reduce(both, NONE);
    case "or":
      return selector.operands.map(labelRestrictions).reduce(either);
    default:
      return assertNever(selector);
  }
}

function both(a: Restrictions, b: Restrictions): Restrictions {
  const merged = new Map(a);
  for (const [key, demand] of b) {
    const known = merged.get(key);
    merged.set(key, known === undefined || known === "present" ? demand : narrowed(known, demand));
  }
  return merged;
}

function narrowed(known: ReadonlySet<string>, demand: Restriction): Restriction {
  return demand === "present" ? known : new Set([...known].filter((value) => demand.has(value)));
}

function either(a: Restrictions, b: Restrictions): Restrictions {
  const merged = new Map<string, Restriction>();
  for (const [key, demand] of a) {
    const other = b.get(key);
    if (other === undefined) continue;
    merged.set(key, demand === "present" || other === "present" ? "present" : new Set([...demand, ...other]));
  }
  return merged;
}
