/**
 * The product API, `/tortie/v1/**`: questions about history, policy and the fleet. Every answer says what it rests on; every refusal is a problem
 * document. The agents' part of the path (`/tortie/v1/nodes/<node>/...`) is `server/agents`'.
 *
 * @module
 */
import type { Json } from "#/base/json.ts";
import { reject, type Rejection } from "#/base/problem.ts";
import type { EventLog } from "#/events/event_log.ts";
import type { ClusterState } from "#/projections/cluster_state.ts";
import { diffStates } from "#/projections/object_diff.ts";
import type { ApiBackend } from "#/server/api/backend.ts";
import { BODY_BYTES_MAX, decodeBody, readBody } from "#/server/api/body.ts";
import { explainAt, type SecondOpinion } from "./explain_query.ts";
import { readDriftRows } from "./drift_query.ts";
import { readLogRows } from "./log_query.ts";
import { planAt } from "./plan_query.ts";
import { jsonResponse, problemResponse } from "./problem_response.ts";
import { lintAt, reachAt, reachQuestionOf } from "./reach_query.ts";
import type { AppliedReport } from "#/sync/reports.ts";

/** What the product API needs of the server. */
export interface ProductDeps {
  readonly backend: ApiBackend;
  readonly log: EventLog;
  /** Last applied report of each node. */
  readonly appliedReports: () => readonly AppliedReport[];
  /** The compiled policy's verdict, to be compared with the oracle's. */
  readonly secondOpinion: SecondOpinion;
  /** Called when two engines disagree on a verdict: counts it and tells the operator. */
  readonly alarm: (message: string) => void;
}

/** Parameters of reach and plan. */
const REACH_PARAMETERS: readonly string[] = ["from", "to", "by", "port", "at"];

type Query = URLSearchParams;
type Answer = Response | Rejection;

/** Answers one request under `/tortie/v1/`. */
export async function handleProduct(deps: ProductDeps, request: Request, url: URL): Promise<Response> {
  const path = url.pathname.slice("/tortie/v1".length);
  const isPlan = path === "/plan";
  if (isPlan ? request.method !== "POST" : request.method !== "GET" && request.method !== "HEAD") {
    const method = isPlan ? "POST" : "GET";
    return problemResponse(reject("MethodNotAllowed", `${url.pathname} answers ${method} only: got ${request.method}`));
  }
  const answer = await (isPlan ? planAnswer(deps, request, url.searchParams) : route(deps, path, url.searchParams));
  return answer instanceof Response ? answer : problemResponse(answer);
}

function route(deps: ProductDeps, path: string, query: Query): Promise<Answer> {
  switch (path) {
    case "/log":
      return logAnswer(deps, query);
    case "/diff":
      return diffAnswer(deps, query);
    case "/drift":
      return driftAnswer(deps, query);
    case "/explain":
      return explainAnswer(deps, query);
    case "/reach":
      return reachAnswer(deps, query);
    case "/lint":
      return lintAnswer(deps, query);
    case "/nodes":
      return Promise.resolve(
        query.has("at") ? reject("BadRequest", `Nodes report what is now: "at" cannot be asked`) : nodesAnswer(deps),
      );
    default:
      return Promise.resolve(reject("NotFound", `There is no such question: "/tortie/v1${path}"`));
  }
}

function positiveInteger(query: Query, name: string): number | undefined | Rejection {
  const text = query.get(name);
  if (text === null) return undefined;
  const value = /^[0-9]{1,15}$/.test(text) ? Number(text) : 0;
  return value >= 1 ? value : reject("BadRequest", `Parameter "${name}" must be a whole number from 1: "${text}"`);
}

async function logAnswer({ backend, log }: ProductDeps, query: Query): Promise<Answer> {
  const from = positiveInteger(query, "from");
  const limit = positiveInteger(query, "limit");
  if (typeof from === "object") return from;
  if (typeof limit === "object") return limit;
  const at = query.get("at");
  const state = at === null ? backend.current() : await backend.stateAt(at);
  if ("kind" in state) return state;
  const { position } = state;
  const rows = await readLogRows(log, {
    to: position,
    group: query.get("group") ?? undefined,
    kind: query.get("kind") ?? undefined,
    namespace: query.get("namespace") ?? undefined,
    name: query.get("name") ?? undefined,
    from,
    limit,
  });
  return jsonResponse(rows as unknown as Json, position);
}

/** Position and time that an answer rests on. */
function basisOf(state: ClusterState): Json {
  return { position: state.position, time: state.occurredAt };
}

