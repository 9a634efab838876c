/**
 * Unmodified kubectl against the API, every version that must work: what people type, from discovery to deletion. The backend is in memory; everything
 * between the socket and the log is the real thing.
 *
 * @module
 */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { type Scenario, testKubectlScenarios } from "#tests/support/kubectl_scenarios.ts";

const TUTORIAL = new URL("../../examples/tutorial/", import.meta.url).pathname;

const POLICY = `
apiVersion: projectcalico.org/v3
kind: GlobalNetworkPolicy
metadata: {name: web}
spec: {order: 10, selector: app == 'web', types: [Ingress], ingress: [{action: Allow}]}
`;

const PEERS = `
apiVersion: projectcalico.org/v3
kind: StagedNetworkPolicy
metadata: {name: web, namespace: shop}
spec: {order: 10, selector: app == 'web', ingress: [{action: Allow, protocol: tcp, destination: {ports: [80]}}]}
---
apiVersion: projectcalico.org/v3
kind: StagedGlobalNetworkPolicy
metadata: {name: web}
spec: {stagedAction: Delete}
---
apiVersion: projectcalico.org/v3
kind: NetworkSet
metadata: {name: office, namespace: shop, labels: {place: office}}
spec: {nets: [10.0.0.1/8, "fd00::1"]}
---
apiVersion: projectcalico.org/v3
kind: GlobalNetworkSet
metadata: {name: office}
spec: {nets: [192.0.2.0/24]}
---
apiVersion: projectcalico.org/v3
kind: HostEndpoint
metadata: {name: node1-eth0}
spec: {node: node1, interfaceName: eth0, expectedIPs: [10.1.0.1], profiles: [host], ports: [{name: ssh, protocol: TCP, port: 22}]}
---
apiVersion: projectcalico.org/v3
kind: Profile
metadata: {name: host}
spec: {labelsToApply: {role: host}, egress: [{action: Allow}]}
`;

/** What `kubectl get -o wide` shows of each of them. */
const PEER_TABLES: readonly { word: string; name: string; wide: string[]; row: RegExp }[] = [
  {
    word: "snp",
    name: "web",
    wide: ["NAME", "TIER", "AGE", "ORDER", "SELECTOR", "STAGEDACTION"],
    row: /^web +default +\S+ +10 +app == 'web' +Set/,
  },
  {
    word: "sgnp",
    name: "web",
    wide: ["NAME", "TIER", "AGE", "ORDER", "SELECTOR", "STAGEDACTION"],
    row: /^web +default +\S+ .* Delete/,
  },
  { word: "netset", name: "office", wide: ["NAME", "AGE", "NETS"], row: /^office +\S+ +10\.0\.0\.1\/8,fd00::1/ },
  { word: "gns", name: "office", wide: ["NAME", "AGE", "NETS"], row: /^office +\S+ +192\.0\.2\.0\/24/ },
  {
    word: "hep",
    name: "node1-eth0",
    wide: ["NAME", "NODE", "AGE", "INTERFACE", "IPS", "PROFILES"],
    row: /^node1-eth0 +node1 +\S+ +eth0 +10\.1\.0\.1 +host/,
  },
  { word: "profiles", name: "host", wide: ["NAME", "AGE", "LABELS"], row: /^host +\S+ +role=host/ },
];

const POD = `
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop, labels: {app: web, tier: front}}
spec:
  nodeName: node1
  terminationGracePeriodSeconds: 5
  containers:
  - {name: web, image: "web:1", ports: [{containerPort: 80}]}
  - {name: side, image: "side:1"}
`;

