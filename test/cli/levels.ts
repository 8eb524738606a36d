// The highest level for an agent on the command line: it asks for itself, an owner approves.

import assert from "node:assert/strict";

type Ended = { readonly code: number; readonly out: string; readonly err: string };
type Run = (rest: string) => Promise<Ended>;

/** `asks` signs what it proposes. */
export async function giveLevel(agent: string, { asks, answers }: { asks: Run; answers: Run }): Promise<void> {
  const expiresAt = new Date(Date.now() + 24 * 3_600_000).toISOString();
  const args = `-a agent=${agent} -a level:=3 -a kinds:=["*"] -a expiresAt=${expiresAt}`;
  await approve(await asks(`propose level.grant -e holdpoint -s holdpoint ${args}`), answers);
}

/** Of what was asked for and is held. */
export async function approve(asked: Ended, answers: Run): Promise<void> {
  assert.equal(asked.code, 3, asked.err);
  const answered = await answers(`approve ${asked.out.split(" ")[0] ?? ""} --yes`);
  assert.equal(answered.code, 0, answered.err);
}
