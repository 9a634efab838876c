/**
 * The lab's state file: what the supervisor tells the other lab commands. Rewritten whole and renamed into place, so that a reader sees all or nothing.
 *
 * @module
 */
import type { LabPaths } from "./lab_paths.ts";

/** What a running lab says of itself. */
export interface LabState {
  /** Process id of the supervisor. */
  readonly supervisor: number;
  readonly api: string;
  /** `pid` is the agent's. */
  readonly nodes: readonly { readonly name: string; readonly address: string; readonly pid: number }[];
  readonly external: { readonly address: string; readonly url: string };
}

/** Writes the state file if it differs from what is there. */
export function writeLabState(paths: LabPaths, state: LabState): void {
  const text = JSON.stringify(state, null, 2);
  if (readText(paths.stateFile) === text) return;
  const temporary = `${paths.stateFile}.new`;
  Deno.writeTextFileSync(temporary, text);
  Deno.renameSync(temporary, paths.stateFile);
}

/** Reads the state file; `undefined` when there is no lab. */
export function readLabState(paths: LabPaths): LabState | undefined {
  const text = readText(paths.stateFile);
  return text === undefined ? undefined : JSON.parse(text) as LabState;
}

function readText(path: string): string | undefined {
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
