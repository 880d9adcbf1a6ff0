import { readPackageFile } from "./packages";

/** CAR files in ipfs-car's test/fixtures/ folder (Apache-2.0 OR MIT) that stand for stored pieces. */
export const CAR_FILES = ["comic.car", "pinpie.car", "multi-root.car"] as const;

export function loadCar(name: string): Uint8Array {
  return readPackageFile("ipfs-car", `test/fixtures/${name}`);
}
