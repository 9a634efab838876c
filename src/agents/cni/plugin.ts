/**
 * The CNI plugin program, which the container runtime starts for every command: reads environment and standard input, posts them to the agent's unix
 * socket, prints what comes back and exits with its code. Knows nothing of networks; VERSION it answers itself, because runtimes ask it before an agent
 * runs. Installed by `install.ts`.
 *
 * Runs without an import map and without the project's configuration, so its imports are relative and few.
 *
 * @module
 */
import { isJsonObject, type Json } from "../../base/json.ts";
import {
  CNI_CODES,
  CNI_REQUEST_BYTES_MAX,
  type CniReply,
  type CniRequest,
  failure,
  failureReply,
  parseEnvironment,
  versionReply,
} from "./protocol.ts";

/** Where the agent listens when neither configuration nor environment names a socket. */
export const AGENT_SOCKET_DEFAULT = "/run/tortie/agent.sock";

/** The program's surroundings, as values. */
export interface PluginInputs {
  readonly env: (name: string) => string | undefined;
  /** All of standard input. */
  readonly stdin: string;
  /** Posts a request to the agent behind a socket. */
  readonly post: (socket: string, request: CniRequest) => Promise<CniReply>;
}

/** Runs one command. The socket is the configuration's `agentSocket`, else `TORTIE_AGENT_SOCKET`, else {@link AGENT_SOCKET_DEFAULT}. */
export async function runPlugin({ env, stdin, post }: PluginInputs): Promise<CniReply> {
  const config = parseJson(stdin);
  const environment = parseEnvironment(env);
  if (environment.kind === "failure") return failureReply(environment, config ?? null);
  if (environment.command === "VERSION") return versionReply(config ?? null);
  if (config === undefined) {
    return failureReply(failure(CNI_CODES.decodingFailure, "Standard input must be JSON"), null);
  }
  const named = isJsonObject(config) ? config.agentSocket : undefined;
  const socket = typeof named === "string" ? named : env("TORTIE_AGENT_SOCKET") ?? AGENT_SOCKET_DEFAULT;
  const { command, containerId, netns, ifName, args } = environment;
  try {
    return await post(socket, { command, containerId, netns, ifName, args, config });
  } catch (error) {
    const code = command === "STATUS" ? CNI_CODES.notAvailable : CNI_CODES.tryAgainLater;
    const why = error instanceof Error ? error.message : String(error);
    return failureReply(failure(code, `Cannot reach the agent at "${socket}"`, why), config);
  }
}

/**
 * Posts a request over a unix socket. Speaks just enough HTTP for the agent's own server, which is several times faster to load than a client of all
 * of it.
 */
export async function postToAgent(socket: string, request: CniRequest): Promise<CniReply> {
  using connection = await Deno.connect({ transport: "unix", path: socket });
  const body = new TextEncoder().encode(JSON.stringify(request));
  const head = `POST /cni HTTP/1.1\r\nhost: agent\r\nconnection: close\r\ncontent-length: ${body.length}\r\n\r\n`;
  for (const part of [new TextEncoder().encode(head), body]) {
    for (let at = 0; at < part.length;) at += await connection.write(part.subarray(at));
  }
  const answer = await readAll(connection);
  const end = answer.indexOf("\r\n\r\n");
  const status = /^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1];
  const reply = parseJson(answer.slice(end + 4));
  if (status !== "200" || !isJsonObject(reply)) throw new Error(`Agent must answer 200: "${answer.slice(0, 200)}"`);
  const { code, stdout } = reply;
  if (typeof code !== "number" || typeof stdout !== "string") throw new Error("Agent must answer {code, stdout}");
  return { code, stdout };
}

async function readAll(source: { read(buffer: Uint8Array): Promise<number | null> }): Promise<string> {
  const decoder = new TextDecoder();
  const buffer = new Uint8Array(65_536);
  let text = "";
  for (let count = await source.read(buffer); count !== null; count = await source.read(buffer)) {
    text += decoder.decode(buffer.subarray(0, count), { stream: true });
    if (text.length > CNI_REQUEST_BYTES_MAX) throw new Error(`Input must have at most ${CNI_REQUEST_BYTES_MAX} bytes`);
  }
  return text + decoder.decode();
}

function parseJson(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
}

if (import.meta.main) {
  const stdin = await readAll(Deno.stdin);
  const reply = await runPlugin({ env: (name) => Deno.env.get(name), stdin, post: postToAgent });
  if (reply.stdout !== "") console.log(reply.stdout);
  Deno.exit(reply.code);
}
