// Checking a vendor's payload: what is wrong is named by its place, never by its value.

import { z } from "zod";
import { AppError } from "../../core/errors.ts";

const ISSUES_TOLD_MAX = 5;

/** The payload as its schema gives it. Throws `request-invalid` with up to five places that are wrong. */
export function parsePayload<S extends z.ZodType>(schema: S, body: unknown, what: string): z.output<S> {
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  const places = parsed.error.issues.slice(0, ISSUES_TOLD_MAX).map((issue) => place(issue));
  throw new AppError("request-invalid", `not ${what}`, { places });
}

/** `/alerts/0/status: invalid_value`; names of members only in part: they come from outside. */
function place(issue: z.core.$ZodIssue): string {
  const path = issue.path.map((part) => String(part).slice(0, 32).toWellFormed()).slice(0, 6);
  return `/${path.join("/")}: ${issue.code}`;
}

/** Text of a vendor's, absent or null where it has none. What is longer is cut by whoever shows it. */
export const optionalText = z
  .string()
  .max(65_536)
  .nullish()
  .transform((value) => value ?? "");

/** Text or a number, as text: templates quote what they like. */
export const looseText = z
  .union([z.string().max(65_536), z.number(), z.boolean()])
  .nullish()
  .transform((value) => (value === null || value === undefined ? "" : String(value)));
