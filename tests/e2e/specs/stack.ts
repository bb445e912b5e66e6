// The Sluice that this worker's specs ask. tests/e2e/run starts one for each worker and says here where they are.
import type { ReplicaSettings } from "./replica";

interface Stack {
  url: string;
  operator_token: string;
  tenant_token: string;
  /** Null where somebody else started it. */
  replica: ReplicaSettings | null;
}

const told = process.env.SLUICE_E2E_STACKS;
if (told === undefined) throw new Error("start the specs by tests/e2e/run");

export const stacks = JSON.parse(told) as Stack[];

function ours(): Stack {
  const stack = stacks[Number(process.env.TEST_PARALLEL_INDEX ?? 0)];
  if (stack === undefined) throw new Error(`there are ${stacks.length} stacks: no more workers than that`);
  return stack;
}

export const stack = ours();
