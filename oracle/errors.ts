/** Exit codes of a node, and the errors that carry them. Documented in docs/oracle.md. */
export const EXIT = { ok: 0, unexpected: 1, config: 2, notCompiled: 3, chain: 4, store: 5, listen: 6 } as const;

/** A failure that ends the node: which kind, which field or part, and what is wrong with it. */
export class NodeError extends Error {
  constructor(
    readonly kind: keyof typeof EXIT,
    readonly where: string,
    readonly problem: string,
  ) {
    super(`${where}: ${problem}`);
    this.name = "NodeError";
  }

  get exitCode(): number {
    return EXIT[this.kind];
  }
}

/** A request or proof that was refused, with a stable code. `status` is the HTTP status that says so. */
export class Refused extends Error {
  constructor(
    readonly code: string,
    readonly detail: string,
    readonly status = 422,
    readonly data: Readonly<Record<string, unknown>> = {},
  ) {
    super(`${code}: ${detail}`);
    this.name = "Refused";
  }
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
