/**
 * Questions to files and no server: `tortie reach`, `eval`, `explain`, `lint` and `plan` as a user runs them, on the example and on what may go wrong. The
 * JSON shapes and exit codes here are promises to scripts.
 *
 * @module
 */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { isJsonObject, type Json, type JsonObject } from "#/base/json.ts";
import { type ProgramResult, ROOT, tortie, withFolder } from "#tests/support/program.ts";

const EXAMPLE = join(ROOT, "examples/policies");
const IGNORED = "Ignored 1 of kind ConfigMap (v1): policy does not rest on it\n";

/** What a command printed as JSON; it must have ended with this code and said only this on standard error. */
function printed({ code, stdout, stderr }: ProgramResult, expected = { code: 0, stderr: IGNORED }): Json {
  assertEquals({ code, stderr }, expected);
  return JSON.parse(stdout);
}

function rows(value: Json | undefined): readonly JsonObject[] {
  assert(Array.isArray(value));
  return value.filter(isJsonObject);
}

Deno.test("tortie reach -f tells the exact connections of a directory, in every form", async () => {
  const port = (number: number) => [{ protocol: "TCP", ports: [[number, number]] }];
  const entry = (from: string, to: string, connections: Json): Json => ({ from, to, connections });
  const json = printed(await tortie(["reach", "-f", EXAMPLE, "-o", "json"]));
  assertEquals(json, [
    entry("reports/nightly", "shop/db", port(5432)),
    entry("reports/nightly", "shop/front", port(8080)),
    entry("reports/nightly", "0.0.0.0/0", "All"),
    entry("reports/nightly", "::/0", "All"),
    entry("shop/api", "reports/nightly", "All"),
    entry("shop/api", "shop/db", port(5432)),
    entry("shop/api", "shop/front", port(8080)),
    entry("shop/api", "0.0.0.0/0", "All"),
    entry("shop/api", "::/0", "All"),
    entry("shop/front", "reports/nightly", "All"),
    entry("shop/front", "shop/api", port(8080)),
    entry("shop/front", "0.0.0.0/0", "All"),
    entry("shop/front", "::/0", "All"),
    entry("0.0.0.0/0", "reports/nightly", "All"),
    entry("0.0.0.0/0", "shop/front", port(8080)),
    entry("::/0", "reports/nightly", "All"),
  ]);
  const toDatabase = ["reach", "-f", EXAMPLE, "--to", "shop/db"];
  const csv = await tortie([...toDatabase, "-o", "csv"]);
  assertEquals(csv, {
    code: 0,
    stdout: "from,to,protocol,ports\nreports/nightly,shop/db,TCP,5432\nshop/api,shop/db,TCP,5432\n",
    stderr: IGNORED,
  });
  const table = await tortie([...toDatabase, "--from", "shop", "--port", "5432"]);
  assertEquals(table.stdout, "FROM       TO        CONNECTIONS\nshop/api   shop/db   TCP 5432\n");
  assertEquals((await tortie([...toDatabase, "--port", "5433"])).stdout, "FROM   TO   CONNECTIONS\n");
  const byNamespace = printed(
    await tortie(["reach", "-f", EXAMPLE, "--by", "namespace", "--port", "5432/tcp", "-o", "json"]),
  );
  assertEquals(rows(byNamespace).filter(({ to }) => to === "shop").map(({ from }) => from), ["reports", "shop"]);
});

Deno.test("tortie eval prints a verdict a line, with the halves of explain", async () => {
  const args = ["-f", EXAMPLE, "--flows", join(EXAMPLE, "flows.jsonl"), "-o", "json"];
  const { code, stdout, stderr } = await tortie(["eval", ...args]);
  assertEquals([code, stderr], [0, IGNORED]);
  const verdicts = stdout.trimEnd().split("\n").map((line) => JSON.parse(line) as JsonObject);
  assertEquals(verdicts.map(({ verdict }) => verdict), ["allow", "deny", "allow", "allow", "deny"]);
  assertEquals(Object.keys(verdicts[0]!), ["verdict", "egress", "ingress"]);
  const explained = printed(await tortie(["explain", "-f", EXAMPLE, "shop/front", "shop/db:5432/tcp", "-o", "json"]), {
    code: 1,
    stderr: IGNORED,
  });
  assert(isJsonObject(explained));
  assertEquals(explained.basis, { files: [EXAMPLE], exact: true });
  assertEquals(verdicts[1], { verdict: explained.verdict, egress: explained.egress, ingress: explained.ingress });
  // An end that is no endpoint is not judged.
  assertEquals([verdicts[3]?.egress, verdicts[4]?.ingress], [null, null]);
});

