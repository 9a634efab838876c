/**
 * What the selector fields of a policy mean for endpoints: namespace and service-account selectors become selectors of the labels that endpoints
 * inherit (`pcns.`, `pcsa.`), and namespaced policies are held to their namespace. By syntax tree, never by text. Called by the lowering; the oracle
 * has its own, direct reading of the same fields, so that each tests the other.
 *
 * @module
 */
import {
  and,
  containsGlobal,
  equals,
  has,
  not,
  prefixKeys,
  replaceWords,
  type Selector,
  setTest,
} from "#/base/selector.ts";
import { parseSelector } from "#/base/selector_parser.ts";
import {
  NAMESPACE_LABEL,
  NAMESPACE_PREFIX,
  SERVICE_ACCOUNT_LABEL,
  SERVICE_ACCOUNT_PREFIX,
} from "#/policy/endpoint_labels.ts";
import type { EntityRule, PolicySpec, ServiceAccountMatch } from "#/resources/kinds/policy_spec.ts";

/** A part of a policy that cannot be read; what follows from it is invariant 6 of the design. */
export interface Unreadable {
  readonly kind: "unreadable";
  /** The field and the rule: `selector: must parse: ...`. */
  readonly message: string;
}

/** A selector as read from a field. */
export type ReadSelector = { readonly kind: "read"; readonly selector: Selector } | Unreadable;

/** What one end of a rule asks of endpoints. With a `positive` selector the negated one is folded in; `negative` stands only alone. */
export interface EntityScope {
  readonly kind: "read";
  /** The address must be held by something that matches. */
  readonly positive: Selector | undefined;
  /** The address must not be held by anything that matches; unknown addresses pass. */
  readonly negative: Selector | undefined;
}

/**
 * The endpoints that a policy selects.
 *
 * A global policy with a namespace selector selects only what has a namespace: there `all()` asks for one. Without, `all()` covers host endpoints too.
 * An unreadable field makes the whole subject unreadable; {@link wholeSubject} then says what the policy covers.
 *
 * @param namespace empty for a global policy
 *
 * @example
 * ```ts
 * import { formatSelector } from "#/base/selector.ts";
 * import { subjectSelector } from "#/policy/lowering/scope.ts";
 * const subject = subjectSelector({ tier: "default", types: ["Ingress"], selector: "app == 'web'" }, "shop");
 * if (subject.kind !== "read") throw new Error(subject.message);
 * if (formatSelector(subject.selector) !== '(app == "web" && projectcalico.org/namespace == "shop")') throw new Error();
 * ```
 */
export function subjectSelector(spec: PolicySpec, namespace: string): ReadSelector {
  const own = readPlain("selector", spec.selector);
  const ofNamespace = readPlain("namespaceSelector", namespace === "" ? spec.namespaceSelector : undefined);
  const ofAccount = readPlain("serviceAccountSelector", spec.serviceAccountSelector);
  for (const part of [own, ofNamespace, ofAccount]) if (part?.kind === "unreadable") return part;
  const parts: Selector[] = own?.kind === "read" ? [own.selector] : [];
  if (namespace !== "") parts.push(equals(NAMESPACE_LABEL, namespace));
  let subject = parts.length === 0 ? undefined : and(...parts);
  if (ofNamespace?.kind === "read") {
    subject = join(subject, prefixKeys(ofNamespace.selector, NAMESPACE_PREFIX));
    subject = replaceWords(subject, { all: has(NAMESPACE_LABEL) });
  }
  if (ofAccount?.kind === "read") {
    subject = join(subject, prefixKeys(ofAccount.selector, SERVICE_ACCOUNT_PREFIX));
    if (namespace === "") subject = replaceWords(subject, { all: has(SERVICE_ACCOUNT_LABEL) });
  }
  return { kind: "read", selector: subject ?? and() };
}

/** What a policy covers whose subject cannot be read: its namespace, or all workload endpoints; never host endpoints. */
export function wholeSubject(namespace: string): Selector {
  return namespace === "" ? has(NAMESPACE_LABEL) : equals(NAMESPACE_LABEL, namespace);
}

