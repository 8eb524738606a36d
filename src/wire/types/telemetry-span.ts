// A span as the model reads it: who, when, under whom, how it ended, and what its attributes name.

/** OTLP's numbers of kinds. */
export const SPAN_KIND = { internal: 1, server: 2, client: 3, producer: 4, consumer: 5 } as const;

/** What attributes name, as they were sent: none of it is kept before it is a plain name. */
export interface SpanNames {
  route?: string;
  method?: string;
  rpcService?: string;
  rpcMethod?: string;
  dbSystem?: string;
  dbName?: string;
  dbOperation?: string;
  messagingSystem?: string;
  messagingOperation?: string;
  destination?: string;
  peerService?: string;
  serverAddress?: string;
}

export interface TelemetrySpan {
  /** 16 and 8 bytes, a character each. */
  readonly traceId: string;
  readonly spanId: string;
  /** Empty for the first of its trace. */
  readonly parentId: string;
  readonly service: string;
  /** Empty where the sender says none. */
  readonly environment: string;
  readonly name: string;
  readonly kind: number;
  readonly isFailed: boolean;
  /** Milliseconds since 1970. */
  readonly startMs: number;
  readonly durationUs: number;
  readonly names: SpanNames;
}
