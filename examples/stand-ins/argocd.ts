// A stand-in for Argo CD's API server: applications, Git as it knows it, and operations that end when they are looked at.

import { runStandIn, startStandIn, type Received, type Reply, type StandIn, type Vendor } from "./stand-in.ts";

type Members = Record<string, unknown>;
type Source = {
  readonly repoURL: string;
  readonly path: string;
  readonly targetRevision: string;
  readonly [key: string]: unknown;
};
type Operation = {
  readonly sync: { readonly revision: string; readonly prune?: boolean; readonly source?: Source };
  readonly info?: readonly unknown[];
  readonly initiatedBy: { readonly username: string };
};
type OperationState = {
  readonly operation: Operation;
  phase: string;
  message: string;
  readonly startedAt: string;
  finishedAt?: string;
  syncResult?: { readonly revision: string; readonly resources: readonly unknown[] };
};
type Deployment = {
  readonly id: number;
  readonly revision: string;
  readonly deployedAt: string;
  readonly source: Source;
};

export interface ArgocdApp {
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly uid: string;
    deletionTimestamp?: string;
  };
  readonly spec: { readonly project: string; source: Source; syncPolicy?: { automated?: { enabled?: boolean } } };
  operation?: Operation;
  readonly status: {
    readonly sync: { status: string; revision: string };
    readonly health: { status: string };
    history: Deployment[];
    operationState?: OperationState;
  };
}

export interface ArgocdOptions {
  readonly port?: number;
  readonly token: string;
  /** Objects of each commit; the branch `main` is the last one. */
  readonly commits?: Readonly<Record<string, readonly Members[]>>;
}

export interface ArgocdStandIn extends StandIn {
  readonly app: ArgocdApp;
  /** What runs in the cluster, by key. */
  readonly live: Map<string, Members>;
  readonly complaints: readonly string[];
  /** Operations that were begun, one after the other. */
  readonly begun: readonly Operation[];
  /** How the next operations end, and how many looks each takes. */
  readonly ending: { phase: string; message: string; applies: boolean; looks: number; health: string };
  /** Somebody else deploys. */
  deploy(revision: string): void;
}

const USER = "holdpoint";
const SYNC_MEMBERS: Readonly<Record<string, string>> = {
  name: "string",
  revision: "string",
  dryRun: "boolean",
  prune: "boolean",
  infos: "object",
  project: "string",
  appNamespace: "string",
};
const ROLLBACK_MEMBERS: Readonly<Record<string, string>> = {
  name: "string",
  id: "number",
  dryRun: "boolean",
  prune: "boolean",
  project: "string",
  appNamespace: "string",
};

function keyOf(object: Members): string {
  const { namespace = "", name = "" } = object["metadata"] as { namespace?: string; name?: string };
  return `${String(object["kind"])} ${namespace}/${name}`;
}

class Argocd implements Vendor {
  readonly complaints: string[] = [];
  readonly begun: Operation[] = [];
  readonly live = new Map<string, Members>();
  readonly ending = { phase: "Succeeded", message: "successfully synced", applies: true, looks: 1, health: "Healthy" };
  readonly app: ArgocdApp;
  readonly #options: ArgocdOptions;
  #looks = 0;
  #second = 0;

  constructor(options: ArgocdOptions) {
    this.#options = options;
    this.app = {
      metadata: { name: "cart", namespace: "argocd", uid: "5f0c6f6e-0000-4000-8000-000000000001" },
      spec: {
        project: "shop",
        source: { repoURL: "https://git.example/deploy.git", path: "cart", targetRevision: "main" },
      },
      status: { sync: { status: "OutOfSync", revision: "" }, health: { status: "Healthy" }, history: [] },
    };
  }

  deploy(revision: string): void {
    this.#begin({ sync: { revision }, initiatedBy: { username: "somebody" } });
    this.#look();
    this.#look();
  }

