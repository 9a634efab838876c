/**
 * Fails when a file of a core room has no mirror test: tests do not sit beside the code here, so a tool must notice what nobody tests.
 *
 * @module
 */
import { join } from "@std/path";
import { sourceFiles } from "./check_layers.ts";

const CORE =
  /^src\/(base|resources|policy|wasm-policy|ipam|projections|sync|server\/decide)\/|^src\/events\/(envelope|catalog|integrity|memory_log)\.ts$/;

/** Files that hold only types, so that there is nothing to run. */
function isTypesOnly(text: string): boolean {
  const code = text.replaceAll(/\/\*[\s\S]*?\*\//g, "").replaceAll(/\/\/[^\n]*/g, "");
  return !/\b(function|const|class|let)\b/.test(code);
}

/** Whether some test file imports the module. */
function isTested(file: string, tests: readonly string[]): boolean {
  const specifier = `#/${file.slice("src/".length)}`;
  return tests.some((text) => text.includes(`"${specifier}"`));
}

/** Core files that no test imports and that have no mirror test by name; generated ones are tested by what they are generated from. */
export function untestedFiles(root: string): string[] {
  const testFiles = [...sourceFiles(root, "tests")];
  const tests = testFiles.filter((path) => path.endsWith("_test.ts")).map((path) =>
    Deno.readTextFileSync(join(root, path))
  );
  return [...sourceFiles(root, "src")].filter((file) => {
    if (!CORE.test(file) || file.endsWith(".gen.ts") || isTypesOnly(Deno.readTextFileSync(join(root, file)))) {
      return false;
    }
    const mirror = join("tests/unit", file.slice("src/".length).replace(/\.tsx?$/, "_test.ts"));
    return !testFiles.includes(mirror) && !isTested(file, tests);
  });
}

if (import.meta.main) {
  const missing = untestedFiles(join(import.meta.dirname!, ".."));
  for (const file of missing) {
    console.error(`${file}: no test imports it; add tests/unit/${file.slice(4).replace(/\.ts$/, "_test.ts")}`);
  }
  console.log(
    missing.length === 0 ? "Tests: every core file has one" : `Tests: ${missing.length} core files have none`,
  );
  Deno.exit(missing.length === 0 ? 0 : 1);
}
