/**
 * Options of `tortie serve`.
 *
 * @module
 */
import { assertEquals, assertThrows } from "@std/assert";
import { OperationalError } from "#/base/errors.ts";
import { serveOptions } from "#/server/serve_options.ts";

const nothing = () => undefined;

Deno.test("serveOptions() has defaults", () => {
  const options = serveOptions({}, nothing);
  assertEquals([options.hostname, options.port, options.socket, options.databaseUrl], [
    "127.0.0.1",
    7676,
    undefined,
    undefined,
  ]);
  assertEquals(options.dataDir.endsWith("/.tortie"), true);
});

Deno.test("serveOptions() lets a flag win over the environment", () => {
  const environment = (name: string) =>
    ({ TORTIE_LISTEN: "127.0.0.1:1", TORTIE_DATA_DIR: "/env", DATABASE_URL: "postgres://x" })[name];
  const options = serveOptions({ listen: "localhost:2" }, environment);
  assertEquals([options.hostname, options.port, options.dataDir, options.databaseUrl], [
    "localhost",
    2,
    "/env",
    "postgres://x",
  ]);
});

for (
  const listen of [
    "127.0.0.1",
    "127.0.0.1:x",
    "127.0.0.1:65536",
    ":80",
    "0.0.0.0:7676",
    "[::]:7676",
    "10.0.0.1:80",
    "example.com:80",
  ]
) {
  Deno.test(`serveOptions() refuses to listen on "${listen}" and says so`, () => {
    assertThrows(() => serveOptions({ listen }, nothing), OperationalError, `"${listen}"`);
  });
}

Deno.test("serveOptions() takes an empty DATABASE_URL for none, and refuses one that is no Postgres URL without showing it", () => {
  const withUrl = (url: string) => () => serveOptions({}, (name) => name === "DATABASE_URL" ? url : undefined);
  assertEquals(withUrl("")().databaseUrl, undefined);
  assertEquals(withUrl("postgresql://db/x")().databaseUrl, "postgresql://db/x");
  const error = assertThrows(withUrl("mysql://ann:s3cret@db/x"), OperationalError, "DATABASE_URL must begin with");
  assertEquals(error.message.includes("s3cret"), false);
});
