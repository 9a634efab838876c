// The selector kernel: runs selector programs on a block of 512 lanes; see docs/design/selectors.md. Its twin is `runTwin` in selector_blocks.ts.
// A slot, a register and a result are 64 bytes each. Instructions are 6 bits of operation above 26 bits of operand (selector_program.ts).

/** Grows when the layout of the memory or the operations change. */
export function abi(): i32 {
  return 1;
}

/** Runs `count` programs; writes the number and the lanes of each that matches anywhere, and returns how many these are. */
export function match(
  slots: i32,
  present: i32,
  registers: i32,
  code: i32,
  starts: i32,
  count: i32,
  found: i32,
  results: i32,
): i32 {
  const u0 = v128.load(slots + 64);
  const u1 = v128.load(slots + 64, 16);
  const u2 = v128.load(slots + 64, 32);
  const u3 = v128.load(slots + 64, 48);
  let matches = 0;
  for (let program = 0; program < count; program++) {
    let at = code + (load<i32>(starts + (program << 2)) << 2);
    let demands = load<i32>(at);
    at += 4;
    let met: u32 = 0;
    const body = at + (demands << 2);
    while (at < body) {
      met |= load<u8>(present + load<i32>(at));
      at += 4;
    }
    if (!met) continue;
    let a0 = u0;
    let a1 = u1;
    let a2 = u2;
    let a3 = u3;
    let word = load<u32>(at);
    while (word >>> 26) {
      const operation = word >>> 26;
      const operand: i32 = (word & 0x3ffffff) << 6;
      const p: i32 = (operation < 7 ? slots : registers) + operand;
      switch (operation) {
        case 1:
          a0 = v128.load(p);
          a1 = v128.load(p, 16);
          a2 = v128.load(p, 32);
          a3 = v128.load(p, 48);
          break;
        case 2:
          a0 = v128.not(v128.load(p));
          a1 = v128.not(v128.load(p, 16));
          a2 = v128.not(v128.load(p, 32));
          a3 = v128.not(v128.load(p, 48));
          break;
        case 3:
        case 8:
          a0 = v128.and(a0, v128.load(p));
          a1 = v128.and(a1, v128.load(p, 16));
          a2 = v128.and(a2, v128.load(p, 32));
          a3 = v128.and(a3, v128.load(p, 48));
          break;
        case 4:
          a0 = v128.andnot(a0, v128.load(p));
          a1 = v128.andnot(a1, v128.load(p, 16));
          a2 = v128.andnot(a2, v128.load(p, 32));
          a3 = v128.andnot(a3, v128.load(p, 48));
          break;
        case 5:
        case 9:
          a0 = v128.or(a0, v128.load(p));
          a1 = v128.or(a1, v128.load(p, 16));
          a2 = v128.or(a2, v128.load(p, 32));
          a3 = v128.or(a3, v128.load(p, 48));
          break;
        case 6:
          a0 = v128.or(a0, v128.not(v128.load(p)));
          a1 = v128.or(a1, v128.not(v128.load(p, 16)));
          a2 = v128.or(a2, v128.not(v128.load(p, 32)));
          a3 = v128.or(a3, v128.not(v128.load(p, 48)));
          break;
        default:
          v128.store(p, a0);
          v128.store(p, a1, 16);
          v128.store(p, a2, 32);
          v128.store(p, a3, 48);
      }
      at += 4;
      word = load<u32>(at);
    }
    a0 = v128.and(a0, u0);
    a1 = v128.and(a1, u1);
    a2 = v128.and(a2, u2);
    a3 = v128.and(a3, u3);
    if (!v128.any_true(v128.or(v128.or(a0, a1), v128.or(a2, a3)))) continue;
    store<i32>(found + (matches << 2), program);
    const result = results + (matches << 6);
    v128.store(result, a0);
    v128.store(result, a1, 16);
    v128.store(result, a2, 32);
    v128.store(result, a3, 48);
    matches++;
  }
  return matches;
}
