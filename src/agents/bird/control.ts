/**
 * Speaks to BIRD over its control socket: lines with four-digit codes. One connection per command, because BIRD may be another process by the next one.
 *
 * @module
 */
import { OperationalError } from "#/base/errors.ts";

/** How long BIRD may take to answer, in milliseconds. It answers from memory; a configuration of many thousand routes takes some hundred. */
export const REPLY_MS_MAX = 10_000;
/** Longest answer that is read, in bytes: a table of a hundred thousand routes. */
export const REPLY_BYTES_MAX = 33_554_432;

/** One line of an answer. */
export interface BirdLine {
  readonly code: number;
  readonly text: string;
}

/** An answer. */
export interface BirdReply {
  /** Code of the last line: below 1000 done, 8000 and above an error. */
  readonly code: number;
  /** The last line's text. */
  readonly message: string;
  /** All lines before it. */
  readonly lines: readonly BirdLine[];
}

/** Answers with this code or a higher one are errors. */
export const ERROR_CODE_MIN = 8000;

/** A session or other protocol, as `show protocols` lists it. */
export interface BirdProtocol {
  readonly name: string;
  /** `BGP`, `Kernel`, `Static` ... */
  readonly type: string;
  readonly state: "up" | "start" | "down" | "stop" | "flush";
  /** For BGP the session's state, `Established`, and its last error. */
  readonly info: string;
}

/** A route in BIRD's table; one network may have several. */
export interface BirdRoute {
  readonly destination: string;
  readonly type: string;
  /** Name of the protocol it came from. */
  readonly protocol: string;
  readonly isBest: boolean;
  readonly gateway: string | undefined;
  readonly linkName: string | undefined;
}

/**
 * Reads the answer at the beginning of a text; `undefined` while it is not all there.
 *
 * A line is `CODE-text` when more follow and `CODE text` when it is the last; one that begins with a space has the code of the line before.
 *
 * @example
 * ```ts
 * import { parseReply } from "#/agents/bird/control.ts";
 * const reply = parseReply("1000-BIRD 2.0.12\n Hostname is a\n0013 Daemon is up and running\n");
 * if (reply?.code !== 13 || reply.lines[1]?.text !== "Hostname is a") throw new Error();
 * if (parseReply("1000-BIRD 2.0.12\n") !== undefined) throw new Error("not all there");
 * ```
 */
export function parseReply(text: string): BirdReply | undefined {
  const lines: BirdLine[] = [];
  for (const line of text.split("\n").slice(0, -1)) {
    const match = /^(\d{4})([ -])(.*)$/.exec(line);
    if (match === null) {
      lines.push({ code: lines.at(-1)?.code ?? 0, text: line.slice(1) });
    } else if (match[2] === "-") {
      lines.push({ code: Number(match[1]), text: match[3]! });
    } else {
      return { code: Number(match[1]), message: match[3]!, lines };
    }
  }
  return undefined;
}

/**
 * Sends one command and returns the answer, also when it is an error of BIRD's (code 8000 and above). Throws `OperationalError` (retry `backoff`) when
 * BIRD cannot be reached, goes away, or does not answer in time.
 *
 * @param command without line end
 */
export async function birdCommand(
  socket: string,
  command: string,
  options: { readonly replyMsMax?: number } = {},
): Promise<BirdReply> {
  const doing = `Cannot ask BIRD to "${command}"`;
  let connection: Deno.UnixConn;
  try {
    connection = await Deno.connect({ transport: "unix", path: socket });
  } catch (cause) {
    throw controlError(`${doing}: no connection`, socket, cause);
  }
  const replyMsMax = options.replyMsMax ?? REPLY_MS_MAX;
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    connection.close();
  }, replyMsMax);
  try {
    const reader = replyReader(connection);
    await reader();
    await connection.write(new TextEncoder().encode(`${command}\n`));
    return await reader();
  } catch (cause) {
    throw controlError(isLate ? `${doing}: no answer within ${replyMsMax} ms` : doing, socket, cause);
  } finally {
    clearTimeout(timer);
    if (!isLate) connection.close();
  }
}

/** Reads one answer after the other. */
function replyReader(connection: Deno.UnixConn): () => Promise<BirdReply> {
  const decoder = new TextDecoder();
  const buffer = new Uint8Array(65_536);
  return async () => {
    let text = "";
    for (;;) {
      const count = await connection.read(buffer);
      if (count === null) throw new Error("BIRD closed the connection");
      text += decoder.decode(buffer.subarray(0, count), { stream: true });
      if (text.length > REPLY_BYTES_MAX) throw new Error(`Answer must have at most ${REPLY_BYTES_MAX} bytes`);
      // Only the last line may end an answer; looking there first keeps long answers linear.
      const reply = /(^|\n)\d{4} [^\n]*\n$/.test(text.slice(-1024)) ? parseReply(text) : undefined;
      if (reply !== undefined) return reply;
    }
  };
}

/**
 * Whether an answer is an error.
 *
 * @example
 * ```ts
 * import { isError } from "#/agents/bird/control.ts";
 * if (!isError({ code: 8002, message: "syntax error", lines: [] })) throw new Error();
 * ```
 */
export function isError(reply: BirdReply): boolean {
  return reply.code >= ERROR_CODE_MIN;
}

/** Text in quotes as BIRD's commands want paths. */
export function quoted(path: string): string {
  return `"${path}"`;
}

/** Reads the answer to `show protocols`. */
export function parseProtocols(reply: BirdReply): readonly BirdProtocol[] {
  return reply.lines.filter((line) => line.code === 1002).flatMap(({ text }) => {
    const match = /^(\S+)\s+(\S+)\s+\S+\s+(up|start|down|stop|flush)\s+\S+\s*(.*?)\s*$/.exec(text);
    if (match === null) return [];
    return [{ name: match[1]!, type: match[2]!, state: match[3] as BirdProtocol["state"], info: match[4]! }];
  });
}

/** Reads the answer to `show route`; further routes of a network leave its name out. */
export function parseRoutes(reply: BirdReply): readonly BirdRoute[] {
  const routes: BirdRoute[] = [];
  for (const { code, text } of reply.lines) {
    if (code !== 1007) continue;
    const route = /^(\S+)?\s+(\S+) \[(\S+) [^\]]*\] (\*)?/.exec(text);
    const hop = /^\t(?:via (\S+) on (\S+)|dev (\S+))/.exec(text);
    const last = routes.at(-1);
    if (route !== null) {
      const [, destination = last?.destination ?? "", type, protocol, best] = route;
      const isBest = best !== undefined;
      routes.push({
        destination,
        type: type!,
        protocol: protocol!,
        isBest,
        gateway: undefined,
        linkName: undefined,
      });
    } else if (hop !== null && last !== undefined && last.linkName === undefined) {
      routes[routes.length - 1] = { ...last, gateway: hop[1], linkName: hop[2] ?? hop[3] };
    }
  }
  return routes;
}

function controlError(message: string, subject: string, cause?: unknown): OperationalError {
  return new OperationalError(message, { operation: "ask BIRD", subject, retry: "backoff", cause });
}
