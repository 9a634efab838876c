/**
 * A map from keys to sets that holds no empty set, so that a key's presence means something and memory follows the content. Used by the indexes of the
 * policy projections, where most keys have one value: up to {@link LISTED_VALUES_MAX} values are a list, which takes a third of a `Set`'s memory.
 *
 * @module
 */
/** Values by key, each once, to be walked; a key that is present has at least one value. */
export type Multimap<K, V> = Map<K, Values<V>>;

/** Values without duplicates. Lists are replaced, never changed, so that one can be walked while values come and go. */
export type Values<V> = readonly V[] | Set<V>;

/** More values than this are a `Set`, and stay one. */
const LISTED_VALUES_MAX = 8;

/** Adds a value under a key. */
export function addTo<K, V>(map: Multimap<K, V>, key: K, value: V): void {
  const values = map.get(key);
  if (values === undefined) {
    map.set(key, [value]);
  } else if (values instanceof Set) {
    values.add(value);
  } else if (!values.includes(value)) {
    const more = [...values, value];
    map.set(key, more.length > LISTED_VALUES_MAX ? new Set(more) : more);
  }
}

/**
 * Removes a value from under a key, and the key with its last value.
 *
 * @example
 * ```ts
 * import { addTo, type Multimap, removeFrom } from "#/projections/multimap.ts";
 * const map: Multimap<string, number> = new Map();
 * addTo(map, "a", 1);
 * removeFrom(map, "a", 1);
 * if (map.size !== 0) throw new Error();
 * ```
 */
export function removeFrom<K, V>(map: Multimap<K, V>, key: K, value: V): void {
  const values = map.get(key);
  if (values === undefined) return;
  if (values instanceof Set) {
    values.delete(value);
    if (values.size === 0) map.delete(key);
    return;
  }
  const left = values.filter((each) => each !== value);
  if (left.length === 0) map.delete(key);
  else if (left.length < values.length) map.set(key, left);
}