  act(request: Received): Reply {
    if (request.headers.authorization !== `Bearer ${this.#options.token}`) {
      return refused(401, 16, "invalid session: token is not valid");
    }
    if (request.path === "/api/v1/session/userinfo") return { status: 200, json: { loggedIn: true, username: USER } };
    const [, name, rest = ""] = /^\/api\/v1\/applications\/([^/]+)(\/[a-z-]+)?$/.exec(request.path) ?? [];
    // Without a project it would say nothing more of an application that is not there, either.
    const project = request.method === "GET" ? request.query.get("project") : (bodyOf(request)["project"] ?? null);
    if (name !== this.app.metadata.name || project !== this.app.spec.project)
      return refused(403, 7, "permission denied");
    if (request.method === "POST") return this.#post(rest, bodyOf(request));
    if (rest === "/manifests")
      return this.#manifests(request.query.get("revision") ?? this.app.spec.source.targetRevision);
    if (rest === "/managed-resources") return { status: 200, json: { items: [...this.live.values()].map(managed) } };
    if (rest !== "") return refused(404, 5, "Not Found");
    this.#look();
    return { status: 200, json: this.app };
  }

  #commits(): readonly (readonly [string, readonly Members[]])[] {
    return Object.entries(this.#options.commits ?? {});
  }

  #resolve(revision: string): readonly [string, readonly Members[]] | undefined {
    const all = this.#commits();
    return revision === "main" || revision === "HEAD" ? all.at(-1) : all.find(([commit]) => commit === revision);
  }

  #manifests(revision: string): Reply {
    const found = this.#resolve(revision);
    if (found === undefined) return refused(400, 9, `unable to resolve '${revision}' to a commit SHA`);
    const [commit, objects] = found;
    return { status: 200, json: { manifests: objects.map((one) => JSON.stringify(one)), revision: commit } };
  }

  #post(rest: string, body: Members): Reply {
    const members = rest === "/sync" ? SYNC_MEMBERS : rest === "/rollback" ? ROLLBACK_MEMBERS : undefined;
    if (members === undefined) return refused(404, 5, "Not Found");
    const wrong = Object.entries(body).filter(([name, value]) => members[name] !== typeof value);
    if (wrong.length > 0) this.complaints.push(`${rest}: ${wrong.map(([name]) => name).join(", ")}`);
    const { automated } = this.app.spec.syncPolicy ?? {};
    const isAutomated = automated !== undefined && automated.enabled !== false;
    const { targetRevision } = this.app.spec.source;
    if (rest === "/rollback") {
      if (isAutomated) return refused(400, 9, "rollback cannot be initiated when auto-sync is enabled");
      const to = this.app.status.history.find(({ id }) => id === body["id"]);
      if (to === undefined)
        return refused(400, 3, `application cart does not have deployment with id ${String(body["id"])}`);
      const { revision, source } = to;
      return this.#begin({
        sync: { revision, source, prune: body["prune"] === true },
        initiatedBy: { username: USER },
      });
    }
    const asked = typeof body["revision"] === "string" ? body["revision"] : targetRevision;
    if (isAutomated && asked !== targetRevision) {
      return refused(400, 9, `Cannot sync to ${asked}: auto-sync currently set to ${targetRevision}`);
    }
    const found = this.#resolve(asked);
    if (found === undefined) return refused(400, 9, `unable to resolve '${asked}' to a commit SHA`);
    const sync = { revision: found[0], prune: body["prune"] === true };
    const info = Array.isArray(body["infos"]) ? { info: body["infos"] as unknown[] } : {};
    return this.#begin({ sync, ...info, initiatedBy: { username: USER } });
  }

  #begin(operation: Operation): Reply {
    if (this.app.operation !== undefined) return refused(400, 9, "another operation is already in progress");
    this.app.operation = operation;
    delete this.app.status.operationState;
    this.begun.push(operation);
    this.#looks = 0;
    return { status: 200, json: this.app };
  }

  /** The controller works between two looks. */
  #look(): void {
    const { operation, status } = this.app;
    if (operation === undefined) return;
    const startedAt = new Date(Date.UTC(2026, 8, 21) + this.#second * 1_000).toISOString().replace(".000", "");
    status.operationState ??= { operation, phase: "Running", message: "", startedAt };
    if (++this.#looks <= this.ending.looks) return;
    this.#second += 60;
    const { revision, source = this.app.spec.source, prune = false } = operation.sync;
    const { phase, message, applies, health } = this.ending;
    const resources = applies ? this.#apply(revision, prune) : [];
    Object.assign(status.operationState, {
      phase,
      message,
      finishedAt: startedAt,
      syncResult: { revision, resources },
    });
    delete this.app.operation;
    status.health.status = health;
    if (phase !== "Succeeded") return;
    status.sync.revision = revision;
    const id = (status.history.at(-1)?.id ?? -1) + 1;
    status.history = [...status.history, { id, revision, deployedAt: startedAt, source }].slice(-10);
  }

  #apply(revision: string, prune: boolean): readonly unknown[] {
    const objects = this.#resolve(revision)?.[1] ?? [];
    const keys = new Set(objects.map(keyOf));
    const gone = prune ? [...this.live].filter(([key, object]) => !keys.has(key) && !isHook(object)) : [];
    for (const [key] of gone) this.live.delete(key);
    for (const object of objects) this.live.set(keyOf(object), { ...object, status: { observedGeneration: 1 } });
    return objects.map((object) => {
      const { namespace = "", name = "" } = object["metadata"] as { namespace?: string; name?: string };
      return {
        group: "",
        version: "v1",
        kind: object["kind"],
        namespace,
        name,
        status: "Synced",
        message: "configured",
      };
    });
  }

  report(): unknown {
    return { app: this.app, begun: this.begun, complaints: this.complaints };
  }
}

