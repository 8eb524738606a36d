// The way to the API: same origin, the session's cookie, and what a write must carry so that no other site can make it.

import { noteServerTime } from "./server-clock.ts";

export type Problem = {
  readonly status: number;
  readonly code: string;
  readonly title: string;
  readonly detail: string;
};

/** What the API refused, or `offline` where it did not answer. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(problem.detail === "" ? problem.title : problem.detail);
    this.problem = problem;
  }
}

/** The session has ended, or there never was one. */
export function isSignedOut(error: unknown): boolean {
  return error instanceof ApiError && error.problem.status === 401;
}

const OFFLINE: Problem = { status: 0, code: "offline", title: "The server does not answer", detail: "" };

/** An answer whose body is not read yet. Throws `ApiError` for every other than a success. */
export async function openAnswer(path: string, init: RequestInit = {}): Promise<Response> {
  const response = await fetch(path, { credentials: "same-origin", redirect: "error", ...init }).catch(
    (error: unknown) => {
      if (error instanceof DOMException && error.name === "AbortError") throw error;
      throw new ApiError(OFFLINE);
    },
  );
  noteServerTime(response.headers.get("date"));
  if (response.ok) return response;
  throw new ApiError(await problemOf(response));
}

async function problemOf(response: Response): Promise<Problem> {
  const body: unknown = await response.json().catch(() => null);
  const text = (name: string): string => {
    const value = typeof body === "object" && body !== null ? (body as Record<string, unknown>)[name] : undefined;
    return typeof value === "string" ? value : "";
  };
  const title = text("title") === "" ? `The server answered ${response.status}` : text("title");
  return { status: response.status, code: text("code"), title, detail: text("detail") };
}

/** The document at `path`; its type is what the API's description says of it. */
export async function readDocument<T>(path: string, signal?: AbortSignal): Promise<T> {
  const response = await openAnswer(path, { headers: { accept: "application/json" }, ...(signal ? { signal } : {}) });
  return (await response.json()) as T;
}

export async function readText(path: string, signal?: AbortSignal): Promise<string> {
  const response = await openAnswer(path, signal ? { signal } : {});
  return response.text();
}

type Write = {
  readonly method: "POST" | "PUT" | "DELETE";
  readonly path: string;
  readonly body?: object;
  /** The same for each try of one wish: repeating it does nothing twice. */
  readonly key?: string;
};

export async function write<T>({ method, path, body, key }: Write): Promise<T> {
  const response = await openAnswer(path, {
    method,
    headers: {
      "x-holdpoint-csrf": "1",
      "idempotency-key": key ?? newKey(),
      ...(body === undefined ? {} : { "content-type": "application/json" }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return (await response.json()) as T;
}

/** `crypto.randomUUID` is there on secure origins alone; this one everywhere. */
export function newKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** A path's query of what is set; empty values are left out. */
export function queryText(values: Readonly<Record<string, string | number | undefined>>): string {
  const given = Object.entries(values).filter(([, value]) => value !== undefined && value !== "");
  return given.length === 0
    ? ""
    : `?${new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString()}`;
}
