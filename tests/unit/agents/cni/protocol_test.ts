/** Tests of what the CNI says on the wire. @module */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { Json } from "#/base/json.ts";
import {
  type Attachment,
  CNI_VERSIONS,
  failure,
  failureReply,
  parseArgs,
  parseConfig,
  parseEnvironment,
  resultAddresses,
  resultReply,
  unsupportedField,
  versionReply,
} from "#/agents/cni/protocol.ts";

const ENVIRONMENT = {
  CNI_COMMAND: "ADD",
  CNI_CONTAINERID: "c1",
  CNI_NETNS: "/run/netns/x",
  CNI_IFNAME: "eth0",
  CNI_ARGS: "IgnoreUnknown=1;K8S_POD_NAME=web",
};

function environment(changes: Readonly<Record<string, string>>) {
  const env: Readonly<Record<string, string>> = { ...ENVIRONMENT, ...changes };
  return parseEnvironment((name) => env[name]);
}

Deno.test("parseEnvironment() reads the specification's variables", () => {
  assertEquals(environment({}), {
    kind: "environment",
    command: "ADD",
    containerId: "c1",
    netns: "/run/netns/x",
    ifName: "eth0",
    args: "IgnoreUnknown=1;K8S_POD_NAME=web",
  });
});

Deno.test("parseEnvironment() names what is missing or wrong, with code 4", () => {
  const cases: readonly { name: string; changes: Record<string, string>; says: string | undefined }[] = [
    { name: "unknown command", changes: { CNI_COMMAND: "MOVE" }, says: '"MOVE"' },
    { name: "no container", changes: { CNI_CONTAINERID: "" }, says: "CNI_CONTAINERID" },
    { name: "no netns on ADD", changes: { CNI_NETNS: "" }, says: "CNI_NETNS" },
    { name: "no netns on DEL", changes: { CNI_COMMAND: "DEL", CNI_NETNS: "" }, says: undefined },
    { name: "no netns on CHECK", changes: { CNI_COMMAND: "CHECK", CNI_NETNS: "" }, says: "CNI_NETNS" },
    { name: "no interface on DEL", changes: { CNI_COMMAND: "DEL", CNI_IFNAME: "" }, says: "CNI_IFNAME" },
    { name: "path as container", changes: { CNI_CONTAINERID: "../x" }, says: '"../x"' },
    { name: "long interface", changes: { CNI_IFNAME: "abcdefghijklmnop" }, says: "abcdefghijklmnop" },
    { name: "interface ..", changes: { CNI_IFNAME: ".." }, says: '".."' },
    {
      name: "VERSION needs nothing",
      changes: { CNI_COMMAND: "VERSION", CNI_CONTAINERID: "", CNI_IFNAME: "" },
      says: undefined,
    },
  ];
  for (const { name, changes, says } of cases) {
    const parsed = environment(changes);
    if (says === undefined) assertEquals(parsed.kind, "environment", name);
    else {
      assert(parsed.kind === "failure", name);
      assertEquals(parsed.code, 4, name);
      assertStringIncludes(parsed.msg, says);
    }
  }
});

Deno.test("parseArgs() reads pairs in any order and keeps what follows the first equals sign", () => {
  const expected: readonly (readonly [string, string])[] = [
    ["K8S_POD_NAME", "web"],
    ["K8S_POD_NAMESPACE", "shop"],
    ["X", "a=b"],
  ];
  for (
    const text of [
      "K8S_POD_NAMESPACE=shop;K8S_POD_NAME=web;X=a=b",
      ";X=a=b; K8S_POD_NAME=web;K8S_POD_NAMESPACE=shop;junk;=v",
    ]
  ) {
    assertEquals([...parseArgs(text)].sort(), [...expected]);
  }
  assertEquals(parseArgs("").size, 0);
});

Deno.test("parseConfig() reads what matters and ignores other plugins' fields", () => {
  for (const cniVersion of CNI_VERSIONS) {
    const config = { cniVersion, name: "net", type: "tortie", mtu: 1400, capabilities: { portMappings: true } };
    assertEquals(parseConfig(config), {
      kind: "config",
      cniVersion,
      name: "net",
      mtu: 1400,
      prevResult: undefined,
      attachments: undefined,
    });
  }
});

Deno.test("parseConfig() reads the attachments that still exist", () => {
  const valid = [{ containerID: "a", ifname: "eth0" }, { ifname: "eth1" }];
  const config = parseConfig({ cniVersion: "1.1.0", name: "net", "cni.dev/valid-attachments": valid });
  assertEquals(config.kind === "config" ? config.attachments : undefined, ["a"]);
});

