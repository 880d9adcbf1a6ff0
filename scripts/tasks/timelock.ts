// Executes what the timelock has due: anyone may, where EXECUTOR_ROLE is open.
import { id as hashText, ZeroAddress } from "ethers";
import { StateError } from "../lib/errors";
import { formatTime, paint, shortHash } from "../lib/format";
import { callData, type PendingOperation, pendingLines, readPending, readProposals } from "../lib/governance";
import { hasPredecessor } from "../lib/operations";
import type { Session } from "../lib/session";
import { command } from "./define";

interface Ran {
  readonly operation: PendingOperation;
  readonly tx: string | null;
  readonly problem: string | null;
}

command<object>({
  name: "timelock:run",
  description: "Executes every timelock operation that is due, the forwarder's acceptOwnership among them",
  parameters: (t) => t,
  run: async (_args, s) => {
    const signer = await s.signer();
    const timelock = s.get("NetworkTimelock", signer);
    const role = await timelock.EXECUTOR_ROLE();
    if (!(await timelock.hasRole(role, ZeroAddress)) && !(await timelock.hasRole(role, signer.address))) {
      throw new StateError(
        "NOT_EXECUTOR",
        `${signer.address} may not execute operations of this timelock, and execution is not open to anyone; use an executor's account with --from`,
      );
    }
    const now = await s.pendingTime();
    const proposals = await readProposals(s);
    const pending = await readPending(s, proposals, now);
    const ran: Ran[] = [];
    // One may wait for another: go over the due ones until none of them moves.
    let left = pending.filter((p) => p.due);
    for (let moved = true; moved && left.length > 0;) {
      moved = false;
      const later: PendingOperation[] = [];
      for (const operation of left) {
        const { predecessor } = operation.operation;
        if (hasPredecessor(operation.operation) && !(await timelock.isOperationDone(predecessor))) {
          later.push(operation);
          continue;
        }
        ran.push(await execute(s, operation));
        moved = true;
      }
      left = later;
    }
    for (const operation of left) {
      const problem = `waits for operation ${operation.operation.predecessor}, which is not done`;
      ran.push({ operation, tx: null, problem });
    }
    const failures = ran.filter((r) => r.problem !== null);
    const rest = pending.filter((p) => !p.due);
    return {
      data: {
        time: now,
        executed: ran.map((r) => ({
          id: r.operation.id,
          source: r.operation.source,
          calls: r.operation.calls.map(callData),
          tx: r.tx,
          problem: r.problem,
        })),
        pending: rest.map((p) => ({ id: p.id, readyAt: p.readyAt })),
      },
      lines: [
        ...(ran.length === 0 ? [`nothing is due at ${formatTime(now)}`] : ran.flatMap(lines)),
        ...(rest.length > 0 ? pendingLines(rest, now) : []),
      ],
      ...(failures.length > 0
        ? {
            failure: new StateError(
              "OPERATIONS_FAILED",
              `${failures.length} of ${ran.length} due operation(s) could not be executed`,
            ),
          }
        : {}),
    };
  },
});

/** Through the governor where it is a proposal: the governor must know of calls to itself. */
async function execute(s: Session, operation: PendingOperation): Promise<Ran> {
  const { targets, values, payloads, predecessor, salt } = operation.operation;
  const signer = await s.signer();
  const timelock = s.get("NetworkTimelock", signer);
  try {
    if (operation.proposal) {
      const p = operation.proposal;
      const governor = s.get("NetworkGovernor", signer);
      const args = [p.targets, p.values, p.calldatas, hashText(p.description)];
      const receipt = await s.send("execute", governor, "execute", args);
      return { operation, tx: receipt.hash, problem: null };
    }
    const single =
      targets.length === 1 &&
      (await timelock.hashOperation(targets[0] ?? "", values[0] ?? 0n, payloads[0] ?? "0x", predecessor, salt)) ===
        operation.id;
    const receipt = single
      ? await s.send("execute", timelock, "execute", [targets[0], values[0], payloads[0], predecessor, salt])
      : await s.send("execute", timelock, "executeBatch", [targets, values, payloads, predecessor, salt]);
    return { operation, tx: receipt.hash, problem: null };
  } catch (error) {
    if (!(error instanceof StateError)) throw error;
    return { operation, tx: null, problem: error.message };
  }
}

function lines({ operation, tx, problem }: Ran): string[] {
  const head = problem === null ? paint("green", "executed") : paint("red", "failed");
  return [
    `${head} ${shortHash(operation.id)} (${operation.source})`,
    ...operation.calls.map((c) => `  ${c.text}`),
    problem === null ? paint("dim", `  transaction ${tx}`) : paint("red", `  ${problem}`),
  ];
}
