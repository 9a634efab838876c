/**
 * The program that runs in a pod's namespace in packet tests: listens, connects and sends as it is told on its standard input, one JSON object a line, and
 * answers each on its standard output. Every server it runs answers with the address that it saw.
 *
 * @module
 */

/** What a peer can be told. Times are the longest to wait for an answer, in milliseconds. */
export type PeerCommand =
  | { readonly do: "listen"; readonly addresses: readonly string[]; readonly ports: readonly number[] }
  /** Connects and asks once; `keep` leaves the connection open under that name. */
  | { readonly do: "tcp"; readonly address: string; readonly port: number; readonly ms: number; readonly keep?: string }
  /** Asks once more on a connection that was kept. */
  | { readonly do: "talk"; readonly keep: string; readonly ms: number }
  /** Asks until there is an answer; from another source address when told. */
  | {
    readonly do: "udp";
    readonly address: string;
    readonly port: number;
    readonly ms: number;
    readonly source?: string;
    readonly sourcePort?: number;
  }
  /** Which sources have sent datagrams so far. */
  | { readonly do: "sources" }
  /** Tries many at once; the answer has a `.` for each that was answered and an `X` for each that was not. */
  | { readonly do: "probe"; readonly probes: readonly PeerProbe[] };

/** One try of many. */
export interface PeerProbe {
  readonly way: "tcp" | "udp";
  readonly address: string;
  readonly port: number;
  readonly ms: number;
  /** UDP only: where connection tracking remembers an earlier try, the same port would count as its continuation. */
  readonly sourcePort?: number;
}

/** The answer: what was seen, or `undefined` when nothing came in time. */
export interface PeerAnswer {
  readonly seen: string | undefined;
}

const REPEAT_MS = 50;

const kept = new Map<string, Deno.TcpConn>();
const sources = new Set<string>();

async function within<T>(ms: number, work: Promise<T>, giveUp: () => void = () => {}): Promise<T | undefined> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), ms);
  });
  try {
    return await Promise.race([work.catch(() => undefined), late]);
  } finally {
    clearTimeout(timer);
    giveUp();
  }
}

async function ask(conn: Deno.TcpConn): Promise<string | undefined> {
  await conn.write(new TextEncoder().encode("?"));
  const bytes = new Uint8Array(100);
  const length = await conn.read(bytes);
  return length === null ? undefined : new TextDecoder().decode(bytes.subarray(0, length));
}

async function serveTcp(listener: Deno.TcpListener): Promise<void> {
  for await (const conn of listener) {
    void (async () => {
      const bytes = new Uint8Array(100);
      while (await conn.read(bytes) !== null) await conn.write(new TextEncoder().encode(conn.remoteAddr.hostname));
    })().catch(() => {});
  }
}

async function serveUdp(socket: Deno.DatagramConn): Promise<void> {
  for await (const [, from] of socket) {
    if (from.transport !== "udp") continue;
    sources.add(from.hostname);
    await socket.send(new TextEncoder().encode(from.hostname), from).catch(() => {});
  }
}

async function tcp(command: PeerCommand & { do: "tcp" }): Promise<string | undefined> {
  const giveUp = new AbortController();
  const connecting = Deno.connect({ hostname: command.address, port: command.port, signal: giveUp.signal });
  const conn = await within(command.ms, connecting, () => giveUp.abort());
  if (conn === undefined) return undefined;
  const answer = await within(command.ms, ask(conn));
  if (command.keep === undefined) conn.close();
  else kept.set(command.keep, conn);
  return answer;
}

async function udp(
  { address, port, ms, source, sourcePort }: PeerCommand & { do: "udp" },
): Promise<string | undefined> {
  const hostname = source ?? (address.includes(":") ? "::" : "0.0.0.0");
  const socket = Deno.listenDatagram({ transport: "udp", hostname, port: sourcePort ?? 0 });
  const send = () =>
    void socket.send(new Uint8Array([1]), { transport: "udp", hostname: address, port }).catch(() => {});
  send();
  const timer = setInterval(send, REPEAT_MS);
  try {
    const answer = await within(ms, socket.receive());
    return answer === undefined ? undefined : new TextDecoder().decode(answer[0]);
  } finally {
    clearInterval(timer);
    socket.close();
  }
}

async function carryOut(command: PeerCommand): Promise<string | undefined> {
  switch (command.do) {
    case "listen":
      for (const hostname of command.addresses) {
        for (const port of command.ports) {
          void serveTcp(Deno.listen({ hostname, port }));
          void serveUdp(Deno.listenDatagram({ transport: "udp", hostname, port }));
        }
      }
      return "listening";
    case "tcp":
      return await tcp(command);
    case "talk": {
      const conn = kept.get(command.keep);
      return conn === undefined ? undefined : await within(command.ms, ask(conn));
    }
    case "udp":
      return await udp(command);
    case "sources":
      return [...sources].sort().join(" ");
    case "probe": {
      const answers = command.probes.map(({ way, ...rest }) =>
        way === "tcp" ? tcp({ do: "tcp", ...rest }) : udp({ do: "udp", ...rest })
      );
      return (await Promise.all(answers)).map((answer) => answer === undefined ? "X" : ".").join("");
    }
  }
}

if (import.meta.main) {
  let text = "";
  for await (const part of Deno.stdin.readable.pipeThrough(new TextDecoderStream())) {
    text += part;
    const lines = text.split("\n");
    text = lines.pop() ?? "";
    for (const line of lines) {
      const answer: PeerAnswer = { seen: await carryOut(JSON.parse(line) as PeerCommand) };
      console.log(JSON.stringify(answer));
    }
  }
  Deno.exit(0);
}
