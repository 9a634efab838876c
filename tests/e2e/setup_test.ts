/**
 * `deno task setup`: once done it is quick and changes nothing; without root it fetches what it may and says exactly what is missing.
 *
 * @module
 */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { NOBODY, unprivilegedCopy } from "#tests/support/installation.ts";
import { ROOT, run, withFolder } from "#tests/support/program.ts";
import { kernelTest } from "#tests/support/requires.ts";

/** How long a run with nothing to do may take, on a busy machine. */
const IDLE_RUN_MS_MAX = 15_000;

for (const args of [[], ["--run"]]) {
  Deno.test(`setup ${args.join(" ")} is quick, silent and changes nothing when all is there`, async () => {
    const setup = [Deno.execPath(), "run", "-A", join(ROOT, "tools/setup.ts"), ...args];
    // The first run may have something to do.
    assertEquals((await run(setup)).code, 0);
    const lock = await Deno.readTextFile(join(ROOT, "deno.lock"));
    const started = performance.now();
    const { code, stdout, stderr } = await run(setup);
    assertEquals([code, stdout, stderr], [0, "", ""]);
    assert(performance.now() - started < IDLE_RUN_MS_MAX);
    assertEquals(await Deno.readTextFile(join(ROOT, "deno.lock")), lock);
  });
}

Deno.test("setup --run needs no root, and afterwards the program starts without the network", () =>
  withFolder(async (folder) => {
    const { deno, tortie, env, program } = await unprivilegedCopy(folder);
    const setup = await run(deno(["run", "-A", join(program, "tools/setup.ts"), "--run"]), { env, cwd: folder });
    assertEquals([setup.code, setup.stdout, setup.stderr], [0, "", ""]);
    const help = await run(tortie(["--help"]), { env, cwd: folder });
    assertEquals([help.code, help.stderr], [0, ""]);
    assertStringIncludes(help.stdout, "Usage: tortie");
  }));

kernelTest(
  "setup without root says what is missing and how to install it, and ends well",
  ["root"],
  () =>
    withFolder(async (folder) => {
      const { deno, env, program } = await unprivilegedCopy(folder, NOBODY);
      const empty = join(folder, "empty");
      await Deno.mkdir(empty);
      // In a mount namespace of its own the administrator's programs are not there.
      const hide = 'for folder in /usr/sbin /sbin /usr/local/sbin; do mount --bind "$0" "$folder"; done; exec "$@"';
      const setup = deno(["run", "-A", join(program, "tools/setup.ts")]);
      const { code, stdout, stderr } = await run(["unshare", "--mount", "sh", "-c", hide, empty, ...setup], {
        env,
        cwd: folder,
      });
      assertEquals([code, stdout], [0, ""]);
      assertMatch(stderr, /^setup: missing on this machine: .*\bnft\b.*\bbird\b/m);
      assertMatch(
        stderr,
        /^setup: to install them on Debian or Ubuntu, as root: apt-get install .*\bnftables\b.*\bbird2\b/m,
      );
      assertMatch(stderr, /^setup: without them `deno task run` works/m);
    }),
);
