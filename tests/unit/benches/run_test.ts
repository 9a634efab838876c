/** The bench runner as a program, as far as it goes without measuring. @module */
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { fromFileUrl } from "@std/path";

const RUNNER = fromFileUrl(new URL("../../../benches/run.ts", import.meta.url));

async function runner(
  ...args: string[]
): Promise<{ readonly code: number; readonly out: string; readonly err: string }> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", RUNNER, ...args],
    env: { NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1" },
    stdin: "null",
  }).output();
  return { code, out: new TextDecoder().decode(stdout), err: new TextDecoder().decode(stderr) };
}

Deno.test("run.ts --list names every bench, and each has its file", async () => {
  const { code, out } = await runner("--list");
  assertEquals(code, 0);
  const names = out.trim().split("\n").map((line) => line.split(" ")[0]!);
  const folder = new URL("../../../benches/", import.meta.url);
  const files = [...Deno.readDirSync(folder)].map(({ name }) => name)
    .filter((name) => name.endsWith(".ts") && name !== "run.ts");
  assertEquals(names.map((name) => `${name}.ts`).sort(), files.sort());
});

Deno.test("run.ts refuses a bench that does not exist", async () => {
  const { code, err } = await runner("apend");
  assertEquals(code, 2);
  assertStringIncludes(err, '"apend"');
});

Deno.test("run.ts --quick runs a bench whose sides agree and prints its rows", async () => {
  const { code, out } = await runner("--quick", "verdict");
  assertEquals(code, 0, out);
  assertMatch(out, /verdict: a flow.* WASM .* oracle .*x \(/);
});
