/**
 * The options of every command that speaks to a server.
 *
 * @module
 */
import type { Command } from "commander";
import type { ApiClient } from "./api_client.ts";

/** Where a server listens unless told otherwise. */
export const DEFAULT_SERVER = "http://127.0.0.1:7676";

/** What the options say. */
export interface ServerOptions {
  readonly server?: string;
  readonly as?: string;
  readonly reason?: string;
}

/** Adds the options to a command. */
export function withServer(command: Command): Command {
  return command
    .option("--server <url>", `server to ask (TORTIE_SERVER, else ${DEFAULT_SERVER})`)
    .option("--as <user>", "user to act as");
}

/** The client that the options mean. */
export async function clientOf(options: ServerOptions): Promise<ApiClient> {
  const { ApiClient } = await import("#/cli/api_client.ts");
  return new ApiClient({
    server: options.server ?? Deno.env.get("TORTIE_SERVER") ?? DEFAULT_SERVER,
    as: options.as,
    reason: options.reason,
  });
}
