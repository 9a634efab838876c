/**
 * Finds and runs a real kubectl: `$KUBECTL`, the one in PATH, or the newest that `deno task setup` has put in the cache.
 *
 * @module
 */
import { join } from "@std/path";
import { kubectlCacheFolder } from "../../tools/install_kubectl.ts";

/** Path of a kubectl, or `undefined` when there is none. */
export function findKubectl(): string | undefined {
  const named = Deno.env.get("KUBECTL");
  if (named !== undefined) return named;
  const folders = (Deno.env.get("PATH") ?? "").split(":").map((folder) => join(folder, "kubectl"));
  const cached = namesIn(kubectlCacheFolder()).filter((name) => name.startsWith("kubectl-")).sort().reverse()
    .map((name) => join(kubectlCacheFolder(), name));
  return [...cached, ...folders].find((path) => {
    try {
      return Deno.statSync(path).isFile;
    } catch {
      return false;
    }
  });
}

function namesIn(folder: string): string[] {
  try {
    return [...Deno.readDirSync(folder)].map((entry) => entry.name);
  } catch {
    return [];
  }
}

/** What a run of kubectl said. */
export interface KubectlResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs kubectl against a kubeconfig, with a cache of its own beside it. */
export async function runKubectl(kubectl: string, kubeconfig: string, args: readonly string[]): Promise<KubectlResult> {
  const output = await new Deno.Command(kubectl, {
    args: ["--kubeconfig", kubeconfig, "--cache-dir", `${kubeconfig}.cache`, ...args],
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).output();
  const decoder = new TextDecoder();
  return { code: output.code, stdout: decoder.decode(output.stdout), stderr: decoder.decode(output.stderr) };
}
