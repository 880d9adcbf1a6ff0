// Scratch copies of the repository, and one-line patches in them: for what must fail when something is taken away.
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative, resolve } from "node:path";
import type { z } from "zod";

export const ROOT = resolve(__dirname, "../..");
const LEFT_OUT = new Set(["node_modules", ".git", "coverage", ".forge", "tmp", "deploy/deployments"]);

export interface Patch {
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

/** The files of a folder, checked, each with its name without `.json`, in the order of the names. */
export function readNamed<S extends z.ZodType>(folder: string, schema: S): (z.infer<S> & { name: string })[] {
  return readdirSync(join(ROOT, folder))
    .filter((f) => f.endsWith(".json"))
    .sort()
    .map((f) => ({
      ...(schema.parse(JSON.parse(readFileSync(join(ROOT, folder, f), "utf8"))) as object),
      name: f.replace(/\.json$/, ""),
    })) as (z.infer<S> & { name: string })[];
}

/** A copy of the repository, or of some of its files and folders, that shares node_modules with it. */
export function scratchCopy(name: string, only?: readonly string[]): string {
  const dir = mkdtempSync(join(tmpdir(), `groundwork-${name}-`));
  if (only === undefined) {
    cpSync(ROOT, dir, { recursive: true, filter: (from) => !LEFT_OUT.has(relative(ROOT, from)) });
  } else {
    for (const path of only) cpSync(join(ROOT, path), join(dir, path), { recursive: true });
  }
  symlinkSync(join(ROOT, "node_modules"), join(dir, "node_modules"));
  return dir;
}

export function removeCopy(dir: string): void {
  rmSync(dir, { recursive: true, force: true });
}

/** Runs `work` while the patch is in place; undefined if what it replaces does not occur exactly once. */
export async function withPatch<T>(dir: string, patch: Patch, work: () => Promise<T>): Promise<T | undefined> {
  const path = join(dir, patch.file);
  const source = readFileSync(path, "utf8");
  if (source.split(patch.find).length !== 2) return undefined;
  writeFileSync(
    path,
    source.replace(patch.find, () => patch.replace),
  );
  try {
    return await work();
  } finally {
    writeFileSync(path, source);
  }
}
