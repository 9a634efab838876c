/**
 * The agents' HTTP API: who may do what, what is refused and how it is said, and that commands and reports arrive as they were sent.
 *
 * @module
 */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { systemClock } from "#/base/ports.ts";
import { reject, type Rejection } from "#/base/problem.ts";
import { type AgentApi, createAgentApi } from "#/server/agents/agent_api.ts";
import { BATCH_COMMANDS_MAX, BODY_BYTES_MAX } from "#/server/agents/agent_bodies.ts";
import { issueNodeToken } from "#/server/agents/node_auth.ts";
import { SyncHub } from "#/server/agents/sync_hub.ts";
import type { Committed } from "#/server/api/backend.ts";
import type { Command } from "#/server/decide/command.ts";
import { decodeFrames } from "#/sync/decode.ts";
import type { AppliedReport } from "#/sync/reports.ts";
import { createHistory, put } from "#tests/support/history.ts";
import { bound, node } from "#tests/support/network_objects.ts";

const LOG = { logId: "log", epoch: 3 };

interface Desk extends AsyncDisposable {
  readonly api: AgentApi;
  readonly hub: SyncHub;
  readonly tokens: Readonly<Record<string, string>>;
  readonly secrets: ReadonlyMap<string, string>;
  readonly commands: Command[];
  readonly reports: AppliedReport[];
  call(path: string, init?: RequestInit & { readonly token?: string }): Promise<Response>;
}

async function desk(submit: (command: Command) => Committed | Rejection = () => done(7)): Promise<Desk> {
  const history = createHistory();
  put(history, node("node1", "172.30.0.1/24"));
  const hub = new SyncHub({ log: LOG, state: history.state, clock: systemClock });
  const values = new Map<string, string>();
  const secrets = {
    getSecret: (name: string) => Promise.resolve(values.get(name)),
    putSecret: (name: string, value: string) => Promise.resolve(void values.set(name, value)),
  };
  const tokens = { node1: await issueNodeToken(secrets, "node1"), "a.b": await issueNodeToken(secrets, "a.b") };
  const commands: Command[] = [];
  const reports: AppliedReport[] = [];
  const api = createAgentApi({
    hub,
    log: LOG,
    backend: {
      submit: (command) => {
        commands.push(command);
        return Promise.resolve(submit(command));
      },
    },
    secrets,
    random: { uuid: () => "uuid" },
    recordApplied: (report) => void reports.push(report),
  });
  return {
    api,
    hub,
    tokens,
    secrets: values,
    commands,
    reports,
    call: async (path, init = {}) => {
      const headers = new Headers(init.headers);
      if (init.token !== undefined) headers.set("authorization", `Bearer ${init.token}`);
      const response = await api(new Request(`http://localhost${path}`, { ...init, headers }));
      assert(response !== undefined, path);
      return response;
    },
    [Symbol.asyncDispose]: () => hub[Symbol.asyncDispose](),
  };
}

function done(position: number): Committed {
  return { kind: "committed", created: false, position, warnings: [] };
}

async function problemOf(response: Response): Promise<{ status: number; detail: string; errors?: { path: string }[] }> {
  assertEquals(response.headers.get("content-type"), "application/problem+json");
  return await response.json();
}

const REPORT: AppliedReport = {
  node: "node1",
  ...LOG,
  position: 1,
  appliedAt: "2026-01-01T00:00:00.123Z",
  agentVersion: "0.1.0",
  errors: [{ item: "policy:p", message: "no" }],
  unsupported: [],
};
const BIND = { command: "BindEndpoint", endpoint: bound("shop", "web", { node: "node1", addresses: ["10.0.0.1"] }) };
const OBSERVED_AT = "2026-01-01T00:00:00.456Z";

function post(body: unknown, token: string): RequestInit & { token: string } {
  return { method: "POST", body: typeof body === "string" ? body : JSON.stringify(body), token };
}

