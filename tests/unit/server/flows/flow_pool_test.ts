/**
 * Workers that die, fail or say nothing: the batch is judged here all the same, it is told, and the pool goes on with those that are left. Deno's own check of
 * resources fails a test that leaks a worker.
 *
 * @module
 */
import { assertEquals, assertMatch } from "@std/assert";
import { parseIp } from "#/base/ip.ts";
import { startFlowPool } from "#/server/flows/flow_pool.ts";
import { packetColumns } from "#/wasm-policy/flow_batch.ts";
import { NONE } from "#/wasm-policy/layout.ts";

const CHAIN = { tiers: [], profiles: ["Profile//p"] };
const INPUT = { policies: new Map(), sets: new Map() };
const ENDPOINTS = new Map(["a", "b"].map((id) => [id, { ingress: CHAIN, egress: CHAIN }]));
const PACKET = {
  source: parseIp("10.0.0.1")!,
  destination: parseIp("10.0.0.2")!,
  protocol: 6,
  sourcePort: 1,
  destinationPort: 2,
  icmp: undefined,
};
const FLOWS = {
  packets: packetColumns([PACKET, PACKET, PACKET]),
  endpoints: ["a", "b"],
  sourceEndpoint: Uint32Array.of(NONE, NONE, NONE),
  destinationEndpoint: Uint32Array.of(0, 1, NONE),
};
/** An end that is asked is denied by its missing profile. */
const ALLOWED = [0, 0, 1];

/** A worker that does this with each message. */
function workerThat(code: string): URL {
  return new URL(`data:application/javascript,self.onmessage = ({ data }) => { ${code} }`);
}

const FAULTS: readonly (readonly [name: string, code: string, told: RegExp, left: number])[] = [
  ["throws", "throw new Error('broken')", /died: .*broken/, 0],
  [
    "says that it failed",
    "if (data.kind === 'judge') self.postMessage({ kind: 'failed', job: data.job, message: 'no memory' })",
    /could not judge flows: no memory/,
    2,
  ],
  ["does not answer", "", /given up after 50 ms/, 0],
  ["ends itself", "self.close()", /given up after 50 ms/, 0],
];

for (const [name, code, told, left] of FAULTS) {
  Deno.test(`startFlowPool() judges here when a worker ${name}, and tells`, async () => {
    const messages: string[] = [];
    using pool = startFlowPool({
      workers: 2,
      handOverMin: 0,
      deadlineMs: 50,
      workerUrl: workerThat(code),
      onFailure: (message) => void messages.push(message),
    });
    using state = pool.open(INPUT, ENDPOINTS);
    const { allowed, decision } = await pool.judgeFlows(FLOWS, state);
    assertEquals([...allowed], ALLOWED);
    assertEquals(decision(0, "ingress")?.policy, "Profile//p");
    assertMatch(messages.join("\n"), told);
    assertMatch(messages.at(-1)!, /judged on one thread/);
    assertEquals(pool.workers, left);
    assertEquals((await pool.compareImages(FLOWS, state, state)).changes, []);
  });
}

Deno.test("startFlowPool() keeps small batches here, and hands over larger ones", async () => {
  const messages: string[] = [];
  const options = {
    workers: 1,
    deadlineMs: 50,
    workerUrl: workerThat(""),
    onFailure: (text: string) => void messages.push(text),
  };
  using pool = startFlowPool({ ...options, handOverMin: 4 });
  using state = pool.open(INPUT, ENDPOINTS);
  assertEquals([...(await pool.judgeFlows(FLOWS, state)).allowed], ALLOWED);
  assertEquals(messages, []);
  using eager = startFlowPool({ ...options, handOverMin: 3 });
  using other = eager.open(INPUT, ENDPOINTS);
  assertEquals([...(await eager.judgeFlows(FLOWS, other)).allowed], ALLOWED);
  assertEquals(messages.length, 2);
});

Deno.test("startFlowPool() ends what is under way when it is disposed", async () => {
  const messages: string[] = [];
  const pool = startFlowPool({
    workers: 2,
    handOverMin: 0,
    workerUrl: workerThat(""),
    onFailure: (message) => void messages.push(message),
  });
  const state = pool.open(INPUT, ENDPOINTS);
  const judging = pool.judgeFlows(FLOWS, state);
  pool[Symbol.dispose]();
  assertEquals([...(await judging).allowed], ALLOWED);
  assertEquals(pool.workers, 0);
});
