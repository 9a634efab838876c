/**
 * Parts of Kubernetes' policies in Calico's words: label selectors as selector text, ports grouped by protocol. Used by `kubernetes_form.ts` only.
 *
 * @module
 */
import { compareBytewise } from "#/base/bytewise.ts";
import { parsePort } from "#/base/port_range.ts";
import type { ProtocolName } from "#/base/protocol.ts";
import { and, equals, formatSelector, has, not, type Selector, setTest } from "#/base/selector.ts";
import { LABEL_LENGTH_MAX } from "#/base/selector_parser.ts";
import { KUBERNETES_ORCHESTRATOR, ORCHESTRATOR_LABEL } from "#/policy/endpoint_labels.ts";
import type { LabelSelector, LabelSelectorRequirement } from "#/resources/kinds/kubernetes_policy_spec.ts";
import type { EntityRule, Port } from "#/resources/kinds/policy_spec.ts";

/** Collects what cannot be read, as `field: must ...`. */
export type Faults = string[];

/** A port as one entry of a user's list means it. No `protocol`: any that has ports. No `port`: the whole protocol. */
export interface PortMatch {
  readonly protocol: ProtocolName | undefined;
  readonly port: Port | undefined;
}

/** Ports of one protocol; both members are absent where anything will do. */
export interface PortGroup {
  readonly protocol?: ProtocolName;
  readonly ports?: EntityRule;
}

/** What marks a workload endpoint as a Pod's. */
const IS_POD: Selector = equals(ORCHESTRATOR_LABEL, KUBERNETES_ORCHESTRATOR);

/**
 * Selector text for the pods that a label selector picks, wherever they are.
 *
 * @param path the field, for faults
 */
export function podSelectorText(path: string, selector: LabelSelector, faults: Faults): string {
  return formatSelector(and(IS_POD, ...requirements(path, selector, faults)));
}

/**
 * Selector text for whatever a label selector picks; `all()` for an empty one.
 *
 * @param path the field, for faults
 *
 * @example
 * ```ts
 * import { labelSelectorText } from "#/policy/lowering/kubernetes_parts.ts";
 * const text = labelSelectorText("namespaces", { matchLabels: { env: "prod" }, matchExpressions: [{ key: "old", operator: "DoesNotExist" }] }, []);
 * if (text !== '(env == "prod" && !has(old))') throw new Error(text);
 * ```
 */
export function labelSelectorText(path: string, selector: LabelSelector, faults: Faults): string {
  return formatSelector(and(...requirements(path, selector, faults)));
}

/**
 * The entries of a list of ports, by protocol in the order of names, any protocol last; an entry without a port stands for its protocol whole. An empty list asks nothing.
 *
 * @example
 * ```ts
 * import { portGroups } from "#/policy/lowering/kubernetes_parts.ts";
 * const groups = portGroups([{ protocol: "UDP", port: 53 }, { protocol: "TCP", port: 80 }, { protocol: "UDP", port: undefined }]);
 * if (JSON.stringify(groups) !== '[{"protocol":"TCP","ports":{"ports":[80]}},{"protocol":"UDP"}]') throw new Error(JSON.stringify(groups));
 * ```
 */
export function portGroups(matches: readonly PortMatch[]): readonly PortGroup[] {
  if (matches.length === 0) return [{}];
  const protocols = [...new Set(matches.map((match) => match.protocol))].sort();
  return protocols.map((protocol): PortGroup => {
    const ports = matches.filter((match) => match.protocol === protocol).map((match) => match.port);
    const listed = ports.filter((port) => port !== undefined);
    return {
      ...(protocol === undefined ? {} : { protocol }),
      ...(listed.length < ports.length ? {} : { ports: { ports: listed } }),
    };
  });
}

/** Faults a text that is meant to be the name of a port and is none. */
export function checkPortName(path: string, name: string, faults: Faults): void {
  if (parsePort(name)?.kind !== "name") faults.push(`${path}: must be a port's name: "${name}"`);
}

function requirements(path: string, selector: LabelSelector, faults: Faults): Selector[] {
  const labels = Object.entries(selector.matchLabels ?? {}).sort(([a], [b]) => compareBytewise(a, b));
  return [
    ...labels.map(([key, value]) => {
      checkTexts(path, key, [value], faults);
      return equals(key, value);
    }),
    ...(selector.matchExpressions ?? []).map((expression) => requirement(path, expression, faults)),
  ];
}

function requirement(path: string, expression: LabelSelectorRequirement, faults: Faults): Selector {
  const { key = "", operator, values = [] }: Partial<LabelSelectorRequirement> = expression;
  checkTexts(path, key, values, faults);
  switch (operator) {
    case "Exists":
      return has(key);
    case "DoesNotExist":
      return not(has(key));
    case "In":
    case "NotIn":
      if (values.length === 0) faults.push(`${path}: ${operator} must have values`);
      return setTest(operator === "In" ? "in" : "notIn", key, values);
    default:
      faults.push(`${path}: operator must be In, NotIn, Exists or DoesNotExist: "${operator}"`);
      return has(key);
  }
}

/** Faults what the selector language cannot write, so that no label can be made to mean more than itself. */
function checkTexts(path: string, key: string, values: readonly string[], faults: Faults): void {
  if (!/^[A-Za-z0-9_./-]+$/.test(key) || key.length > LABEL_LENGTH_MAX) {
    faults.push(`${path}: must have label keys: "${key}"`);
  }
  for (const value of values) {
    if (value.includes('"') && value.includes("'")) faults.push(`${path}: must have label values: "${value}"`);
  }
}
