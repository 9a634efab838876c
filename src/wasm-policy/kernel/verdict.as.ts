// The verdict kernel: classes of the fields of packets, and the first rule whose five rows all have its bit. AssemblyScript; `deno task kernels` compiles it.
// `kernel_twin.ts` does the same in TypeScript, word for word; the layout is told in docs/design/wasm.md and in `layout.ts`. All addresses are in bytes.

const NONE: u32 = 0xffffffff;

// Descriptors: two sides of 64 words from address 0, then the words shared by both, then those of the batch.
const SIDE: u32 = 256;
const SHARED: u32 = 512;
const BATCH: u32 = 640;

const CODE_PASS: u32 = 3;
const GROUP: u32 = 16;
const MEMO_SLOT: u32 = 32;
const RECENT_SHIFT: u32 = 17;

/** Grows when the layout of the memory changes. */
export function abi(): u32 {
  return 1;
}

// @ts-ignore: decorator
@inline
function mix(hash: u32, word: u32): u32 {
  const x = hash ^ word;
  return (x * 0x9e3779b1) ^ (x >>> 15);
}

// @ts-ignore: decorator
@inline
function column(index: u32): u32 {
  return load<u32>(BATCH + index * 4);
}

/** Value of a key of one word, or NONE. */
// @ts-ignore: decorator
@inline
function find1(table: u32, shift: u32, key: u32): u32 {
  const mask: u32 = (1 << (32 - shift)) - 1;
  let slot: u32 = (mix(0, key) * 0x85ebca6b) >>> shift;
  while (true) {
    const at = table + slot * 8;
    const value = load<u32>(at, 4);
    if (value == 0 || load<u32>(at) == key) return value - 1;
    slot = (slot + 1) & mask;
  }
}

function find3(table: u32, shift: u32, a: u32, b: u32, c: u32): u32 {
  const mask: u32 = (1 << (32 - shift)) - 1;
  let slot: u32 = (mix(mix(mix(0, a), b), c) * 0x85ebca6b) >>> shift;
  while (true) {
    const at = table + slot * 16;
    const value = load<u32>(at, 12);
    if (value == 0 || (load<u32>(at) == a && load<u32>(at, 4) == b && load<u32>(at, 8) == c)) return value - 1;
    slot = (slot + 1) & mask;
  }
}

function find4(table: u32, shift: u32, key: u32): u32 {
  const a = load<u32>(key), b = load<u32>(key, 4), c = load<u32>(key, 8), d = load<u32>(key, 12);
  const mask: u32 = (1 << (32 - shift)) - 1;
  let slot: u32 = (mix(mix(mix(mix(0, a), b), c), d) * 0x85ebca6b) >>> shift;
  while (true) {
    const at = table + slot * 20;
    const value = load<u32>(at, 16);
    if (value == 0) return NONE;
    if (load<u32>(at) == a && load<u32>(at, 4) == b && load<u32>(at, 8) == c && load<u32>(at, 12) == d) return value - 1;
    slot = (slot + 1) & mask;
  }
}

/** Class of an IPv4 address, remembered where the side has room for that: one line of the processor's cache instead of four. */
// @ts-ignore: decorator
@inline
function class4(side: u32, address: u32): u32 {
  const recent = load<u32>(side, 56);
  if (recent == 0) return find4Class(side, address);
  const slot = recent + ((address * 0x9e3779b1) >>> RECENT_SHIFT) * 8;
  const known = load<u32>(slot, 4);
  if (known != 0 && load<u32>(slot) == address) return known - 1;
  const found = find4Class(side, address);
  store<u32>(slot, address);
  store<u32>(slot, found + 1, 4);
  return found;
}

/** A host of its own, or the interval that holds it. */
function find4Class(side: u32, address: u32): u32 {
  const host = find1(load<u32>(side), load<u32>(side, 4), address);
  if (host != NONE) return host;
  const top = load<u32>(side, 8) + (address >>> 16) * 4;
  const bounds = load<u32>(side, 12);
  let low = load<u32>(top);
  let high = load<u32>(top, 4);
  // Intervals that begin in this /16 are low..high-1; the one before them reaches into it.
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (load<u32>(bounds + middle * 8) <= address) low = middle + 1;
    else high = middle;
  }
  return load<u32>(bounds + low * 8 - 4);
}

function isAtMost(bound: u32, key: u32): bool {
  for (let word: u32 = 0; word < 16; word += 4) {
    const a = load<u32>(bound + word), b = load<u32>(key + word);
    if (a != b) return a < b;
  }
  return true;
}

