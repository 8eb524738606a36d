// Sign-ins and sign-outs on record: a session is worth nothing before it is, and ends before it is.

import type { OpenedSession, Services } from "./services.ts";

/** Before its secret leaves. Rejects when it cannot be recorded; then the session is over. */
export async function recordOpened(services: Services, opened: OpenedSession): Promise<void> {
  const { identity, issuer } = opened;
  const { id, tokenId: session, roles, expiresAt } = identity;
  const input = { session, identity: id, issuer, roles, expiresAt };
  try {
    await services.submit({ type: "open-session", actor: id, input });
  } catch (error) {
    services.sessions.end(session, "withdrawn");
    throw error;
  }
  await recordEnded(services);
}

/** Every session that has ended and is not on record yet. What cannot be recorded now is told again later. */
export async function recordEnded({ submit, sessions }: Pick<Services, "submit" | "sessions">): Promise<void> {
  const ended = sessions.takeEnded();
  const recorded = await Promise.allSettled(
    ended.map((one) => submit({ type: "end-session", actor: "system:http", input: one })),
  );
  recorded.forEach(({ status }, i) => {
    const one = ended[i];
    if (status === "rejected" && one !== undefined) sessions.giveBack(one);
  });
  const failed = recorded.find((one) => one.status === "rejected");
  if (failed !== undefined) throw failed.reason;
}
