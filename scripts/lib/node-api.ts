// What commands ask of an oracle node. Nothing that a node says is believed without the chain.
import { z } from "zod";
import { EnvironmentError, messageOf } from "./errors";

const TIMEOUT_MS = 10_000;

/** JSON of GET `path` at a node; undefined where the node has nothing (404). */
export async function askNode(node: string, path: string): Promise<unknown> {
  let response: Response;
  try {
    response = await fetch(new URL(path, node.endsWith("/") ? node : `${node}/`), {
      signal: AbortSignal.timeout(TIMEOUT_MS),
      headers: { accept: "application/json" },
    });
  } catch (error) {
    throw new EnvironmentError(
      "NODE_SILENT",
      `node ${node} does not answer (${messageOf(error)}); give another with --node, or leaves with --from FILE`,
    );
  }
  if (response.status === 404) return undefined;
  if (!response.ok) throw new EnvironmentError("NODE_REFUSED", `node ${node} answered ${response.status} to ${path}`);
  try {
    return (await response.json()) as unknown;
  } catch (error) {
    throw new EnvironmentError("NODE_REFUSED", `node ${node} gave no JSON for ${path}: ${messageOf(error)}`);
  }
}

export function parseNodeUrl(text: string): string {
  const parsed = z.url({ protocol: /^https?$/ }).safeParse(text);
  if (parsed.success) return text;
  throw new EnvironmentError("BAD_NODE_URL", `"${text}" is no http address of a node`);
}
