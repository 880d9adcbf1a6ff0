// The committee of a run: one OS process, key and database a node.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createClient } from "@libsql/client";
import { z } from "zod";
import { DEV_CHAIN_ID } from "./chain";
import type { Person } from "./people";
import { freePort, type Running, start, stop, waitFor } from "./processes";

/** Part of a node's configuration that only tests may set. */
export interface NodeTesting {
  readonly disableChecks?: readonly string[];
  readonly blockExchange?: boolean;
}

export interface CommitteeOptions {
  readonly folder: string;
  readonly rpcUrl: string;
  readonly deploymentFile: string;
  readonly signers: readonly Person[];
  readonly transmitters: readonly Person[];
  readonly f: number;
  readonly donId: number;
  readonly workflow: { readonly name: string; readonly owner: string };
  readonly pricesE8: readonly bigint[];
  readonly testing?: NodeTesting;
  /** Extra environment of a node, e.g. a shim that moves its wall clock. */
  readonly envOf?: (index: number) => NodeJS.ProcessEnv;
}

export interface CommitteeNode {
  readonly index: number;
  readonly url: string;
  readonly db: string;
  readonly process: Running;
}

const NODE_ENTRY = join(__dirname, "../../oracle/node.ts");

export class Committee {
  private constructor(
    readonly nodes: readonly CommitteeNode[],
    readonly f: number,
  ) {}

  /** Writes one configuration a node, starts all, and waits until every one answers. */
  static async launch(o: CommitteeOptions): Promise<Committee> {
    mkdirSync(o.folder, { recursive: true });
    const ports = await Promise.all(o.signers.map(() => freePort()));
    const members = o.signers.map((p, i) => ({ signer: p.address, url: `http://127.0.0.1:${ports[i]}` }));
    const nodes = o.signers.map((signer, index): CommitteeNode => {
      const url = members[index]?.url ?? "";
      const db = join(o.folder, `node-${index + 1}.db`);
      const config = join(o.folder, `node-${index + 1}.json`);
      const price = join(o.folder, `price-${index + 1}.json`);
      writeFileSync(price, JSON.stringify({ priceE8: String(o.pricesE8[index]) }));
      writeFileSync(
        config,
        JSON.stringify(
          {
            chain: { rpcUrl: o.rpcUrl, chainId: DEV_CHAIN_ID },
            deployment: o.deploymentFile,
            node: {
              index,
              listen: { host: "127.0.0.1", port: ports[index] },
              db,
              signerKeyEnv: "SIGNER_KEY",
              transmitterKeyEnv: "TRANSMITTER_KEY",
            },
            committee: { f: o.f, donId: o.donId, configVersion: 1, members },
            workflow: o.workflow,
            timing: { graceSeconds: 10, roundSeconds: 60, pollMs: 200, windowPollMs: 500 },
            price: { kind: "file", path: price, everySeconds: 300 },
            ...(o.testing && { testing: o.testing }),
          },
          null,
          2,
        ),
      );
      const env = {
        ...o.envOf?.(index),
        SIGNER_KEY: signer.privateKey,
        TRANSMITTER_KEY: o.transmitters[index]?.privateKey ?? "",
        ...(o.testing && { GROUNDWORK_TESTING: "1" }),
      };
      const args = ["--import", "tsx", NODE_ENTRY, "--config", config];
      return {
        index,
        url,
        db,
        process: start(`node ${index + 1}`, args, join(o.folder, `node-${index + 1}.log`), env),
      };
    });
    await Promise.all(
      nodes.map((node) =>
        waitFor("answer", () => healthy(node.url), { seconds: 90, everyMs: 200, entry: node.process }),
      ),
    );
    return new Committee(nodes, o.f);
  }

  get alive(): CommitteeNode[] {
    return this.nodes.filter(({ process: { child } }) => child.exitCode === null && child.signalCode === null);
  }

  /** Where device `i` sends: its own node first, the others when that one is silent. */
  urlsFor(i: number): string[] {
    return this.nodes.map((_, k) => this.nodes[(i + k) % this.nodes.length]?.url ?? "");
  }

  /** SIGKILL for the last `count` nodes. */
  async kill(count: number): Promise<CommitteeNode[]> {
    const victims = this.alive.slice(-count);
    await Promise.all(victims.map((node) => stop(node.process, "SIGKILL")));
    return victims;
  }

  async stop(): Promise<void> {
    await Promise.all(this.nodes.map((node) => stop(node.process)));
  }

  /** Refusals by reason, summed over the nodes' databases, dead nodes' included. */
  async rejections(): Promise<Map<string, number>> {
    const sums = new Map<string, number>();
    for (const node of this.nodes) {
      const client = createClient({ url: `file:${node.db}` });
      const { rows } = await client.execute("select reason, count(*) as count from rejections group by reason");
      client.close();
      for (const row of rows) {
        const { reason, count } = z.object({ reason: z.string(), count: z.coerce.number() }).parse({ ...row });
        sums.set(reason, (sums.get(reason) ?? 0) + count);
      }
    }
    return sums;
  }
}

async function healthy(url: string): Promise<true | undefined> {
  return fetch(`${url}/health`).then(
    (response) => (response.ok ? true : undefined),
    () => undefined, // not up yet
  );
}