function isHook(object: Members): boolean {
  const { annotations } = object["metadata"] as { annotations?: Members };
  return annotations !== undefined && Object.hasOwn(annotations, "argocd.argoproj.io/hook");
}

function managed(object: Members): Members {
  const { namespace = "", name = "" } = object["metadata"] as { namespace?: string; name?: string };
  const [group = "", version] = String(object["apiVersion"]).split("/");
  const liveState = JSON.stringify(object);
  return {
    group: version === undefined ? "" : group,
    kind: object["kind"],
    namespace,
    name,
    liveState,
    normalizedLiveState: liveState,
    ...(isHook(object) ? { hook: true } : {}),
  };
}

function bodyOf({ body }: Received): Members {
  try {
    const value = JSON.parse(body) as unknown;
    return typeof value === "object" && value !== null ? (value as Members) : {};
  } catch {
    return {};
  }
}

/** As grpc-gateway answers. */
function refused(status: number, code: number, message: string): Reply {
  return { status, json: { error: message, code, message } };
}

export async function startArgocd(options: ArgocdOptions): Promise<ArgocdStandIn> {
  const vendor = new Argocd(options);
  const standIn = await startStandIn(vendor, options.port);
  const { app, live, complaints, begun, ending } = vendor;
  return { ...standIn, app, live, complaints, begun, ending, deploy: (revision) => vendor.deploy(revision) };
}

const deployment = (image: string): Members => ({
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: "cart", namespace: "shop" },
  spec: { replicas: 2, template: { spec: { containers: [{ name: "cart", image }] } } },
});

if (import.meta.main) {
  const token = process.env["STAND_IN_ARGOCD_TOKEN"] ?? "token";
  const commits = { ["a".repeat(40)]: [deployment("cart:1")], ["b".repeat(40)]: [deployment("cart:2")] };
  await runStandIn("argocd", async (port) => {
    const argocd = await startArgocd({ token, commits, port });
    argocd.deploy("a".repeat(40));
    return argocd;
  });
}
