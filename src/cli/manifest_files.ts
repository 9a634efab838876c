/**
 * Files of YAML and JSON as documents: folders walked in order, every document parsed, every field's line known. Reads and says what cannot be read;
 * what the documents mean is told by `policy/manifests/manifests.ts`.
 *
 * @module
 */
import { type Document, isNode, LineCounter, parseAllDocuments } from "yaml";
import { errorText } from "#/base/errors.ts";
import type { Json } from "#/base/json.ts";
import { compareBytewise } from "#/base/bytewise.ts";
import {
  type FieldKeys,
  type ManifestDocument,
  type ManifestProblem,
  type Manifests,
  problemText,
} from "#/policy/manifests/manifest_document.ts";
import { readManifestObjects } from "#/policy/manifests/manifests.ts";
import { CommandFailure, EXIT } from "./exit_code.ts";

/** Names of files that are read when a folder is given. */
const MANIFEST_FILE = /\.(ya?ml|json)$/i;
/** How deep folders may lie in each other; symbolic links may make a circle. */
const FOLDER_DEPTH_MAX = 32;
/** How often YAML aliases may be resolved: a small text must not become a large value. */
const YAML_ALIASES_MAX = 100;
/** Most problems told at once. */
export const PROBLEM_LINES_MAX = 200;

/** Reads files and folders. Tests give their own. */
export interface FileReader {
  /** The text of standard input. */
  readonly stdin: () => Promise<string>;
}

/** The real standard input. */
export const systemReader: FileReader = { stdin: () => new Response(Deno.stdin.readable).text() };

/** What files hold: documents, and what stands against reading them. */
interface ParsedFiles {
  readonly documents: readonly ManifestDocument[];
  readonly problems: readonly ManifestProblem[];
}

/**
 * Reads the objects of files, folders (with all that lies in them, in order of names) and standard input (`-`).
 *
 * @throws CommandFailure with every problem of every file, a line each
 */
export async function readManifestFiles(
  paths: readonly string[],
  reader: FileReader = systemReader,
): Promise<Manifests> {
  const files: string[] = [];
  for (const path of paths) files.push(...await filesUnder(path));
  if (new Set(files).size < files.length) {
    const twice = files.find((file, at) => files.indexOf(file) < at);
    throw new CommandFailure(`Option -f must name every file once: "${twice}"`, EXIT.usage);
  }
  if (files.length === 0) {
    throw new CommandFailure(
      `No .yaml, .yml or .json file in ${paths.map((path) => `"${path}"`).join(", ")}`,
      EXIT.usage,
    );
  }
  const parsed: ParsedFiles[] = [];
  for (const file of files) parsed.push(parseManifests(file, await readText(file, reader)));
  const manifests = readManifestObjects(parsed.flatMap(({ documents }) => documents));
  const rank = ({ place }: ManifestProblem) => files.indexOf(place.file);
  const problems = [...parsed.flatMap(({ problems }) => problems), ...manifests.problems];
  failOn(problems.sort((a, b) => rank(a) - rank(b) || a.place.line - b.place.line));
  return manifests;
}

/** Ends the command when there are problems. */
export function failOn(problems: readonly (string | ManifestProblem)[]): void {
  if (problems.length === 0) return;
  const lines = problems.slice(0, PROBLEM_LINES_MAX).map((problem) =>
    typeof problem === "string" ? problem : problemText(problem)
  );
  const more = problems.length - lines.length;
  throw new CommandFailure([...lines, ...(more > 0 ? [`... and ${more} more`] : [])].join("\n"), EXIT.usage);
}

/**
 * Parses the documents of one file. Empty documents count and say nothing.
 *
 * @example
 * ```ts
 * import { parseManifests } from "#/cli/manifest_files.ts";
 * const { documents } = parseManifests("a.yaml", "kind: A\n---\nkind: B\nspec:\n  x: 1\n");
 * if (documents[1]?.lineOf(["spec", "x"]) !== 5) throw new Error();
 * ```
 */
