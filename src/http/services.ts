// What the HTTP edge needs from the rest: contracts that main fulfils.

import type { Deploy } from "./deployed.ts";
import type { ClosedDomain } from "../wire/types/closed-domain.ts";
import type { ErrorCode } from "../core/errors.ts";
import type { Json, JsonObject } from "../core/json.ts";
import type { Command, Reply } from "../kernel/command.ts";
import type { Kernel } from "../kernel/kernel.ts";
import type { BrakeScope, InverseFacts, StopCounts } from "../kernel/events.ts";
import type { Brake } from "../kernel/state.ts";
import type { Stop } from "../kernel/stops.ts";
import type { AccessDenial, AccessHandle } from "../wire/contracts/access.ts";
import type { Interaction, SignedRequest } from "../wire/contracts/interaction.ts";
import type { ActionKind, Plan, Target } from "../wire/contracts/executor.ts";
import type { EndedSession, Identity, SessionEnd, SourceIdentity } from "../wire/types/identity.ts";
import type { PlanFindings } from "../wire/types/risk.ts";
import type { Answerer } from "../wire/types/approvals.ts";
import type { ActionView, TimelineEntry } from "../wire/types/views.ts";
import type { Registration } from "../wire/schemas/registrations.ts";
import type { PersonView } from "../wire/types/rights.ts";
import type { ViewReader } from "../wire/contracts/views.ts";
import type { Declared } from "../model/declare.ts";
import type { MemoryTerms } from "../policy/memory-terms.ts";
import type { ModelRead } from "../wire/types/model-reads.ts";
import type { Change } from "../wire/types/model.ts";
import type { NormalizedSignal } from "../wire/types/signal.ts";
import type { ActionWaits } from "./action-waits.ts";
import type { Admission } from "./admission.ts";
import type { LiveEvents } from "./live-events.ts";
import type { Metrics } from "./metrics.ts";

export interface Services {
  readonly version: string;
  readonly nowMs: () => number;
  /** Decides and answers when durable. */
  readonly submit: (command: Command) => Promise<Reply>;
  /** What would be decided now about a proposal, as of durable events; records nothing. */
  readonly probe: Kernel["probe"];
  readonly durableSize: () => number;
  /** Why the server takes no work, or null when it does. */
  readonly notReady: () => string | null;
  /** When it was last proven, as of now, that pages would go out; rejects with `not-ready` while they would not. */
  readonly proveHeartbeat: (source: SourceIdentity) => Promise<number>;
  readonly metrics: Metrics;
  /** Counts one who was turned away: an identity, or `anonymous`. The server does so for every problem that it answers. */
  readonly refused: (who: string, code: ErrorCode) => void;
  readonly identity: IdentityService;
  readonly sessions: SessionService;
  readonly signals: SignalService;
  readonly actions: ActionService;
  readonly agents: AgentService;
  readonly rights: RightsService;
  readonly slack: SlackService;
  readonly access: AccessService;
  readonly killswitch: KillswitchService;
  readonly policies: PolicyService;
  readonly model: ModelService;
  readonly deploys: DeployService;
  readonly views: ViewService;
  readonly ledger: LedgerService;
  readonly live: LiveEvents;
  readonly waits: ActionWaits;
  readonly confirmClock: () => void;
  readonly log: { error(facts: object, message: string): void; info(facts: object, message: string): void };
  readonly admission: Admission;
}

export interface IdentityService {
  /** The identity of a header verified before, at once. */
  cached(header: string | undefined): Identity | undefined;
  verify(header: string | undefined): Promise<Identity>;
  /** As `cached`, for a token of the scheme `DPoP`: whose it is, not who sent it. */
  cachedBound(header: string): Identity | undefined;
  /** As `verify`, for the scheme `DPoP`: the sender has still to prove the key. */
  verifyBound(header: string): Promise<BoundToken>;
  /** Checks a proof of possession and uses it up. */
  checkProof(request: ProvenRequest): Promise<void>;
  /** These identities as they are registered now; one that is not, or is disabled, is left out. */
  registered(ids: readonly string[]): readonly Answerer[];
  /** Ends a token by its `jti`, or a session by its id: an identity's `tokenId`. */
  revokeToken(tokenId: string): void;
  /** `proof` is the value of the `DPoP` header. */
  issueToken(parameters: Readonly<Record<string, unknown>>, proof: string | undefined): Promise<JsonObject>;
  /** The registered client that such a request says it is from, not verified; null when it names none. */
  claimedClient(parameters: Readonly<Record<string, unknown>>): string | null;
  /** A registered person, for whoever has proved otherwise to be that person; undefined when it is none, or disabled. */
  person(id: string): Identity | undefined;
  metadata(): JsonObject;
  jwks(): JsonObject;
  /** Who knocks: the source `name`, or with null the one whose secret this is. */
  source(name: string | null, headers: DeliveryHeaders, addressSecret: string | undefined): SourceIdentity;
  /** Rejects for a delivery that is not the source's own, where the source proves each by a signature. */
  prove(source: SourceIdentity, delivery: SignedDelivery): Promise<void>;
}

