/**
 * Unmodified kubectl and Kubernetes' own kinds of policy and Service: each is found, explained, applied in both ways, changed, shown, described and deleted.
 *
 * @module
 */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { type Scenario, testKubectlScenarios } from "#tests/support/kubectl_scenarios.ts";

/** One kind: a manifest, and what kubectl must make of it. */
interface KindScenario {
  /** What people type. */
  readonly words: readonly string[];
  /** `TYPE.GROUP/name` as kubectl prints it. */
  readonly printed: string;
  readonly manifest: string;
  /** What `-o wide` shows. */
  readonly header: readonly string[];
  readonly row: RegExp;
  /** A change of the manifest, and where it can be read. */
  readonly change: readonly [from: string, to: string, jsonpath: string, value: string];
  /** A path to explain, and what is told there. */
  readonly explain: readonly [path: string, field: RegExp];
  /** A manifest that is refused, as a change of the good one, and the field that is named. */
  readonly refusal: readonly [from: string, to: string, message: RegExp];
}

const KINDS: readonly KindScenario[] = [
  {
    words: ["netpol", "networkpolicies", "networkpolicy", "networkpolicies.networking.k8s.io"],
    printed: "networkpolicy.networking.k8s.io/web",
    manifest: `
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: web, namespace: shop}
spec:
  podSelector: {matchLabels: {app: web}}
  policyTypes: [Ingress, Egress]
  ingress:
  - from:
    - {namespaceSelector: {matchLabels: {team: red}}, podSelector: {}}
    - {ipBlock: {cidr: 10.0.0.0/8, except: [10.1.0.0/16]}}
    ports: [{protocol: TCP, port: 80, endPort: 90}, {protocol: UDP, port: dns}]
`,
    header: ["NAME", "POD-SELECTOR", "AGE"],
    row: /^web +app=web +\S+$/m,
    change: ["endPort: 90", "endPort: 99", "{.spec.ingress[0].ports[0].endPort}", "99"],
    explain: ["netpol.spec.ingress.from.ipBlock", /cidr\t<string>/],
    refusal: ["except: [10.1.0.0/16]", "except: [11.0.0.0/16]", /spec\.ingress\[0\]\.from\[1\]\.ipBlock\.except\[0\]/],
  },
  {
    words: ["anp", "adminnetworkpolicies", "adminnetworkpolicy"],
    printed: "adminnetworkpolicy.policy.networking.k8s.io/guard",
    manifest: `
apiVersion: policy.networking.k8s.io/v1alpha1
kind: AdminNetworkPolicy
metadata: {name: guard}
spec:
  priority: 10
  subject: {namespaces: {}}
  egress:
  - {name: out, action: Deny, to: [{networks: [10.0.0.0/8]}], ports: [{portNumber: {protocol: TCP, port: 80}}]}
`,
    header: ["NAME", "PRIORITY", "AGE"],
    row: /^guard +10 +\S+$/m,
    change: ["priority: 10", "priority: 11", "{.spec.priority}", "11"],
    explain: ["anp.spec.egress.to", /networks\t<\[\]string>/],
    refusal: ["priority: 10", "priority: 1001", /spec\.priority: .*must be at most 1000/],
  },
  {
    words: ["banp", "baselineadminnetworkpolicies"],
    printed: "baselineadminnetworkpolicy.policy.networking.k8s.io/default",
    manifest: `
apiVersion: policy.networking.k8s.io/v1alpha1
kind: BaselineAdminNetworkPolicy
metadata: {name: default}
spec:
  subject: {namespaces: {}}
  ingress:
  - {name: in, action: Deny, from: [{namespaces: {}}]}
`,
    header: ["NAME", "AGE"],
    row: /^default +\S+$/m,
    change: ["action: Deny", "action: Allow", "{.spec.ingress[0].action}", "Allow"],
    explain: ["banp.spec.subject", /namespaces\t<Object>/],
    refusal: ["name: default", "name: other", /metadata\.name: .*must be default/],
  },
  {
    words: ["kcnp", "clusternetworkpolicies", "clusternetworkpolicy"],
    printed: "clusternetworkpolicy.policy.networking.k8s.io/guard",
    manifest: `
apiVersion: policy.networking.k8s.io/v1alpha2
kind: ClusterNetworkPolicy
metadata: {name: guard}
spec:
  tier: Admin
  priority: 10
  subject: {pods: {namespaceSelector: {}, podSelector: {matchLabels: {app: web}}}}
  ingress:
  - {name: in, action: Accept, from: [{namespaces: {}}], protocols: [{tcp: {destinationPort: {number: 443}}}]}
`,
    header: ["NAME", "TIER", "PRIORITY", "AGE"],
    row: /^guard +Admin +10 +\S+$/m,
    change: ["tier: Admin", "tier: Baseline", "{.spec.tier}", "Baseline"],
    explain: ["kcnp.spec.ingress.protocols", /destinationNamedPort\t<string>/],
    refusal: ["number: 443", "number: 0", /spec\.ingress\[0\]\.protocols\[0\]\.tcp\.destinationPort\.number/],
  },
  {
    words: ["sknp", "stagedkubernetesnetworkpolicies"],
    printed: "stagedkubernetesnetworkpolicy.projectcalico.org/web",
    manifest: `
apiVersion: projectcalico.org/v3
kind: StagedKubernetesNetworkPolicy
metadata: {name: web, namespace: shop}
spec: {podSelector: {matchLabels: {app: web}}, ingress: [{from: [{podSelector: {}}]}]}
`,
    header: ["NAME", "POD-SELECTOR", "AGE", "STAGEDACTION"],
    row: /^web +app=web +\S+ +Set$/m,
    change: ["app: web", "app: api", "{.spec.podSelector.matchLabels.app}", "api"],
    explain: ["sknp.spec", /stagedAction\t<string>/],
    refusal: ["{from: [{podSelector: {}}]}", "{form: []}", /unknown field "spec\.ingress\[0\]\.form"/],
  },
  {
    words: ["svc", "services", "service"],
    printed: "service/web",
    manifest: `
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {selector: {app: web}, ports: [{name: http, port: 80, targetPort: http}]}
`,
    header: ["NAME", "TYPE", "CLUSTER-IP", "EXTERNAL-IP", "PORT(S)", "AGE", "SELECTOR"],
    row: /^web +ClusterIP +<none> +<none> +80\/TCP +\S+ +app=web$/m,
    change: ["targetPort: http", "targetPort: 8080", "{.spec.ports[0].targetPort}", "8080"],
    explain: ["svc.spec.ports", /FIELD: ports <\[\]Object>/],
    refusal: ["port: 80,", "port: 0,", /spec\.ports\[0\]\.port: .*must be at least 1/],
  },
  {
    words: ["endpointslices", "endpointslices.discovery.k8s.io"],
    printed: "endpointslice.discovery.k8s.io/db-1",
    manifest: `
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: db-1, namespace: shop, labels: {kubernetes.io/service-name: db}}
addressType: IPv4
endpoints: [{addresses: [10.9.0.1]}]
ports: [{name: sql, port: 5432, protocol: TCP}]
`,
    header: ["NAME", "ADDRESSTYPE", "PORTS", "ENDPOINTS", "AGE"],
    row: /^db-1 +IPv4 +5432 +10\.9\.0\.1 +\S+$/m,
    change: ["port: 5432", "port: 5433", "{.ports[0].port}", "5433"],
    explain: ["endpointslices.endpoints", /addresses\t<\[\]string>/],
    refusal: ["10.9.0.1", "127.0.0.1", /endpoints\[0\]\.addresses\[0\]: .*must not be a loopback address/],
  },
];

