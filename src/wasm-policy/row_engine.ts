/**
 * The bit-vector engine: batches of flows in, numbers of decisions out. Owns the tables that the kernel reads and makes what it finds missing: classes of services
 * and named ports, programs of chains, rows of classes. Engine of long chains and of batches; `engine.ts` is its caller.
 *
 * @module
 */
import { assert } from "#/base/assert.ts";
import type { Packet } from "#/policy/packet.ts";
import { FAMILY_6 } from "./address_family.ts";
import type { Arena } from "./arena.ts";
import type { ChainProgram } from "./chain_program.ts";
import type { PacketColumns } from "./flow_batch.ts";
import { columnWord, type VerdictKernel } from "./kernel_twin.ts";
import {
  BATCH_WORD,
  COLUMNS,
  MEMO_WORDS,
  NONE,
  RECENT_SLOTS,
  serviceOfWord,
  serviceWord,
  SHARED,
  SIDE_WORD,
  SIDE_WORDS,
} from "./layout.ts";
import { NO_PORT } from "./port_space.ts";
import { type EndVocabulary, namedClass, type Vocabulary } from "./rule_facts.ts";
import { type FieldClass, FIELDS, type Service } from "./rule_group.ts";
import { createWordTable, type WordTable } from "./word_table.ts";

/** Flows that are in the arena at a time: their columns stay in the processor's cache. */
export const CHUNK_FLOWS = 4_096;

const MEMO_SLOTS = 2 ** 16;

/** Programs by number of chain; made when first asked for. */
export type Programs = (chain: number) => ChainProgram;

/** The engine on one arena. */
export interface RowEngine {
  /** Judges the flows; one result a flow, `number of the decision << 2 | code`. */
  run(packets: PacketColumns, chains: Uint32Array): Uint32Array;
  /** Judges one packet; quicker than a batch of one. */
  runOne(packet: Packet, chain: number): number;
  /** What has to be written before the next run, since atoms or addresses have changed. */
  markChanged(): void;
}

/** Makes the engine. */
export function createRowEngine(
  { arena, vocabulary, kernel, programs, memo }: {
    readonly arena: Arena;
    readonly vocabulary: Vocabulary;
    readonly kernel: VerdictKernel;
    readonly programs: Programs;
    readonly memo: "on" | "off";
  },
): RowEngine {
  const services = createServices(arena);
  const named = { source: createWordTable(arena, 3), destination: createWordTable(arena, 3) };
  const tables = createTables(arena, vocabulary, named);
  allocateColumns(arena);
  if (memo === "on") {
    allocateMemo(arena);
    tables.remember();
  }
  const order = Uint32Array.from({ length: CHUNK_FLOWS }, (_, at) => at);
  let isChanged = true;
  const publish = () => {
    if (isChanged) tables.publish();
    isChanged = false;
    arena.words[SHARED.services] = services.table.address;
    arena.words[SHARED.services + 1] = services.table.shift;
  };
  const classify = (count: number) => {
    publish();
    if (kernel.classify(count) === 0) return;
    resolveClasses(arena, count, { services, vocabulary, named });
    tables.publishNamed();
    publish();
    const left = kernel.classify(count);
    assert(left === 0, `Flows without classes after all were made: ${left}`);
  };
  const evaluate = (count: number) => {
    const missing = kernel.evaluate(count);
    if (missing === 0) return;
    const order = prepareRows(arena, count, { programs, vocabulary, services: services.list, tables });
    const left = kernel.evaluate(order);
    assert(left === 0, `Flows without rows after all were made: ${left}`);
  };
  return {
    markChanged: () => isChanged = true,
    runOne(packet, chain) {
      loadOne(arena.words, packet, chain);
      classify(1);
      tables.reserveChains(chain);
      arena.words[columnWord(arena.words, "order")] = 0;
      evaluate(1);
      return arena.words[columnWord(arena.words, "result")]!;
    },
    run(packets, chains) {
      const results = new Uint32Array(chains.length);
      for (let from = 0; from < chains.length; from += CHUNK_FLOWS) {
        const count = Math.min(CHUNK_FLOWS, chains.length - from);
        loadChunk(arena, packets, { from, count });
        const part = chains.subarray(from, from + count);
        arena.words.set(part, columnWord(arena.words, "chain"));
        classify(count);
        tables.reserveChains(part.reduce((most, chain) => Math.max(most, chain), 0));
        arena.words.set(order.subarray(0, count), columnWord(arena.words, "order"));
        evaluate(count);
        const at = columnWord(arena.words, "result");
        results.set(arena.words.subarray(at, at + count), from);
      }
      return results;
    },
  };
}

