/**
 * The part of `@std/path` that Tortie uses, on `node:path/posix`. See `shims/assert/mod.ts` for why it exists.
 *
 * @module
 */
import posix from "node:path/posix";
import { fileURLToPath } from "node:url";

/** Joins path segments and normalises the result. */
export const join = (...paths: string[]): string => posix.join(...paths);
/** The directory part of a path. */
export const dirname = (path: string): string => posix.dirname(path);
/** The last part of a path, without `suffix` when it ends in it. */
export const basename = (path: string, suffix?: string): string => posix.basename(path, suffix);
/** The path made absolute against the current directory. */
export const resolve = (...paths: string[]): string => posix.resolve(...paths);
/** How to get from one path to another. */
export const relative = (from: string, to: string): string => posix.relative(from, to);
/** The extension of a path, with its dot. */
export const extname = (path: string): string => posix.extname(path);
/** Whether a path starts at the root. */
export const isAbsolute = (path: string): boolean => posix.isAbsolute(path);
/** The path of a `file:` URL. */
export const fromFileUrl = (url: string | URL): string => fileURLToPath(url);
