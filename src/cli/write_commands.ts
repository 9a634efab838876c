/**
 * Writes from the command line: `tortie create|apply|delete`. They go through the same API as kubectl's, so there is one validator and one log.
 *
 * @module
 */
import { parseAllDocuments } from "yaml";
import { isJsonObject, type Json, type JsonObject } from "#/base/json.ts";
import type { ApiClient } from "./api_client.ts";
import { CommandFailure, EXIT, type ExitCode } from "./exit_code.ts";
import { kindOrFail, resourcePath } from "./history_commands.ts";
import type { Output } from "./output.ts";

/** What a write needs. */
export interface WriteContext {
  readonly client: ApiClient;
  readonly output: Output;
}

/** Reads the objects of a YAML or JSON file, `-` for stdin, at least one; Lists are taken apart. Names file and place of what is wrong. */
export function readManifests(file: string, content: string): JsonObject[] {
  const objects = parseAllDocuments(content).flatMap((document, at) => {
    const [error] = document.errors;
    if (error !== undefined) throw new CommandFailure(`Cannot read "${file}": ${error.message}`, EXIT.usage);
    const value = document.toJS() as Json;
    if (value === null) return [];
    if (!isJsonObject(value) || typeof value.kind !== "string" || typeof value.apiVersion !== "string") {
      throw new CommandFailure(
        `Document ${at + 1} of "${file}" must be an object with apiVersion and kind`,
        EXIT.usage,
      );
    }
    return value.kind === "List" && Array.isArray(value.items) ? value.items.filter(isJsonObject) : [value];
  });
  if (objects.length === 0) throw new CommandFailure(`"${file}" must hold at least one object`, EXIT.usage);
  return objects;
}

/** Where an object is written, and what it is called when that is told. */
interface Target {
  readonly object: JsonObject;
  readonly path: string;
  readonly item: string;
  readonly title: string;
}

/** Targets of all objects, before the first is written: what can be seen to be wrong stops everything. */
function targets(objects: readonly JsonObject[], namespace: string | undefined): readonly Target[] {
  return objects.map((object) => target(object, namespace));
}

function target(object: JsonObject, namespace: string | undefined): Target {
  const group = String(object.apiVersion).includes("/") ? String(object.apiVersion).split("/")[0]! : "";
  const kind = kindOrFail(group === "" ? String(object.kind) : `${object.kind}.${group}`);
  const metadata = isJsonObject(object.metadata) ? object.metadata : {};
  if (typeof metadata.name !== "string") {
    throw new CommandFailure(`A ${object.kind} must have metadata.name`, EXIT.usage);
  }
  const scope = typeof metadata.namespace === "string" ? metadata.namespace : namespace ?? "default";
  return {
    object,
    path: resourcePath(kind, scope, undefined),
    item: resourcePath(kind, scope, metadata.name),
    title: `${kind.kind.toLowerCase()}${group === "" ? "" : `.${group}`}/${metadata.name}`,
  };
}

/** `tortie create -f`: makes each object; stops at the first refusal. */
export async function createCommand(
  context: WriteContext,
  objects: readonly JsonObject[],
  namespace?: string,
): Promise<ExitCode> {
  for (const { object, path, title } of targets(objects, namespace)) {
    await context.client.send(path, { method: "POST", contentType: "application/json", body: JSON.stringify(object) });
    context.output.print(`${title} created`);
  }
  return EXIT.ok;
}

/** `tortie apply -f`: server-side apply of each object as field manager `tortie`. */
export async function applyCommand(
  context: WriteContext,
  objects: readonly JsonObject[],
  namespace?: string,
): Promise<ExitCode> {
  for (const { object, item, title } of targets(objects, namespace)) {
    await context.client.send(item, {
      method: "PATCH",
      contentType: "application/apply-patch+yaml",
      body: JSON.stringify(object),
    }, { fieldManager: "tortie", force: "true" });
    context.output.print(`${title} applied`);
  }
  return EXIT.ok;
}

/** `tortie delete -f`: deletes each object; stops at the first refusal. */
export async function deleteCommand(
  context: WriteContext,
  objects: readonly JsonObject[],
  namespace?: string,
): Promise<ExitCode> {
  for (const { item, title } of targets(objects, namespace)) {
    await context.client.send(item, { method: "DELETE" });
    context.output.print(`${title} deleted`);
  }
  return EXIT.ok;
}
