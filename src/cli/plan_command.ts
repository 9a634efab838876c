/**
 * `tortie plan`: what applying files would change, in a server's state, a past one, or in other files. Nothing is written.
 *
 * @module
 */
import { isJsonObject, type Json } from "#/base/json.ts";
import { type ManifestObject, objectTitle } from "#/policy/manifests/manifest_document.ts";
import type { ReachChange } from "#/policy/reach/reach_diff.ts";
import { reachOptionsOf, type ReachTexts } from "#/policy/reach/reach_question.ts";
import { manifestCrossProblems, manifestWorld } from "#/projections/manifest_world.ts";
import { plannedConnections, type PlannedObject, plannedObject, type PolicyPlan } from "#/projections/policy_plan.ts";
import { objectKey } from "#/resources/object.ts";
import type { ApiClient } from "./api_client.ts";
import { connectionsText } from "./connections_text.ts";
import { CommandFailure, EXIT, type ExitCode } from "./exit_code.ts";
import { basisText } from "./explain_command.ts";
import { endpointFactsOf, type FileCluster, noteIgnored } from "./file_cluster.ts";
import { failOn, readManifestFiles } from "./manifest_files.ts";
import { documentText, tableText } from "./output.ts";
import { reachQuestionOrFail, type Told } from "./reach_command.ts";

/** Asks a server, which admits the objects and writes nothing. Exit 1 when something would change. */
export async function planCommand(
  { client, ...told }: Told & { readonly client: ApiClient },
  paths: readonly string[],
  texts: ReachTexts & { readonly at?: string },
): Promise<ExitCode> {
  reachQuestionOrFail(texts);
  const manifests = await readManifestFiles(paths);
  noteIgnored(manifests, told.output);
  const answer = await client.send("/tortie/v1/plan", {
    method: "POST",
    contentType: "application/json",
    body: JSON.stringify(manifests.objects.map(({ written }) => written)),
  }, { ...texts });
  if (!isJsonObject(answer) || !Array.isArray(answer.objects) || !Array.isArray(answer.connections)) {
    throw new CommandFailure("The server's answer is not a plan", EXIT.failed);
  }
  return tell(answer as unknown as TellablePlan, told);
}

/** Lays files over others: an object of the same kind, namespace and name is replaced. */
export async function planFilesCommand(
  base: FileCluster,
  paths: readonly string[],
  { texts, ...told }: Told & { readonly texts: ReachTexts },
): Promise<ExitCode> {
  const question = reachQuestionOrFail(texts);
  const manifests = await readManifestFiles(paths);
  noteIgnored(manifests, told.output);
  const before = new Map(base.read.map((object) => [keyOf(object), object]));
  const after = new Map([...before, ...manifests.objects.map((object) => [keyOf(object), object] as const)]);
  failOn(manifestCrossProblems(manifests.objects, [...after.values()]));
  const next = manifestWorld([...after.values()], base.world.synthetic);
  for (const note of next.notes.filter((note) => !base.world.notes.includes(note))) told.output.note(note);
  const facts = [endpointFactsOf(base.world), endpointFactsOf(next)];
  const options = reachOptionsOf(question, {
    workloads: new Map(facts.flatMap(({ workloads }) => [...workloads])),
    synthetic: new Set(facts.flatMap(({ synthetic }) => [...synthetic])),
  });
  return tell({
    basis: { files: base.paths, exact: true },
    objects: manifests.objects.map((object) => plannedObject(before.get(keyOf(object))?.object, object.object)),
    connections: plannedConnections(base.world.objects, next.objects, options),
  }, told);
}

type TellablePlan = PolicyPlan & { readonly basis: Json };

function keyOf({ collection, object }: ManifestObject): string {
  return `${collection} ${objectKey(object.metadata)}`;
}

function tell(plan: TellablePlan, { output, format }: Told): ExitCode {
  const { basis, objects, connections } = plan;
  if (format !== "table") output.print(documentText({ ...plan } as unknown as Json, format));
  else {
    for (const object of objects) output.print(plannedText(object));
    if (connections.length === 0) output.note("No connection changes");
    else output.print(tableText(["CHANGE", "FROM", "TO", "CONNECTIONS"], connections.flatMap(changeRows)));
    output.note(basisText(basis));
  }
  return connections.length === 0 && objects.every(({ change }) => change === "unchanged") ? EXIT.ok : EXIT.no;
}

function plannedText({ change, kind, namespace, name, fields }: PlannedObject): string {
  const title = objectTitle({ kind, metadata: { name, ...(namespace === "" ? {} : { namespace }) } });
  return [
    `${title} ${change}`,
    ...fields.flatMap(({ path, before, after }) => [
      ...(before === undefined ? [] : [`    - ${path}: ${JSON.stringify(before)}`]),
      ...(after === undefined ? [] : [`    + ${path}: ${JSON.stringify(after)}`]),
    ]),
  ].join("\n");
}

function changeRows({ from, to, gained, lost, sourcePorts }: ReachChange): string[][] {
  const rows = [["gained", gained], ["lost", lost], ["source ports", sourcePorts]] as const;
  return rows.filter(([, connections]) => connections.length > 0)
    .map(([change, connections]) => [change, from, to, connectionsText(connections)]);
}
