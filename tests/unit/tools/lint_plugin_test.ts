/**
 * The house's lint rules, each with code that keeps and code that breaks it.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import plugin, { FUNCTION_LINES_MAX } from "../../../tools/lint_plugin.ts";

const HEAD = "/**\n * What it is for.\n *\n * @module\n */\n";

function rulesBroken(file: string, code: string): string[] {
  return Deno.lint.runPlugin(plugin, file, code).map(({ id }) => id);
}

const CASES: readonly {
  readonly name: string;
  readonly file: string;
  readonly code: string;
  readonly broken: readonly string[];
}[] = [
  {
    name: "a documented pure file",
    file: "/src/base/x.ts",
    code: `${HEAD}/** One. */\nexport const one = 1;\n`,
    broken: [],
  },
  {
    name: "a file without its paragraph",
    file: "/src/base/x.ts",
    code: "const one = 1;\n",
    broken: ["tortie/module-doc"],
  },
  {
    name: "an export without docstring",
    file: "/src/base/x.ts",
    code: `${HEAD}export const one = 1;\n`,
    broken: ["tortie/doc-exports"],
  },
  {
    name: "a clock in a core room",
    file: "/src/policy/x.ts",
    code: `${HEAD}Date.now();\n`,
    broken: ["tortie/pure-core"],
  },
  { name: "a clock in a shell", file: "/src/server/x.ts", code: `${HEAD}Date.now();\n`, broken: [] },
  {
    name: "new Date() in a core room",
    file: "/src/sync/x.ts",
    code: `${HEAD}new Date();\n`,
    broken: ["tortie/pure-core"],
  },
  { name: "a date of a number in a core room", file: "/src/sync/x.ts", code: `${HEAD}new Date(5);\n`, broken: [] },
  {
    name: "randomness in a core room",
    file: "/src/ipam/x.ts",
    code: `${HEAD}crypto.randomUUID();\n`,
    broken: ["tortie/pure-core"],
  },
  {
    name: "I/O in a core room",
    file: "/src/projections/x.ts",
    code: `${HEAD}Deno.readTextFileSync("x");\n`,
    broken: ["tortie/pure-core"],
  },
  {
    name: "await in a core room",
    file: "/src/resources/x.ts",
    code: `${HEAD}async function f() { await 1; }\nf;\n`,
    broken: ["tortie/pure-core", "tortie/pure-core"],
  },
  {
    name: "a function that is too long",
    file: "/src/server/x.ts",
    code: `${HEAD}function f() {\n${"  f;\n".repeat(FUNCTION_LINES_MAX)}}\nf;\n`,
    broken: ["tortie/function-length"],
  },
  {
    name: "a file that is too long",
    file: "/src/server/x.ts",
    code: `${HEAD}${"// x\n".repeat(500)}`,
    broken: ["tortie/file-length"],
  },
  {
    name: "setns in the file of network namespaces",
    file: "/src/agents/kernel/netns.ts",
    code: `${HEAD}libc.calls.setns(fd, 0);\ncalls.unshare(0);\n`,
    broken: [],
  },
  {
    name: "setns and unshare anywhere else, however they are called",
    file: "/src/agents/kernel/pod_network.ts",
    code: `${HEAD}libc.calls.setns(fd, 0);\ncalls["unshare"](0);\nsetns(fd);\n`,
    broken: Array(3).fill("tortie/setns-in-one-place"),
  },
  {
    name: "the declaration of setns, and a word that only ends like it",
    file: "/src/agents/kernel/libc.ts",
    code: `${HEAD}const SYMBOLS = { setns: 1 };\nresetns(SYMBOLS.setns);\ncalls[setns](1);\n`,
    broken: [],
  },
];

for (const { name, file, code, broken } of CASES) {
  Deno.test(`lint plugin judges ${name}`, () => assertEquals(rulesBroken(file, code), [...broken]));
}
