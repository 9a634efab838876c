/**
 * Names that the server completes: `metadata.generateName` and five characters.
 *
 * @module
 */

/** Letters and digits that make no words and are not mistaken for each other; those of Kubernetes. */
const ALPHABET = "bcdfghjklmnpqrstvwxz2456789";
/** Characters added to the prefix. */
const SUFFIX_LENGTH = 5;
/** Longest prefix kept, so that the name is a DNS label where its prefix is one. */
const PREFIX_LENGTH_MAX = 58;
/** Names tried before the request is refused as already existing. */
export const GENERATED_NAMES_MAX = 8;

/**
 * A name with the prefix, from a fresh UUID.
 *
 * @example
 * ```ts
 * import { generateName } from "#/server/decide/generate_name.ts";
 * const name = generateName("web-", "0f8fad5b-d9cb-469f-a165-70867728950e");
 * if (!/^web-[b-z2-9]{5}$/.test(name)) throw new Error(name);
 * ```
 */
export function generateName(prefix: string, uuid: string): string {
  let rest = BigInt(`0x${uuid.replaceAll("-", "")}`);
  let suffix = "";
  for (let count = 0; count < SUFFIX_LENGTH; count++) {
    suffix += ALPHABET[Number(rest % BigInt(ALPHABET.length))];
    rest /= BigInt(ALPHABET.length);
  }
  return prefix.slice(0, PREFIX_LENGTH_MAX) + suffix;
}
