/**
 * The rules of Kubernetes for names, labels and annotations. Pure text checks; `metadata.ts` and the kinds make problems of them.
 *
 * @module
 */

/** Longest DNS-1123 subdomain, in characters. */
export const SUBDOMAIN_LENGTH_MAX = 253;
/** Longest DNS-1123 label, label value, and name part of a qualified name, in characters. */
export const LABEL_LENGTH_MAX = 63;

const DNS_LABEL = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
const DNS_SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const QUALIFIED_PART = /^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$/;
const PORT_NAME = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/;

/** What {@link isDnsLabel} asks, as a rule for messages. */
export const DNS_LABEL_RULE =
  'must be a DNS label: at most 63 of "a-z", "0-9" and "-", starting and ending with a letter or digit';

/** What {@link isDnsSubdomain} asks, as a rule for messages. */
export const DNS_SUBDOMAIN_RULE = 'must be a DNS name: at most 253 of "a-z", "0-9", "-" and ".", ' +
  "each part between dots starting and ending with a letter or digit";

/** What {@link isQualifiedName} asks, as a rule for messages. */
export const QUALIFIED_NAME_RULE =
  'must be a name of at most 63 of "A-Z", "a-z", "0-9", "-", "_" and ".", starting and ending with ' +
  'a letter or digit, optionally after a DNS name and "/"';

/** What {@link isLabelValue} asks, as a rule for messages. */
export const LABEL_VALUE_RULE = 'must be empty or at most 63 of "A-Z", "a-z", "0-9", "-", "_" and ".", ' +
  "starting and ending with a letter or digit";

/** What {@link isPortName} asks, as a rule for messages. */
export const PORT_NAME_RULE =
  'must be a port name: at most 15 of "a-z", "0-9" and single "-", with at least one letter';

/** Whether a text is a DNS-1123 label: the form of namespaces and tiers. */
export function isDnsLabel(text: string): boolean {
  return text.length <= LABEL_LENGTH_MAX && DNS_LABEL.test(text);
}

/**
 * Whether a text is a DNS-1123 subdomain: the form of most names.
 *
 * @example
 * ```ts
 * import { isDnsSubdomain } from "#/resources/name_rules.ts";
 * if (!isDnsSubdomain("node-1.example.com") || isDnsSubdomain("Node_1")) throw new Error();
 * ```
 */
export function isDnsSubdomain(text: string): boolean {
  return text.length <= SUBDOMAIN_LENGTH_MAX && DNS_SUBDOMAIN.test(text);
}

/**
 * Whether a text may be the key of a label or annotation, or the name of a finalizer.
 *
 * @example
 * ```ts
 * import { isQualifiedName } from "#/resources/name_rules.ts";
 * if (!isQualifiedName("app") || !isQualifiedName("example.com/App_1") || isQualifiedName("a/b/c")) throw new Error();
 * ```
 */
export function isQualifiedName(text: string): boolean {
  const slash = text.indexOf("/");
  const name = text.slice(slash + 1);
  const prefixFits = slash < 0 || isDnsSubdomain(text.slice(0, slash));
  return prefixFits && name.length <= LABEL_LENGTH_MAX && QUALIFIED_PART.test(name);
}

/** Whether a text may be the value of a label. */
export function isLabelValue(text: string): boolean {
  return text === "" || text.length <= LABEL_LENGTH_MAX && QUALIFIED_PART.test(text);
}

/** Whether a text may name a port of a container (an IANA service name). */
export function isPortName(text: string): boolean {
  return text.length <= 15 && PORT_NAME.test(text) && /[a-z]/.test(text) && !text.includes("--");
}
