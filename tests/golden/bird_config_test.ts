/**
 * Whole BIRD configurations beside what they are made of. Rewritten with `deno test -A tests/golden/bird_config_test.ts -- --update`, and then read.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { birdConfig } from "#/agents/bird/config.ts";
import type { BirdDesired } from "#/agents/bird/desired.ts";
import { findProgram, kernelTest } from "#tests/support/requires.ts";
import { bgpItem, meshOfTwo, meshPeer, poolItem } from "#tests/support/bird_items.ts";

const CASES: Readonly<Record<string, BirdDesired>> = {
  bird_alone: { bgp: undefined, peers: [], blocks: [], pools: [] },
  bird_mesh: meshOfTwo("10.9.0.2", "10.9.0.1", {
    peers: [meshPeer("10.9.0.2", "10.9.0.1"), meshPeer("10.9.0.2", "10.9.0.3")],
    blocks: ["192.168.1.0/26", "192.168.7.64/26"],
  }),
  bird_everything: {
    bgp: bgpItem("10.9.0.1", { asNumber: 65001, listenPort: 1790, logSeverity: "Debug" }),
    peers: [
      meshPeer("10.9.0.1", "10.9.0.2", { port: 1790, asNumber: 65001 }),
      meshPeer("10.9.0.1", "10.9.9.9", { id: "Global_10_9_9_9", type: "global", asNumber: 65099, passive: false }),
      meshPeer("10.9.0.1", "10.9.8.8", {
        id: "Node_10_9_8_8_port_1791",
        type: "node",
        port: 1791,
        asNumber: 4_200_000_000,
        sourceAddress: undefined,
        keepOriginalNextHop: true,
      }),
    ],
    blocks: ["10.1.0.0/26", "10.2.0.0/28", "10.3.0.1/32"],
    pools: [
      poolItem("plain", "10.1.0.0/16"),
      poolItem("quiet", "10.2.0.0/16", { disableBGPExport: true }),
      poolItem("single", "10.3.0.0/24", { blockSize: 32 }),
      poolItem("vxlan", "10.4.0.0/16", { vxlanMode: "CrossSubnet" }),
      poolItem("six", "fd00:10::/64", { blockSize: 122 }),
    ],
  },
};

for (const [name, desired] of Object.entries(CASES)) {
  const golden = new URL(`./testdata/${name}.txt`, import.meta.url);
  const { text, problems } = birdConfig(desired, { logFile: "/run/tortie/bird/bird.log" });

  Deno.test(`birdConfig() prints ${name}.txt`, async () => {
    assertEquals(problems, []);
    if (Deno.args.includes("--update")) await Deno.writeTextFile(golden, text);
    assertEquals(text, await Deno.readTextFile(golden));
  });

  kernelTest(`BIRD reads ${name}.txt`, ["bird"], async () => {
    const directory = await Deno.makeTempDir({ prefix: "tortie-golden-" });
    try {
      const path = `${directory}/bird.conf`;
      await Deno.writeTextFile(path, text.replaceAll("/run/tortie/bird", directory));
      const { success, stderr } = await new Deno.Command(findProgram("bird")!, { args: ["-p", "-c", path] }).output();
      assert(success, new TextDecoder().decode(stderr));
    } finally {
      await Deno.remove(directory, { recursive: true });
    }
  });
}