Deno.test("createAgentApi() lets each node do its own and refuses strangers and neighbours", async () => {
  await using setup = await desk();
  const { tokens, call } = setup;
  const url = "/tortie/v1/nodes/node1/slice";
  const nobody = await call(url);
  assertEquals(nobody.status, 401);
  assertStringIncludes(nobody.headers.get("www-authenticate") ?? "", "Bearer");
  assertStringIncludes((await problemOf(nobody)).detail, "Authorization: Bearer");
  const wrong = [`${tokens.node1}x`, "node1.", "node1", ".", "node9.secret", tokens.node1!.replace("node1", "a.b")];
  for (const token of wrong) {
    const response = await call(url, { token });
    assertEquals(response.status, 401, token);
    await response.body?.cancel();
  }
  for (const part of ["slice", "reports", "commands"]) {
    const method = part === "slice" ? "GET" : "POST";
    const response = await call(`/tortie/v1/nodes/node1/${part}`, { token: tokens["a.b"], method });
    assertEquals(response.status, 403);
    assertEquals((await problemOf(response)).detail, 'Node "a.b" must not use what is of node "node1"');
  }
  const own = await call("/tortie/v1/nodes/a.b/slice", { token: tokens["a.b"] });
  assertEquals([own.status, own.headers.get("content-type")], [200, "application/x-ndjson"]);
  await own.body?.cancel();
  assertEquals([setup.commands.length, setup.reports.length], [0, 0]);
});

Deno.test("issueNodeToken() keeps no token and ends the one before", async () => {
  await using setup = await desk();
  const { secrets, tokens, call } = setup;
  for (const value of secrets.values()) assert(/^[0-9a-f]{64}$/.test(value) && !tokens.node1!.includes(value));
  const store = {
    getSecret: (name: string) => Promise.resolve(secrets.get(name)),
    putSecret: (name: string, value: string) => Promise.resolve(void (secrets as Map<string, string>).set(name, value)),
  };
  const renewed = await issueNodeToken(store, "node1");
  const answers = await Promise.all(
    [tokens.node1!, renewed].map((token) => call("/tortie/v1/nodes/node1/slice", { token })),
  );
  assertEquals(answers.map((response) => response.status), [401, 200]);
  for (const response of answers) await response.body?.cancel();
});

Deno.test("createAgentApi() serves the slice as frames and forgets the session when the reader goes", async () => {
  await using setup = await desk();
  const { tokens, call, hub } = setup;
  const response = await call("/tortie/v1/nodes/node1/slice", { token: tokens.node1 });
  const reader = response.body!.getReader();
  const { value } = await reader.read();
  const { frames, problem } = decodeFrames(new TextDecoder().decode(value));
  assertEquals(problem, undefined);
  assertEquals(frames.map((frame) => frame.frame), ["hello", "begin", "put", "put", "end"]);
  assertEquals(hub.sessions().length, 1);
  await reader.cancel();
  assertEquals(hub.sessions(), []);
});

Deno.test("createAgentApi() refuses resume points that are none or ahead of the log", async () => {
  await using setup = await desk();
  const { tokens, call } = setup;
  const cases: readonly (readonly [string, number, string])[] = [
    ["from=1&epoch=3&logId=log", 200, ""],
    ["from=1&epoch=2&logId=other", 200, ""],
    ["from=99&epoch=2&logId=log", 200, ""],
    ["from=2&epoch=3&logId=log", 409, "must not be ahead of the server, at epoch 3 and position 1"],
    ["from=0&epoch=4&logId=log", 409, "epoch 4, position 0"],
    ["from=-1&epoch=3&logId=log", 400, 'Parameter "from"'],
    ["from=1&logId=log", 400, 'Parameter "epoch"'],
    ["from=1&epoch=3", 400, 'Parameter "logId"'],
  ];
  for (const [query, status, detail] of cases) {
    const response = await call(`/tortie/v1/nodes/node1/slice?${query}`, { token: tokens.node1 });
    assertEquals(response.status, status, query);
    if (status === 200) await response.body?.cancel();
    else assertStringIncludes((await problemOf(response)).detail, detail, query);
  }
});