/**
 * What the selector fields of one end of a rule ask.
 *
 * @param namespace of the policy; empty for a global one. A namespaced policy's rule is held to it as soon as any selector field but
 * `namespaceSelector` is given; nets and ports alone are not.
 *
 * @example
 * ```ts
 * import { formatSelector } from "#/base/selector.ts";
 * import { entityScope } from "#/policy/lowering/scope.ts";
 * const scope = entityScope({ namespaceSelector: "global()", selector: "t == 'x'" }, "shop");
 * if (scope.kind !== "read" || scope.positive === undefined) throw new Error();
 * if (formatSelector(scope.positive) !== '(!has(projectcalico.org/namespace) && t == "x")') throw new Error();
 * ```
 */
export function entityScope(entity: EntityRule, namespace: string): EntityScope | Unreadable {
  const own = readPlain("selector", entity.selector);
  const negated = readPlain("notSelector", entity.notSelector);
  const account = accountSelector(entity.serviceAccounts);
  const place = placeSelector(entity, namespace);
  for (const part of [own, negated, account, place]) if (part?.kind === "unreadable") return part;
  const wanted = [account, own].flatMap((part) => part?.kind === "read" ? [part.selector] : []);
  const inPlace = place?.kind === "read" ? [place.selector] : [];
  const isScoped = wanted.length > 0 || negated !== undefined || present(entity.namespaceSelector);
  const parts = [...(isScoped ? inPlace : []), ...(wanted.length > 0 ? [and(...wanted)] : [])];
  const negative = negated?.kind === "read" ? negated.selector : undefined;
  if (parts.length === 0) return { kind: "read", positive: undefined, negative };
  const positive = and(...parts);
  return {
    kind: "read",
    positive: negative === undefined ? positive : and(positive, not(negative)),
    negative: undefined,
  };
}

/** Which namespaces a rule's end lies in: those that its namespace selector picks, or the policy's own. */
function placeSelector(entity: EntityRule, namespace: string): ReadSelector | undefined {
  if (!present(entity.namespaceSelector)) {
    return namespace === "" ? undefined : { kind: "read", selector: equals(NAMESPACE_LABEL, namespace) };
  }
  const parsed = read("namespaceSelector", entity.namespaceSelector);
  if (parsed.kind === "unreadable") return parsed;
  if (parsed.selector.kind !== "global" && containsGlobal(parsed.selector)) {
    return {
      kind: "unreadable",
      message: `namespaceSelector: "global()" must stand alone: "${entity.namespaceSelector}"`,
    };
  }
  const words = { all: has(NAMESPACE_LABEL), global: not(has(NAMESPACE_LABEL)) };
  return { kind: "read", selector: replaceWords(prefixKeys(parsed.selector, NAMESPACE_PREFIX), words) };
}

function accountSelector(match: ServiceAccountMatch | undefined): ReadSelector | undefined {
  const parts: Selector[] = [];
  const labels = readPlain("serviceAccounts.selector", match?.selector);
  if (labels?.kind === "unreadable") return labels;
  if (labels?.kind === "read") parts.push(prefixKeys(labels.selector, SERVICE_ACCOUNT_PREFIX));
  const names = match?.names ?? [];
  if (names.length > 0) parts.push(setTest("in", SERVICE_ACCOUNT_LABEL, names));
  return parts.length === 0 ? undefined : { kind: "read", selector: and(...parts) };
}

/** Reads a field that may not say `global()`; `undefined` where the field is absent or empty. */
function readPlain(field: string, text: string | undefined): ReadSelector | undefined {
  if (!present(text)) return undefined;
  const parsed = read(field, text);
  if (parsed.kind === "unreadable" || !containsGlobal(parsed.selector)) return parsed;
  return { kind: "unreadable", message: `${field}: must not use "global()": "${text}"` };
}

function read(field: string, text: string): ReadSelector {
  const parsed = parseSelector(text);
  return parsed.kind === "parsed"
    ? { kind: "read", selector: parsed.selector }
    : { kind: "unreadable", message: `${field}: must parse: ${parsed.message}: "${text}"` };
}

function present(text: string | undefined): text is string {
  return text !== undefined && text !== "";
}

function join(left: Selector | undefined, right: Selector): Selector {
  return left === undefined ? right : and(left, right);
}