function class6(side: u32, key: u32): u32 {
  const host = find4(load<u32>(side, 20), load<u32>(side, 24), key);
  if (host != NONE) return host;
  const bounds = load<u32>(side, 28);
  let low: u32 = 0;
  let high = load<u32>(side, 36);
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (isAtMost(bounds + middle * 16, key)) low = middle + 1;
    else high = middle;
  }
  return load<u32>(load<u32>(side, 32) + (low - 1) * 4);
}

/** Class of a port: of its own, or, on an address with named ports, what the engine wrote down for the three; NONE where it has not yet. */
// @ts-ignore: decorator
@inline
function portClass(side: u32, addressClass: u32, protocol: u32, port: u32): u32 {
  const own = load<u32>(load<u32>(side, 40) + port * 4);
  if (load<u32>(load<u32>(side, 44) + addressClass * 4) == 0) return own;
  return find3(load<u32>(side, 48), load<u32>(side, 52), addressClass, (protocol << 17) | port, own);
}

/** Fills in the classes of flows 0 to `count - 1` of the batch; says how many have one that the engine must make first. */
export function classify(count: u32): u32 {
  const destinations = SIDE;
  const inSource = column(1), inDestination = column(2), inService = column(3), inSport = column(4), inDport = column(5);
  const wide = column(6);
  const outSource = column(8), outDestination = column(9), outSport = column(10), outDport = column(11), outService = column(12);
  const services = load<u32>(SHARED), servicesShift = load<u32>(SHARED, 4);
  let missing: u32 = 0;
  for (let at: u32 = 0; at < count * 4; at += 4) {
    const raw = load<u32>(inService + at);
    const protocol = (raw >>> 17) & 255;
    const from = load<u32>(inSource + at), to = load<u32>(inDestination + at);
    let source: u32, destination: u32;
    if ((raw >>> 25) == 0) {
      source = class4(0, from);
      destination = class4(destinations, to);
    } else {
      source = class6(0, wide + from * 16);
      destination = class6(destinations, wide + to * 16);
    }
    const sport = portClass(0, source, protocol, load<u32>(inSport + at));
    const dport = portClass(destinations, destination, protocol, load<u32>(inDport + at));
    const service = find1(services, servicesShift, raw);
    store<u32>(outSource + at, source);
    store<u32>(outDestination + at, destination);
    store<u32>(outSport + at, sport);
    store<u32>(outDport + at, dport);
    store<u32>(outService + at, service);
    if (sport == NONE || dport == NONE || service == NONE) missing += 1;
  }
  return missing;
}

/** The list of rows of a class of a field of a program, or 0. */
// @ts-ignore: decorator
@inline
function rowsOf(program: u32, field: u32, number: u32): u32 {
  const entry = program + 12 + field * 8;
  return number < load<u32>(entry, 4) ? load<u32>(load<u32>(entry) + number * 4) : 0;
}

/** Address of a block that the summary says is there. */
// @ts-ignore: decorator
@inline
function blockOf(row: u32, words: u32, offset: u32, pair: u32, below: u64): u32 {
  const count = load<u32>(row + words * 4 + pair * 8) + <u32>popcnt<u64>(load<u64>(row + pair * 8) & below);
  return row + offset + count * 16;
}

/** First rule at or after `start` that five rows have, or NONE. `words` is the length of a summary. */
function firstOfRows(words: u32, start: u32, a: u32, b: u32, c: u32, d: u32, e: u32): u32 {
  const offset: u32 = (words * 8 + 15) & ~15;
  const startBlock = start >>> 7;
  let pair = startBlock >>> 6;
  let mask: u64 = (~(<u64>0)) << (startBlock & 63);
  for (; pair < words >>> 1; pair++) {
    const at = pair * 8;
    let summary = mask & load<u64>(a + at) & load<u64>(b + at) & load<u64>(c + at) & load<u64>(d + at) & load<u64>(e + at);
    mask = ~(<u64>0);
    while (summary != 0) {
      const bit = ctz<u64>(summary);
      const below: u64 = (<u64>1 << bit) - 1;
      const both = v128.and(
        v128.and(
          v128.and(
            v128.load(blockOf(a, words, offset, pair, below)),
            v128.load(blockOf(b, words, offset, pair, below)),
          ),
          v128.load(blockOf(c, words, offset, pair, below)),
        ),
        v128.and(
          v128.load(blockOf(d, words, offset, pair, below)),
          v128.load(blockOf(e, words, offset, pair, below)),
        ),
      );
      if (v128.any_true(both)) {
        const block = pair * 64 + <u32>bit;
        let low = i64x2.extract_lane(both, 0) as u64;
        let high = i64x2.extract_lane(both, 1) as u64;
        if (block == startBlock) {
          const skip = start & 127;
          if (skip >= 64) {
            low = 0;
            high &= (~(<u64>0)) << (skip - 64);
          } else low &= (~(<u64>0)) << skip;
        }
        if (low != 0) return block * 128 + <u32>ctz<u64>(low);
        if (high != 0) return block * 128 + 64 + <u32>ctz<u64>(high);
      }
      summary &= summary - 1;
    }
  }
  return NONE;
}

