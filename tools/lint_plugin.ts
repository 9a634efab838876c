/**
 * The house style as lint rules, run by `deno lint`: functions are short, files say what they are for, exports are documented, core rooms are
 * pure. Each message gives the reason. Tested by `tests/unit/tools/lint_plugin_test.ts`.
 *
 * @module
 */

/** Longest function, in lines. */
export const FUNCTION_LINES_MAX = 70;

/** Rooms, and single files of mixed rooms, that may not touch the world. */
const CORE =
  /\/src\/(base|resources|policy|wasm-policy|ipam|projections|sync|events\/(envelope|catalog|upcasters|integrity)\.ts)(\/|$)?/;

/** The one file of `base` whose job is to bind the ports of the clock and of randomness to the machine. */
const PORTS_FILE = /\/src\/base\/ports\.ts$/;

const IMPURE_MEMBERS: Readonly<Record<string, readonly string[]>> = {
  Date: ["now"],
  Math: ["random"],
  performance: ["now"],
  crypto: ["randomUUID", "getRandomValues", "subtle"],
};

const IMPURE_GLOBALS = new Set(["fetch", "setTimeout", "setInterval", "queueMicrotask", "Deno", "console"]);

function isCore(filename: string): boolean {
  return CORE.test(filename) && !PORTS_FILE.test(filename);
}

function lineCount(text: string): number {
  let count = 1;
  for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) count += 1;
  return count;
}

type FunctionNode = Deno.lint.FunctionDeclaration | Deno.lint.FunctionExpression | Deno.lint.ArrowFunctionExpression;

function functionLength(context: Deno.lint.RuleContext): Deno.lint.LintVisitor {
  const check = (node: FunctionNode) => {
    const lines = lineCount(context.sourceCode.getText(node));
    if (lines > FUNCTION_LINES_MAX) {
      context.report({
        node,
        message:
          `Function of ${lines} lines: must be at most ${FUNCTION_LINES_MAX}, so that it is read without scrolling`,
      });
    }
  };
  return { FunctionDeclaration: check, FunctionExpression: check, ArrowFunctionExpression: check };
}

function pureCore(context: Deno.lint.RuleContext): Deno.lint.LintVisitor {
  if (!isCore(context.filename)) return {};
  const report = (node: Deno.lint.Node, what: string) =>
    context.report({
      node,
      message:
        `"${what}" in a core room: core is pure (no clock, randomness, I/O or await), so that replay gives the same answer`,
    });
  const checkAsync = (node: FunctionNode) => {
    if (node.async) report(node, "async");
  };
  return {
    AwaitExpression: (node) => report(node, "await"),
    FunctionDeclaration: checkAsync,
    FunctionExpression: checkAsync,
    ArrowFunctionExpression: checkAsync,
    MemberExpression(node) {
      if (node.object.type !== "Identifier" || node.property.type !== "Identifier") return;
      if (node.object.name === "Deno") report(node, `Deno.${node.property.name}`);
      if (IMPURE_MEMBERS[node.object.name]?.includes(node.property.name)) {
        report(node, `${node.object.name}.${node.property.name}`);
      }
    },
    NewExpression(node) {
      if (node.callee.type === "Identifier" && node.callee.name === "Date" && node.arguments.length === 0) {
        report(node, "new Date()");
      }
    },
    CallExpression(node) {
      if (node.callee.type === "Identifier" && IMPURE_GLOBALS.has(node.callee.name)) report(node, node.callee.name);
    },
  };
}

function moduleDoc(context: Deno.lint.RuleContext): Deno.lint.LintVisitor {
  return {
    Program(node) {
      const head = context.sourceCode.text.replace(/^#!.*\n/, "").trimStart();
      const end = head.indexOf("*/");
      if (!head.startsWith("/**") || end < 0 || !head.slice(0, end).includes("@module")) {
        context.report({
          node,
          message: "File without a @module paragraph: a reader must learn here what it is for and who calls it",
        });
      }
    },
  };
}

function docExports(context: Deno.lint.RuleContext): Deno.lint.LintVisitor {
  if (!/\/(src|tools|migrations)\//.test(context.filename)) return {};
  return {
    ExportNamedDeclaration(node) {
      if (node.declaration === null || node.declaration === undefined) return;
      const before = context.sourceCode.text.slice(0, node.range[0]).trimEnd();
      const comment = before.endsWith("*/") ? before.slice(before.lastIndexOf("/**")) : "";
      const documented = comment.startsWith("/**") && !comment.includes("@module");
      // Overloads share the first one's comment; a lint directive may stand between comment and export.
      const directive = /\/\*\*(?:(?!\*\/)[\s\S])*\*\/\s*(\/\/ deno-lint-ignore[^\n]*)$/.test(before);
      const overload = before.endsWith(";") && node.declaration.type === "FunctionDeclaration" &&
        before.includes(`function ${node.declaration.id?.name ?? ""}`);
      if (!documented && !directive && !overload) {
        context.report({ node, message: "Export without a docstring: say what it is, its contract and why" });
      }
    },
  };
}

function fileLength(context: Deno.lint.RuleContext): Deno.lint.LintVisitor {
  return {
    Program(node) {
      const lines = lineCount(context.sourceCode.text);
      if (lines > 501 && !/\.gen\.ts$/.test(context.filename)) {
        context.report({ node, message: `File of ${lines} lines: must be at most 500; split it by noun` });
      }
    },
  };
}

/** The one file that may leave the thread's network namespace. */
const NETNS_FILE = /\/src\/agents\/kernel\/netns\.ts$/;

const NAMESPACE_CALLS = new Set(["setns", "unshare"]);

/** The last word of what is called: `setns` of `calls.setns(...)`, `calls["setns"](...)` and `setns(...)`. */
function calledName(callee: Deno.lint.Expression): string | undefined {
  if (callee.type === "Identifier") return callee.name;
  if (callee.type !== "MemberExpression") return undefined;
  const { property } = callee;
  if (property.type === "Identifier" && !callee.computed) return property.name;
  return property.type === "Literal" && typeof property.value === "string" ? property.value : undefined;
}

function setnsInOnePlace(context: Deno.lint.RuleContext): Deno.lint.LintVisitor {
  if (NETNS_FILE.test(context.filename)) return {};
  return {
    CallExpression(node) {
      const name = calledName(node.callee);
      if (name === undefined || !NAMESPACE_CALLS.has(name)) return;
      context.report({
        node,
        message:
          `"${name}" outside src/agents/kernel/netns.ts: whatever starts a thread between leaving a network namespace and ` +
          `coming back leaves that thread there for ever, so only withNetns and createNetns do it`,
      });
    },
  };
}

/** The plugin as `deno lint` loads it. */
const plugin: Deno.lint.Plugin = {
  name: "tortie",
  rules: {
    "function-length": { create: functionLength },
    "file-length": { create: fileLength },
    "pure-core": { create: pureCore },
    "module-doc": { create: moduleDoc },
    "doc-exports": { create: docExports },
    "setns-in-one-place": { create: setnsInOnePlace },
  },
};
export default plugin;
