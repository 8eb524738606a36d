// What is registered of an agent: whose it is, what it may do, and the keys that prove it.

/** A public signature key as it is kept: the members that make the key, and no others. */
export type AgentJwk =
  | { readonly kty: "OKP"; readonly crv: "Ed25519"; readonly x: string }
  | { readonly kty: "EC"; readonly crv: "P-256"; readonly x: string; readonly y: string };

export type AgentKey = {
  readonly jwk: AgentJwk;
  /** RFC 7638, SHA-256: what the key is called. */
  readonly thumbprint: string;
};

export type DeclaredModel = { readonly name: string; readonly provider: string };

export const DATA_CLASSES = ["public", "internal", "confidential", "personal", "restricted"] as const;
export type DataClass = (typeof DATA_CLASSES)[number];

/** A source of data that the agent says it reads, and which classes of it. */
export type DeclaredRead = { readonly classes: readonly DataClass[]; readonly source: string };

/** Everything in force of an agent, as an approver saw it. Ids, numbers and hashes alone: it is kept for ever. */
export type AgentRegistration = {
  /** Tokens must be bound to a key of the client (RFC 9449). */
  readonly dpop: boolean;
  /** Canonical names, or `*`. */
  readonly environments: readonly string[];
  readonly id: string;
  readonly keys: readonly AgentKey[];
  /** Patterns, see core/kind-pattern. */
  readonly kinds: readonly string[];
  readonly models: readonly DeclaredModel[];
  /** Who answers for it: `person:<name>`. */
  readonly owner: string;
  /** The agent that it acts for; null when its owner alone stands above it. */
  readonly parent: string | null;
  /** SHA-256 of the text that says what it is for. */
  readonly purposeHash: string;
  readonly reads: readonly DeclaredRead[];
  readonly roles: readonly string[];
  /** Beside proposing its kinds. */
  readonly scopes: readonly string[];
  /** Canonical names, or `*`. */
  readonly services: readonly string[];
  /** Proposals that it says it makes in an hour at most. */
  readonly volumePerHour: number;
};

/** Which model made a proposal. `name` and `provider` are as the agent declared them. */
export type ProposalModel = { readonly name: string; readonly provider: string; readonly version: string };

/** What is recorded of an agent's signature under its proposal; the signature itself is in the payload. */
export type ProposalSignature = {
  /** SHA-256 of the JWS as it came. */
  readonly jwsHash: string;
  /** Thumbprint of the agent's key. */
  readonly key: string;
  readonly model: ProposalModel;
  /** SHA-256 of the prompt that led to the proposal. */
  readonly promptHash: string;
  /** `iat`: milliseconds since the epoch, by the agent's clock. */
  readonly signedAt: number;
};
