/**
 * Puts the CNI plugin where a container runtime finds it: an executable called `tortie`, and a network configuration that names it. Called by the lab
 * for each of its nodes.
 *
 * @module
 */
import { fromFileUrl, join } from "@std/path";

/** File names that are written. */
export const PLUGIN_FILES = { program: "tortie", config: "10-tortie.conflist" } as const;
/** The network's name where none is given; part of every handle. */
export const NETWORK_NAME_DEFAULT = "k8s-pod-network";

/** How the plugin is installed. */
export interface PluginOptions {
  /** The `deno` that runs it: an absolute path, because runtimes have a `PATH` of their own. */
  readonly denoPath: string;
  /** The agent's socket. */
  readonly socket: string;
  /** Where the network configuration goes; the program's own directory when absent. */
  readonly configDirectory?: string;
  /** {@link NETWORK_NAME_DEFAULT} when absent. */
  readonly networkName?: string;
  /** MTU of pods' interfaces; left to the agent when absent. */
  readonly mtu?: number;
}

/** Where the files are. */
export interface InstalledPlugin {
  readonly program: string;
  readonly config: string;
}

/**
 * Writes program and configuration, each to a temporary file that is renamed, so that a runtime never runs or reads half of one. Writing the same
 * again is harmless.
 *
 * @param directory of the program, made when missing
 */
export async function writePlugin(directory: string, options: PluginOptions): Promise<InstalledPlugin> {
  const configDirectory = options.configDirectory ?? directory;
  const program = join(directory, PLUGIN_FILES.program);
  const config = join(configDirectory, PLUGIN_FILES.config);
  await writeWhole(directory, program, { text: programText(options), mode: 0o755 });
  await writeWhole(configDirectory, config, { text: configText(options), mode: 0o600 });
  return { program, config };
}

/**
 * The network configuration list. Its first plugin is ours; runtimes give it `agentSocket` on standard input.
 *
 * @example
 * ```ts
 * import { configText } from "#/agents/cni/install.ts";
 * const list = JSON.parse(configText({ denoPath: "/usr/bin/deno", socket: "/run/tortie/agent.sock" }));
 * if (list.plugins[0].type !== "tortie") throw new Error();
 * ```
 */
export function configText({ socket, networkName, mtu }: PluginOptions): string {
  const plugin = { type: "tortie", agentSocket: socket, mtu };
  const list = { cniVersion: "1.0.0", name: networkName ?? NETWORK_NAME_DEFAULT, plugins: [plugin] };
  return `${JSON.stringify(list, undefined, 2)}\n`;
}

/** The shell program that starts `plugin.ts`. Runtimes may start it without a home directory, where Deno would have no cache. */
export function programText({ denoPath, socket }: PluginOptions): string {
  const plugin = fromFileUrl(new URL("./plugin.ts", import.meta.url));
  return [
    "#!/bin/sh",
    "# Written by Tortie's agent; changes are overwritten.",
    "export DENO_NO_UPDATE_CHECK=1 NO_COLOR=1",
    'export HOME="${HOME:-/root}"',
    `export TORTIE_AGENT_SOCKET="\${TORTIE_AGENT_SOCKET:-${shellText(socket)}}"`,
    `exec ${quote(denoPath)} run --quiet --no-config --no-lock --allow-all ${quote(plugin)} "$@"`,
    "",
  ].join("\n");
}

function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/** Text between double quotes of a shell. */
function shellText(text: string): string {
  return text.replaceAll(/["\\$`}]/g, (character) => `\\${character}`);
}

async function writeWhole(
  directory: string,
  path: string,
  file: { readonly text: string; readonly mode: number },
): Promise<void> {
  await Deno.mkdir(directory, { recursive: true });
  const temporary = `${path}.${Deno.pid}.tmp`;
  await Deno.writeTextFile(temporary, file.text, { mode: file.mode });
  await Deno.chmod(temporary, file.mode);
  await Deno.rename(temporary, path);
}
