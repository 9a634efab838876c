/**
 * Questions about the past: `tortie log`, `get --at`, `diff`, `drift`. Each prints the answer of one GET of the product API or of the resource API.
 *
 * @module
 */
import { isJsonObject, type Json } from "#/base/json.ts";
import { apiVersionOf, type KindName } from "#/resources/object.ts";
import { resolveKind } from "#/resources/registry.ts";
import type { ApiClient } from "./api_client.ts";
import { CommandFailure, EXIT, type ExitCode } from "./exit_code.ts";
import { documentText, type Output, type OutputFormat, tableText } from "./output.ts";

/** Rows of the log asked for at a time. */
const LOG_PAGE_ROWS = 1_000;

/** What every question needs. */
export interface QuestionContext {
  readonly client: ApiClient;
  readonly output: Output;
  readonly format: OutputFormat;
}

/** The kind a word on the command line means; a failure that lists none when it means nothing. */
export function kindOrFail(word: string): KindName {
  const kind = resolveKind(word);
  if (kind === undefined) throw new CommandFailure(`Kind is not known: "${word}"`, EXIT.usage);
  return kind;
}

function text(value: Json | undefined): string {
  return value === undefined || value === null ? "" : typeof value === "string" ? value : JSON.stringify(value);
}

function rowsOf(answer: Json, columns: readonly string[]): string[][] {
  return Array.isArray(answer)
    ? answer.map((row: Json) => columns.map((column) => isJsonObject(row) ? text(row[column]) : ""))
    : [];
}

/** `tortie log [KIND NAME]`: who did what, oldest first. */
export async function logCommand(
  context: QuestionContext,
  subject: { readonly kind?: string; readonly name?: string; readonly namespace?: string },
): Promise<ExitCode> {
  const kind = subject.kind === undefined ? undefined : kindOrFail(subject.kind);
  const answer = await wholeLog(context.client, {
    group: kind?.group,
    kind: kind?.kind,
    name: subject.name,
    namespace: kind?.namespaced === false ? undefined : subject.namespace,
  });
  if (context.format !== "table") context.output.print(documentText(answer, context.format));
  else {
    const columns = ["position", "time", "user", "verb", "kind", "namespace", "name", "reason"];
    context.output.print(tableText(columns.map((column) => column.toUpperCase()), rowsOf(answer, columns)));
  }
  return EXIT.ok;
}

/** `tortie drift [NODE]`: where kernels were found other than the log says, oldest first. */
export async function driftCommand(context: QuestionContext, node: string | undefined): Promise<ExitCode> {
  const answer = await context.client.get("/tortie/v1/drift", { node });
  if (context.format !== "table") context.output.print(documentText(answer, context.format));
  else {
    const columns = ["position", "time", "node", "subject", "repaired", "differences"];
    context.output.print(tableText(columns.map((column) => column.toUpperCase()), rowsOf(answer, columns)));
  }
  return EXIT.ok;
}

/** All rows of a log that may be longer than the server tells at once. */
async function wholeLog(client: ApiClient, filter: Readonly<Record<string, string | undefined>>): Promise<Json[]> {
  const rows: Json[] = [];
  for (let from = 1;;) {
    const page = await client.get("/tortie/v1/log", { ...filter, from: String(from), limit: String(LOG_PAGE_ROWS) });
    if (!Array.isArray(page)) throw new CommandFailure("The server's answer is not a list", EXIT.failed);
    rows.push(...page);
    const last: Json | undefined = page.at(-1);
    if (page.length < LOG_PAGE_ROWS || !isJsonObject(last)) return rows;
    from = Number(last.position) + 1;
  }
}

/** The path of one object or of a collection on the resource API. */
export function resourcePath(kind: KindName, namespace: string | undefined, name: string | undefined): string {
  const root = kind.group === "" ? "/api/v1" : `/apis/${apiVersionOf(kind)}`;
  const scope = kind.namespaced && namespace !== undefined ? `/namespaces/${encodeURIComponent(namespace)}` : "";
  return `${root}${scope}/${kind.plural}${name === undefined ? "" : `/${encodeURIComponent(name)}`}`;
}

/** `tortie get KIND [NAME] [--at T]`: the bare object, or a list. */
export async function getCommand(
  context: QuestionContext,
  subject: { readonly kind: string; readonly name?: string; readonly namespace?: string; readonly at?: string },
): Promise<ExitCode> {
  const kind = kindOrFail(subject.kind);
  const namespace = kind.namespaced
    ? subject.namespace ?? (subject.name === undefined ? undefined : "default")
    : undefined;
  const answer = await context.client.get(resourcePath(kind, namespace, subject.name), { at: subject.at });
  if (context.format !== "table") {
    context.output.print(documentText(answer, context.format));
    return EXIT.ok;
  }
  const items = isJsonObject(answer) && Array.isArray(answer.items) ? answer.items : [answer];
  const rows = items.map((item: Json) => {
    const metadata = isJsonObject(item) && isJsonObject(item.metadata) ? item.metadata : {};
    return [
      text(metadata.namespace),
      text(metadata.name),
      text(metadata.resourceVersion),
      text(metadata.creationTimestamp),
    ];
  });
  context.output.print(tableText(["NAMESPACE", "NAME", "POSITION", "CREATED"], rows));
  return EXIT.ok;
}

/** `tortie diff A B`: objects that differ between two instants. Exit 1 when some do. */
export async function diffCommand(context: QuestionContext, from: string, to: string): Promise<ExitCode> {
  const answer = await context.client.get("/tortie/v1/diff", { from, to });
  const differences = isJsonObject(answer) && Array.isArray(answer.objects) ? answer.objects : [];
  if (context.format !== "table") context.output.print(documentText(answer, context.format));
  else {
    for (const difference of differences) {
      if (isJsonObject(difference)) context.output.print(differenceText(difference));
    }
    if (differences.length === 0) context.output.note("No object differs");
  }
  return differences.length === 0 ? EXIT.ok : EXIT.no;
}

const CHANGE_SIGNS: Readonly<Record<string, string>> = { added: "+", removed: "-", changed: "~" };

function differenceText(difference: { readonly [key: string]: Json | undefined }): string {
  const namespace = text(difference.namespace);
  const title = `${CHANGE_SIGNS[text(difference.change)] ?? "?"} ${text(difference.kind)} ${
    namespace === "" ? "" : `${namespace}/`
  }${text(difference.name)}`;
  const fields = Array.isArray(difference.fields) ? difference.fields : [];
  return [
    title,
    ...fields.filter(isJsonObject).flatMap((field) => [
      ...field.before === undefined ? [] : [`    - ${text(field.path)}: ${JSON.stringify(field.before)}`],
      ...field.after === undefined ? [] : [`    + ${text(field.path)}: ${JSON.stringify(field.after)}`],
    ]),
  ].join("\n");
}
