/**
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { actorOf, contextOf, defaultFieldManager, IDENTITY_LENGTH_MAX, refuseForeign } from "#/server/api/identity.ts";
import { headerText } from "#/server/api/respond.ts";

const TCP = { remoteAddr: { transport: "tcp", hostname: "127.0.0.1" } };
const UNIX = { remoteAddr: { transport: "unix" } };
const RANDOM = { uuid: () => "0f8fad5b-d9cb-469f-a165-70867728950e" };

function requestWith(headers: Record<string, string>): Request {
  return new Request("http://127.0.0.1:7676/api", { headers });
}

const HOSTS: readonly { readonly host: string; readonly origin?: string; readonly refused: string | undefined }[] = [
  { host: "127.0.0.1:7676", refused: undefined },
  { host: "localhost", refused: undefined },
  { host: "LocalHost:7676", refused: undefined },
  { host: "[::1]:7676", refused: undefined },
  { host: "localhost:7676", origin: "http://localhost:7676", refused: undefined },
  { host: "tortie.example:7676", refused: "MisdirectedRequest" },
  { host: "127.0.0.1.example.com", refused: "MisdirectedRequest" },
  { host: "localhost.example.com", refused: "MisdirectedRequest" },
  { host: "", refused: "MisdirectedRequest" },
  { host: "localhost:7676", origin: "http://evil.example", refused: "Forbidden" },
  { host: "localhost:7676", origin: "http://localhost:3000", refused: "Forbidden" },
  { host: "localhost:7676", origin: "null", refused: "Forbidden" },
];

for (const { host, origin, refused } of HOSTS) {
  Deno.test(`refuseForeign() of host "${host}" and origin "${origin}" is ${refused}`, () => {
    const request = requestWith({ host, ...(origin === undefined ? {} : { origin }) });
    assertEquals(refuseForeign(request, TCP)?.reason, refused);
    assertEquals(refuseForeign(request, UNIX), undefined);
  });
}

Deno.test("actorOf() is nobody unless a user is named", () => {
  assertEquals<unknown>(actorOf(requestWith({})), {
    user: "system:anonymous",
    groups: ["system:unauthenticated"],
    authMethod: "none",
  });
  const headers = { "impersonate-user": headerText("Zoë"), "impersonate-group": "ops, net" };
  assertEquals<unknown>(actorOf(requestWith(headers)), {
    user: "Zoë",
    groups: ["ops", "net", "system:authenticated"],
    authMethod: "none",
  });
});

Deno.test("defaultFieldManager() is the first part of the user agent", () => {
  assertEquals(defaultFieldManager(requestWith({ "user-agent": "kubectl/v1.33.0 (linux)" })), "kubectl");
  assertEquals(defaultFieldManager(requestWith({ "user-agent": "" })), "unknown");
});

Deno.test("contextOf() carries reason, request id and source", () => {
  const headers = { "tortie-reason": headerText("naïve fix"), "idempotency-key": "k1", "user-agent": "tortie/0.1.0" };
  const context = contextOf(requestWith(headers), { info: TCP, random: RANDOM, fieldManager: "m" });
  assert(!("kind" in context));
  assertEquals(context.reason, "naïve fix");
  assertEquals(context.requestId, "k1");
  assertEquals<unknown>(context.source, { via: "cli", ip: "127.0.0.1", userAgent: "tortie/0.1.0", fieldManager: "m" });
});

Deno.test("contextOf() makes a request id where none is given", () => {
  const context = contextOf(requestWith({ "user-agent": "curl/8" }), { info: UNIX, random: RANDOM, fieldManager: "m" });
  assert(!("kind" in context));
  assertEquals([context.requestId, context.source.via, "reason" in context], [RANDOM.uuid(), "api", false]);
});

for (const header of ["tortie-reason", "idempotency-key", "impersonate-user"]) {
  Deno.test(`contextOf() refuses a ${header} beyond its bound`, () => {
    const request = requestWith({ [header]: "x".repeat(5 * IDENTITY_LENGTH_MAX) });
    const refusal = contextOf(request, { info: TCP, random: RANDOM, fieldManager: "m" });
    assertEquals("kind" in refusal && refusal.reason, "BadRequest");
  });
}
