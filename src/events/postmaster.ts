/**
 * A PostgreSQL server that an earlier run of ours left behind: found by the pid file in its data, ended before a new one starts on the same data. Called with
 * the data directory's lock held, so that it belongs to nobody any more.
 *
 * @module
 */
import { join } from "@std/path";
import { OperationalError } from "#/base/errors.ts";

/** How long a server may take to end in order (it writes a checkpoint), and after that at once. */
export const POSTMASTER_STOP_MS_MAX = 20_000;
const POSTMASTER_ABORT_MS_MAX = 5_000;
const PROCESS_POLL_MS = 20;

/**
 * Ends the server that runs on a cluster's data, if one does, and removes its stale pid file.
 *
 * PostgreSQL itself refuses to start when the number in the file belongs to any process, even a zombie or, after a reboot, a stranger. Here the process
 * counts only when it works in the cluster's directory, which is where every server is.
 */
export async function endLeftoverPostmaster(clusterDir: string): Promise<void> {
  const file = join(clusterDir, "postmaster.pid");
  const text = await Deno.readTextFile(file).catch(() => undefined);
  if (text === undefined) return;
  const pid = Number(text.split("\n")[0]);
  if (Number.isSafeInteger(pid) && pid > 1) await endServer(pid, clusterDir);
  await Deno.remove(file).catch(() => {});
}

async function endServer(pid: number, clusterDir: string): Promise<void> {
  const realDir = await Deno.realPath(clusterDir);
  const running = () => isServer(pid, realDir);
  const steps = [["SIGINT", POSTMASTER_STOP_MS_MAX], ["SIGQUIT", POSTMASTER_ABORT_MS_MAX]] as const;
  for (const [signal, limitMs] of steps) {
    if (!await running()) return;
    kill(pid, signal);
    const ended = await waitUntil(async () => !await running(), limitMs);
    if (ended) return;
  }
  throw new OperationalError(`PostgreSQL process ${pid} of an earlier run does not end`, {
    operation: "end a leftover PostgreSQL",
    subject: clusterDir,
    retry: "backoff",
    code: "LEFTOVER",
  });
}

/** Whether the process is there, is no zombie and works in the directory. */
async function isServer(pid: number, directory: string): Promise<boolean> {
  const cwd = await Deno.readLink(`/proc/${pid}/cwd`).catch(() => undefined);
  const stat = await Deno.readTextFile(`/proc/${pid}/stat`).catch(() => "");
  // The name, in parentheses, may hold anything; the state follows the last one.
  const state = stat.slice(stat.lastIndexOf(")") + 2)[0];
  return cwd === directory && state !== undefined && state !== "Z" && state !== "X";
}

function kill(pid: number, signal: Deno.Signal): void {
  try {
    Deno.kill(pid, signal);
  } catch (error) {
    // It ended between the two looks.
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

async function waitUntil(condition: () => Promise<boolean>, limitMs: number): Promise<boolean> {
  for (let waitedMs = 0; waitedMs < limitMs; waitedMs += PROCESS_POLL_MS) {
    if (await condition()) return true;
    await new Promise((resolve) => setTimeout(resolve, PROCESS_POLL_MS));
  }
  return await condition();
}