function allocateMemo(arena: Arena): void {
  const address = arena.allocate(MEMO_SLOTS * MEMO_WORDS * 4);
  arena.words[SHARED.memo] = address;
  arena.words[SHARED.memoMask] = MEMO_SLOTS - 1;
}

function allocateColumns(arena: Arena): void {
  for (const [at, column] of COLUMNS.entries()) {
    const address = arena.allocate(CHUNK_FLOWS * 4 * (column === "wide" ? 8 : 1));
    arena.words[BATCH_WORD + at] = address;
  }
}

/** Copies a part of the columns in. IPv6 addresses are copied one by one, in the order of the flows. */
function loadChunk(
  arena: Arena,
  packets: PacketColumns,
  { from, count }: { readonly from: number; readonly count: number },
): void {
  const { words } = arena;
  for (const name of ["source", "destination", "service", "sourcePort", "destinationPort"] as const) {
    words.set(packets[name].subarray(from, from + count), columnWord(words, name));
  }
  if (packets.wide.length === 0) return;
  const [source, destination, service, wide] = (["source", "destination", "service", "wide"] as const)
    .map((name) => columnWord(words, name)) as [number, number, number, number];
  let next = 0;
  for (let at = 0; at < count; at++) {
    if (words[service + at]! >>> 25 === 0) continue;
    for (const column of [source, destination]) {
      const index = words[column + at]! * 4;
      words.set(packets.wide.subarray(index, index + 4), wide + next * 4);
      words[column + at] = next++;
    }
  }
}

/** One packet as row 0. */
function loadOne(words: Uint32Array, packet: Packet, chain: number): void {
  const { source, destination, protocol, icmp } = packet;
  const isWide = source.version === 6;
  words[columnWord(words, "chain")] = chain;
  words[columnWord(words, "source")] = isWide ? 0 : Number(source.value);
  words[columnWord(words, "destination")] = isWide ? 1 : Number(destination.value);
  words[columnWord(words, "service")] = serviceWord({ version: source.version, protocol, icmp });
  words[columnWord(words, "sourcePort")] = packet.sourcePort ?? NO_PORT;
  words[columnWord(words, "destinationPort")] = packet.destinationPort ?? NO_PORT;
  if (!isWide) return;
  words.set(FAMILY_6.words(source.value), columnWord(words, "wide"));
  words.set(FAMILY_6.words(destination.value), columnWord(words, "wide") + 4);
}

interface Services {
  readonly table: WordTable;
  readonly list: Service[];
}

function createServices(arena: Arena): Services {
  return { table: createWordTable(arena, 1), list: [] };
}

interface NamedTables {
  readonly source: WordTable;
  readonly destination: WordTable;
}

interface Tables {
  /** Gives the kernel room to remember the classes of addresses; forgotten with every publishing. */
  remember(): void;
  publish(): void;
  publishNamed(): void;
  /** Makes room for chains up to this number. */
  reserveChains(most: number): void;
  setProgram(chain: number, address: number): void;
}