function kindScenario(kind: KindScenario): Scenario {
  return async (kubectl, api) => {
    const { words, printed, manifest, change: [from, to, jsonpath, value] } = kind;
    const [word = ""] = words;
    const name = printed.split("/")[1]!;
    const changed = manifest.replace(from, to);
    assert(changed !== manifest);
    const inShop = (...args: readonly string[]) => kubectl.ok([...args, "-n", "shop"]);
    const apply = (stdin: string, ...args: readonly string[]) => kubectl.ok(["apply", "-f", "-", ...args], { stdin });
    await kubectl.ok(["create", "namespace", "shop"]);
    const bad = await kubectl.run(["apply", "-f", "-"], { stdin: manifest.replace(kind.refusal[0], kind.refusal[1]) });
    assertEquals(bad.code, 1);
    assertMatch(bad.stderr, kind.refusal[2]);

    assertEquals(await apply(manifest), `${printed} created\n`);
    const { position } = api.backend.head();
    await apply(manifest);
    assertEquals(api.backend.head().position, position, "applying again wrote something");
    for (const each of words) assertEquals(await inShop("get", each, name, "-o", "name"), `${printed}\n`);
    const table = await inShop("get", word, "-o", "wide");
    assertEquals(table.split("\n")[0]!.trim().split(/ {2,}/), kind.header);
    assertMatch(table, kind.row);
    assertStringIncludes(await inShop("describe", word, name), name);
    assertMatch(await kubectl.ok(["explain", kind.explain[0]]), kind.explain[1]);

    assertEquals(await apply(changed), `${printed} configured\n`);
    assertEquals(await inShop("get", word, name, "-o", `jsonpath=${jsonpath}`), value);
    await apply(manifest, "--server-side", "--force-conflicts");
    assert(await inShop("get", word, name, "-o", `jsonpath=${jsonpath}`) !== value, "not applied by the server");
    await inShop("label", word, name, "team=red");
    assertEquals(await inShop("get", word, "-l", "team=red", "-o", "name"), `${printed}\n`);
    await inShop("delete", word, name);
    assertMatch((await kubectl.run(["get", word, name, "-n", "shop"])).stderr, /\(NotFound\)/);
  };
}

