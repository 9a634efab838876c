/**
 * `tortie serve`: the composition of the control plane. Opens the store, starts the core, listens, and ends cleanly or with a clear word.
 *
 * @module
 */
import { sql } from "kysely";
import { errorText, OperationalError } from "#/base/errors.ts";
import { systemClock, systemRandom } from "#/base/ports.ts";
import { withoutPassword } from "#/events/pg.ts";
import { openStore, type Store } from "#/events/store.ts";
import { type AgentApi, createAgentApi } from "#/server/agents/agent_api.ts";
import { SyncHub } from "#/server/agents/sync_hub.ts";
import { handleToken } from "#/server/agents/token_api.ts";
import { type ApiHandler, createApiHandler } from "#/server/api/handler.ts";
import { refuseForeign } from "#/server/api/identity.ts";
import { refusalResponse } from "#/server/api/status_error.ts";
import { ControlPlane } from "#/server/control_plane.ts";
import { type HealthCheck, healthResponse } from "#/server/health.ts";
import { type Handler, openListeners } from "#/server/listeners.ts";
import { createMetrics, type ServerMetrics } from "#/server/metrics.ts";
import { NodeStatusBook } from "#/server/node_status.ts";
import { handleProduct, type ProductDeps } from "#/server/product/product_api.ts";
import { compiledOpinion } from "#/server/product/second_opinion.ts";
import { secretStore } from "#/server/secret_store.ts";
import { type ServeOptions, serveOptions } from "#/server/serve_options.ts";

export { serveOptions };

/** Version of the program. */
export const VERSION = "0.1.0";

/** How long a lost database may take to be known as lost after its first symptom. */
const LOSS_TOLD_MS = 1_000;

/** What a route may use. */
interface Routes {
  readonly api: ApiHandler;
  readonly agents: AgentApi;
  readonly product: ProductDeps;
  readonly token: Parameters<typeof handleToken>[0];
  readonly checks: readonly HealthCheck[];
  readonly metrics: ServerMetrics;
  /** How many agents follow now. */
  readonly sessions: () => number;
}

/**
 * Runs the control plane until SIGTERM or SIGINT, or until it cannot go on.
 *
 * @returns the exit code: 0 after a clean stop
 * @throws OperationalError that says why it cannot start, or why it had to end
 */
export async function serve(options: ServeOptions): Promise<number> {
  const stop = Promise.withResolvers<void>();
  for (const signal of ["SIGTERM", "SIGINT"] as const) Deno.addSignalListener(signal, () => stop.resolve());
  await using stack = new AsyncDisposableStack();
  const store = stack.use(await openDatabase(options));
  const plane = stack.use(await ControlPlane.start({ store, clock: systemClock, random: systemRandom }));
  const book = stack.use(await NodeStatusBook.open(store.db, systemClock));
  const hub = new SyncHub({ log: logIdentity(plane), state: plane.current(), clock: systemClock });
  const metrics = createMetrics();
  plane.onCommit((changes, state) => {
    hub.apply(changes, state);
    metrics.events.inc(changes.length);
    metrics.logPosition.set(state.position);
  });
  metrics.logPosition.set(plane.current().position);
  const stopping = new AbortController();
  const parts = { store, plane, book, hub, metrics, stopping: stopping.signal };
  const listeners = stack.use(await openListeners(options, routeAll(routesOf(parts))));
  // Streams end before the listeners close, or the listeners would wait for them.
  stack.use(hub);
  stack.defer(() => stopping.abort());
  console.log(
    `Tortie ${VERSION} serves ${listeners.url} (data in ${store.description}, log at position ${plane.current().position})`,
  );
  plane.ended.addEventListener("abort", () => stop.reject(plane.ended.reason), { once: true });
  try {
    await stop.promise;
  } catch (error) {
    throw new OperationalError("Tortie has to stop", {
      operation: "serve",
      subject: store.description,
      retry: "soon",
      cause: await rootCause(store, error),
    });
  }
  const { position } = plane.current();
  await stack.disposeAsync();
  console.log(`Tortie has stopped cleanly at position ${position}`);
  return 0;
}

