/**
 * The agents' corner of the product API, `/tortie/v1/nodes/<node>/{slice,reports,commands}`: authenticates the node, serves its slice, takes its reports
 * and turns its commands into commands of the log. Here the kernels' news enters the arrow again on the left.
 *
 * @module
 */
import { errorText } from "#/base/errors.ts";
import type { Json } from "#/base/json.ts";
import type { Random } from "#/base/ports.ts";
import { reject, type Rejection } from "#/base/problem.ts";
import type { EventContext } from "#/events/envelope.ts";
import { BODY_BYTES_MAX, readAppliedReport, readCommandBatch } from "#/server/agents/agent_bodies.ts";
import { joinBytes } from "#/server/agents/frame_cache.ts";
import { identifyNode } from "#/server/agents/node_auth.ts";
import { openSlice } from "#/server/agents/slice_stream.ts";
import type { LogIdentity, SyncHub } from "#/server/agents/sync_hub.ts";
import type { ApiBackend } from "#/server/api/backend.ts";
import type { ConnectionInfo } from "#/server/api/identity.ts";
import { jsonResponse, problemResponse } from "#/server/product/problem_response.ts";
import type { SecretStore } from "#/server/secret_store.ts";
import type { AppliedReport, NodeCommand, NodeCommandBatch, NodeCommandResult } from "#/sync/reports.ts";

/** What the agents' API needs of the server. */
export interface AgentApiDeps {
  readonly hub: SyncHub;
  readonly log: LogIdentity;
  readonly backend: Pick<ApiBackend, "submit">;
  readonly secrets: SecretStore;
  readonly random: Random;
  /** Takes a node's report; the last one of each node is what counts. */
  readonly recordApplied: (report: AppliedReport) => void | Promise<void>;
}

/** Answers a request of an agent; `undefined` for a path that is not the agents'. */
export type AgentApi = (request: Request, info?: ConnectionInfo) => Promise<Response | undefined>;

/** Longest user agent kept with an event. */
const USER_AGENT_LENGTH_MAX = 256;

const METHODS = { slice: "GET", reports: "POST", commands: "POST" } as const;

/** Makes the handler. Paths of other things under `/tortie/v1/nodes` are left to others. */
export function createAgentApi(deps: AgentApiDeps): AgentApi {
  return async (request, info) => {
    const url = new URL(request.url);
    const match = /^\/tortie\/v1\/nodes\/([^/]+)\/(slice|reports|commands)$/.exec(url.pathname);
    if (match === null) return undefined;
    const node = decodeName(match[1]!);
    const part = match[2] as keyof typeof METHODS;
    if (request.method !== METHODS[part]) {
      return problemResponse(
        reject("MethodNotAllowed", `Method of "${part}" must be ${METHODS[part]}: "${request.method}"`),
      );
    }
    const refusal = await refuseStranger(deps, request, node);
    if (refusal !== undefined) return refusal;
    if (part === "slice") return answer(openSlice(deps.hub, deps.log, node, url.searchParams));
    const body = await readJson(request);
    if (body.kind === "rejected") return problemResponse(body);
    return part === "reports"
      ? await takeReport(deps, node, body.value)
      : await takeCommands(deps, { node, request, info }, body.value);
  };
}

async function refuseStranger(deps: AgentApiDeps, request: Request, node: string): Promise<Response | undefined> {
  const identity = await identifyNode(deps.secrets, request, node);
  if (identity.kind === "node") return undefined;
  if (identity.kind === "other") {
    const message = `Node "${identity.node}" must not use what is of node "${node}"`;
    return problemResponse(reject("Forbidden", message));
  }
  const response = problemResponse(reject("Unauthorized", identity.message));
  response.headers.set("www-authenticate", 'Bearer realm="tortie nodes"');
  return response;
}

async function takeReport(deps: AgentApiDeps, node: string, body: Json): Promise<Response> {
  const read = readAppliedReport(body);
  if (read.kind === "invalid") return problemResponse(reject("Invalid", "The report is not valid", read.problems));
  const report = read.value;
  if (report.node !== node) {
    return problemResponse(reject("Invalid", `Report must be of node "${node}": "${report.node}"`));
  }
  if (report.logId !== deps.log.logId || report.epoch > deps.log.epoch) {
    const known = `log "${deps.log.logId}" and epoch ${deps.log.epoch}`;
    return problemResponse(reject("Conflict", `Report must be of ${known}: "${report.logId}", ${report.epoch}`));
  }
  await deps.recordApplied(report);
  return new Response(null, { status: 204 });
}

/** Who sent a batch. */
interface Sender {
  readonly node: string;
  readonly request: Request;
  readonly info: ConnectionInfo | undefined;
}

async function takeCommands(deps: AgentApiDeps, sender: Sender, body: Json): Promise<Response> {
  const read = readCommandBatch(body);
  if (read.kind === "invalid") return problemResponse(reject("Invalid", "The batch is not valid", read.problems));
  const batch = read.value;
  const batchId = sender.request.headers.get("idempotency-key") || deps.random.uuid();
  const results: NodeCommandResult[] = [];
  for (const [at, command] of batch.commands.entries()) {
    const context = contextOf(sender, batch, `${batchId}/${at}`);
    results.push(await carryOut(deps, sender.node, command, context));
  }
  return jsonResponse(results.map((result) => ({ ...result })));
}

/** One command. A refusal is its result and does not stop those after it: each stands for itself. */
async function carryOut(
  deps: AgentApiDeps,
  node: string,
  command: NodeCommand,
  context: EventContext,
): Promise<NodeCommandResult> {
  const outcome = await deps.backend.submit({ context, body: { kind: "NodeCommand", node, command } });
  if (outcome.kind === "rejected") return { result: "refused", reason: outcome.reason, message: outcome.message };
  return outcome.node ?? { result: "done", position: outcome.position };
}

function contextOf({ node, request, info }: Sender, batch: NodeCommandBatch, requestId: string): EventContext {
  const userAgent = (request.headers.get("user-agent") ?? "").slice(0, USER_AGENT_LENGTH_MAX);
  const ip = info?.remoteAddr.hostname;
  return {
    actor: { user: `system:node:${node}`, groups: ["system:nodes", "system:authenticated"], authMethod: "token" },
    source: {
      via: "agent",
      ...(ip === undefined ? {} : { ip }),
      ...(userAgent === "" ? {} : { userAgent }),
    },
    requestId,
    observedAt: batch.observedAt,
  };
}

async function readJson(request: Request): Promise<{ readonly kind: "json"; readonly value: Json } | Rejection> {
  const pieces: Uint8Array[] = [];
  let size = 0;
  for await (const piece of request.body ?? []) {
    size += piece.length;
    if (size > BODY_BYTES_MAX) return reject("BadRequest", `Body must have at most ${BODY_BYTES_MAX} bytes`);
    pieces.push(piece);
  }
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(joinBytes(pieces));
    return { kind: "json", value: JSON.parse(text) };
  } catch (error) {
    return reject("BadRequest", `Body must be JSON: ${errorText(error)}`);
  }
}

function answer(outcome: Response | Rejection): Response {
  return outcome instanceof Response ? outcome : problemResponse(outcome);
}

function decodeName(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