async function diffAnswer({ backend }: ProductDeps, query: Query): Promise<Answer> {
  const [from, to] = [query.get("from"), query.get("to")];
  if (from === null || to === null) return reject("BadRequest", `Parameters "from" and "to" must both be given`);
  const before = await backend.stateAt(from);
  if ("kind" in before) return before;
  const after = await backend.stateAt(to);
  if ("kind" in after) return after;
  const answer = { from: basisOf(before), to: basisOf(after), objects: diffStates(before, after) as unknown as Json };
  return jsonResponse(answer, after.position);
}

async function driftAnswer({ backend, log }: ProductDeps, query: Query): Promise<Answer> {
  const at = query.get("at");
  const state = at === null ? backend.current() : await backend.stateAt(at);
  if ("kind" in state) return state;
  const { position } = state;
  const named = query.get("node");
  const known = [...state.collections.get("core/nodes")?.values() ?? []].map(({ metadata }) => metadata.name);
  const rows = await readDriftRows(log, { nodes: named === null ? known : [named], to: position });
  return jsonResponse(rows as unknown as Json, position);
}

async function explainAnswer({ backend, secondOpinion, alarm }: ProductDeps, query: Query): Promise<Answer> {
  const [from, to, at] = [query.get("from"), query.get("to"), query.get("at")];
  if (from === null || to === null) return reject("BadRequest", `Parameters "from" and "to" must both be given`);
  const state = at === null ? backend.current() : await backend.stateAt(at);
  if ("kind" in state) return state;
  const answer = explainAt(state, { from, to }, { secondOpinion, alarm });
  return "kind" in answer && answer.kind === "rejected"
    ? answer
    : jsonResponse(answer as unknown as Json, state.position);
}

/** The state that a question is about: that at `at`, else the live one. */
function stateOf({ backend }: ProductDeps, query: Query): Promise<ClusterState | Rejection> {
  const at = query.get("at");
  return at === null ? Promise.resolve(backend.current()) : backend.stateAt(at);
}

/** A misspelt parameter would widen the answer in silence. */
function unknownParameter(query: Query, known: readonly string[]): Rejection | undefined {
  const unknown = [...query.keys()].find((name) => !known.includes(name));
  if (unknown === undefined) return undefined;
  return reject("BadRequest", `Parameter "${unknown}" is not known: must be one of ${known.join(", ")}`);
}

async function reachAnswer(deps: ProductDeps, query: Query): Promise<Answer> {
  const unknown = unknownParameter(query, REACH_PARAMETERS);
  if (unknown !== undefined) return unknown;
  const question = reachQuestionOf(query);
  if (question.kind === "rejected") return question;
  const state = await stateOf(deps, query);
  if ("kind" in state) return state;
  const answer = reachAt(state, question);
  return "kind" in answer ? answer : jsonResponse(answer as unknown as Json, state.position);
}

async function lintAnswer(deps: ProductDeps, query: Query): Promise<Answer> {
  const unknown = unknownParameter(query, ["at"]);
  if (unknown !== undefined) return unknown;
  const state = await stateOf(deps, query);
  return "kind" in state ? state : jsonResponse(lintAt(state) as unknown as Json, state.position);
}

async function planAnswer(deps: ProductDeps, request: Request, query: Query): Promise<Answer> {
  const unknown = unknownParameter(query, REACH_PARAMETERS);
  if (unknown !== undefined) return unknown;
  const question = reachQuestionOf(query);
  if (question.kind === "rejected") return question;
  const bytes = await readBody(request);
  if ("kind" in bytes) return reject("BadRequest", `Body must have at most ${BODY_BYTES_MAX} bytes`);
  const body = decodeBody(bytes, "application/json");
  if ("kind" in body) return body;
  const state = await stateOf(deps, query);
  if ("kind" in state) return state;
  const plan = planAt(state, body.value, question);
  return "kind" in plan ? plan : jsonResponse(plan as unknown as Json, state.position);
}

function nodesAnswer({ backend, appliedReports }: ProductDeps): Answer {
  const head = backend.head().position;
  const reports = new Map(appliedReports().map((report) => [report.node, report]));
  const nodes = [...backend.current().collections.get("core/nodes")?.values() ?? []].map((node) => {
    const report = reports.get(node.metadata.name);
    return {
      name: node.metadata.name,
      applied: report?.position ?? null,
      lag: report === undefined ? null : Math.max(0, head - report.position),
      appliedAt: report?.appliedAt ?? null,
      agentVersion: report?.agentVersion ?? null,
      errors: report?.errors ?? [],
      unsupported: report?.unsupported ?? [],
    };
  });
  return jsonResponse({ head, nodes: nodes as unknown as Json }, head);
}