/** Opens the store; a failure of a database that is not ours names it. */
async function openDatabase({ dataDir, databaseUrl }: ServeOptions): Promise<Store> {
  if (databaseUrl === undefined) return await openStore({ dataDir });
  try {
    return await openStore({ databaseUrl });
  } catch (error) {
    const subject = withoutPassword(databaseUrl);
    // A host with several addresses refuses once for each, in an error without words of its own.
    const cause = error instanceof AggregateError ? new Error(error.errors.map(errorText).join(", ")) : error;
    throw new OperationalError(`Cannot use the database "${subject}"`, {
      operation: "open the database",
      subject,
      retry: "backoff",
      cause,
    });
  }
}

/** A commit that fails may tell of its broken pipe before the database's own end is known: the end is the better word. */
async function rootCause(store: Store, error: unknown): Promise<unknown> {
  if (!store.lost.aborted) {
    const known = Promise.withResolvers<void>();
    store.lost.addEventListener("abort", () => known.resolve(), { once: true });
    const late = setTimeout(known.resolve, LOSS_TOLD_MS);
    await known.promise;
    clearTimeout(late);
  }
  return store.lost.aborted ? store.lost.reason : error;
}

interface Parts {
  readonly store: Store;
  readonly plane: ControlPlane;
  readonly book: NodeStatusBook;
  readonly hub: SyncHub;
  readonly metrics: ServerMetrics;
  /** Aborts when the server begins to stop. */
  readonly stopping: AbortSignal;
}

/** Which log this is; not where it stands. */
function logIdentity(plane: ControlPlane): { readonly logId: string; readonly epoch: number } {
  const { logId, epoch } = plane.head();
  return { logId, epoch };
}

function routesOf({ store, plane, book, hub, metrics, stopping }: Parts): Routes {
  const secrets = secretStore(store.db, systemClock);
  const alarm = (message: string) => {
    metrics.policyDisagreements.inc();
    console.error(message);
  };
  const secondOpinion = compiledOpinion({
    live: () => ({ position: hub.position, compiled: hub.compiledPolicies() }),
    onFailure: (message) => console.error(message),
  });
  return {
    api: createApiHandler({ backend: plane, clock: systemClock, random: systemRandom, version: VERSION, stopping }),
    agents: createAgentApi({
      ...{ hub, log: logIdentity(plane), backend: plane, secrets, random: systemRandom },
      recordApplied: (report) => {
        book.record(report);
        metrics.nodeAppliedPosition.set({ node: report.node }, report.position);
      },
    }),
    product: { backend: plane, log: store.log, appliedReports: () => book.all(), secondOpinion, alarm },
    token: { secrets, current: () => plane.current() },
    checks: [
      { name: "database", check: async () => void await sql`select 1`.execute(store.db) },
      { name: "log", check: () => Promise.resolve(plane.ended.throwIfAborted()) },
    ],
    metrics,
    sessions: () => hub.sessions().length,
  };
}

/** One handler for all listeners: the first part of the path says whose request it is. */
function routeAll(routes: Routes): Handler {
  return async (request, info) => {
    const started = systemClock.monotonic();
    const response = await route(routes, request, info);
    routes.metrics.requests.inc({ method: request.method, code: String(response.status) });
    routes.metrics.requestSeconds.observe({ method: request.method }, (systemClock.monotonic() - started) / 1000);
    return response;
  };
}

async function route(routes: Routes, request: Request, info: Parameters<Handler>[1]): Promise<Response> {
  const url = new URL(request.url);
  switch (url.pathname) {
    case "/livez":
    case "/healthz":
      return await healthResponse([], url.searchParams.has("verbose"));
    case "/readyz":
      return await healthResponse(routes.checks, url.searchParams.has("verbose"));
    case "/metrics":
      routes.metrics.sliceStreams.set(routes.sessions());
      return new Response(await routes.metrics.registry.metrics(), {
        headers: { "content-type": routes.metrics.registry.contentType },
      });
  }
  if (!url.pathname.startsWith("/tortie/v1/")) return await routes.api(request, info);
  const foreign = refuseForeign(request, info);
  if (foreign !== undefined) return refusalResponse(foreign);
  try {
    return await handleToken(routes.token, request, url) ?? await routes.agents(request, info) ??
      await handleProduct(routes.product, request, url);
  } catch (error) {
    console.error(`${request.method} ${url.pathname}: ${errorText(error)}`);
    return new Response(JSON.stringify({ title: "InternalError", status: 500, detail: errorText(error) }), {
      status: 500,
      headers: { "content-type": "application/problem+json" },
    });
  }
}
