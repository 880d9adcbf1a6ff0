import type { Logger } from "pino";

/** What the parts of a node need of a logger. */
export type Log = Pick<Logger, "debug" | "info" | "warn" | "error">;
