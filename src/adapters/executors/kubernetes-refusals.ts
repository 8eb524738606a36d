// What an API server's refusal means, for a plan and for a step: forbidden, owned by another, moved, or simply wrong.

import { AppError } from "../../core/errors.ts";
import type { Json, JsonObject } from "../../core/json.ts";
import type { StepOutcome } from "../../wire/contracts/executor.ts";
import type { Heard } from "./kubernetes-api.ts";
import { MARK } from "./kubernetes-object.ts";
import { nameOf, permissionOf, type Place } from "./kubernetes-place.ts";
import { jsonObjectOf, readOutcome, writeOutcome } from "./step-outcomes.ts";

/** What was asked when it was refused, in RBAC's words. */
export interface Asked {
  readonly place: Place;
  readonly verb: "get" | "list" | "patch" | "delete";
  readonly nowMs: number;
}

/** A field that others own, and who. */
export interface Owned {
  readonly manager: string;
  readonly field: string;
}

const OWNED_SHOWN_MAX = 32;

/** A conflict that cannot be read, or that is counted and not told. */
const UNREAD: Owned = { manager: "", field: "" };

const CONFLICTS = /^Apply failed with (\d{1,9}) conflicts?:/;

/** Everybody's who changes objects by way of Holdpoint, whichever installation. */
const MARK_FIELD = `.metadata.annotations.${MARK}`;

/**
 * Empty unless server-side apply was refused because of other field managers. All of them, since everything is forced once
 * these are judged: where fewer are told than the API server counts, one more is unread.
 */
export function ownedIn({ answer }: Heard): readonly Owned[] {
  if (answer.kind !== "answered" || answer.status !== 409) return [];
  const { message, details } = jsonObjectOf(answer) ?? {};
  const { causes } = (details ?? {}) as { readonly causes?: Json };
  const owned = Array.isArray(causes) ? causes.map(ownedBy) : [];
  const counted = typeof message === "string" ? CONFLICTS.exec(message)?.[1] : undefined;
  if (counted === undefined && owned.every((one) => one === UNREAD)) return []; // some other conflict
  return Number(counted) === owned.length ? owned : [...owned, UNREAD];
}

function ownedBy(cause: Json): Owned {
  const { reason, message, field } = (cause ?? {}) as JsonObject;
  if (reason !== "FieldManagerConflict" || typeof message !== "string" || typeof field !== "string") return UNREAD;
  return { manager: managerIn(message), field: field.slice(0, 256) };
}

/**
 * Whether a field may be written: it holds marks, or its manager is one of those that may be taken over. One that cannot be
 * read is none of these.
 */
export function isFree({ manager, field }: Owned, isOurs: (manager: string) => boolean): boolean {
  return field === MARK_FIELD || (manager !== "" && isOurs(manager));
}

/** As many as people read. */
export function shownOf(owned: readonly Owned[]): Json {
  return owned.slice(0, OWNED_SHOWN_MAX) as unknown as Json;
}

/** `conflict with "kubectl" using apps/v1`; a name that cannot be read is nobody's who was allowed. */
function managerIn(message: string): string {
  const quoted = /^conflict with ("(?:[^"\\]|\\.)*")/.exec(message)?.[1];
  if (quoted === undefined) return "";
  try {
    return String(JSON.parse(quoted));
  } catch {
    return "";
  }
}

/** True when the object changed between our read and our write. */
export function isMoved(heard: Heard): boolean {
  return heard.answer.kind === "answered" && heard.answer.status === 409 && ownedIn(heard).length === 0;
}

/** Why no plan can be made. Owned fields are the caller's to judge. */
export function planProblem({ answer }: Heard, { place, verb }: Asked): AppError {
  const object = nameOf(place);
  if (answer.kind === "no-access") return new AppError("target-unavailable", answer.reason, { object });
  if (answer.kind !== "answered") {
    return new AppError("target-unavailable", "the cluster did not answer", { object, code: answer.code });
  }
  const { status } = answer;
  switch (status) {
    case 401:
      return new AppError("target-forbidden", "the cluster does not know the credential", { object });
    case 403:
      return new AppError("target-forbidden", "the credential may not do this", { needs: permissionOf(place, verb) });
    case 404:
      return new AppError("target-not-found", "there is no such object", { object });
    case 409:
      return new AppError("target-moved", "the object is being changed by others", { object });
    case 400:
    case 413:
    case 422:
      return new AppError("target-refused", "the dry run was refused", { object, status, ...causesOf(answer) });
    default:
      return new AppError("target-unavailable", "the cluster gave no usable answer", { object, status });
  }
}

/** How a step ended whose write was refused or is not known to have ended. */
export function stepProblem(heard: Heard, asked: Asked, isWrite: boolean): StepOutcome {
  const { answer, secrets } = heard;
  if (answer.kind === "no-access")
    return { status: "failed", code: "credential-missing", detail: { reason: answer.reason } };
  if (answer.kind === "answered" && answer.status === 403) {
    return {
      status: "failed",
      code: "forbidden",
      detail: { status: 403, needs: permissionOf(asked.place, asked.verb) },
    };
  }
  const told = { answer, secrets, nowMs: asked.nowMs };
  return isWrite ? writeOutcome(told) : readOutcome(told);
}

/** Which fields an answer complains about: their names, not their values. */
function causesOf(answer: Extract<Heard["answer"], { kind: "answered" }>): JsonObject {
  const body = jsonObjectOf(answer);
  const details = (body?.["details"] ?? {}) as JsonObject;
  const causes = Array.isArray(details["causes"]) ? (details["causes"] as readonly JsonObject[]) : [];
  const fields = causes.flatMap(({ field, reason }) =>
    typeof field === "string" && typeof reason === "string" ? [`${field.slice(0, 200)}: ${reason.slice(0, 50)}`] : [],
  );
  const reason = body?.["reason"];
  return { ...(typeof reason === "string" ? { reason: reason.slice(0, 50) } : {}), fields: fields.slice(0, 8) };
}