Deno.test("parseConfig() refuses with the specification's codes", () => {
  const cases: readonly { name: string; config: Json; code: number }[] = [
    { name: "no object", config: [], code: 6 },
    { name: "no version", config: { name: "net" }, code: 1 },
    { name: "old version", config: { cniVersion: "0.2.0", name: "net" }, code: 1 },
    { name: "future version", config: { cniVersion: "2.0.0", name: "net" }, code: 1 },
    { name: "no name", config: { cniVersion: "1.0.0" }, code: 7 },
    { name: "path as name", config: { cniVersion: "1.0.0", name: "../etc" }, code: 7 },
    { name: "negative mtu", config: { cniVersion: "1.0.0", name: "net", mtu: -1 }, code: 7 },
    { name: "prevResult as text", config: { cniVersion: "1.0.0", name: "net", prevResult: "x" }, code: 7 },
  ];
  for (const { name, config, code } of cases) {
    const parsed = parseConfig(config);
    assertEquals(parsed.kind === "failure" ? parsed.code : "config", code, name);
  }
});

Deno.test("unsupportedField() names key and value, with code 2", () => {
  const cases: readonly { ipam: Json; field: string | undefined }[] = [
    { ipam: { type: "calico-ipam" }, field: undefined },
    { ipam: { type: "calico-ipam", assign_ipv4: "true", assign_ipv6: "false", ipv4_pools: [] }, field: undefined },
    { ipam: { assign_ipv6: "true" }, field: "ipam.assign_ipv6" },
    { ipam: { assign_ipv4: false }, field: "ipam.assign_ipv4" },
    { ipam: { ipv4_pools: ["10.0.0.0/8"] }, field: "ipam.ipv4_pools" },
    { ipam: { subnet: "usePodCidr" }, field: "ipam.subnet" },
  ];
  for (const { ipam, field } of cases) {
    const unsupported = unsupportedField({ ipam });
    assertEquals(unsupported?.code, field === undefined ? undefined : 2);
    assertStringIncludes(unsupported?.msg ?? "", field ?? "");
  }
});

Deno.test("versionReply() and failureReply() repeat a version that is spoken", () => {
  assertEquals(JSON.parse(versionReply({ cniVersion: "1.0.0" }).stdout), {
    cniVersion: "1.0.0",
    supportedVersions: ["0.3.1", "0.4.0", "1.0.0", "1.1.0"],
  });
  assertEquals(JSON.parse(versionReply(null).stdout).cniVersion, "1.1.0");
  const reply = failureReply(failure(11, "Cannot", "because"), { cniVersion: "0.4.0" });
  assertEquals(reply.code, 1);
  assertEquals(JSON.parse(reply.stdout), { cniVersion: "0.4.0", code: 11, msg: "Cannot", details: "because" });
  assertEquals(
    failureReply(failure(1, "no"), { cniVersion: "9" }).stdout,
    '{"cniVersion":"1.1.0","code":1,"msg":"no"}',
  );
});

const ATTACHMENT: Attachment = {
  hostInterface: "cali0123456789a",
  podInterface: "eth0",
  mac: "aa:bb:cc:dd:ee:ff",
  mtu: 1450,
  netns: "/run/netns/x",
  addresses: ["10.0.0.1"],
};

Deno.test("resultReply() prints the form of 1.0.0", () => {
  assertEquals(JSON.parse(resultReply(ATTACHMENT, "1.0.0").stdout), {
    cniVersion: "1.0.0",
    interfaces: [
      { name: "cali0123456789a" },
      { name: "eth0", mac: "aa:bb:cc:dd:ee:ff", sandbox: "/run/netns/x" },
    ],
    ips: [{ interface: 1, address: "10.0.0.1/32" }],
    routes: [{ dst: "0.0.0.0/0" }],
    dns: {},
  });
});

Deno.test("resultReply() says the family before 1.0 and the MTU from 1.1 on", () => {
  for (const version of ["0.3.1", "0.4.0"]) {
    const { ips } = JSON.parse(resultReply(ATTACHMENT, version).stdout);
    assertEquals(ips, [{ version: "4", interface: 1, address: "10.0.0.1/32" }]);
  }
  const { interfaces } = JSON.parse(resultReply(ATTACHMENT, "1.1.0").stdout);
  assertEquals(interfaces.map((link: { mtu: number }) => link.mtu), [1450, 1450]);
});

Deno.test("resultAddresses() reads back what resultReply() printed", () => {
  const attachment = { ...ATTACHMENT, addresses: ["10.0.0.1", "fd00::1"] };
  for (const version of CNI_VERSIONS) {
    assertEquals(resultAddresses(JSON.parse(resultReply(attachment, version).stdout)), ["10.0.0.1", "fd00::1"]);
  }
  assertEquals(resultAddresses({}), []);
});