function createTables(arena: Arena, vocabulary: Vocabulary, named: NamedTables): Tables {
  const ends = ["source", "destination"] as const;
  const flags = { source: { address: 0, room: 0, written: 0 }, destination: { address: 0, room: 0, written: 0 } };
  let chainsRoom = 0;
  const publishNamed = () => {
    for (const end of ends) {
      arena.words[SIDE_WORD[end] + SIDE_WORDS.named] = named[end].address;
      arena.words[SIDE_WORD[end] + SIDE_WORDS.named + 1] = named[end].shift;
    }
  };
  const publishFlags = (end: "source" | "destination") => {
    const words = vocabulary[end];
    const { lists } = words.addresses;
    const state = flags[end];
    if (lists.size > state.room) {
      state.room = lists.size * 2;
      state.address = arena.allocate(state.room * 4);
      state.written = 0;
    }
    for (; state.written < lists.size; state.written++) {
      const isNamed = lists.list(state.written).some((atom) => words.named.has(atom));
      arena.words[(state.address >> 2) + state.written] = isNamed ? 1 : 0;
    }
    arena.words[SIDE_WORD[end] + SIDE_WORDS.flags] = state.address;
    arena.words[SIDE_WORD[end] + SIDE_WORDS.ports] = words.ports.address;
  };
  const reserve = (length: number) => {
    if (length <= chainsRoom) return;
    const room = Math.max(64, length * 2);
    const address = arena.allocate(room * 4);
    const old = arena.words[SHARED.chains]! >> 2;
    arena.words.copyWithin(address >> 2, old, old + chainsRoom);
    arena.words[SHARED.chains] = address;
    chainsRoom = room;
  };
  const recents = ends.map((end) => SIDE_WORD[end] + SIDE_WORDS.recent);
  return {
    remember() {
      for (const word of recents) {
        const address = arena.allocate(RECENT_SLOTS * 8);
        arena.words[word] = address;
      }
    },
    publishNamed,
    publish() {
      for (const word of recents) {
        const from = arena.words[word]! >> 2;
        if (from !== 0) arena.words.fill(0, from, from + RECENT_SLOTS * 2);
      }
      for (const end of ends) {
        vocabulary[end].addresses.publish(SIDE_WORD[end]);
        publishFlags(end);
      }
      publishNamed();
    },
    reserveChains: (most) => reserve(most + 1),
    setProgram(chain, address) {
      arena.words[(arena.words[SHARED.chains]! >> 2) + chain] = address;
    },
  };
}

/** Makes the classes that flows of the chunk lack. */
function resolveClasses(
  arena: Arena,
  count: number,
  { services, vocabulary, named }: {
    readonly services: Services;
    readonly vocabulary: Vocabulary;
    readonly named: NamedTables;
  },
): void {
  const read = (column: typeof COLUMNS[number], at: number) => arena.words[columnWord(arena.words, column) + at]!;
  const resolveEnd = (end: "source" | "destination", at: number, words: EndVocabulary) => {
    const addressClass = read(`${end}Class`, at);
    const port = read(`${end}Port`, at);
    const { protocol } = serviceOfWord(read("service", at));
    // The port's own class is part of the key: it becomes another when a rule comes that names a range around it.
    const key = [addressClass, (protocol << 17) | port, words.ports.classOf(port)];
    named[end].set(key, namedClass(words, { addressClass, protocol, port }));
  };
  for (let at = 0; at < count; at++) {
    const service = read("service", at);
    if (read("serviceClass", at) === NONE && services.table.get([service]) === undefined) {
      services.table.set([service], services.list.push(serviceOfWord(service)) - 1);
    }
    if (read("sourcePortClass", at) === NONE) resolveEnd("source", at, vocabulary.source);
    if (read("destinationPortClass", at) === NONE) resolveEnd("destination", at, vocabulary.destination);
  }
}

/** Makes the programs and rows that flows of the chunk lack, and puts those flows alone into the order; how many. */
function prepareRows(
  arena: Arena,
  count: number,
  { programs, vocabulary, services, tables }: {
    readonly programs: Programs;
    readonly vocabulary: Vocabulary;
    readonly services: readonly Service[];
    readonly tables: Tables;
  },
): number {
  const { source, destination } = vocabulary;
  const meanings: readonly ((number: number) => FieldClass)[] = [
    (number) => source.addresses.lists.list(number),
    (number) => destination.addresses.lists.list(number),
    (number) => source.ports.lists.list(number),
    (number) => destination.ports.lists.list(number),
    (number) => services[number]!,
  ];
  let left = 0;
  for (let index = 0; index < count; index++) {
    const order = columnWord(arena.words, "order");
    const at = arena.words[order + index]!;
    if (arena.words[columnWord(arena.words, "result") + at] !== NONE) continue;
    const chain = arena.words[columnWord(arena.words, "chain") + at]!;
    const program = programs(chain);
    tables.setProgram(chain, program.address);
    for (const [field, name] of FIELDS.entries()) {
      const number = arena.words[columnWord(arena.words, COLUMNS[8 + field]!) + at]!;
      program.prepare(name, number, meanings[field]!(number));
    }
    arena.words[order + left++] = at;
  }
  return left;
}
