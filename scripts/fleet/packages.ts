import { existsSync, readFileSync } from "node:fs";
import { dirname, join, parse } from "node:path";

/** A file inside an installed npm package. Data are read where npm put them: nothing is copied into this repository. */
export function packageFile(name: string, path: string): string {
  for (let folder = __dirname; ; folder = dirname(folder)) {
    const file = join(folder, "node_modules", name, path);
    if (existsSync(file)) return file;
    if (folder === parse(folder).root) throw new Error(`${name}/${path} is not installed: run npm ci`);
  }
}

export function readPackageFile(name: string, path: string): Buffer {
  return readFileSync(packageFile(name, path));
}
