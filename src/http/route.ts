// The shape of a route: what OpenAPI shows and what the server mounts come from the same entry.

import type { FastifyReply, FastifyRequest } from "fastify";
import type { z } from "zod";
import type { ErrorCode } from "../core/errors.ts";
import type { Services } from "./services.ts";

export type RouteContext = {
  readonly services: Services;
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
};

export type Route = {
  readonly method: "GET" | "POST" | "PUT" | "DELETE";
  /** Fastify's form: `/v1/actions/:id`. */
  readonly path: string;
  readonly operationId: string;
  readonly summary: string;
  /** What opens the door: a bearer token with this scope, a source's secret, or nothing. */
  readonly auth: { readonly scope: string } | "source" | "none";
  readonly query?: z.ZodType;
  readonly body?: { readonly schema: z.ZodType; readonly type: string };
  readonly bodyBytesMax?: number;
  /** The body stays bytes, because its sender signed them. */
  readonly isRaw?: true;
  readonly response: {
    readonly status: number;
    /** Another status with the same shape. */
    readonly also?: { readonly status: number; readonly what: string };
    readonly schema?: z.ZodType;
    readonly type?: string;
    readonly what: string;
  };
  readonly errors: readonly ErrorCode[];
  /** The value is sent as JSON; undefined when the handler has answered itself. */
  readonly handle: (context: RouteContext) => unknown;
};