const POD = (name: string, ip: string) => `
apiVersion: v1
kind: Pod
metadata: {name: ${name}, namespace: shop, labels: {app: web}}
spec: {nodeName: node1, containers: [{name: web, image: "web:1", ports: [{name: http, containerPort: 8080}]}]}
status: {podIPs: [{ip: ${ip}}], conditions: [{type: Ready, status: "True"}]}
`;

const SCENARIOS: Readonly<Record<string, Scenario>> = {
  ...Object.fromEntries(KINDS.map((kind) => [`takes ${kind.printed}`, kindScenario(kind)])),

  "tells NetworkPolicies of the two groups apart": async (kubectl) => {
    await kubectl.ok(["create", "namespace", "shop"]);
    await kubectl.ok(["create", "-f", "-"], { stdin: KINDS[0]!.manifest });
    const calico = `
apiVersion: projectcalico.org/v3
kind: NetworkPolicy
metadata: {name: web, namespace: shop}
spec: {selector: app == 'web'}
`;
    await kubectl.ok(["create", "-f", "-"], { stdin: calico });
    const names = (word: string) => kubectl.ok(["get", word, "-n", "shop", "-o", "name"]);
    for (const word of ["networkpolicies", "networkpolicy", "netpol"]) {
      assertEquals(await names(word), "networkpolicy.networking.k8s.io/web\n");
    }
    for (const word of ["networkpolicies.projectcalico.org", "cnp", "networkpolicies.v3.projectcalico.org"]) {
      assertEquals(await names(word), "networkpolicy.projectcalico.org/web\n");
    }
    await kubectl.ok(["delete", "networkpolicy", "web", "-n", "shop"]);
    assertEquals(await names("cnp"), "networkpolicy.projectcalico.org/web\n");
  },

  "fills in what Kubernetes fills in": async (kubectl) => {
    await kubectl.ok(["create", "namespace", "shop"]);
    const stdin = `
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: open, namespace: shop}
spec: {egress: [{ports: [{port: 53}]}]}
`;
    await kubectl.ok(["create", "-f", "-"], { stdin });
    const { spec } = JSON.parse(await kubectl.ok(["get", "netpol", "open", "-n", "shop", "-o", "json"]));
    assertEquals(spec, {
      podSelector: {},
      policyTypes: ["Ingress", "Egress"],
      egress: [{ ports: [{ port: 53, protocol: "TCP" }] }],
    });
    await kubectl.ok(["patch", "netpol", "open", "-n", "shop", "-p", '{"spec":{"policyTypes":["Egress"]}}']);
    const types = await kubectl.ok(["get", "netpol", "open", "-n", "shop", "-o", "jsonpath={.spec.policyTypes}"]);
    assertEquals(types, '["Egress"]');
  },

  "makes Services of every type, and of a pod": async (kubectl) => {
    await kubectl.ok(["create", "namespace", "shop"]);
    const create = (...args: readonly string[]) => kubectl.ok(["create", "service", ...args, "-n", "shop"]);
    await create("clusterip", "plain", "--tcp=80:8080");
    await create("clusterip", "headless", "--clusterip=None");
    await create("nodeport", "outside", "--tcp=80", "--node-port=30080");
    await create("loadbalancer", "balanced", "--tcp=80");
    await create("externalname", "elsewhere", "--external-name=db.example.com");
    const table = await kubectl.ok(["get", "svc", "-n", "shop", "--no-headers"]);
    assertMatch(table, /^plain +ClusterIP +<none> +<none> +80\/TCP/m);
    assertMatch(table, /^headless +ClusterIP +None +<none> +<none>/m);
    assertMatch(table, /^outside +NodePort +<none> +<none> +80:30080\/TCP/m);
    assertMatch(table, /^balanced +LoadBalancer +<none> +<pending> +80\/TCP/m);
    assertMatch(table, /^elsewhere +ExternalName +<none> +db\.example\.com/m);
    await kubectl.ok(["apply", "-f", "-"], { stdin: POD("a", "10.0.0.1") });
    await kubectl.ok(["expose", "pod", "a", "-n", "shop", "--name=exposed", "--port=80", "--target-port=http"]);
    const exposed = JSON.parse(await kubectl.ok(["get", "svc", "exposed", "-n", "shop", "-o", "json"]));
    assertEquals([exposed.spec.selector, exposed.spec.ports[0].targetPort], [{ app: "web" }, "http"]);
  },

  "changes the type of a Service that was applied": async (kubectl) => {
    await kubectl.ok(["create", "namespace", "shop"]);
    const manifest = KINDS[5]!.manifest;
    const typed = (type: string) => manifest.replace("spec: {", `spec: {type: ${type}, `);
    for (const type of ["NodePort", "LoadBalancer", "ClusterIP"]) {
      await kubectl.ok(["apply", "-f", "-"], { stdin: typed(type) });
      assertMatch(await kubectl.ok(["get", "svc", "web", "-n", "shop"]), new RegExp(`^web +${type} `, "m"));
    }
    const named = manifest.replace(/spec: .*/, "spec: {type: ExternalName, externalName: db.example.com}");
    await kubectl.ok(["apply", "-f", "-"], { stdin: named });
    const { spec } = JSON.parse(await kubectl.ok(["get", "svc", "web", "-n", "shop", "-o", "json"]));
    assertEquals([spec.type, spec.selector, spec.ports], ["ExternalName", undefined, undefined]);
  },

  "keeps what is observed of a cluster-wide policy apart": async (kubectl) => {
    await kubectl.ok(["create", "-f", "-"], { stdin: KINDS[3]!.manifest });
    const status = JSON.stringify({
      status: { conditions: [{ type: "Accepted", status: "True" }] },
      spec: { priority: 1 },
    });
    await kubectl.ok(["patch", "kcnp", "guard", "--subresource=status", "--type=merge", "-p", status]);
    await kubectl.ok(["wait", "kcnp/guard", "--for=condition=Accepted", "--timeout=20s"]);
    assertEquals(await kubectl.ok(["get", "kcnp", "guard", "-o", "jsonpath={.spec.priority}"]), "10");
    const strategic = await kubectl.run(["patch", "kcnp", "guard", "-p", '{"spec":{"priority":1}}']);
    assertStringIncludes(strategic.stderr, "application/strategic-merge-patch+json is not supported");
  },

  "shows where a Service is, and lets nobody write there": async (kubectl) => {
    await kubectl.ok(["create", "namespace", "shop"]);
    const stdin = [KINDS[5]!.manifest, POD("a", "10.0.0.1"), POD("b", "fd00::b")].join("---");
    await kubectl.ok(["apply", "-f", "-"], { stdin });
    for (const [name, ip] of [["a", "10.0.0.1"], ["b", "fd00::b"]] as const) {
      const status = { status: { podIPs: [{ ip }], conditions: [{ type: "Ready", status: "True" }] } };
      const patch = ["patch", "pod", name, "-n", "shop", "--subresource=status", "-p", JSON.stringify(status)];
      await kubectl.ok(patch);
    }
    const table = await kubectl.ok(["get", "endpointslices", "-n", "shop", "-l", "kubernetes.io/service-name=web"]);
    assertMatch(table, /^web-tortie-4 +IPv4 +8080 +10\.0\.0\.1 /m);
    assertMatch(table, /^web-tortie-6 +IPv6 +8080 +fd00::b /m);
    const get = ["get", "endpointslice", "web-tortie-4", "-n", "shop", "-o", "json"];
    const slice = JSON.parse(await kubectl.ok(get));
    assertEquals(slice.endpoints[0].conditions, { ready: true, serving: true, terminating: false });
    assertEquals(slice.endpoints[0].targetRef.name, "a");
    assertMatch(await kubectl.ok(["describe", "endpointslice", "web-tortie-4", "-n", "shop"]), /10\.0\.0\.1/);
    for (const write of [["delete"], ["label", "team=red"], ["annotate", "note=x"]]) {
      const [verb = "", ...rest] = write;
      const refused = await kubectl.run([verb, "endpointslice", "web-tortie-4", ...rest, "-n", "shop"]);
      assertEquals(refused.code, 1);
      assertStringIncludes(refused.stderr, "its name is kept for views of Services and their Pods");
    }
    await kubectl.ok(["delete", "pod", "b", "-n", "shop"]);
    assertMatch((await kubectl.run(["get", "endpointslice", "web-tortie-6", "-n", "shop"])).stderr, /\(NotFound\)/);
    const own = KINDS[6]!.manifest.replace("service-name: db", "service-name: web");
    await kubectl.ok(["create", "-f", "-"], { stdin: own });
    const left = await kubectl.ok(["get", "endpointslices", "-n", "shop", "-o", "name"]);
    assertEquals(left, "endpointslice.discovery.k8s.io/db-1\n");
    await kubectl.ok(["delete", "namespace", "shop"]);
    assertMatch((await kubectl.run(["get", "endpointslices", "-A"])).stderr, /No resources found/);
  },

  "follows a Service's endpoints": async (kubectl) => {
    await kubectl.ok(["create", "namespace", "shop"]);
    await using watching = kubectl.follow(["get", "endpointslices", "-n", "shop", "-w", "--output-watch-events"]);
    await kubectl.ok(["apply", "-f", "-"], { stdin: KINDS[5]!.manifest });
    await watching.waitFor(/^ADDED +web-tortie-4 +IPv4 +<unset> +<unset>/m);
    await kubectl.ok(["apply", "-f", "-"], { stdin: POD("a", "10.0.0.1") });
    const status = JSON.stringify({ status: { podIPs: [{ ip: "10.0.0.1" }] } });
    await kubectl.ok(["patch", "pod", "a", "-n", "shop", "--subresource=status", "-p", status]);
    await watching.waitFor(/^MODIFIED +web-tortie-4 +IPv4 +8080 +10\.0\.0\.1/m);
    await kubectl.ok(["delete", "service", "web", "-n", "shop"]);
    await watching.waitFor(/^DELETED +web-tortie-4/m);
  },
};

await testKubectlScenarios(SCENARIOS);