export function parseManifests(file: string, text: string): ParsedFiles {
  const lines = new LineCounter();
  const documents: ManifestDocument[] = [];
  const problems: ManifestProblem[] = [];
  const options = { lineCounter: lines, merge: true, uniqueKeys: true, prettyErrors: false };
  const parsed = parseAllDocuments(withSeparators(text), options);
  (Array.isArray(parsed) ? parsed : []).forEach((document: Document.Parsed, at) => {
    const refuse = (line: number, reason: string) => {
      const place = { file, line, document: at + 1 };
      problems.push({ place, object: "Document", path: "", message: `cannot be read as YAML: ${reason}` });
    };
    for (const error of document.errors) refuse(lines.linePos(error.pos[0]).line, error.message);
    if (document.errors.length > 0) return;
    const lineOf = (keys: FieldKeys) => lineOfField(document, lines, keys);
    const value = valueOf(document);
    if (typeof value === "string") refuse(lineOf([]), value);
    else documents.push({ file, number: at + 1, value: value.json, lineOf });
  });
  return { documents, problems };
}

/**
 * JSON objects that follow each other, made into documents of YAML on the same lines; only two objects on one line come apart. Any other text is returned as
 * it is.
 */
function withSeparators(text: string): string {
  if (!text.trimStart().startsWith("{")) return text;
  let separated = "";
  let depth = 0;
  let from = 0;
  for (const { 0: token, index } of text.matchAll(/"[^"\\]*(?:\\.[^"\\]*)*"|[{}]/g)) {
    if (token === "}") depth--;
    if (token !== "{") continue;
    const between = depth === 0 && index > 0 ? /\}(\s*)$/.exec(text.slice(from, index))?.[1] : undefined;
    if (between !== undefined) {
      const lineEnds = between.replaceAll(/[^\n]/g, "");
      separated += `${text.slice(from, index - between.length)}${lineEnds === "" ? "\n" : lineEnds}--- `;
      from = index;
    }
    depth++;
  }
  return separated + text.slice(from);
}

/** The value of a document as JSON has it, or why it has none. */
function valueOf(document: Document.Parsed): { readonly json: Json } | string {
  try {
    // A round trip through JSON text leaves nothing that JSON cannot say, such as shared nodes, dates or non-finite numbers.
    return { json: JSON.parse(JSON.stringify(document.toJS({ maxAliasCount: YAML_ALIASES_MAX }) ?? null)) };
  } catch (error) {
    return errorText(error);
  }
}

function lineOfField(document: Document.Parsed, lines: LineCounter, keys: FieldKeys): number {
  for (let depth = keys.length; depth >= 0; depth--) {
    const node = depth === 0 ? document.contents : document.getIn(keys.slice(0, depth), true);
    if (isNode(node) && node.range) return lines.linePos(node.range[0]).line;
  }
  return lines.linePos(document.range[0]).line;
}

/** The text of a file, `-` for standard input; a file that cannot be read ends the command. */
export async function readText(file: string, reader: FileReader = systemReader): Promise<string> {
  if (file === "-") return await reader.stdin();
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(await Deno.readFile(file));
  } catch (error) {
    throw unreadable(file, error);
  }
}

/** The files of a path: itself, or those of a folder and its folders, in bytewise order of their names. Hidden ones are left out. */
async function filesUnder(path: string, depth = 0): Promise<string[]> {
  if (path === "-") return [path];
  if (depth > FOLDER_DEPTH_MAX) {
    throw new CommandFailure(`Folders must lie at most ${FOLDER_DEPTH_MAX} deep: "${path}"`, EXIT.usage);
  }
  try {
    if (!(await Deno.stat(path)).isDirectory) return [path];
    const names = (await Array.fromAsync(Deno.readDir(path), ({ name }) => name)).sort(compareBytewise);
    const found: string[] = [];
    for (const name of names.filter((name) => !name.startsWith("."))) {
      const below = `${path.replace(/\/+$/, "")}/${name}`;
      const isFolder = (await Deno.stat(below)).isDirectory;
      if (isFolder) found.push(...await filesUnder(below, depth + 1));
      else if (MANIFEST_FILE.test(name)) found.push(below);
    }
    return found;
  } catch (error) {
    throw error instanceof CommandFailure ? error : unreadable(path, error);
  }
}

function unreadable(path: string, error: unknown): CommandFailure {
  return new CommandFailure(`Cannot read "${path}": ${errorText(error)}`, EXIT.usage);
}
