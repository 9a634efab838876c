/**
 * Numbers for sorted lists of numbers: equal lists get equal numbers, others never do. Classes of addresses and ports are such lists (of the atoms that hold
 * them), so a wrong number here would be a wrong verdict: lists are compared whole whenever hashes are equal.
 *
 * @module
 */

/** A sorted list without duplicates. */
export type IdList = readonly number[];

/** Hands out numbers from 0 up; the empty list is 0. Numbers and lists never change. */
export interface ListInterner {
  readonly size: number;
  id(list: IdList): number;
  list(id: number): IdList;
  /** The number of the list with an element more or, when it has it, the same list. */
  with(id: number, element: number): number;
  /** The number of the list with an element less. */
  without(id: number, element: number): number;
}

function hashList(list: IdList): number {
  let hash = list.length;
  for (const one of list) hash = Math.imul(hash ^ one, 0x9e3779b1) ^ (hash >>> 13);
  return hash;
}

/**
 * An interner that knows the empty list.
 *
 * @param hash of a list; another one may be given to show that collisions do no harm
 *
 * @example
 * ```ts
 * import { createListInterner } from "#/wasm-policy/list_interner.ts";
 * const lists = createListInterner(() => 0);
 * if (lists.id([1, 2]) === lists.id([1, 3]) || lists.with(lists.id([1]), 2) !== lists.id([1, 2])) throw new Error();
 * ```
 */
export function createListInterner(hash: (list: IdList) => number = hashList): ListInterner {
  const lists: IdList[] = [];
  const byHash = new Map<number, number[]>();
  const id = (list: IdList): number => {
    const key = hash(list);
    const same = byHash.get(key);
    const found = same?.find((one) => isSame(lists[one]!, list));
    if (found !== undefined) return found;
    const number = lists.push(list) - 1;
    if (same === undefined) byHash.set(key, [number]);
    else same.push(number);
    return number;
  };
  id([]);
  return {
    get size() {
      return lists.length;
    },
    id,
    list: (number) => lists[number]!,
    with(number, element) {
      const list = lists[number]!;
      if (list.includes(element)) return number;
      const at = list.findIndex((one) => one > element);
      return id(list.toSpliced(at < 0 ? list.length : at, 0, element));
    },
    without(number, element) {
      const list = lists[number]!;
      return list.includes(element) ? id(list.filter((one) => one !== element)) : number;
    },
  };
}

function isSame(a: IdList, b: IdList): boolean {
  if (a.length !== b.length) return false;
  for (let at = 0; at < a.length; at++) if (a[at] !== b[at]) return false;
  return true;
}
