/**
 * One request to a served kind, after its path is understood: what every route of `handler.ts` is given.
 *
 * @module
 */
import type { Clock, Random } from "#/base/ports.ts";
import type { Rejection } from "#/base/problem.ts";
import type { KindDefinition } from "#/resources/kind.ts";
import type { ApiBackend } from "#/server/api/backend.ts";
import type { ConnectionInfo } from "#/server/api/identity.ts";
import type { ResourcePath } from "#/server/api/path.ts";
import type { StatusSubject } from "#/server/api/status_error.ts";
import type { ObjectTexts } from "#/server/api/watch_frames.ts";

/** What the API is made with. */
export interface ApiDeps {
  readonly backend: ApiBackend;
  readonly clock: Clock;
  readonly random: Random;
  /** Tortie's own version, for `/version`. */
  readonly version: string;
  /** Ends all watches when it aborts, so that a listener that closes need not wait for them. */
  readonly stopping?: AbortSignal;
}

/** A request to a kind's collection or to one of its objects. */
export interface ResourceRequest {
  readonly deps: ApiDeps;
  readonly request: Request;
  readonly query: URLSearchParams;
  readonly info: ConnectionInfo | undefined;
  readonly kind: KindDefinition;
  readonly path: ResourcePath;
  readonly texts: ObjectTexts;
}

/** What a route returns: an answer, or a refusal that the handler writes as a `Status`. */
export type RouteResult = Promise<Response | Rejection>;

/** What a refusal of this request is about. */
export function subjectOf({ kind, path }: Pick<ResourceRequest, "kind" | "path">): StatusSubject {
  return { group: kind.group, kind: kind.kind, plural: kind.plural, name: path.name };
}

/** A route's answer, told from a refusal. */
export function isRejection(value: unknown): value is Rejection {
  return typeof value === "object" && value !== null && "kind" in value && value.kind === "rejected";
}
