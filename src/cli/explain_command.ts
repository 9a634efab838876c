/**
 * `tortie explain`: why a connection is allowed or not, by a server's state, a past one, or by files.
 *
 * @module
 */
import { isJsonObject, type Json } from "#/base/json.ts";
import { explain } from "#/policy/oracle/explain.ts";
import { parseDestination, parseEnd } from "#/policy/oracle/flow_text.ts";
import { evaluate, evaluatePending } from "#/policy/oracle/oracle.ts";
import { CommandFailure, EXIT, type ExitCode } from "./exit_code.ts";
import { type FileCluster, flowResolver } from "./file_cluster.ts";
import type { QuestionContext } from "./history_commands.ts";
import { documentText, type Output, type OutputFormat } from "./output.ts";

const NO_POSITION = { position: 0, occurredAt: "" };

/** The two ends as written: `shop/front`, `shop/db:5432/tcp`. */
export interface ExplainTexts {
  readonly from: string;
  readonly to: string;
}

/** `tortie explain SRC DST:PORT/PROTO [--at T]`: asks the server. Exit 1 when the connection is denied. */
export async function explainCommand(
  { client, output, format }: QuestionContext,
  question: ExplainTexts & { readonly at?: string },
): Promise<ExitCode> {
  const { from, to, at } = question;
  return tell(await client.get("/tortie/v1/explain", { from, to, at }), question, { output, format });
}

/** `tortie explain -f DIR SRC DST:PORT/PROTO`: the same question to files. */
export function explainFilesCommand(
  cluster: FileCluster,
  question: ExplainTexts,
  to: { readonly output: Output; readonly format: OutputFormat },
): ExitCode {
  const source = parseEnd(question.from);
  if (source.kind === "invalid") throw new CommandFailure(source.message, EXIT.usage);
  const destination = parseDestination(question.to);
  if ("kind" in destination) throw new CommandFailure(destination.message, EXIT.usage);
  const { policies, resolve } = flowResolver(cluster);
  const { end, port, protocol } = destination;
  const flow = resolve({ source, destination: end, protocol, ...(port === undefined ? {} : { port }) });
  if (flow.kind === "unresolved") {
    throw new CommandFailure(flow.message, flow.reason === "NotFound" ? EXIT.notFound : EXIT.usage);
  }
  const verdict = { ...evaluate(policies, flow), pending: evaluatePending(policies, flow) };
  // Files have no position, and policies in them no event.
  const answer = { ...explain(verdict, NO_POSITION, () => undefined), basis: { files: cluster.paths, exact: true } };
  return tell(answer as unknown as Json, question, to);
}

function tell(
  answer: Json,
  question: ExplainTexts,
  { output, format }: { readonly output: Output; readonly format: OutputFormat },
): ExitCode {
  if (!isJsonObject(answer)) throw new CommandFailure("The server's answer is not an object", EXIT.failed);
  if (format !== "table") output.print(documentText(answer, format));
  else output.print(explanationText(question, answer));
  return answer.verdict === "allow" ? EXIT.ok : EXIT.no;
}

function explanationText(question: ExplainTexts, answer: { readonly [key: string]: Json | undefined }): string {
  return [
    `${question.from} -> ${question.to}: ${text(answer.verdict)}`,
    ...halvesText(answer),
    ...(isJsonObject(answer.pending) ? pendingText(answer.pending) : []),
    basisText(answer.basis),
  ].join("\n");
}

type Told = { readonly [key: string]: Json | undefined };

/** Both ends, and the host endpoints that the packet crosses. */
function halvesText(verdict: Told): string[] {
  const forward = Array.isArray(verdict.forward) ? verdict.forward.filter(isJsonObject) : [];
  return [
    ...["egress", "ingress"].map((direction) => `  ${direction}: ${halfText(verdict[direction])}`),
    ...forward.map((half) => {
      const name = isJsonObject(half.endpoint) ? text(half.endpoint.name) : "";
      return `  forward ${text(half.direction)} of host endpoint ${name}: ${halfText(half)}`;
    }),
  ];
}

function pendingText(pending: Told): string[] {
  return [`if staged policies were enforced: ${text(pending.verdict)}`, ...halvesText(pending)];
}

/** What an answer rests on, in one line: `as of position 9 (2030-01-01T00:00:00.000Z)`. */
export function basisText(basis: Json | undefined): string {
  if (!isJsonObject(basis)) return "";
  if (Array.isArray(basis.files)) return `as files say: ${basis.files.join(", ")}`;
  return `as of position ${text(basis.position)} (${text(basis.occurredAt ?? basis.time)})`;
}

function halfText(half: Json | undefined): string {
  if (!isJsonObject(half)) return "not judged (no workload at this end)";
  const named = (policy: Json | undefined) =>
    isJsonObject(policy)
      ? `${text(policy.kind)} ${policy.namespace ? `${text(policy.namespace)}/` : ""}${text(policy.name)}`
      : "";
  const by = isJsonObject(half.policy)
    ? `${named(half.policy)} rule ${text(half.rule)} in tier ${text(half.tier)}`
    : `default "${text(half.default)}"${half.tier ? ` of tier ${text(half.tier)}` : ""}`;
  const isolated = Array.isArray(half.isolatedBy) && half.isolatedBy.length > 0
    ? `; isolated by ${half.isolatedBy.map((policy: Json) => named(policy)).join(", ")}`
    : "";
  const author = half.author ? `; event ${text(half.event)} by ${text(half.author)}` : "";
  return `${text(half.verdict)} by ${by}${isolated}${author}`;
}

function text(value: Json | undefined): string {
  return value === undefined || value === null ? "" : typeof value === "string" ? value : JSON.stringify(value);
}
