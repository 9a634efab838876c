/**
 * Finds members that stand twice in one object of a JSON text, which `JSON.parse` hides by keeping the last. A policy with two `spec.types` would
 * otherwise mean something else than its author reads. Called by `body.ts`.
 *
 * @module
 */

/** Duplicates reported for one text. */
export const DUPLICATES_MAX = 20;

interface Frame {
  readonly path: string;
  /** Absent for a list. */
  readonly keys?: Set<string>;
  /** Key or index of the member being read. */
  member: string;
  expectsKey: boolean;
}

/** Strings and the marks that make structure; numbers, words and colons stand between. */
const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\],]/g;

/**
 * Paths of duplicate members, in the order they stand in the text.
 *
 * @param text must be valid JSON
 * @example
 * ```ts
 * import { duplicateFields } from "#/server/api/duplicate_fields.ts";
 * const found = duplicateFields('{"spec":{"rules":[{"a":1,"b":{"a":2},"a":3}]}}');
 * if (found.join() !== "spec.rules[0].a") throw new Error(found.join());
 * ```
 */
export function duplicateFields(text: string): string[] {
  const found: string[] = [];
  const stack: Frame[] = [];
  for (const [token] of text.matchAll(TOKEN)) {
    const top = stack.at(-1);
    switch (token) {
      case "{":
        stack.push({ path: pathOfMember(top), keys: new Set(), member: "", expectsKey: true });
        break;
      case "[":
        stack.push({ path: pathOfMember(top), member: "0", expectsKey: false });
        break;
      case "}":
      case "]":
        stack.pop();
        break;
      case ",":
        if (top?.keys !== undefined) top.expectsKey = true;
        else if (top !== undefined) top.member = String(Number(top.member) + 1);
        break;
      default:
        if (top?.keys === undefined || !top.expectsKey) break;
        top.member = JSON.parse(token);
        top.expectsKey = false;
        if (top.keys.has(top.member) && found.length < DUPLICATES_MAX) found.push(pathOfMember(top));
        top.keys.add(top.member);
    }
  }
  return found;
}

function pathOfMember(frame: Frame | undefined): string {
  if (frame === undefined) return "";
  if (frame.keys === undefined) return `${frame.path}[${frame.member}]`;
  return frame.path === "" ? frame.member : `${frame.path}.${frame.member}`;
}
