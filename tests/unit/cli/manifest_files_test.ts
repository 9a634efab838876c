/**
 * Files as documents: what is read in which order, and where fields stand.
 *
 * @module
 */
import { assertEquals, assertRejects } from "@std/assert";
import { CommandFailure } from "#/cli/exit_code.ts";
import { failOn, parseManifests, PROBLEM_LINES_MAX, readManifestFiles } from "#/cli/manifest_files.ts";
import { problemText } from "#/policy/manifests/manifest_document.ts";
import { withFolder } from "#tests/support/program.ts";

const NAMESPACE = (name: string) => `apiVersion: v1\nkind: Namespace\nmetadata: {name: ${name}}\n`;

async function write(folder: string, files: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, text] of Object.entries(files)) {
    await Deno.mkdir(`${folder}/${name}`.replace(/\/[^/]*$/, ""), { recursive: true });
    await Deno.writeTextFile(`${folder}/${name}`, text);
  }
}

Deno.test("parseManifests() knows the line of every field, of documents and of items", () => {
  const { documents } = parseManifests(
    "a.yaml",
    "# comment\nkind: A\n---\nkind: List\nitems:\n  - kind: B\n    spec:\n      ports:\n        - 80\n        - 81\n",
  );
  const lines = [["kind"], [], ["items", 0], ["items", 0, "spec", "ports", 1], ["items", 0, "spec", "nets"], ["x"]];
  assertEquals(lines.map((keys) => documents[1]?.lineOf(keys)), [4, 4, 6, 10, 8, 4]);
  assertEquals(documents[0]?.lineOf(["kind"]), 2);
});

Deno.test("parseManifests() reads JSON with tabs, anchors and merge keys", () => {
  assertEquals(parseManifests("a.json", '{\n\t"kind": "A",\n\t"n": [1]\n}').documents[0]?.value, { kind: "A", n: [1] });
  const yaml = "base: &base {a: 1}\nspec: {<<: *base, b: 2}\n";
  assertEquals(parseManifests("a.yaml", yaml).documents[0]?.value, { base: { a: 1 }, spec: { a: 1, b: 2 } });
});

Deno.test("parseManifests() reads JSON objects that follow each other", () => {
  const text = '{"kind": "A", "s": "} {\\"}"}\n\n  {\n  "kind": {"deep": "B"}\n}\n{"kind": "C"} {"kind": "D"}\n';
  const { documents, problems } = parseManifests("a.json", text);
  assertEquals(problems, []);
  assertEquals(documents.map(({ value }) => value), [
    { kind: "A", s: '} {"}' },
    { kind: { deep: "B" } },
    { kind: "C" },
    { kind: "D" },
  ]);
  assertEquals(documents.slice(0, 3).map(({ lineOf }) => lineOf(["kind"])), [1, 4, 6]);
});

Deno.test("parseManifests() tells every document that cannot be read, and reads the others", () => {
  const { documents, problems } = parseManifests("a.yaml", "a: 1\n---\na: 1\na: 2\n---\nb: *nowhere\n---\nc: 3\n");
  assertEquals(documents.map(({ number }) => number), [1, 4]);
  assertEquals(problems.map(problemText).map((text) => text.slice(0, 55)), [
    "a.yaml:4: Document (document 2): cannot be read as YAML",
    "a.yaml:6: Document (document 3): cannot be read as YAML",
  ]);
});

Deno.test("parseManifests() bounds what aliases may grow to", () => {
  const lines = Array.from({ length: 9 }, (_, at) => `l${at + 1}: &l${at + 1} [${`*l${at}, `.repeat(9)}]`);
  const { problems } = parseManifests("a.yaml", `l0: &l0 [x]\n${lines.join("\n")}\n`);
  assertEquals(problems.length, 1);
});

Deno.test("readManifestFiles() reads folders in order of names, with what lies in them", () =>
  withFolder(async (folder) => {
    await write(folder, {
      "b.yml": NAMESPACE("b"),
      "a/z.json": JSON.stringify({ apiVersion: "v1", kind: "Namespace", metadata: { name: "z" } }),
      "a/deep/y.yaml": NAMESPACE("y"),
      "a-b.yaml": NAMESPACE("ab"),
      ".git/x.yaml": "not: yaml: at: all",
      "notes.txt": "no manifest",
    });
    const { objects } = await readManifestFiles([folder, "-"], { stdin: () => Promise.resolve(NAMESPACE("stdin")) });
    assertEquals(objects.map(({ object }) => object.metadata.name), ["y", "z", "ab", "b", "stdin"]);
    assertEquals(objects[0]?.place.file, `${folder}/a/deep/y.yaml`);
  }));

Deno.test("readManifestFiles() tells all problems of all files, by file and line", () =>
  withFolder(async (folder) => {
    await write(folder, {
      "a.yaml": `${NAMESPACE("A")}---\na: [1\n`,
      "b.yaml": `${NAMESPACE("b")}---\n${NAMESPACE("b")}`,
    });
    const error = await assertRejects(() => readManifestFiles([folder]), CommandFailure);
    assertEquals(error.exitCode, 2);
    assertEquals(error.message.split("\n").map((line) => line.slice(folder.length + 1).replace(/(\): \S*).*$/, "$1")), [
      "a.yaml:3: Namespace A (document 1): metadata.name:",
      "a.yaml:6: Document (document 2): cannot",
      "b.yaml:5: Namespace b (document 2): must",
    ]);
  }));

Deno.test("readManifestFiles() refuses what it cannot read, and what is nothing", () =>
  withFolder(async (folder) => {
    const empty = await assertRejects(() => readManifestFiles([folder]), CommandFailure);
    assertEquals([empty.exitCode, empty.message], [2, `No .yaml, .yml or .json file in "${folder}"`]);
    const absent = await assertRejects(() => readManifestFiles([`${folder}/none`]), CommandFailure);
    assertEquals([absent.exitCode, absent.message.startsWith(`Cannot read "${folder}/none"`)], [2, true]);
    await write(folder, { "a.yaml": NAMESPACE("a") });
    const twice = await assertRejects(() => readManifestFiles([folder, `${folder}/a.yaml`]), CommandFailure);
    assertEquals(twice.message, `Option -f must name every file once: "${folder}/a.yaml"`);
    await Deno.writeFile(`${folder}/a.yaml`, new Uint8Array([0xff, 0xfe]));
    await assertRejects(() => readManifestFiles([folder]), CommandFailure, "Cannot read");
  }));

Deno.test("failOn() tells so many problems and the number of the others", () => {
  failOn([]);
  const lines = Array.from({ length: PROBLEM_LINES_MAX + 5 }, (_, at) => `problem ${at}`);
  try {
    failOn(lines);
  } catch (error) {
    const told = (error as CommandFailure).message.split("\n");
    assertEquals([told.length, told.at(-1)], [PROBLEM_LINES_MAX + 1, "... and 5 more"]);
    return;
  }
  throw new Error("Expected a failure");
});
