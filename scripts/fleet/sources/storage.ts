import { encodeWire } from "../../../oracle/scoring";
import { chunkCount, pieceRoot, provePiece, rawCid, sha256 } from "../../../oracle/scoring/piece";
import type { StoragePayload } from "../../../oracle/scoring/storage";
import { CAR_FILES, loadCar } from "../cars";
import { draw } from "../draw";
import type { CategorySource } from "./source";

/** Nodes prove a chunk of a real CAR file. In the demo the chunk is drawn by device and step, not by a VRF seed. */
export function openStorage(): CategorySource {
  const pieces = CAR_FILES.map((name) => {
    const data = loadCar(name);
    return { name, data, root: pieceRoot(data) };
  });
  return (device, step) => {
    const seed = String(device.index);
    const piece = pieces[device.index % pieces.length];
    if (piece === undefined) throw new Error("no pieces");
    const index = draw(seed, "chunk", step, chunkCount(piece.data.length));
    const payload = storagePayload(piece.name, piece.data, piece.root, index);
    const units = BigInt(Buffer.byteLength(payload.chunk, "base64"));
    return { payload: encodeWire(payload), units, latE7: device.latE7, lonE7: device.lonE7 };
  };
}

export function storagePayload(name: string, data: Uint8Array, root: string, index: number): StoragePayload {
  const { chunk, path } = provePiece(data, index);
  return {
    v: 1,
    src: `ipfs-car ${name}`,
    piece: root,
    index,
    cid: rawCid(sha256(chunk)),
    chunk: Buffer.from(chunk).toString("base64"),
    path: path.map((digest) => Buffer.from(digest).toString("hex")),
  };
}