Deno.test("tortie explain -f tells people who decided, and ends with 1 when the connection is denied", async () => {
  const { code, stdout } = await tortie(["explain", "-f", EXAMPLE, "shop/front", "shop/db:5432/tcp"]);
  assertEquals(code, 1);
  assertEquals(stdout.split("\n"), [
    "shop/front -> shop/db:5432/tcp: deny",
    '  egress: allow by default "profile"',
    '  ingress: deny by default "end-of-tier" of tier default; isolated by NetworkPolicy shop/db, KubernetesNetworkPolicy shop/default-deny',
    `as files say: ${EXAMPLE}`,
    "",
  ]);
  const nobody = await tortie(["explain", "-f", EXAMPLE, "shop/nobody", "shop/db:5432/tcp"]);
  assertEquals([nobody.code, nobody.stdout], [4, ""]);
  assertStringIncludes(nobody.stderr, 'Workload endpoint "shop/nobody" not found');
});

Deno.test("tortie reach -f ends with 4 when an end is not there", async () => {
  for (
    const [end, message] of [["shop/nobody", 'Workload "shop/nobody" not found'], [
      "nowhere",
      'Namespace "nowhere" not found',
    ]]
  ) {
    const { code, stdout, stderr } = await tortie(["reach", "-f", EXAMPLE, "--from", end!]);
    assertEquals([code, stdout, stderr], [4, "", `${IGNORED}${message}\n`]);
  }
});

/** What is said where a rule names a network and endpoints have no addresses. */
const NO_ADDRESSES =
  "No address is known of reports/nightly and 3 more: where networks are named (GlobalNetworkPolicy guard), " +
  "one of 240.0.0.0/4 and one of 100::/64 are taken for theirs\n";

const CUT_SHORT = `apiVersion: v1
kind: Pod
metadata: {name: a, namespace: n, ownerReferences: [{name: web}]}
---
apiVersion: v1
kind: Pod
metadata: {name: b, namespace: n, labels: {app: b}}
spec: {containers: [{image: b}]}
---
apiVersion: projectcalico.org/v3
kind: NetworkPolicy
metadata: {name: no-ping, namespace: n}
spec:
  selector: app == 'b'
  ingress:
    - {action: Deny, protocol: ICMP}
    - {action: Deny, protocol: 253}
    - {action: Allow}
`;

Deno.test("tortie reach -f reads manifests that are cut short, and a rule against ICMP closes it between Pods without addresses", async () => {
  const { code, stdout, stderr } = await tortie(["reach", "-f", "-", "--from", "n", "--to", "n"], { stdin: CUT_SHORT });
  assertEquals({ code, stdout, stderr }, {
    code: 0,
    stdout: "FROM    TO      CONNECTIONS\nn/b     n/web   All\nn/web   n/b     All but ICMP; 253\n",
    stderr: "",
  });
  const misspelt = CUT_SHORT.replace("projectcalico.org/v3", "networking.k8s.io/v1").replace(
    /spec:\n {2}selector[^]*/,
    "spec: {podSelectr: {}}\n",
  );
  const refused = await tortie(["reach", "-f", "-"], { stdin: misspelt });
  assertEquals([refused.code, refused.stderr], [
    2,
    "-:13: NetworkPolicy n/no-ping (document 3): spec.podSelectr: must be a field that the kind knows\n",
  ]);
});

const GUARD = `apiVersion: projectcalico.org/v3
kind: GlobalNetworkPolicy
metadata: {name: guard}
spec:
  selector: app == 'front'
  types: [Ingress]
  order: 1
  ingress:
    - {action: Deny, protocol: TCP, source: {nets: [198.51.100.0/24]}}
    - {action: Deny, protocol: TCP, source: {nets: [198.51.100.64/26]}}
`;

Deno.test("tortie plan --base tells objects and the exact change, and ends with 1 when there is one", async () => {
  const result = await tortie(["plan", "-f", "-", "--base", EXAMPLE, "-o", "json"], { stdin: GUARD });
  const plan = printed(result, { code: 1, stderr: IGNORED + NO_ADDRESSES });
  assert(isJsonObject(plan));
  assertEquals(plan.basis, { files: [EXAMPLE], exact: true });
  assertEquals(rows(plan.objects).map(({ change, name }) => `${name} ${change}`), ["guard created"]);
  assertEquals(plan.connections, [{
    ...{ from: "198.51.100.0/24", to: "shop/front", gained: [] },
    ...{ lost: [{ protocol: "TCP", ports: [[8080, 8080]] }], sourcePorts: [] },
  }]);
  const table = await tortie(["plan", "-f", "-", "--base", EXAMPLE], { stdin: GUARD });
  assertEquals(table.stdout.split("\n"), [
    "GlobalNetworkPolicy guard created",
    "CHANGE   FROM              TO           CONNECTIONS",
    "lost     198.51.100.0/24   shop/front   TCP 8080",
    "",
  ]);
  const same = await tortie(["plan", "-f", join(EXAMPLE, "policies/10-default-deny.yaml"), "--base", EXAMPLE]);
  assertEquals([same.code, same.stdout], [0, "NetworkPolicy shop/default-deny unchanged\n"]);
});

