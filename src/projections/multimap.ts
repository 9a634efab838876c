/**
 * A map from keys to sets that holds no empty set, so that a key's presence means something and memory follows the content. Used by the indexes of the
 * policy projections.
 *
 * @module
 */

/** Sets by key; a key that is present has at least one value. */
export type Multimap<K, V> = Map<K, Set<V>>;

/** Adds a value under a key. */
export function addTo<K, V>(map: Multimap<K, V>, key: K, value: V): void {
  const values = map.get(key);
  if (values === undefined) map.set(key, new Set([value]));
  else values.add(value);
}

/**
 * Removes a value from under a key, and the key with its last value.
 *
 * @example
 * ```ts
 * import { addTo, removeFrom } from "#/projections/multimap.ts";
 * const map = new Map<string, Set<number>>();
 * addTo(map, "a", 1);
 * removeFrom(map, "a", 1);
 * if (map.size !== 0) throw new Error();
 * ```
 */
export function removeFrom<K, V>(map: Multimap<K, V>, key: K, value: V): void {
  const values = map.get(key);
  if (values === undefined) return;
  values.delete(value);
  if (values.size === 0) map.delete(key);
}
