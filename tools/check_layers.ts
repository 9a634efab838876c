/**
 * Checks that imports go down the list of rooms only (docs/design/layers.md). Run by `deno task layers` and by the tests; a message names the file, the
 * import and the reason.
 *
 * @module
 */
import { dirname, join, relative } from "@std/path";

/** A room, what it may import besides itself, and why no more. */
interface Room {
  readonly name: string;
  readonly files: RegExp;
  readonly may: readonly string[];
  readonly why: string;
}

const CORE_BASE = ["base"];

/** Rooms in the order of the house, lowest first; the first whose pattern fits is a file's room. */
export const ROOMS: readonly Room[] = [
  { name: "base", files: /^src\/base\//, may: [], why: "value types know nothing of what is made with them" },
  {
    name: "resources",
    files: /^src\/resources\//,
    may: CORE_BASE,
    why: "what users write does not depend on how it is carried out",
  },
  {
    name: "policy",
    files: /^src\/policy\//,
    may: [...CORE_BASE, "resources"],
    why: "the meaning of policy rests on objects alone",
  },
  {
    name: "ipam",
    files: /^src\/ipam\//,
    may: [...CORE_BASE, "resources", "policy"],
    why: "address arithmetic is shared by server and agents",
  },
  {
    name: "wasm-policy",
    files: /^src\/wasm-policy\//,
    may: [...CORE_BASE, "policy"],
    why: "a back end sees the IR, never objects",
  },
  {
    name: "events-core",
    files: /^src\/events\/(envelope|catalog|upcasters|integrity|event_log|memory_log)\.ts$/,
    may: [...CORE_BASE, "resources"],
    why: "what an event is does not depend on where it is stored",
  },
  {
    name: "events",
    files: /^(src\/events|migrations)\//,
    may: [...CORE_BASE, "resources", "events-core"],
    why: "the store does not know what is made of events",
  },
  {
    name: "projections",
    files: /^src\/projections\//,
    may: [...CORE_BASE, "resources", "policy", "ipam", "wasm-policy", "events-core"],
    why: "a projection is a pure fold of events",
  },
  {
    name: "sync",
    files: /^src\/sync\//,
    may: [...CORE_BASE, "policy", "events-core", "projections"],
    why: "the contract between server and agent belongs to neither",
  },
  {
    name: "server",
    files: /^src\/server\//,
    may: [...CORE_BASE, "resources", "policy", "ipam", "wasm-policy", "events-core", "events", "projections", "sync"],
    why: "server and agents meet only in sync and node_state",
  },
  {
    name: "agents",
    files: /^src\/agents\//,
    may: [...CORE_BASE, "policy", "ipam", "sync", "events-core", "projections"],
    why: "server and agents meet only in sync and node_state",
  },
  {
    name: "cli",
    files: /^src\/cli\//,
    may: [...CORE_BASE, "resources", "policy", "events-core", "projections", "sync"],
    why: "the command line speaks to the server by HTTP",
  },
  {
    name: "top",
    files: /^(src\/lab\/|main\.ts|mod\.ts|tools\/|tests\/|benches\/)/,
    may: ["*"],
    why: "may use everything",
  },
];

/** The only files of `projections` and `events` that agents may import: the contracts they share with the server. */
const AGENT_CONTRACTS = /^src\/(projections\/node_state|events\/(catalog|envelope))\.ts$/;

/** One import that goes up. */
export interface Violation {
  readonly file: string;
  readonly imported: string;
  readonly reason: string;
}

/**
 * The room of a file, by its path from the repository's root; `undefined` for a file outside every room.
 *
 * @example
 * ```ts
 * import { roomOf } from "../tools/check_layers.ts";
 * if (roomOf("src/base/ip.ts")?.name !== "base") throw new Error();
 * ```
 */
export function roomOf(path: string): Room | undefined {
  return ROOMS.find((room) => room.files.test(path));
}

/** Whether a file may import another; the reason when it may not. Both are paths from the root. */
export function checkImport(file: string, imported: string): string | undefined {
  const from = roomOf(file);
  const to = roomOf(imported);
  if (from === undefined || to === undefined) return `"${from ? imported : file}" belongs to no room`;
  if (from.name === to.name || from.may.includes("*")) {
    if (!backEndsApart(file, imported)) return "back ends import the IR and never each other";
    return oracleApart(file, imported)
      ? undefined
      : "the oracle and the lowering share no rule, so that each tests the other";
  }
  if (!from.may.includes(to.name)) return `${from.name} may not import ${to.name}: ${from.why}`;
  if (from.name === "agents" && ["projections", "events-core"].includes(to.name) && !AGENT_CONTRACTS.test(imported)) {
    return `agents may import only node_state and the event catalogue of it: ${from.why}`;
  }
  return undefined;
}

function oracleApart(file: string, imported: string): boolean {
  const part = (path: string) => /^src\/policy\/(oracle|lowering)\//.exec(path)?.[1];
  const from = part(file);
  const to = part(imported);
  return from === undefined || to === undefined || from === to;
}

function backEndsApart(file: string, imported: string): boolean {
  const backEnd = (path: string) => /^src\/agents\/(nftables|ebpf)\//.exec(path)?.[1];
  const from = backEnd(file);
  const to = backEnd(imported);
  return from === undefined || to === undefined || from === to;
}

const IMPORT =
  /(?:^|\n)\s*(?:import|export)\b[^"';]*?from\s+"([^"]+)"|import\(\s*"([^"]+)"\s*\)|(?:^|\n)\s*import\s+"([^"]+)"/g;

/** The files of the repository that a source text imports, as paths from the root; packages are left out. */
export function localImports(file: string, text: string): string[] {
  const code = text.replaceAll(/\/\*[\s\S]*?\*\//g, "");
  const found: string[] = [];
  for (const match of code.matchAll(IMPORT)) {
    const specifier = match[1] ?? match[2] ?? match[3] ?? "";
    if (specifier.startsWith("#/")) found.push(join("src", specifier.slice(2)));
    else if (specifier.startsWith("#tests/")) found.push(join("tests", specifier.slice(7)));
    else if (specifier.startsWith(".")) found.push(join(dirname(file), specifier));
  }
  return found;
}

/** Every source file under a directory, as paths from the root; sources of kernels are another language and left out. */
export function* sourceFiles(root: string, directory: string): Generator<string> {
  for (const entry of Deno.readDirSync(join(root, directory))) {
    const path = join(directory, entry.name);
    if (entry.isDirectory) yield* sourceFiles(root, path);
    else if (/\.tsx?$/.test(entry.name) && !entry.name.endsWith(".as.ts")) yield path;
  }
}

/** All violations in a checkout. */
export function checkLayers(root: string): Violation[] {
  const violations: Violation[] = [];
  const files = ["src", "migrations"].flatMap((directory) => [...sourceFiles(root, directory)]);
  for (const file of files) {
    for (const imported of localImports(file, Deno.readTextFileSync(join(root, file)))) {
      const reason = checkImport(file, imported);
      if (reason !== undefined) violations.push({ file, imported, reason });
    }
  }
  return violations;
}

if (import.meta.main) {
  const root = join(import.meta.dirname!, "..");
  const violations = checkLayers(root);
  for (const { file, imported, reason } of violations) {
    console.error(`${relative(root, join(root, file))}: imports "${imported}": ${reason}`);
  }
  console.log(violations.length === 0 ? "Layers: every import goes down" : `Layers: ${violations.length} go up`);
  Deno.exit(violations.length === 0 ? 0 : 1);
}
