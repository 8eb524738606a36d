// A stand-in for a service with operations of its own: takes each `Idempotency-Key` once, and checks who asks.

import { runStandIn, startStandIn, type Received, type Reply, type StandIn } from "./stand-in.ts";

export interface OperationsStandIn extends StandIn {
  /** What was done, each once. */
  readonly done: readonly { readonly path: string; readonly key: string; readonly body: string }[];
  readonly complaints: readonly string[];
  /** A change by somebody else. */
  touch(): void;
}

/** As the header is written (draft-ietf-httpapi-idempotency-key-header): a structured-field string. */
const KEY = /^"[\x20-\x21\x23-\x5b\x5d-\x7e]{1,255}"$/;

/** `tags`: each answer says how it left things, and a precondition that does not hold is refused (RFC 9110, 13.1.1). */
export async function startOperations(
  { token, tags = false }: { readonly token: string; readonly tags?: boolean },
  port = 0,
): Promise<OperationsStandIn> {
  let version = 0;
  const tag = (): string => `"v${version}"`;
  const done: { path: string; key: string; body: string }[] = [];
  const complaints: string[] = [];
  const refuse = (status: number, message: string): Reply => {
    complaints.push(message);
    return { status, json: { message } };
  };
  const act = ({ headers, path, body }: Received): Reply => {
    if (headers.authorization !== `Bearer ${token}`) return refuse(401, "who are you");
    const key = headers["idempotency-key"];
    if (typeof key !== "string" || !KEY.test(key)) return refuse(400, "a key is a quoted string");
    if (!done.some((one) => one.key === key)) {
      if (tags && (headers["if-match"] ?? tag()) !== tag()) return { status: 412, json: { message: "it has moved" } };
      done.push({ path, key, body });
      version += 1;
    }
    return { status: 200, headers: tags ? { etag: tag() } : {}, json: { done: path } };
  };
  const standIn = await startStandIn({ act, report: () => done }, port);
  return { ...standIn, done, complaints, touch: () => void (version += 1) };
}

const TOKEN = process.env["STAND_IN_TOKEN"] ?? "token";
if (import.meta.main) await runStandIn("operations", (port) => startOperations({ token: TOKEN }, port));
