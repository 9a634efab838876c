/**
 * `POST /tortie/v1/nodes/<node>/token`: gives out a node's credentials, once each time it is asked; the node's earlier token ends. Asked by whoever installs the
 * agent, over the loopback or the unix socket.
 *
 * @module
 */
import { reject } from "#/base/problem.ts";
import type { ClusterState } from "#/projections/cluster_state.ts";
import { issueNodeToken } from "#/server/agents/node_auth.ts";
import { jsonResponse, problemResponse } from "#/server/product/problem_response.ts";
import type { SecretStore } from "#/server/secret_store.ts";

/** What giving out tokens needs. */
export interface TokenApiDeps {
  readonly secrets: SecretStore;
  /** The state now: only nodes that exist get a token. */
  readonly current: () => ClusterState;
}

/** Answers a request for a token; `undefined` for another path. */
export async function handleToken(deps: TokenApiDeps, request: Request, url: URL): Promise<Response | undefined> {
  const match = /^\/tortie\/v1\/nodes\/([a-z0-9.-]+)\/token$/.exec(url.pathname);
  if (match === null) return undefined;
  const node = match[1]!;
  if (request.method !== "POST") {
    return problemResponse(reject("MethodNotAllowed", `A token is given out by POST only: got ${request.method}`));
  }
  if (!deps.current().collections.get("core/nodes")?.has(`/${node}`)) {
    return problemResponse(reject("NotFound", `nodes "${node}" not found`));
  }
  return jsonResponse({ node, token: await issueNodeToken(deps.secrets, node) });
}
