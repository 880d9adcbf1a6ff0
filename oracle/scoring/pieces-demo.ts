import type { Piece } from "./piece";

/** Pieces under a deal in the demo: CAR files in the npm package ipfs-car (a test recomputes the roots from them). */
export const DEMO_PIECES: readonly Piece[] = [
  { name: "comic.car", bytes: 85155, root: "368bf2ce2e4b644bfbfa465cb8448cedc746dfd3aa22305334a92e22e19b5629" },
  { name: "pinpie.car", bytes: 47972, root: "80a2bd79abe10e11c40df314ab8eab198f7ace2cb919c5c68a6577aa612397b5" },
  { name: "multi-root.car", bytes: 48013, root: "9385b9fadae08284390b8fe8a38ce72ec492fea9e6d31bff856d019494be953a" },
];