Deno.test("createAgentApi() takes reports of the node and of this log alone", async () => {
  await using setup = await desk();
  const { tokens, call, reports } = setup;
  const send = (body: unknown) => call("/tortie/v1/nodes/node1/reports", post(body, tokens.node1!));
  assertEquals((await send(REPORT)).status, 204);
  assertEquals(reports, [REPORT]);
  const cases: readonly (readonly [string, unknown, number, string])[] = [
    ["another node", { ...REPORT, node: "node2" }, 422, '"node1": "node2"'],
    ["another log", { ...REPORT, logId: "x" }, 409, '"log"'],
    ["a later epoch", { ...REPORT, epoch: 4 }, 409, "epoch 3"],
    ["no JSON", "{", 400, "must be JSON"],
    ["too large", "x".repeat(BODY_BYTES_MAX + 1), 400, "at most"],
  ];
  for (const [name, body, status, detail] of cases) {
    const response = await send(body);
    assertEquals(response.status, status, name);
    assertStringIncludes((await problemOf(response)).detail, detail, name);
  }
  const broken = await problemOf(
    await send({ ...REPORT, position: -1, appliedAt: "now", extra: 1, errors: [{ item: 7 }] }),
  );
  assertEquals(broken.status, 422);
  const paths = broken.errors!.map((error) => error.path).sort();
  assertEquals(paths, ["appliedAt", "errors[0].item", "errors[0].message", "extra", "position"]);
  assertEquals(reports.length, 1);
});

Deno.test("createAgentApi() carries out commands in order, as the node, and a refusal stops none", async () => {
  await using setup = await desk((command) => {
    if (command.body.kind !== "NodeCommand") throw new Error("no node's command");
    if (command.body.command.command === "RequestBlock") {
      return { ...done(8), node: { result: "done", position: 8, block: "10.0.0.0/26" } };
    }
    return command.body.command.command === "BindEndpoint" ? done(7) : reject("Conflict", "held by another");
  });
  const { tokens, call, commands } = setup;
  const release = { address: "10.0.0.1", block: "10.0.0.0/26", node: "node1", handle: "h" };
  const batch = {
    observedAt: OBSERVED_AT,
    commands: [BIND, { command: "ReleaseAddress", release }, {
      command: "RequestBlock",
      node: "node1",
      requestId: "r",
    }],
  };
  const init = post(batch, tokens.node1!);
  const response = await call("/tortie/v1/nodes/node1/commands", {
    ...init,
    headers: { "idempotency-key": "batch-9", "user-agent": "tortie-agent/0.1.0" },
  });
  assertEquals(await response.json(), [
    { result: "done", position: 7 },
    { result: "refused", reason: "Conflict", message: "held by another" },
    { result: "done", position: 8, block: "10.0.0.0/26" },
  ]);
  assertEquals(commands[0], {
    context: {
      actor: { user: "system:node:node1", groups: ["system:nodes", "system:authenticated"], authMethod: "token" },
      source: { via: "agent", userAgent: "tortie-agent/0.1.0" },
      requestId: "batch-9/0",
      observedAt: OBSERVED_AT,
    },
    body: { kind: "NodeCommand", node: "node1", command: BIND as never },
  });
  assertEquals(commands.map((command) => command.context.requestId), ["batch-9/0", "batch-9/1", "batch-9/2"]);
});

Deno.test("createAgentApi() carries out none of a batch that is not valid", async () => {
  await using setup = await desk();
  const { tokens, call, commands } = setup;
  const send = (list: unknown) =>
    call("/tortie/v1/nodes/node1/commands", post({ observedAt: OBSERVED_AT, commands: list }, tokens.node1!));
  const cases: readonly (readonly [string, unknown, string])[] = [
    ["unknown command", [BIND, { command: "FlushAll" }], "commands[1].command"],
    [
      "missing member",
      [{ command: "BindEndpoint", endpoint: { ...BIND.endpoint, netns: undefined } }],
      "commands[0].endpoint.netns",
    ],
    ["unknown member", [{ ...BIND, force: true }], "commands[0].force"],
    ["too many", Array(BATCH_COMMANDS_MAX + 1).fill(BIND), "commands"],
  ];
  for (const [name, list, path] of cases) {
    const response = await send(list);
    assertEquals(response.status, 422, name);
    assertEquals((await problemOf(response)).errors?.[0]?.path, path, name);
  }
  assertEquals(commands, []);
});

Deno.test("createAgentApi() leaves other paths to others and names the method it wants", async () => {
  await using setup = await desk();
  const { api, call, tokens } = setup;
  for (
    const path of ["/tortie/v1/nodes", "/tortie/v1/nodes/node1", "/tortie/v1/nodes/node1/slice/x", "/api/v1/nodes"]
  ) {
    assertEquals(await api(new Request(`http://localhost${path}`)), undefined, path);
  }
  const response = await call("/tortie/v1/nodes/node1/slice", { method: "POST", token: tokens.node1 });
  assertEquals(response.status, 405);
  assertEquals((await problemOf(response)).detail, 'Method of "slice" must be GET: "POST"');
});
