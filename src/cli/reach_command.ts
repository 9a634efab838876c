/**
 * `tortie reach`: who may connect to whom, by a server's state, a past one, or by files.
 *
 * @module
 */
import { isJsonObject, type Json } from "#/base/json.ts";
import { reach, type ReachEntry } from "#/policy/reach/reach.ts";
import {
  parseReachQuestion,
  reachOptionsOf,
  type ReachQuestion,
  type ReachTexts,
  unknownEnd,
} from "#/policy/reach/reach_question.ts";
import { compileObjects } from "#/projections/compiled_policies.ts";
import type { ApiClient } from "./api_client.ts";
import { CONNECTIONS_COLUMNS, connectionsRows, connectionsText } from "./connections_text.ts";
import { CommandFailure, EXIT, type ExitCode } from "./exit_code.ts";
import { basisText } from "./explain_command.ts";
import { endpointFactsOf, type FileCluster } from "./file_cluster.ts";
import { csvText, documentText, type Output, type OutputFormat, tableText } from "./output.ts";

/** Where an answer goes and in which form. */
export interface Told<Format = OutputFormat> {
  readonly output: Output;
  readonly format: Format;
}

/** Forms of reach. */
export type ReachFormat = OutputFormat | "csv";

/** The question, or a failure that names the option. */
export function reachQuestionOrFail(texts: ReachTexts): ReachQuestion {
  const question = parseReachQuestion(texts);
  if (question.kind === "question") return question;
  throw new CommandFailure(`Option --${question.parameter}: ${question.message}`, EXIT.usage);
}

/** Asks a server. */
export async function reachCommand(
  { client, ...told }: Told<ReachFormat> & { readonly client: ApiClient },
  texts: ReachTexts & { readonly at?: string },
): Promise<ExitCode> {
  reachQuestionOrFail(texts);
  const answer = await client.get("/tortie/v1/reach", { ...texts });
  if (!isJsonObject(answer) || !Array.isArray(answer.entries)) {
    throw new CommandFailure("The server's answer is not a list of connections", EXIT.failed);
  }
  told.output.note(basisText(answer.basis));
  return tell(answer.entries as unknown as readonly ReachEntry[], told);
}

/** Asks files. */
export function reachFilesCommand({ world }: FileCluster, texts: ReachTexts, told: Told<ReachFormat>): ExitCode {
  const question = reachQuestionOrFail(texts);
  const facts = endpointFactsOf(world);
  const compiled = compileObjects(world.objects);
  const namespaces = world.objects.namespaces.map(({ metadata }) => metadata.name);
  const unknown = unknownEnd(question, compiled, { facts, namespaces });
  if (unknown !== undefined) throw new CommandFailure(unknown, EXIT.notFound);
  return tell(reach(compiled, reachOptionsOf(question, facts)), told);
}

function tell(entries: readonly ReachEntry[], { output, format }: Told<ReachFormat>): ExitCode {
  switch (format) {
    case "table": {
      const rows = entries.map(({ from, to, connections }) => [from, to, connectionsText(connections)]);
      output.print(tableText(["FROM", "TO", "CONNECTIONS"], rows));
      break;
    }
    case "csv": {
      const rows = entries.flatMap(({ from, to, connections }) =>
        connectionsRows(connections).map((cells) => [from, to, ...cells])
      );
      output.print(csvText(["from", "to", ...CONNECTIONS_COLUMNS], rows));
      break;
    }
    default:
      output.print(documentText(entries as unknown as Json, format));
  }
  return EXIT.ok;
}
