/**
 * Identities of selectors and of what is made from them: a hash of the canonical text, equal to Calico's, so that sets of the two can be compared.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { formatSelector, type Selector } from "#/base/selector.ts";

/**
 * `prefix:` and 38 characters of base64url: the SHA-224 of `prefix:content`. Pure, in spite of its library.
 *
 * @param prefix what is identified: `s` selector, `n` named port, `svc` service
 */
export function uniqueId(prefix: string, content: string): string {
  return `${prefix}:${createHash("sha224").update(`${prefix}:${content}`, "utf8").digest("base64url")}`;
}

/**
 * The identity of a selector. Equal canonical texts have equal identities; differently written equivalents do not.
 *
 * @example
 * ```ts
 * import { ALL } from "#/base/selector.ts";
 * import { selectorId } from "#/base/selector_id.ts";
 * if (selectorId(ALL) !== "s:5y5I3VdRZfDU01O--xXAPx2yxCQQqMf0M6IWug") throw new Error(selectorId(ALL));
 * ```
 */
export function selectorId(selector: Selector): string {
  return uniqueId("s", formatSelector(selector));
}
