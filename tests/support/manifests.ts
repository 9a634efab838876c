/**
 * Manifests as tests write them: one YAML text, read as a file would be.
 *
 * @module
 */
import { parseManifests } from "#/cli/manifest_files.ts";
import { type ManifestObject, problemText } from "#/policy/manifests/manifest_document.ts";
import { readManifestObjects } from "#/policy/manifests/manifests.ts";

/** The objects of a YAML text; it must be good. */
export function manifestsOf(yaml: string): readonly ManifestObject[] {
  const { documents, problems } = parseManifests("test.yaml", yaml);
  const manifests = readManifestObjects(documents);
  const all = [...problems, ...manifests.problems];
  if (all.length > 0) throw new Error(all.map(problemText).join("\n"));
  return manifests.objects;
}