const SCENARIOS: Readonly<Record<string, Scenario>> = {
  "finds versions, groups and kinds": async (kubectl) => {
    assertStringIncludes(await kubectl.ok(["version"]), "Server Version: v1.33.0");
    assertMatch(await kubectl.ok(["api-versions"]), /^projectcalico\.org\/v3$/m);
    const resources = await kubectl.ok(["api-resources"]);
    assertMatch(resources, /^globalnetworkpolicies +gnp\S* +projectcalico\.org\/v3 +false +GlobalNetworkPolicy$/m);
    assertMatch(resources, /^pods +po +v1 +true +Pod$/m);
  },

  "says who asks and what is allowed": async (kubectl) => {
    assertMatch(await kubectl.ok(["auth", "whoami"]), /Username +system:anonymous/);
    const alice = JSON.parse(await kubectl.ok(["auth", "whoami", "--as", "alice", "--as-group", "ops", "-o", "json"]));
    assertEquals(alice.status.userInfo, { username: "alice", groups: ["ops", "system:authenticated"] });
    assertEquals(await kubectl.ok(["auth", "can-i", "create", "tiers"]), "yes\n");
    assertStringIncludes(await kubectl.ok(["auth", "can-i", "--list"]), "*.*");
  },

  "creates core objects, whose bodies may be protobuf": async (kubectl, api) => {
    await kubectl.ok(["create", "namespace", "shop"]);
    await kubectl.ok(["create", "serviceaccount", "seller", "-n", "shop"]);
    await kubectl.ok(["run", "probe", "-n", "shop", "--image=probe:1", "--labels=app=probe", "--", "sleep", "1"]);
    const pod = JSON.parse(await kubectl.ok(["get", "pod", "probe", "-n", "shop", "-o", "json"]));
    assertEquals(pod.spec.containers[0].args, ["sleep", "1"]);
    assertEquals(pod.metadata.labels, { app: "probe" });
    assertMatch(await kubectl.ok(["get", "ns", "shop"]), /^shop +Active/m);
    assertStringIncludes(await kubectl.ok(["describe", "namespace", "shop"]), "Status:       Active");
    await kubectl.ok(["create", "namespace", "dry", "--dry-run=server"]);
    assertEquals((await kubectl.run(["get", "namespace", "dry"])).code, 1);
    assert(api.backend.commands.some(({ body }) => body.kind === "CreateObject" && body.options.dryRun));
  },

  "applies the tutorial's files unedited": async (kubectl, api) => {
    await kubectl.ok(["create", "namespace", "quickstart"]);
    const files = ["10-default-deny.yaml", "20-allow-busybox-egress.yaml", "30-allow-nginx-ingress.yaml"];
    for (const file of files) assertMatch(await kubectl.ok(["apply", "-f", TUTORIAL + file]), /created/);
    const before = api.backend.head().position;
    for (const file of files) assertMatch(await kubectl.ok(["apply", "-f", TUTORIAL + file]), /unchanged/);
    assertEquals(api.backend.head().position, before);
    const again = await kubectl.run(["create", "-f", TUTORIAL + files[0]]);
    assertEquals(again.code, 1);
    assertStringIncludes(again.stderr, "Error from server (AlreadyExists)");
  },

  "applies an existing core object by strategic merge": async (kubectl) => {
    await kubectl.ok(["create", "namespace", "shop"]);
    assertMatch(await kubectl.ok(["apply", "-f", "-"], { stdin: POD }), /pod\/web created/);
    const changed = POD.replace("web:1", "web:2").replace(", tier: front", "").replace(/ {2}- \{name: side.*\n/, "");
    const diff = await kubectl.run(["diff", "-f", "-"], { stdin: changed });
    assertEquals(diff.code, 1);
    assertMatch(diff.stdout, /^\+.*image: web:2$/m);
    assertMatch(await kubectl.ok(["apply", "-f", "-"], { stdin: changed }), /pod\/web configured/);
    const pod = JSON.parse(await kubectl.ok(["get", "pod", "web", "-n", "shop", "-o", "json"]));
    assertEquals(pod.metadata.labels, { app: "web" });
    assertEquals(pod.spec.containers.map(({ name, image }: Record<string, string>) => [name, image]), [[
      "web",
      "web:2",
    ]]);
    assertEquals(pod.spec.terminationGracePeriodSeconds, 5);
    assertEquals((await kubectl.run(["diff", "-f", "-"], { stdin: changed })).code, 0);
    assertStringIncludes(await kubectl.ok(["describe", "pod", "web", "-n", "shop"]), "Image:        web:2");
  },

  "applies on the server and names conflicting managers": async (kubectl) => {
    const apply = ["apply", "--server-side", "-f", "-"];
    await kubectl.ok([...apply, "--field-manager=alice"], { stdin: POLICY });
    const bobs = POLICY.replace("order: 10", "order: 20");
    const conflict = await kubectl.run([...apply, "--field-manager=bob"], { stdin: bobs });
    assertEquals(conflict.code, 1);
    assertStringIncludes(conflict.stderr, 'conflict with "alice": .spec.order');
    await kubectl.ok([...apply, "--field-manager=bob", "--force-conflicts"], { stdin: bobs });
    const live = JSON.parse(await kubectl.ok(["get", "gnp", "web", "-o", "json", "--show-managed-fields"]));
    assertEquals(live.spec.order, 20);
    assertEquals(live.metadata.managedFields.map((entry: Record<string, string>) => entry.manager), ["alice", "bob"]);
  },

  "takes over what was applied by the client": async (kubectl) => {
    await kubectl.ok(["apply", "-f", "-"], { stdin: POLICY });
    const changed = POLICY.replace("order: 10", "order: 30");
    await kubectl.ok(["apply", "--server-side", "-f", "-"], { stdin: changed });
    assertEquals(await kubectl.ok(["get", "gnp", "web", "-o", "jsonpath={.spec.order}"]), "30");
  },

  "prints tables, wide ones, and other forms": async (kubectl) => {
    await kubectl.ok(["create", "-f", "-"], { stdin: POLICY });
    assertMatch(await kubectl.ok(["get", "tiers"]), /^NAME +ORDER +DEFAULTACTION +AGE\ndefault +1000000 +Deny +\d+s$/m);
    assertMatch(await kubectl.ok(["get", "gnp", "-o", "wide"]), /^web +default .*app == 'web'/m);
    assertStringIncludes(await kubectl.ok(["get", "gnp", "web", "-o", "yaml"]), "selector: app == 'web'");
    assertEquals(await kubectl.ok(["get", "gnp", "-o", "name"]), "globalnetworkpolicy.projectcalico.org/web\n");
    const columns = await kubectl.ok(["get", "tiers", "-o", "custom-columns=N:.metadata.name", "--no-headers"]);
    assertEquals(columns, "default\nkube-admin\nkube-baseline\n");
    const sorted = await kubectl.ok(["get", "tiers", "--sort-by=.spec.order", "--no-headers"]);
    assertEquals(sorted.match(/^\S+/gm), ["kube-admin", "default", "kube-baseline"]);
    assertMatch(await kubectl.ok(["get", "calico"]), /globalnetworkpolicy\.projectcalico\.org\/web/);
    assertMatch((await kubectl.run(["get", "events", "-A"])).stderr, /No resources found/);
  },

  "creates, shows and deletes every Calico kind of policy and peer": async (kubectl) => {
    await kubectl.ok(["create", "namespace", "shop"]);
    await kubectl.ok(["create", "-f", "-"], { stdin: PEERS });
    for (const { word, wide, name, row } of PEER_TABLES) {
      const [header, line = ""] = (await kubectl.ok(["get", word, "-n", "shop", "-o", "wide"])).split("\n");
      assertEquals(header!.trim().split(/ {2,}/), wide);
      assertMatch(line, row);
      await kubectl.ok(["delete", word, name, "-n", "shop"]);
      assertMatch((await kubectl.run(["get", word, name, "-n", "shop"])).stderr, /\(NotFound\)/);
    }
  },

  "applies a staged policy, then the preview of its deletion": async (kubectl) => {
    const staged = (spec: string) =>
      `apiVersion: projectcalico.org/v3\nkind: StagedGlobalNetworkPolicy\nmetadata: {name: web}\nspec: ${spec}\n`;
    const set = staged("{selector: app == 'web', egress: [{action: Deny}]}");
    await kubectl.ok(["apply", "-f", "-"], { stdin: set });
    assertMatch(await kubectl.ok(["apply", "-f", "-"], { stdin: set }), /unchanged/);
    const deletion = staged("{stagedAction: Delete}");
    assertMatch(await kubectl.ok(["apply", "-f", "-"], { stdin: deletion }), /configured/);
    assertMatch(await kubectl.ok(["apply", "-f", "-"], { stdin: deletion }), /unchanged/);
    const half = await kubectl.run(["apply", "-f", "-"], { stdin: staged("{stagedAction: Delete, order: 1}") });
    assertMatch(half.stderr, /spec\.order: Forbidden: must be left out where stagedAction is Delete/);
    assertMatch(await kubectl.ok(["apply", "-f", "-"], { stdin: set }), /configured/);
    assertEquals(
      await kubectl.ok(["get", "sgnp", "web", "-o", "jsonpath={.spec.stagedAction} {.spec.types}"]),
      'Set ["Egress"]',
    );
  },

  "finds policies by their tier": async (kubectl) => {
    await kubectl.ok(["create", "namespace", "shop"]);
    await kubectl.ok(["create", "-f", "-"], { stdin: PEERS });
    const names = (...args: string[]) => kubectl.ok(["get", "sgnp,snp", "-A", "-o", "name", ...args]);
    const both = await names("--field-selector", "spec.tier=default");
    assertEquals(both.trim().split("\n"), [
      "stagedglobalnetworkpolicy.projectcalico.org/web",
      "stagednetworkpolicy.projectcalico.org/web",
    ]);
    assertEquals(await names("-l", "projectcalico.org/tier=default"), both);
    assertEquals(await names("--field-selector", "spec.tier=platform"), "");
  },

  "selects by label, field and namespace": async (kubectl) => {
    await kubectl.ok(["create", "namespace", "shop"]);
    await kubectl.ok(["create", "-f", "-"], { stdin: POD });
    const names = async (...args: string[]) => (await kubectl.ok(["get", "pods", "-o", "name", ...args])).trim();
    assertEquals(await names("-A"), "pod/web");
    assertEquals(await names(), "");
    assertEquals(await names("-A", "-l", "app in (web, api),!old"), "pod/web");
    assertEquals(await names("-A", "-l", "app!=web"), "");
    assertEquals(await names("-A", "--field-selector", "spec.nodeName=node1,metadata.namespace=shop"), "pod/web");
    assertEquals(await names("-A", "--field-selector", "status.phase=Running"), "");
    const bad = await kubectl.run(["get", "pods", "--field-selector", "spec.colour=red"]);
    assertStringIncludes(bad.stderr, "field label not supported: spec.colour");
  },

  "pages long lists at one instant": async (kubectl, api) => {
    for (const name of ["a", "b", "c"]) await kubectl.ok(["create", "namespace", name]);
    const listed = await kubectl.ok(["get", "namespaces", "--chunk-size=2", "-o", "name"]);
    assertEquals(
      listed.trim().split("\n"),
      ["a", "b", "c", "default", "kube-system"].map((name) => `namespace/${name}`),
    );
    assertEquals(api.requests.filter((request) => request.includes("continue=")).length, 2);
  },

  "changes objects in every way": async (kubectl) => {
    await kubectl.ok(["create", "-f", "-"], { stdin: POLICY });
    await kubectl.ok(["label", "gnp", "web", "team=blue"]);
    await kubectl.ok(["annotate", "gnp", "web", "note=x"]);
    await kubectl.ok(["patch", "gnp", "web", "--type=merge", "-p", '{"spec":{"order":11}}']);
    await kubectl.ok([
      "patch",
      "gnp",
      "web",
      "--type=json",
      "-p",
      '[{"op":"replace","path":"/spec/order","value":12}]',
    ]);
    const strategic = await kubectl.run(["patch", "gnp", "web", "-p", '{"spec":{"order":13}}']);
    assertStringIncludes(strategic.stderr, "application/strategic-merge-patch+json is not supported");
    await kubectl.ok(["edit", "gnp", "web"], { env: { KUBE_EDITOR: "sed -i s/12$/14/" } });
    const stale = await kubectl.ok(["get", "gnp", "web", "-o", "json"]);
    const live = JSON.parse(stale);
    assertEquals([live.spec.order, live.metadata.labels.team, live.metadata.annotations.note], [14, "blue", "x"]);
    await kubectl.ok(["replace", "-f", "-"], { stdin: stale.replace('"order": 14', '"order": 15') });
    const conflict = await kubectl.run(["replace", "-f", "-"], { stdin: stale.replace('"order": 14', '"order": 16') });
    assertStringIncludes(conflict.stderr, "Error from server (Conflict)");
    assertEquals(await kubectl.ok(["get", "gnp", "web", "-o", "jsonpath={.spec.order}"]), "15");
    await kubectl.ok(["label", "gnp", "web", "team-"]);
    assertStringIncludes(await kubectl.ok(["describe", "gnp", "web"]), "Order:     15");
  },

  "edits core objects and nodes": async (kubectl) => {
    const node =
      "apiVersion: v1\nkind: Node\nmetadata: {name: node1, labels: {age: before}}\nspec: {podCIDR: 10.1.0.0/24}\n";
    await kubectl.ok(["apply", "-f", "-"], { stdin: node });
    await kubectl.ok(["edit", "node", "node1"], { env: { KUBE_EDITOR: "sed -i s/before/after/" } });
    await kubectl.ok(["patch", "node", "node1", "-p", '{"spec":{"taints":[{"key":"k","effect":"NoSchedule"}]}}']);
    await kubectl.ok(["cordon", "node1"]);
    const live = JSON.parse(await kubectl.ok(["get", "node", "node1", "-o", "json"]));
    assertEquals([live.metadata.labels.age, live.spec.unschedulable], ["after", true]);
    assertStringIncludes(await kubectl.ok(["describe", "node", "node1"]), "k:NoSchedule");
    assertMatch(await kubectl.ok(["get", "nodes.projectcalico.org"]), /^node1/m);
  },

  "follows changes": async (kubectl) => {
    await using watching = kubectl.follow(["get", "gnp", "-l", "team=blue", "-w", "--output-watch-events"]);
    await kubectl.ok(["create", "-f", "-"], { stdin: POLICY });
    await kubectl.ok(["label", "gnp", "web", "team=blue"]);
    await watching.waitFor(/^ADDED +web +default/m);
    await kubectl.ok(["patch", "gnp", "web", "--type=merge", "-p", '{"spec":{"order":11}}']);
    await watching.waitFor(/^MODIFIED +web/m);
    await kubectl.ok(["label", "gnp", "web", "team-"]);
    await watching.waitFor(/^DELETED +web/m);
    assertEquals(watching.text.match(/^(ADDED|MODIFIED|DELETED)/gm), ["ADDED", "MODIFIED", "DELETED"]);
  },

  "waits for fields, conditions and deletion": async (kubectl, api) => {
    await kubectl.ok(["create", "namespace", "shop"]);
    await kubectl.ok(["create", "-f", "-"], { stdin: POD });
    const wait = (what: string) => kubectl.ok(["wait", "pod/web", "-n", "shop", what, "--timeout=20s"]);
    const waits = [wait("--for=jsonpath={.status.phase}=Running"), wait("--for=condition=Ready")];
    const status = { status: { phase: "Running", conditions: [{ type: "Ready", status: "True" }] } };
    const patched = await fetch(`${api.url}/api/v1/namespaces/shop/pods/web/status`, {
      method: "PATCH",
      headers: { "Content-Type": "application/merge-patch+json" },
      body: JSON.stringify(status),
    });
    assertEquals((await patched.json()).status.phase, "Running");
    for (const done of await Promise.all(waits)) assertStringIncludes(done, "condition met");
    const gone = wait("--for=delete");
    await kubectl.ok(["delete", "pod", "web", "-n", "shop", "--wait"]);
    await gone;
  },

  "deletes by name, selector and all": async (kubectl) => {
    for (const name of ["a", "b", "c", "d"]) await kubectl.ok(["create", "namespace", name]);
    await kubectl.ok(["label", "namespace", "c", "old=yes"]);
    await kubectl.ok(["delete", "namespace", "a", "b"]);
    await kubectl.ok(["delete", "namespace", "-l", "old=yes"]);
    await kubectl.ok(["create", "serviceaccount", "x", "-n", "d"]);
    await kubectl.ok(["create", "serviceaccount", "y", "-n", "d"]);
    assertEquals((await kubectl.ok(["delete", "sa", "-n", "d", "--all"])).match(/"(x|y)" deleted/g), [
      '"x" deleted',
      '"y" deleted',
    ]);
    await kubectl.ok(["create", "-f", "-"], { stdin: POLICY });
    await kubectl.ok(["delete", "gnp", "web", "--dry-run=server"]);
    await kubectl.ok(["delete", "-f", "-", "--cascade=foreground"], { stdin: POLICY });
    const missing = await kubectl.run(["delete", "gnp", "web"]);
    assertStringIncludes(missing.stderr, 'globalnetworkpolicies.projectcalico.org "web" not found');
    const left = await kubectl.ok(["get", "namespaces", "-o", "name"]);
    assertEquals(left.trim().split("\n"), ["namespace/d", "namespace/default", "namespace/kube-system"]);
  },

  "explains kinds and fields": async (kubectl) => {
    assertMatch(await kubectl.ok(["explain", "gnp"]), /GROUP: +projectcalico\.org\nKIND: +GlobalNetworkPolicy/);
    assertMatch(await kubectl.ok(["explain", "cnp.spec.ingress.source"]), /namespaceSelector\t<string>/);
    assertMatch(await kubectl.ok(["explain", "pod.spec.containers"]), /FIELD: containers <\[\]Object>/);
    assertMatch(await kubectl.ok(["explain", "tier", "--recursive"]), /order\t<number>/);
  },

  "refuses bad input by field and rule, and writes nothing": async (kubectl, api) => {
    const before = api.backend.head().position;
    const refusal = async (text: string) => (await kubectl.run(["apply", "-f", "-"], { stdin: text })).stderr;
    const invalid = await refusal(POLICY.replace("Ingress", "Sideways"));
    assertMatch(invalid, /^The GlobalNetworkPolicy "web" is invalid: spec\.types\[0\]: /m);
    assertMatch(await refusal(POLICY.replace("app == 'web'", "app ==")), /spec\.selector: .*must/);
    assertMatch(await refusal(POLICY.replace("order:", "ordr:")), /strict decoding error: unknown field "spec\.ordr"/);
    assertMatch(await refusal(POD), /namespaces "shop" not found/);
    assertEquals(api.backend.head().position, before);
  },

  "prints warnings, and keeps user and reason": async (kubectl, api) => {
    const text = POLICY.replace("{name: web}", "{name: web, annotations: {tortie.dev/reason: 'été'}}");
    const stdin = text.replace("order: 10", "order: 10, café: 1");
    const { code, stderr } = await kubectl.run(["create", "-f", "-", "--as", "alice", "--validate=warn"], { stdin });
    assertEquals([code, stderr.trim()], [0, 'Warning: unknown field "spec.café"']);
    for await (const event of api.backend.log.read({ from: api.backend.head().position })) {
      assertEquals([event.context.actor.user, event.context.reason], ["alice", "été"]);
    }
  },

  "reads the past": async (kubectl, api) => {
    const before = api.backend.head().position;
    await kubectl.ok(["create", "-f", "-"], { stdin: POLICY });
    const path = "/apis/projectcalico.org/v3/globalnetworkpolicies";
    const past = JSON.parse(await kubectl.ok(["get", "--raw", `${path}?at=${before}`]));
    assertEquals([past.items.length, past.metadata.resourceVersion], [0, String(before)]);
    const now = JSON.parse(await kubectl.ok(["get", "--raw", path]));
    assertEquals(now.items.map((item: { metadata: { name: string } }) => item.metadata.name), ["web"]);
  },
};

await testKubectlScenarios(SCENARIOS);
