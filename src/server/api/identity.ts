/**
 * Who asks, through what, and whether such a request is heard at all. Without authentication the API listens on loopback only; a web page must not reach
 * it through the browser of somebody who sits there, so a foreign `Host` or `Origin` is refused. `handler.ts` calls this before anything else.
 *
 * @module
 */
import type { Random } from "#/base/ports.ts";
import { reject, type Rejection } from "#/base/problem.ts";
import type { Actor, EventContext } from "#/events/envelope.ts";
import { textOfHeader } from "#/server/api/respond.ts";

/** What a listener knows of the connection; `Deno.ServeHandlerInfo` has this shape. */
export interface ConnectionInfo {
  readonly remoteAddr: { readonly transport: string; readonly hostname?: string };
}

/** Longest `Tortie-Reason`, in characters. */
export const REASON_LENGTH_MAX = 1024;
/** Longest user name, user agent and request id kept with an event, in characters. */
export const IDENTITY_LENGTH_MAX = 256;
/** Longest field manager, as in Kubernetes. */
const FIELD_MANAGER_LENGTH_MAX = 128;

/** A refusal that has no `RejectReason`, because no decision was made. */
export interface Unheard {
  readonly reason: "MisdirectedRequest" | "Forbidden";
  readonly message: string;
  readonly problems: readonly [];
}

/**
 * Refuses a request whose `Host` is not this machine's loopback, or that a page of another origin makes. Requests over a unix socket are heard
 * always: the file's mode guards them.
 */
export function refuseForeign(request: Request, info: ConnectionInfo | undefined): Unheard | undefined {
  if (info?.remoteAddr.transport === "unix") return undefined;
  const host = request.headers.get("host") ?? new URL(request.url).host;
  if (!isLoopbackHost(host)) {
    const message = `Host must be localhost, 127.0.0.1 or [::1]: "${host}"`;
    return { reason: "MisdirectedRequest", message, problems: [] };
  }
  const origin = request.headers.get("origin");
  if (origin !== null && origin.replace(/^https?:\/\//, "") !== host) {
    return { reason: "Forbidden", message: `Origin must be that of this server: "${origin}"`, problems: [] };
  }
  return undefined;
}

/**
 * Whether a `Host` header names this machine's loopback, with or without a port.
 *
 * @example
 * ```ts
 * import { isLoopbackHost } from "#/server/api/identity.ts";
 * if (!isLoopbackHost("[::1]:7676") || isLoopbackHost("127.0.0.1.example.com")) throw new Error();
 * ```
 */
export function isLoopbackHost(host: string): boolean {
  return /^(localhost|127\.0\.0\.1|\[::1\])(:[0-9]+)?$/i.test(host);
}

/** The user of a request: whom `Impersonate-User` names, else nobody in particular. */
export function actorOf(request: Request): Actor {
  const user = textOfHeader(request.headers.get("impersonate-user") ?? "");
  if (user === "") return { user: "system:anonymous", groups: ["system:unauthenticated"], authMethod: "none" };
  const groups = textOfHeader(request.headers.get("impersonate-group") ?? "").split(",").map((group) => group.trim());
  return { user, groups: [...groups.filter((group) => group !== ""), "system:authenticated"], authMethod: "none" };
}

/** The field manager of a write that names none: the first part of the user agent, as in Kubernetes. */
export function defaultFieldManager(request: Request): string {
  const product = (request.headers.get("user-agent") ?? "").split("/")[0]!.trim();
  return product.slice(0, FIELD_MANAGER_LENGTH_MAX) || "unknown";
}

/** The circumstances of a write, as its events will carry them. */
export function contextOf(
  request: Request,
  { info, random, fieldManager }: {
    readonly info: ConnectionInfo | undefined;
    readonly random: Random;
    readonly fieldManager: string;
  },
): EventContext | Rejection {
  const reason = textOfHeader(request.headers.get("tortie-reason") ?? "").trim();
  if (reason.length > REASON_LENGTH_MAX) {
    return reject("BadRequest", `Tortie-Reason must have at most ${REASON_LENGTH_MAX} characters: ${reason.length}`);
  }
  const key = request.headers.get("idempotency-key") ?? "";
  if (key.length > IDENTITY_LENGTH_MAX) {
    return reject("BadRequest", `Idempotency-Key must have at most ${IDENTITY_LENGTH_MAX} characters: ${key.length}`);
  }
  const actor = actorOf(request);
  if (actor.user.length > IDENTITY_LENGTH_MAX) {
    return reject("BadRequest", `Impersonate-User must have at most ${IDENTITY_LENGTH_MAX} characters`);
  }
  const userAgent = (request.headers.get("user-agent") ?? "").slice(0, IDENTITY_LENGTH_MAX);
  const ip = info?.remoteAddr.hostname;
  return {
    actor,
    source: {
      via: userAgent.startsWith("tortie/") ? "cli" : "api",
      ...(ip === undefined ? {} : { ip }),
      ...(userAgent === "" ? {} : { userAgent }),
      fieldManager,
    },
    requestId: key === "" ? random.uuid() : key,
    ...(reason === "" ? {} : { reason }),
  };
}