/** What decides: number of the decision << 2 | code. */
function decide(program: u32, a: u32, b: u32, c: u32, d: u32, e: u32): u32 {
  const count = load<u32>(program);
  const groups = load<u32>(program, 4);
  const codes = load<u32>(program, 8);
  let stage: u32 = 0;
  while (true) {
    let best = NONE;
    for (let index: u32 = 0; index < count; index++) {
      const group = groups + index * GROUP;
      const start = load<u32>(load<u32>(group, 8) + stage * 4);
      const numbers = load<u32>(group, 4);
      // What is left of the group comes after the best so far, or nothing is left.
      if (start >= load<u32>(group, 12) || load<u32>(numbers + start * 4) >= best) continue;
      const at = index * 4;
      const first = firstOfRows(
        load<u32>(group), start,
        load<u32>(a + at), load<u32>(b + at), load<u32>(c + at), load<u32>(d + at), load<u32>(e + at),
      );
      if (first != NONE) best = min(best, load<u32>(numbers + first * 4));
    }
    // The end of a chain matches everything, so there always is a best.
    const code = load<u32>(codes + best * 4);
    if ((code & 3) != CODE_PASS) return (best << 2) | code;
    stage = code >>> 2;
  }
}

// @ts-ignore: decorator
@inline
function isInSlot(slot: u32, chain: u32, s: u32, d: u32, sp: u32, dp: u32, v: u32): bool {
  return load<u32>(slot) == chain + 1 && load<u32>(slot, 4) == s && load<u32>(slot, 8) == d &&
    load<u32>(slot, 12) == sp && load<u32>(slot, 16) == dp && load<u32>(slot, 20) == v;
}

/**
 * Judges the flows that the batch's order names, by the classes that `classify` has filled in. A flow whose chain or rows are not there gets NONE; says how many.
 * With a memo, what five classes came to in a chain is remembered under all six numbers.
 */
export function evaluate(count: u32): u32 {
  const order = column(7), chainColumn = column(0), results = column(13);
  const ins = column(8), ind = column(9), insp = column(10), indp = column(11), inv = column(12);
  const chains = load<u32>(SHARED, 8);
  const memo = load<u32>(SHARED, 16), memoMask = load<u32>(SHARED, 20);
  let missing: u32 = 0;
  let hits: u32 = 0;
  for (let index: u32 = 0; index < count; index++) {
    const at = load<u32>(order + index * 4) * 4;
    const chain = load<u32>(chainColumn + at);
    const s = load<u32>(ins + at), d = load<u32>(ind + at), sp = load<u32>(insp + at), dp = load<u32>(indp + at), v = load<u32>(inv + at);
    let slot: u32 = 0;
    if (memo != 0) {
      const hash = mix(mix(mix(mix(mix(mix(0, chain), s), d), sp), dp), v);
      // Two slots in one line of the processor's cache, so that two common flows do not push each other out.
      slot = memo + (((hash * 0x85ebca6b) >>> 8) & memoMask & ~1) * MEMO_SLOT;
      if (!isInSlot(slot, chain, s, d, sp, dp, v) && load<u32>(slot) != 0) slot += MEMO_SLOT;
      if (isInSlot(slot, chain, s, d, sp, dp, v)) {
        store<u32>(results + at, load<u32>(slot, 24));
        hits += 1;
        continue;
      }
    }
    const program = load<u32>(chains + chain * 4);
    let result = NONE;
    if (program != 0) {
      const a = rowsOf(program, 0, s), b = rowsOf(program, 1, d), c = rowsOf(program, 2, sp), f = rowsOf(program, 3, dp);
      const e = rowsOf(program, 4, v);
      if (a != 0 && b != 0 && c != 0 && f != 0 && e != 0) result = decide(program, a, b, c, f, e);
    }
    store<u32>(results + at, result);
    if (result == NONE) missing += 1;
    else if (memo != 0) {
      store<u32>(slot, chain + 1);
      store<u32>(slot, s, 4);
      store<u32>(slot, d, 8);
      store<u32>(slot, sp, 12);
      store<u32>(slot, dp, 16);
      store<u32>(slot, v, 20);
      store<u32>(slot, result, 24);
    }
  }
  store<u32>(SHARED, load<u32>(SHARED, 24) + hits, 24);
  return missing;
}
