/**
 * Who an agent is: a bearer token per node. The server keeps only the token's SHA-256, in the table of secrets. Agents over mTLS will be another way to
 * the same answer.
 *
 * @module
 */
import { createHash, timingSafeEqual } from "node:crypto";
import type { SecretStore } from "#/server/secret_store.ts";

/** Bytes of randomness in a token. */
const TOKEN_BYTES = 32;

/** Whether a request speaks for a node. */
export type NodeIdentity =
  | { readonly kind: "node"; readonly node: string }
  /** The token is another node's. */
  | { readonly kind: "other"; readonly node: string }
  | { readonly kind: "unknown"; readonly message: string };

/**
 * Makes a token for a node and stores its hash; an earlier token of the node ends. The token is `<node>.<secret>` and is shown once, here.
 *
 * @param random fills an array with random bytes; the machine's own by default
 */
export async function issueNodeToken(
  secrets: SecretStore,
  node: string,
  random: (bytes: Uint8Array<ArrayBuffer>) => Uint8Array<ArrayBuffer> = (bytes) => crypto.getRandomValues(bytes),
): Promise<string> {
  const secret = random(new Uint8Array(TOKEN_BYTES)).toBase64({ alphabet: "base64url", omitPadding: true });
  const token = `${node}.${secret}`;
  await secrets.putSecret(secretName(node), digestOf(token).toString("hex"));
  return token;
}

/** Whether the bearer token of a request is that of the node. */
export async function identifyNode(secrets: SecretStore, request: Request, node: string): Promise<NodeIdentity> {
  const match = /^Bearer +([^\s]+)$/i.exec(request.headers.get("authorization") ?? "");
  if (match === null) return { kind: "unknown", message: 'A node must send its token as "Authorization: Bearer"' };
  const token = match[1]!;
  const owner = token.slice(0, Math.max(0, token.lastIndexOf(".")));
  const stored = owner === "" ? undefined : await secrets.getSecret(secretName(owner));
  if (stored === undefined || !equalDigests(stored, digestOf(token))) {
    return { kind: "unknown", message: "The token is of no node: it was never issued, or another has replaced it" };
  }
  return { kind: owner === node ? "node" : "other", node: owner };
}

function secretName(node: string): string {
  return `node-token/${node}`;
}

function digestOf(token: string): Buffer {
  return createHash("sha256").update(token, "utf8").digest();
}

/** Compares in a time that does not tell how much of the digest is right. */
function equalDigests(stored: string, digest: Buffer): boolean {
  const known = Buffer.from(stored, "hex");
  return known.length === digest.length && timingSafeEqual(known, digest);
}
