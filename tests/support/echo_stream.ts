/**
 * A connection between two pods of a lab, made of busybox on both ends: what must survive while agents, BIRD and the server die.
 *
 * @module
 */
import { type Lab, type LabInfo } from "#tests/support/lab.ts";
import { eventually, isRunning } from "#tests/support/program.ts";

/** How long a line may take there and back; also while routes are away for a moment, since TCP sends again. */
const STREAM_MS_MAX = 20_000;

type Pod = LabInfo["pods"][number];

/** A connection between two pods through which a test sends lines one by one, and reads each back. */
export class EchoStream implements AsyncDisposable {
  #received = "";
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #reading: Promise<void>;
  #ends: AsyncDisposableStack;

  private constructor(private readonly client: Deno.ChildProcess, ends: AsyncDisposableStack) {
    this.#ends = ends;
    this.#writer = client.stdin.getWriter();
    this.#reading = this.#read();
  }

  /** Opens the connection, and has one line through it. */
  static async open(
    lab: Lab,
    ends: { readonly from: Pod; readonly to: Pod; readonly port: number },
  ): Promise<EchoStream> {
    const { from, to, port } = ends;
    await using opening = new AsyncDisposableStack();
    const server = spawnIn(to.netns, ["nc", "-ll", "-p", String(port), "-e", "busybox", "cat"], "null");
    opening.defer(() => end(server));
    await eventually(
      "the echo server to listen",
      STREAM_MS_MAX,
      async () => (await lab.inside(to.netns, "busybox", "netstat", "-ltn")).includes(`:${port} `),
    );
    const stream = new EchoStream(spawnIn(from.netns, ["nc", to.address, String(port)], "piped"), opening);
    opening.use({ [Symbol.asyncDispose]: () => stream.#close() });
    await stream.echo("opened");
    stream.#ends = opening.move();
    return stream;
  }

  /** Sends a line and waits until it is back. */
  async echo(line: string): Promise<void> {
    const before = this.#received;
    await this.#writer.write(new TextEncoder().encode(`${line}\n`));
    await eventually(`"${line}" to come back`, STREAM_MS_MAX, () => this.#received === `${before}${line}\n`);
  }

  async #read(): Promise<void> {
    for await (const text of this.client.stdout.pipeThrough(new TextDecoderStream())) this.#received += text;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#ends.disposeAsync();
  }

  async #close(): Promise<void> {
    await this.#writer.close().catch(() => {});
    await end(this.client);
    await this.#reading;
  }
}

function spawnIn(netns: string, words: readonly string[], io: "piped" | "null"): Deno.ChildProcess {
  const args = [`--net=${netns}`, "busybox", ...words];
  return new Deno.Command("nsenter", { args, stdin: io, stdout: io, stderr: "null" }).spawn();
}

async function end(child: Deno.ChildProcess): Promise<void> {
  if (isRunning(child.pid)) child.kill("SIGKILL");
  await child.status;
}
