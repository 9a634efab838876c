/**
 * `tortie lint`: what policies say that their authors hardly meant, in a server's state, a past one, or in files.
 *
 * @module
 */
import { isJsonObject, type Json } from "#/base/json.ts";
import { lint } from "#/policy/lint/lint.ts";
import type { LintFinding } from "#/policy/lint/lint_finding.ts";
import { compileObjects } from "#/projections/compiled_policies.ts";
import type { ApiClient } from "./api_client.ts";
import { CommandFailure, EXIT, type ExitCode } from "./exit_code.ts";
import { basisText } from "./explain_command.ts";
import { endpointFactsOf, type FileCluster } from "./file_cluster.ts";
import { documentText, tableText } from "./output.ts";
import type { Told } from "./reach_command.ts";

/** Asks a server. Exit 1 when something is wrong, or most likely so. */
export async function lintCommand(
  { client, ...told }: Told & { readonly client: ApiClient },
  at: string | undefined,
): Promise<ExitCode> {
  const answer = await client.get("/tortie/v1/lint", { at });
  if (!isJsonObject(answer) || !Array.isArray(answer.findings)) {
    throw new CommandFailure("The server's answer is not a list of findings", EXIT.failed);
  }
  told.output.note(basisText(answer.basis));
  return tell(answer.findings as unknown as readonly LintFinding[], told);
}

/** Asks files. */
export function lintFilesCommand({ world }: FileCluster, told: Told): ExitCode {
  const { synthetic } = endpointFactsOf(world);
  return tell(lint(world.objects, compileObjects(world.objects), { synthetic }), told);
}

function tell(findings: readonly LintFinding[], { output, format }: Told): ExitCode {
  if (format === "table") output.print(tableText(["SEVERITY", "CODE", "OBJECT", "RULE", "MESSAGE"], findings.map(row)));
  else output.print(documentText(findings as unknown as Json, format));
  return findings.every(({ severity }) => severity === "info") ? EXIT.ok : EXIT.no;
}

function row({ severity, code, kind, namespace, name, rule, message }: LintFinding): string[] {
  const object = `${kind} ${namespace === "" ? "" : `${namespace}/`}${name}`;
  return [severity, code, object, rule === undefined ? "" : `${rule.direction} ${rule.index}`, message];
}
