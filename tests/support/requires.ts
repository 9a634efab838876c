/**
 * What a test needs of the machine, probed when the test file is loaded. A test whose needs are not met is registered as ignored, with the reason in its
 * name, so that a skip is loud and never looks like a pass.
 *
 * @module
 */
import { probeHost } from "#/agents/kernel/probes.ts";
import { errorText } from "#/base/errors.ts";

/** Something a test may need: privileges, nftables in kernel and library, or a program. */
export type Need = "root" | "nftables" | "bird" | "kubectl" | "busybox" | "ping" | "nsenter";

/** Which Debian package has the program, or where it comes from. */
const PROGRAMS: Readonly<Record<Exclude<Need, "root" | "nftables">, string>> = {
  bird: "package bird2",
  kubectl: "kubectl 1.30 or newer in PATH",
  busybox: "package busybox",
  ping: "package iputils-ping",
  nsenter: "package util-linux",
};

/** Administrator's programs are there even where PATH, as of many users, does not name their folders. */
const PROGRAM_FOLDERS = ["/usr/local/sbin", "/usr/sbin", "/sbin"];

/**
 * Why a test with these needs cannot run here, or `undefined` when it can. The text goes to people.
 *
 * @example
 * ```ts ignore
 * const reason = skipReason(["root", "bird"]);
 * if (reason !== undefined) console.log(`skipped: ${reason}`);
 * ```
 */
export function skipReason(needs: readonly Need[]): string | undefined {
  const reasons = needs.flatMap((need) => {
    const reason = missing(need);
    return reason === undefined ? [] : [reason];
  });
  return reasons.length === 0 ? undefined : reasons.join("; ");
}

/**
 * Registers a test that needs more than an ordinary machine has; where that is missing, an ignored test whose name ends with
 * `[skipped: reason]`.
 */
export function kernelTest(
  name: string,
  needs: readonly Need[],
  fn: (t: Deno.TestContext) => void | Promise<void>,
): void {
  const reason = skipReason(needs);
  if (reason === undefined) Deno.test(name, fn);
  else Deno.test({ name: `${name} [skipped: ${reason}]`, ignore: true, fn });
}

function missing(need: Need): string | undefined {
  switch (need) {
    case "root":
    case "nftables": {
      const lacks = probe().filter(({ feature }) => feature.includes("nftables") === (need === "nftables"));
      return lacks.length === 0 ? undefined : lacks.map(errorText).join("; ");
    }
    default:
      return findProgram(need) === undefined ? `no program "${need}": needs ${PROGRAMS[need]}` : undefined;
  }
}

/** Without all permissions nothing can be probed, and nothing that needs a probe can run. */
function probe(): ReturnType<typeof probeHost> {
  if (Deno.permissions.querySync({ name: "ffi" }).state !== "granted") {
    throw new Error("Tests that need root or nftables must be run with --allow-all");
  }
  return probeHost();
}

/** The path of a program, looked for in PATH and in the folders of the administrator's programs. */
export function findProgram(name: string): string | undefined {
  const folders = [...(Deno.env.get("PATH") ?? "").split(":").filter((folder) => folder !== ""), ...PROGRAM_FOLDERS];
  for (const folder of folders) {
    try {
      const { isFile, mode } = Deno.statSync(`${folder}/${name}`);
      if (isFile && ((mode ?? 0) & 0o111) !== 0) return `${folder}/${name}`;
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory)) throw error;
    }
  }
  return undefined;
}
