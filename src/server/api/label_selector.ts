/**
 * Kubernetes label selectors of the `labelSelector` query parameter: parse once, match each object. Not the selectors of policies, which are
 * another language (`base/selector.ts`).
 *
 * @module
 */

/** One condition on a label. `values` holds one number's text for `gt` and `lt`. */
export interface LabelRequirement {
  readonly key: string;
  readonly operator: "in" | "notin" | "exists" | "absent" | "gt" | "lt";
  readonly values: readonly string[];
}

/** Conditions that must all hold. */
export type LabelSelector = readonly LabelRequirement[];

/** Labels of an object. */
export type Labels = Readonly<Record<string, string>>;

/** A selector that cannot be read, with the rule it breaks. */
export interface SelectorError {
  readonly kind: "selectorError";
  readonly message: string;
}

const KEY = /^(?:[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?\/)?[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/;
const VALUE = /^(?:[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?$/;
const INTEGER = /^[+-]?[0-9]+$/;

/**
 * Reads a label selector. The empty text selects everything.
 *
 * @example
 * ```ts
 * import { matchesLabels, parseLabelSelector } from "#/server/api/label_selector.ts";
 * const selector = parseLabelSelector("app in (web, api),tier!=test,!old");
 * if ("kind" in selector) throw new Error(selector.message);
 * if (!matchesLabels(selector, { app: "web" }) || matchesLabels(selector, { app: "web", old: "" })) throw new Error();
 * ```
 */
export function parseLabelSelector(text: string): LabelSelector | SelectorError {
  if (text.trim() === "") return [];
  const requirements: LabelRequirement[] = [];
  for (const part of splitOutsideParentheses(text)) {
    const requirement = parseRequirement(part.trim());
    if ("kind" in requirement) return requirement;
    requirements.push(requirement);
  }
  return requirements;
}

/** Whether labels meet every condition. As in Kubernetes, `!=` and `notin` also hold for an absent label. */
export function matchesLabels(selector: LabelSelector, labels: Labels | undefined): boolean {
  return selector.every((requirement) => {
    const value = labels !== undefined && Object.hasOwn(labels, requirement.key) ? labels[requirement.key] : undefined;
    switch (requirement.operator) {
      case "in":
        return value !== undefined && requirement.values.includes(value);
      case "notin":
        return value === undefined || !requirement.values.includes(value);
      case "exists":
        return value !== undefined;
      case "absent":
        return value === undefined;
      case "gt":
      case "lt": {
        if (value === undefined || !INTEGER.test(value)) return false;
        const [label, bound] = [BigInt(value), BigInt(requirement.values[0]!)];
        return requirement.operator === "gt" ? label > bound : label < bound;
      }
    }
  });
}

function splitOutsideParentheses(text: string): string[] {
  return text.split(/,(?![^(]*\))/);
}

function parseRequirement(text: string): LabelRequirement | SelectorError {
  const set = /^(\S+)\s+(in|notin)\s*\(([^()]*)\)$/.exec(text);
  if (set !== null) {
    return requirementOf(text, set[1]!, set[2] === "in" ? "in" : "notin", set[3]!.split(",").map((v) => v.trim()));
  }
  const equality = /^([^=!<>\s]+)\s*(==|=|!=)\s*(\S*)$/.exec(text);
  if (equality !== null) {
    return requirementOf(text, equality[1]!, equality[2] === "!=" ? "notin" : "in", [equality[3]!]);
  }
  const order = /^([^=!<>\s]+)\s*([<>])\s*(\S+)$/.exec(text);
  if (order !== null) {
    if (!INTEGER.test(order[3]!)) return selectorError(text, `"${order[3]}" must be an integer`);
    const bound = order[3]!.replace(/^\+/, "");
    return requirementOf(text, order[1]!, order[2] === ">" ? "gt" : "lt", [bound]);
  }
  if (text.startsWith("!")) return requirementOf(text, text.slice(1).trim(), "absent", []);
  return requirementOf(text, text, "exists", []);
}

function requirementOf(
  text: string,
  key: string,
  operator: LabelRequirement["operator"],
  values: readonly string[],
): LabelRequirement | SelectorError {
  if (!KEY.test(key)) return selectorError(text, `"${key}" must be a label key`);
  const bad = operator === "gt" || operator === "lt" ? undefined : values.find((value) => !VALUE.test(value));
  if (bad !== undefined) return selectorError(text, `"${bad}" must be a label value`);
  return { key, operator, values };
}

function selectorError(text: string, rule: string): SelectorError {
  return { kind: "selectorError", message: `Cannot read the label selector at "${text}": ${rule}` };
}