export type BoundToken = { readonly identity: Identity; readonly text: string; readonly boundTo: string };

export type ProvenRequest = {
  readonly proof: string | undefined;
  readonly method: string;
  readonly path: string;
  readonly token: Pick<BoundToken, "text" | "boundTo">;
};

/** `url` is the console's, with the code. */
export type SignInCode = { readonly code: string; readonly url: string; readonly expiresAt: number };

/** `issuer` is the name of the one that vouches for the person, null where a key registered here does. */
export type OpenedSession = { readonly secret: string; readonly identity: Identity; readonly issuer: string | null };

/** Throws when somebody opens too many sessions; asked before one is opened. */
export type AdmitSession = (id: string) => void;

/** Where a command line waits, what only it knows the origin of, and what it wants back. */
export type CommandLine = { readonly port: string; readonly challenge: string; readonly state: string };

/** Sessions of people in a browser. */
export interface SessionService {
  /** Where browsers find this server. */
  readonly url: string;
  /** Who is behind a session's secret; undefined when it has ended or never was. What is no use leaves it to idle. */
  find(secret: string, how: { readonly isUse: boolean }): Identity | undefined;
  /** A one-time code that opens a session reaching no further than the identity. */
  issueCode(identity: Identity): SignInCode;
  /** Uses the code up; throws `code-invalid`. */
  open(code: string, verifier: string | undefined, admit: AdmitSession): OpenedSession;
  /** Ends the session with that `tokenId`. */
  end(tokenId: string, code: SessionEnd): void;
  /** Ends what an issuer's logout token says; throws `logout-token-invalid`, `issuer-unreachable`, `overloaded`. */
  endAtIssuer(token: string): Promise<void>;
  /** Sessions that ended since this was last asked, for the record. */
  takeEnded(): readonly EndedSession[];
  /** What could not be recorded is told again. */
  giveBack(ended: EndedSession): void;
  /** The registered person whose sign-in an error turned away; null where nobody is known. */
  turnedAway(error: unknown): string | null;
  /** Names of the issuers at which people sign in. */
  readonly providers: readonly string[];
  /** Where to send the browser, and what it must bring back. */
  beginSignIn(
    provider: string | undefined,
    commandLine: CommandLine | null,
  ): Promise<{ readonly address: string; readonly sealed: string }>;
  /**
   * For whoever comes back with `query` and what `beginSignIn` gave: an open session, or the address at which a command
   * line on the same machine waits for a code.
   */
  finishSignIn(
    query: string,
    sealed: string,
    admit: AdmitSession,
  ): Promise<OpenedSession | { readonly address: string }>;
}

export type DeliveryHeaders = Readonly<Record<string, string | readonly string[] | undefined>>;

export type SignedDelivery = {
  readonly bytes: Uint8Array;
  readonly json: () => unknown;
  readonly headers: DeliveryHeaders;
  readonly receivedAtMs: number;
};

export type SourcePayload = {
  readonly body: unknown;
  readonly headers: DeliveryHeaders;
  readonly telemetry: "logs" | "metrics" | null;
};

export interface SignalService {
  /** Normalizes a vendor's payload; throws `request-invalid` for what is not that vendor's. */
  normalize(source: SourceIdentity, payload: SourcePayload, receivedAtMs: number): readonly NormalizedSignal[];
}

export interface ActionService {
  readonly kinds: ReadonlyMap<string, ActionKind>;
  /** References of the secrets that whatever offers the kind needs: names, never values. */
  credentialsOf(kind: string): readonly string[];
  /** False where more than target and arguments has to be read first: what is left of its service's error budget. */
  plansAtOnce(kind: ActionKind, target: Target): boolean;
  /** The plan of a `pure` kind with its hash; throws `arguments-invalid` for what the kind's schema refuses. */
  plan(request: { kind: string; target: Target; args: JsonObject; agent: string }): Promise<{
    plan: Plan;
    planHash: string;
    inverse: InverseFacts | undefined;
    findings?: PlanFindings;
    phases?: number;
  }>;
  /** Who proposed a live action, and whose approvals its hold has, of either way out. */
  hold(id: string): { readonly proposer: string; readonly approvers: readonly string[] } | null;
  /** Code of a secret found in free text, or null. */
  findSecret(text: string): string | null;
}

export interface AgentService {
  /** Whether somebody is the agent `id`, or one above it. */
  isSelfOrAbove(actor: string, id: string): boolean;
  /**
   * Verifies the detached JWS of a registered agent over a proposal as it came, off this thread. Rejects with
   * `agent-unregistered` and `signature-invalid`; who is revoked, and what is declared, the kernel judges.
   */
  verifyProposal(of: { agent: string; jws: string; request: JsonObject }): Promise<{ key: string; jwsHash: string }>;
  /** Rejects with `signature-invalid` unless every key of a registration proves that it is at hand. */
  checkPossession(kind: Registration, registration: JsonObject): Promise<void>;
}