Deno.test("tortie lint -f ends with 1 when something is wrong, and with 0 when it is only worth knowing", async () => {
  const fine = rows(printed(await tortie(["lint", "-f", EXAMPLE, "-o", "json"])));
  assert(fine.every(({ severity }) => severity === "info"));
  const result = await tortie(["lint", "-f", EXAMPLE, "-f", "-", "-o", "json"], { stdin: GUARD });
  const found = rows(printed(result, { code: 1, stderr: IGNORED + NO_ADDRESSES })).filter(({ name }) =>
    name === "guard"
  );
  assertEquals(found.map(({ code, severity, kind, rule }) => [code, severity, kind, rule]), [
    ["shadowed-rule", "warning", "GlobalNetworkPolicy", { direction: "ingress", index: 1 }],
  ]);
});

const BAD = `apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
apiVersion: projectcalico.org/v3
kind: NetworkPolicy
metadata: {name: p, namespace: shop}
spec:
  selector: app ==
  ingress:
    - action: Alow
---
kind: Nothing
`;

Deno.test("tortie tells every problem of every file with its line, and evaluates nothing", () =>
  withFolder(async (folder) => {
    await Deno.mkdir(join(folder, "sub"));
    await Deno.writeTextFile(join(folder, "a.yaml"), BAD);
    await Deno.writeTextFile(
      join(folder, "sub/b.json"),
      '{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}}',
    );
    const flows = join(folder, "flows.jsonl");
    await Deno.writeTextFile(flows, "");
    for (const args of [["reach"], ["lint"], ["eval", "--flows", flows], ["explain", "shop/a", "shop/b:80/tcp"]]) {
      const { code, stdout, stderr } = await tortie([...args, "-f", folder]);
      assertEquals([code, stdout], [2, ""]);
      const places = stderr.trimEnd().split("\n").map((line) => line.slice(folder.length + 1).split(": ").slice(0, 3));
      assertEquals(places, [
        ["a.yaml:9", "NetworkPolicy shop/p (document 2)", "spec.selector"],
        ["a.yaml:11", "NetworkPolicy shop/p (document 2)", "spec.ingress[0].action"],
        ["a.yaml:13", "Nothing (document 3)", "must be an object with apiVersion and kind"],
        ["sub/b.json:1", "Namespace shop (document 1)", "must stand only once"],
      ]);
    }
  }));

Deno.test("tortie eval tells every bad line and prints no verdict", () =>
  withFolder(async (folder) => {
    const flows = join(folder, "flows.jsonl");
    const good = '{"from":{"pod":"shop/front"},"to":{"pod":"shop/api"},"protocol":"TCP","port":8080}';
    await Deno.writeTextFile(
      flows,
      `${good}\n{"from":{"pod":"shop/front"}}\n${good.replace("shop/api", "shop/gone")}\n`,
    );
    const { code, stdout, stderr } = await tortie(["eval", "-f", EXAMPLE, "--flows", flows]);
    assertEquals([code, stdout], [2, ""]);
    assertEquals(
      stderr,
      [
        IGNORED.trimEnd(),
        `${flows}:2: to: must be {"pod": "NAMESPACE/NAME"} or {"ip": "ADDRESS"}: not given`,
        `${flows}:3: Workload endpoint "shop/gone" not found`,
        "",
      ].join("\n"),
    );
    const streamed = await tortie(["eval", "-f", EXAMPLE, "--flows", "-"], { stdin: `${good}\n` });
    assertEquals([streamed.code, JSON.parse(streamed.stdout).verdict], [0, "allow"]);
  }));

const MISTAKES: readonly { readonly args: readonly string[]; readonly message: string }[] = [
  { args: ["reach", "-f", "/no/such/folder"], message: 'Cannot read "/no/such/folder": No such file' },
  { args: ["reach", "-f", EXAMPLE, "--at", "7"], message: "Option --at cannot be given with files" },
  { args: ["reach", "-f", EXAMPLE, "--by", "label"], message: "Option --by: Ends must be told by one of" },
  { args: ["reach", "-f", EXAMPLE, "--port", "http"], message: "Option --port: A port must be" },
  { args: ["reach", "-f", EXAMPLE, "-o", "xml"], message: "Output format must be one of table, json, yaml, csv" },
  { args: ["lint", "-f", EXAMPLE, "-o", "csv"], message: "Output format must be one of table, json, yaml" },
  { args: ["eval", "-f", EXAMPLE], message: "error: required option '--flows <file>' not specified" },
  { args: ["eval", "--flows", "-"], message: "Option -f must be given" },
  { args: ["eval", "-f", EXAMPLE, "--flows", "/no/such/file"], message: 'Cannot read "/no/such/file": No such file' },
  { args: ["eval", "-f", "-", "--flows", "-"], message: "Standard input (-) must be named once only" },
  { args: ["plan", "-f", "-", "--base", "-"], message: "Standard input (-) must be named once only" },
  { args: ["plan", "--base", EXAMPLE], message: "Option -f must be given" },
  { args: ["explain", "-f", EXAMPLE, "shop/front", "shop/db"], message: "A destination must be" },
];

for (const { args, message } of MISTAKES) {
  Deno.test(`tortie ${args.join(" ").replaceAll(EXAMPLE, "DIR")} is refused with 2`, async () => {
    const { code, stdout, stderr } = await tortie(args);
    assertEquals([code, stdout], [2, ""]);
    assertStringIncludes(stderr, message);
  });
}
