/** Tests of single lines of BIRD's configuration; whole files are in `tests/golden`. @module */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { birdConfig, protocolName } from "#/agents/bird/config.ts";
import type { BirdDesired } from "#/agents/bird/desired.ts";
import { bgpItem, meshOfTwo, meshPeer, poolItem } from "#tests/support/bird_items.ts";

function config(changes: Partial<BirdDesired>) {
  return birdConfig(meshOfTwo("10.9.0.1", "10.9.0.2", changes), { logFile: "/var/bird.log" });
}

Deno.test("protocolName() keeps peers' ids and makes every other text a name that is no word of BIRD's", () => {
  const cases: readonly (readonly [string, string])[] = [
    ["Mesh_10_0_0_1", "Mesh_10_0_0_1"],
    ["Node_10_0_0_1_port_1790", "Node_10_0_0_1_port_1790"],
    ["rr", "Peer_rr"],
    ["protocol", "Peer_protocol"],
    ["10.0.0.1", "Peer_10_0_0_1"],
    ["Global_fd00::1", "Global_fd00__1"],
  ];
  for (const [id, name] of cases) assertEquals(protocolName(id), name);
});

Deno.test("birdConfig() leaves out what it cannot print, says so, and prints the rest", () => {
  const peers = [
    meshPeer("10.9.0.1", "10.9.0.2"),
    meshPeer("10.9.0.1", "fd00::2"),
    meshPeer("10.9.0.1", "10.9.0.3; include /etc/shadow"),
    meshPeer("10.9.0.1", "10.9.0.4", { id: "Mesh.10.9.0.2" }),
  ];
  const pools = [poolItem("default", "192.168.0.0/16"), poolItem("bad", "192.168.0.0"), poolItem("six", "fd00::/48")];
  const { text, sessions, problems } = config({ peers, pools, blocks: ["192.168.1.0/26", "nonsense", "fd00::/122"] });
  assertEquals(problems.map((problem) => problem.item), [
    "peer:Mesh_fd00::2",
    "peer:Mesh_10_9_0_3; include /etc/shadow",
    "peer:Mesh.10.9.0.2",
    "route:nonsense",
    "pool:bad",
  ]);
  assertEquals([...sessions], [["Mesh_10_9_0_2", "Mesh_10_9_0_2"]]);
  assertEquals(text.match(/^protocol bgp/gm)?.length, 1);
  assertEquals(/shadow|nonsense|fd00/.test(text), false);
});

Deno.test("birdConfig() without an address has no sessions, and the blocks still", () => {
  const { text, sessions } = config({ bgp: undefined, blocks: ["192.168.1.0/26"] });
  assertEquals([sessions.size, text.includes("bgp")], [0, false]);
  assertStringIncludes(text, "route 192.168.1.0/26 blackhole;");
  const wrong = config({ bgp: bgpItem("fd00::1") });
  assertEquals([wrong.sessions.size, wrong.problems.map((problem) => problem.item)], [0, ["bgp:bgp"]]);
});

Deno.test("birdConfig() prints what each item asks for", () => {
  const cases: readonly { name: string; changes: Partial<BirdDesired>; line: string; without?: boolean }[] = [
    {
      name: "ports",
      changes: {
        bgp: bgpItem("10.9.0.1", { listenPort: 1790 }),
        peers: [meshPeer("10.9.0.1", "10.9.0.2", { port: 1791, asNumber: 65001 })],
      },
      line: "  local 10.9.0.1 port 1790 as 64512;\n  neighbor 10.9.0.2 port 1791 as 65001;",
    },
    {
      name: "no source address",
      changes: { peers: [meshPeer("10.9.0.1", "10.9.0.2", { sourceAddress: undefined })] },
      line: "  local as 64512;",
    },
    { name: "passive", changes: {}, line: "  passive on;" },
    {
      name: "dialling",
      changes: { peers: [meshPeer("10.9.0.1", "10.9.0.2", { passive: false })] },
      line: "passive",
      without: true,
    },
    {
      name: "next hop kept",
      changes: { peers: [meshPeer("10.9.0.1", "10.9.0.2", { type: "global", keepOriginalNextHop: true })] },
      line: "  ipv4 {\n    next hop keep;\n  };",
    },
    {
      name: "closed pool",
      changes: { pools: [poolItem("p", "10.1.0.0/16", { disableBGPExport: true })] },
      line: "then reject;\n  if net ~ [ 10.1.0.0/16+ ] then reject;\n",
    },
    {
      name: "encapsulated pool",
      changes: { pools: [poolItem("p", "10.1.0.0/16", { vxlanMode: "Always" })] },
      line: "  if net ~ [ 10.1.0.0/16+ ] then reject;\n  accept;",
    },
    { name: "debug", changes: { bgp: bgpItem("10.9.0.1", { logSeverity: "Debug" }) }, line: "debug protocols all;" },
    {
      name: "silent",
      changes: { bgp: bgpItem("10.9.0.1", { logSeverity: "None" }) },
      line: "debug protocols",
      without: true,
    },
    { name: "block of one", changes: { blocks: ["10.1.0.1/32"] }, line: "blackhole", without: true },
  ];
  for (const { name, changes, line, without = false } of cases) {
    assertEquals(config(changes).text.includes(line), !without, name);
  }
});
