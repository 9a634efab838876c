/** Tests of the control protocol, against a socket that answers from a script. @module */
import { assertEquals, assertRejects } from "@std/assert";
import { join } from "@std/path";
import { OperationalError } from "#/base/errors.ts";
import {
  birdCommand,
  type BirdReply,
  isError,
  parseProtocols,
  parseReply,
  parseRoutes,
} from "#/agents/bird/control.ts";

const GREETING = "0001 BIRD 2.0.12 ready.\n";

function replyOf(text: string): BirdReply {
  const reply = parseReply(text);
  if (reply === undefined) throw new Error("The answer is not complete");
  return reply;
}

/** Serves one connection: greets, and answers each command with the pieces the script has for it. */
async function withSocket(
  script: Readonly<Record<string, readonly string[]>>,
  body: (socket: string) => Promise<void>,
): Promise<void> {
  const directory = await Deno.makeTempDir({ prefix: "tortie-bird-" });
  const socket = join(directory, "bird.ctl");
  using listener = Deno.listen({ transport: "unix", path: socket });
  const connections: Deno.Conn[] = [];
  const serving = (async () => {
    for await (const connection of listener) {
      connections.push(connection);
      await connection.write(new TextEncoder().encode(GREETING));
      const buffer = new Uint8Array(1024);
      const count = await connection.read(buffer);
      const command = new TextDecoder().decode(buffer.subarray(0, count ?? 0)).trim();
      for (const piece of script[command] ?? []) {
        if (piece === "close") connection.close();
        else await connection.write(new TextEncoder().encode(piece));
      }
    }
  })();
  try {
    await body(socket);
  } finally {
    listener.close();
    await serving.catch(() => undefined);
    for (const connection of connections) {
      try {
        connection.close();
      } catch {
        // Closed by the script.
      }
    }
    await Deno.remove(directory, { recursive: true });
  }
}

Deno.test("parseReply() joins lines and waits for the last one", () => {
  const text = "1007-Table master4:\n 10.0.0.0/24          unicast\n 0999 not a code here\n0000 \n";
  assertEquals(parseReply(text), {
    code: 0,
    message: "",
    lines: [
      { code: 1007, text: "Table master4:" },
      { code: 1007, text: "10.0.0.0/24          unicast" },
      { code: 1007, text: "0999 not a code here" },
    ],
  });
  for (let end = 0; end < text.length; end++) assertEquals(parseReply(text.slice(0, end)), undefined, `${end}`);
});

Deno.test("isError() tells errors from answers by the code alone", () => {
  const cases: readonly (readonly [string, boolean])[] = [
    ["0003 Reconfigured\n", false],
    ["0004 Reconfiguration in progress\n", false],
    ["0020 Configuration OK\n", false],
    ["8002 /x/bird.conf:1:1 syntax error\n", true],
    ["9001 syntax error\n", true],
  ];
  for (const [text, expected] of cases) assertEquals(isError(replyOf(text)), expected, text);
});

Deno.test("birdCommand() reads an answer however it is cut", () =>
  withSocket(
    { "configure": ["0002-Reading configuration from a", ".conf\n00", "03 Reconfigured", "\n"] },
    async (socket) => {
      const reply = await birdCommand(socket, "configure");
      assertEquals(reply, {
        code: 3,
        message: "Reconfigured",
        lines: [{ code: 2, text: "Reading configuration from a.conf" }],
      });
    },
  ));

Deno.test("birdCommand() fails when nobody listens, BIRD goes away or does not answer", async () => {
  await assertRejects(() => birdCommand("/nowhere/bird.ctl", "show status"), OperationalError, "no connection");
  await withSocket({ "down": ["0002-Shutting", "close"] }, async (socket) => {
    const error = await assertRejects(() => birdCommand(socket, "down"), OperationalError, '"down"');
    assertEquals(error.retry, "backoff");
  });
  await withSocket({}, async (socket) => {
    const late = () => birdCommand(socket, "show status", { replyMsMax: 50 });
    await assertRejects(late, OperationalError, "no answer within 50 ms");
  });
});

Deno.test("parseProtocols() reads the table of BIRD 2.0.12", () => {
  const reply = replyOf(
    "2002-Name       Proto      Table      State  Since         Info\n" +
      "1002-device1    Device     ---        up     05:51:11.859  \n" +
      " kernel1    Kernel     master4    up     05:51:11.859  \n" +
      " Mesh_10_9_0_2 BGP        ---        up     05:51:12.748  Established   \n" +
      " Mesh_10_9_0_3 BGP        ---        start  2026-11-22    Connect       Socket: No route to host\n" +
      "0000 \n",
  );
  assertEquals(parseProtocols(reply), [
    { name: "device1", type: "Device", state: "up", info: "" },
    { name: "kernel1", type: "Kernel", state: "up", info: "" },
    { name: "Mesh_10_9_0_2", type: "BGP", state: "up", info: "Established" },
    { name: "Mesh_10_9_0_3", type: "BGP", state: "start", info: "Connect       Socket: No route to host" },
  ]);
});

Deno.test("parseRoutes() reads several routes of one network, and their next hops", () => {
  const reply = replyOf(
    "1007-Table master4:\n" +
      " 10.9.0.0/24          unicast [direct1 05:51:11.859] * (240)\n" +
      " \tdev vba\n" +
      " 192.168.2.0/26       unicast [Mesh_10_9_0_2 05:51:12.807] * (100) [i]\n" +
      " \tvia 10.9.0.2 on vba\n" +
      " 192.168.1.0/26       blackhole [tortie_blocks 05:51:11.859] * (200)\n" +
      "                      blackhole [kernel1 05:51:46.175] (10)\n" +
      "0000 \n",
  );
  const route = { gateway: undefined, linkName: undefined, isBest: true };
  assertEquals(parseRoutes(reply), [
    { ...route, destination: "10.9.0.0/24", type: "unicast", protocol: "direct1", linkName: "vba" },
    {
      ...route,
      destination: "192.168.2.0/26",
      type: "unicast",
      protocol: "Mesh_10_9_0_2",
      gateway: "10.9.0.2",
      linkName: "vba",
    },
    { ...route, destination: "192.168.1.0/26", type: "blackhole", protocol: "tortie_blocks" },
    { ...route, destination: "192.168.1.0/26", type: "blackhole", protocol: "kernel1", isBest: false },
  ]);
});
