/**
 * What other sets mean for the atoms of an image: which of them gain or lose addresses, and whether a rule must be read anew. Part of `PolicyImage.update`.
 *
 * @module
 */
import type { CompiledSet } from "#/policy/compiled.ts";
import { rangesOf } from "./address_ranges.ts";
import { namedAtomKey, namedMembers, setAtomKey, setRanges, type Vocabulary } from "./rule_facts.ts";

/** What came of a change of sets. */
export interface SetChanges {
  /** Whether any set changed at all. */
  readonly changed: boolean;
  /** Whether a set of named ports has other ports than before: rules that name it then ask for other atoms. */
  readonly otherPorts: boolean;
}

/** Brings a vocabulary to other sets. A set with the same list of members costs nothing. */
export function changeSets(vocabulary: Vocabulary, next: ReadonlyMap<string, CompiledSet>): SetChanges {
  const before = vocabulary.sets;
  if (before === next) return { changed: false, otherPorts: false };
  vocabulary.sets = next;
  let changed = false;
  let otherPorts = false;
  for (const id of new Set([...before.keys(), ...next.keys()])) {
    const [old, now] = [before.get(id), next.get(id)];
    if (old === now || (old?.type === now?.type && old?.members === now?.members)) continue;
    changed = true;
    changeSet(vocabulary, id, now);
    if (changePorts(vocabulary, id, { old, now })) otherPorts = true;
  }
  return { changed, otherPorts };
}

function changeSet(vocabulary: Vocabulary, id: string, now: CompiledSet | undefined): void {
  const ranges = setRanges(now);
  for (const { addresses } of [vocabulary.source, vocabulary.destination]) addresses.change(setAtomKey(id), ranges);
}

/** Changes the atoms of a set's named ports; whether it has other ports now. */
function changePorts(
  vocabulary: Vocabulary,
  id: string,
  { old, now }: { readonly old: CompiledSet | undefined; readonly now: CompiledSet | undefined },
): boolean {
  const [before, after] = [namedMembers(old), namedMembers(now)];
  for (const end of new Set([...before.keys(), ...after.keys()])) {
    const ranges = rangesOf(after.get(end) ?? []);
    for (const { addresses } of [vocabulary.source, vocabulary.destination]) {
      addresses.change(namedAtomKey(id, end), ranges);
    }
  }
  return [...after.keys()].some((end) => !before.has(end));
}
