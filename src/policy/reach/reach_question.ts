/**
 * Questions about reach as people ask them, in texts: read once for the command line and the product API.
 *
 * @module
 */
import { assertNever } from "#/base/assert.ts";
import type { CompiledEndpoint, CompiledPolicies } from "#/policy/compiled.ts";
import type { ReachOptions } from "#/policy/reach/reach.ts";
import { parseReachEnd, parseReachPort, type ReachEnd, type ReachPort } from "#/policy/reach/reach_end.ts";

/** What ends of an answer are. */
export type ReachBy = "namespace" | "workload" | "pod";

/** The texts of a question; each may be left out. */
export interface ReachTexts {
  readonly from?: string;
  readonly to?: string;
  readonly by?: string;
  readonly port?: string;
}

/** A question that was understood. */
export interface ReachQuestion {
  readonly kind: "question";
  readonly from: ReachEnd | undefined;
  readonly to: ReachEnd | undefined;
  readonly by: ReachBy;
  readonly port: ReachPort | undefined;
}

/** A question that was not: which of its texts is wrong, and the rule. */
export interface ReachQuestionProblem {
  readonly kind: "invalid";
  readonly parameter: keyof ReachTexts;
  readonly message: string;
}

/** What is known of endpoints besides their policies. */
export interface EndpointFacts {
  /** The workload of every endpoint, `namespace/name` by endpoint id. */
  readonly workloads: ReadonlyMap<string, string>;
  /** Made-up addresses. */
  readonly synthetic: ReadonlySet<string>;
}

const BY: readonly ReachBy[] = ["namespace", "workload", "pod"];

/**
 * Reads a question. `by` is `workload` where it is left out; a port without a protocol is one of TCP.
 *
 * @example
 * ```ts
 * import { parseReachQuestion } from "#/policy/reach/reach_question.ts";
 * const question = parseReachQuestion({ to: "shop/db", port: "5432" });
 * if (question.kind !== "question" || question.port?.protocol !== 6 || question.by !== "workload") throw new Error();
 * const wrong = parseReachQuestion({ by: "label" });
 * if (wrong.kind !== "invalid" || wrong.parameter !== "by") throw new Error();
 * ```
 */
export function parseReachQuestion(texts: ReachTexts): ReachQuestion | ReachQuestionProblem {
  const invalid = (parameter: keyof ReachTexts, message: string): ReachQuestionProblem => {
    return { kind: "invalid", parameter, message };
  };
  const from = texts.from === undefined ? undefined : parseReachEnd(texts.from);
  if (from?.kind === "invalid") return invalid("from", from.message);
  const to = texts.to === undefined ? undefined : parseReachEnd(texts.to);
  if (to?.kind === "invalid") return invalid("to", to.message);
  const port = texts.port === undefined ? undefined : parseReachPort(withProtocol(texts.port));
  if (port !== undefined && "kind" in port) return invalid("port", port.message);
  const by = texts.by === undefined ? "workload" : BY.find((known) => known === texts.by);
  if (by === undefined) return invalid("by", `Ends must be told by one of ${BY.join(", ")}: "${texts.by}"`);
  return { kind: "question", from, to, by, port };
}

/** The question as options of `reach` and `diffReach`. */
export function reachOptionsOf({ from, to, by, port }: ReachQuestion, facts: EndpointFacts): ReachOptions {
  const { synthetic, workloads } = facts;
  const aliasesOf = ({ id }: CompiledEndpoint) => [workloads.get(id) ?? id];
  return { from, to, port, synthetic, nameOf: namerOf(by, facts), aliasesOf, within: by === "namespace" };
}

/**
 * The end of a question that means nothing among endpoints: a workload or a namespace that is not there is more likely a mistake than an end that reaches
 * nobody. `undefined` when both mean something.
 *
 * @param namespaces names of those that there are, also without endpoints
 */
export function unknownEnd(
  { from, to }: ReachQuestion,
  { endpoints }: CompiledPolicies,
  { facts, namespaces }: { readonly facts: EndpointFacts; readonly namespaces: readonly string[] },
): string | undefined {
  const isKnown = (end: ReachEnd | undefined) => {
    if (end?.kind === "namespace") return namespaces.includes(end.namespace);
    if (end?.kind !== "workload") return true;
    const name = `${end.namespace}/${end.name}`;
    return endpoints.some(({ id, workload }) => [id, workload, facts.workloads.get(id)].includes(name));
  };
  const unknown = [from, to].find((end) => !isKnown(end));
  if (unknown?.kind === "namespace") return `Namespace "${unknown.namespace}" not found`;
  return unknown?.kind === "workload" ? `Workload "${unknown.namespace}/${unknown.name}" not found` : undefined;
}

function namerOf(by: ReachBy, { workloads }: EndpointFacts): (endpoint: CompiledEndpoint) => string {
  switch (by) {
    case "namespace":
      return ({ id }) => id.slice(0, id.indexOf("/"));
    case "workload":
      return ({ id, workload }) => workloads.get(id) ?? workload;
    case "pod":
      return ({ workload }) => workload;
    default:
      return assertNever(by);
  }
}

function withProtocol(port: string): string {
  return /^[0-9]+$/.test(port) ? `${port}/tcp` : port;
}