/** Who holds which rights. */
export interface RightsService {
  /** Everybody, by id: people who are registered or signed in, and groups. */
  all(): readonly PersonView[];
}

export interface SlackService {
  /** Throws `signature-invalid`, `not-eligible` for another workspace, and `request-invalid`. */
  receive(request: SignedRequest): Promise<Interaction>;
}

/** What access requests hang on. */
export interface AccessService {
  seal(denial: AccessDenial): string;
  /** Null for what was not sealed here. */
  open(token: string): AccessDenial | null;
  handle(kind: AccessHandle, action: string): string;
  actionOf(kind: AccessHandle, handle: string): string | null;
}

export interface KillswitchService {
  /** Stops at once, before anything is recorded. */
  pull(scope: BrakeScope): void;
  /** Takes back a pull whose record was refused. */
  letGo(scope: BrakeScope): void;
  readonly flagged: () => boolean;
  readonly brakes: () => readonly Brake[];
  /** Where nothing more runs, whatever the brakes say. */
  readonly closed: () => readonly ClosedDomain[];
  /** What a brake of this scope would stop now: all of it counted, the most urgent of it listed. */
  covered(scope: BrakeScope): { readonly counts: StopCounts; readonly items: readonly Stop[] };
}

export type PolicyFile = { readonly path: string; readonly text: string };

export interface PolicyService {
  active(): { hash: string | null; mode: string };
  /** What each stage of the triage agent permits; null when the active bundle has no ladder. */
  ladder(): readonly JsonObject[] | null;
  /** Names of the routes of the active bundle, in order. */
  routes(): readonly string[];
  /** How long incidents are remembered and by whom, as the active bundle says. */
  memory(): MemoryTerms;
  /** Loads the files; problems with positions when they do not load. `load` keeps the bundle for the engine. */
  load(files: readonly PolicyFile[]): { hash: string | null; problems: readonly JsonObject[] };
  /** What `load` says, with the linter's findings when they load; nothing is kept. */
  lint(files: readonly PolicyFile[]): {
    hash: string | null;
    problems: readonly JsonObject[];
    findings: readonly JsonObject[];
  };
}

export type SpanDelivery = {
  /** Handed over: nobody else uses them any more. */
  readonly bytes: Uint8Array;
  readonly isPacked: boolean;
  readonly encoding: "protobuf" | "json";
};

/** What the model says of a write: whether it knew that already, and its version then. */
export type ModelRecorded = { readonly repeated: boolean; readonly modelVersion: number };

/**
 * `settings`: how many it moved. `withheld`: how many of its diff are not recorded, as secrets or beyond the bound. `skipped`:
 * changed lines of its diff that were not read, being too long or too many.
 */
export type ChangeRecorded = ModelRecorded & {
  readonly settings: number;
  readonly withheld: number;
  readonly skipped: number;
};

export interface DeployService {
  /** Resolves when the model has recorded it; throws what that throws. */
  tell(deploy: Deploy, actor: string): Promise<void>;
}

/** The runtime model. Everything throws `model-unavailable` where it is off. */
export interface ModelService {
  /** How many spans were taken; throws `overloaded` while too much waits, and what is wrong with them. */
  takeSpans(delivery: SpanDelivery): Promise<number>;
  /** `diff` is read for what it does and kept nowhere. */
  recordChange(told: { change: Change; diff: string | null }, actor: string): Promise<ChangeRecorded>;
  declare(declared: Declared, actor: string): Promise<ModelRecorded>;
  /** The document that is asked for; throws `model-node-not-found`. */
  read(read: ModelRead): Promise<object>;
}

export interface ViewService {
  /** Waits until the views hold all that is durable now; throws `views-behind` when they do not get there in time. */
  caughtUp(): Promise<void>;
  readonly reader: Pick<ViewReader, "find" | "list" | "counts">;
}

export interface LedgerService {
  readonly origin: string;
  /** The published signed checkpoint. */
  checkpoint(): Promise<string>;
  /** Verifier key of the root, as C2SP writes it, and the statements that name log keys. */
  keys(): Promise<JsonObject>;
  /** Bytes of a tile path below `tile/`, null when there is none. */
  tile(path: string): Promise<Uint8Array | null>;
  events(query: { from: number; limit: number; type: string | null; subject: string | null }): Promise<JsonObject>;
  receipt(seq: number): Promise<Json>;
  payload(seq: number): Promise<Json>;
  /** The entries of the events that the action names. */
  timeline(action: ActionView): Promise<readonly TimelineEntry[]>;
  explain(action: ActionView): Promise<JsonObject>;
  erase(subject: string, retention: "content" | "evidence", actor: string): Promise<JsonObject>;
}
