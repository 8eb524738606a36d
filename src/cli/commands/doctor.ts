// `doctor`: looks at everything a first decision needs, and says the next command for what is missing.

import { accessSync, constants, existsSync, statSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import type { Command } from "commander";
import { readPrivateJwk } from "../../adapters/identity/key-pairs.ts";
import { loadBundle } from "../../policy/load.ts";
import { findMissingPlaces } from "../../policy/verification.ts";
import type { Reach } from "../../wire/contracts/executor.ts";
import { CliError, toCliError } from "../cli-error.ts";
import { keyPathOf } from "../credentials.ts";
import { receiversIn } from "../deliveries-health.ts";
import { feedsIn } from "../feeds-health.ts";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import { Fields } from "../fields.ts";
import { formatDuration } from "../instants.ts";
import { refusedWithout } from "../missing-executors.ts";
import { ledgerPath } from "../ledger-files.ts";
import { outputOption, type OutputFormat } from "../output.ts";
import { ownersIn } from "../owners-health.ts";
import { escapeLine } from "../safe-text.ts";
import type { Runner, Session } from "../session.ts";
import { stageIn } from "../stage-health.ts";

const NODE_OLDEST = [24, 15] as const;
const CLOCK_SKEW_MAX_MS = 30_000;

/** `skipped`: it cannot be told, because something before it failed or is elsewhere. */
type Check = {
  readonly name: string;
  readonly result: "ok" | "warning" | "failed" | "skipped";
  readonly detail: string;
  /** The next command to try. */
  readonly next: string | null;
};

export function addDoctor(program: Command, runner: Runner): void {
  program
    .command("doctor")
    .description("Check that everything is in place, and say what to do where it is not")
    .addOption(outputOption(["table", "json", "yaml"]))
    .action(runner.action(doctor));
}

async function doctor(session: Session, { output: format }: { output: OutputFormat }): Promise<ExitCode> {
  const live = await checkServer(session);
  const isReachable = live.result === "ok";
  const local = [checkNode(session), checkDataFolder(session), checkConfiguration(session), checkPolicy(session)];
  const remote = isReachable
    ? [live, await checkReady(session), await checkClock(session), checkKey(session), await checkToken(session)]
    : [live, await checkPort(session), checkKey(session)];
  const checks = [
    ...local,
    ...checkVerifications(session),
    ...(await checkClassifiers(session)),
    ...(await checkExports(session)),
    ...(await checkNotifiers(session)),
    ...(await checkReach("target", () => session.host.probeExecutors(), "see docs/executors.md#credentials")),
    ...(await checkReach("health", () => session.host.probeHealth(), "see docs/policy.md#verifications")),
    ...remote,
    ...(isReachable
      ? [
          ...(await checkOwners(session)),
          await checkStage(session),
          ...(await checkReceivers(session)),
          ...(await checkFeeds(session)),
        ]
      : []),
  ];
  if (format !== "table") session.output.printValue(checks, format);
  else for (const check of checks) printCheck(session, check);
  if (checks.some(({ result }) => result === "failed")) return isReachable ? EXIT.error : EXIT.unreachable;
  return EXIT.ok;
}

const MARKS = { ok: "ok  ", warning: "warn", failed: "FAIL", skipped: "-   " } as const;

function printCheck({ output }: Session, { name, result, detail, next }: Check): void {
  output.print(`${MARKS[result]}  ${name.padEnd(14)}${escapeLine(detail)}\n`);
  if (next !== null) output.print(`${" ".repeat(20)}next: ${escapeLine(next)}\n`);
}

function ok(name: string, detail: string): Check {
  return { name, result: "ok", detail, next: null };
}

function failed(name: string, detail: string, next: string | null): Check {
  return { name, result: "failed", detail, next };
}

function warning(name: string, detail: string, next: string | null): Check {
  return { name, result: "warning", detail, next };
}

function checkNode({ host }: Session): Check {
  const [major = 0, minor = 0] = host.nodeVersion.replace(/^v/, "").split(".").map(Number);
  const isNew = major > NODE_OLDEST[0] || (major === NODE_OLDEST[0] && minor >= NODE_OLDEST[1]);
  return isNew ? ok("node", host.nodeVersion) : failed("node", `${host.nodeVersion} is too old`, "npm ci");
}

/** Others who can read the data folder can read its keys. */
function checkDataFolder({ host }: Session): Check {
  const { dataDir } = host.env;
  const stat = statSync(dataDir, { throwIfNoEntry: false });
  if (stat === undefined) {
    return {
      name: "data folder",
      result: "skipped",
      detail: `none at ${dataDir}: no server has run here`,
      next: "npm start",
    };
  }
  if ((stat.mode & 0o077) !== 0)
    return failed("data folder", `${dataDir} may be read by others`, `chmod -R go= ${dataDir}`);
  try {
    accessSync(dataDir, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch {
    return failed("data folder", `${dataDir} cannot be written`, `ls -ld ${dataDir}`);
  }
  if (existsSync(join(dataDir, "BRAKE"))) {
    return warning(
      "data folder",
      "the brake file is there: everything is stopped",
      `rm ${join(dataDir, "BRAKE")} && holdpoint kill --resume`,
    );
  }
  const what = existsSync(ledgerPath(dataDir)) ? "with a ledger" : "without an embedded ledger";
  return ok("data folder", `${dataDir}, ${what}`);
}

function checkConfiguration({ host }: Session): Check {
  try {
    const { executors } = host.readLocalConfiguration();
    const refused = refusedWithout(executors);
    const configured = executors.length === 0 ? "none configured" : executors.join(", ");
    if (refused === null) return ok("executors", configured);
    const path = join(host.env.dataDir, "holdpoint.yaml");
    return warning("executors", `${configured}: ${refused}`, `add them to ${path}; see docs/executors.md`);
  } catch (error) {
    return failed("configuration", toCliError(error).message, null);
  }
}

function checkClassifiers({ host }: Session): Promise<readonly Check[]> {
  return checkEach("classifier", () => host.checkClassifiers());
}

function checkExports({ host }: Session): Promise<readonly Check[]> {
  return checkEach("export", () => host.checkExports());
}

function checkNotifiers({ host }: Session): Promise<readonly Check[]> {
  return checkEach("notifier", () => host.checkNotifiers());
}

const REACHED = {
  ready: "answers, and takes the credential where it needs one",
  reached: "answers; its credential is there, and cannot be tried without an effect",
  refused: "does not take the credential",
  missing: "has no credential that can be read",
  away: "does not answer",
} as const;

/** What is away for now may come back; what has no good credential needs somebody. */
async function checkReach(
  name: string,
  probe: () => Promise<readonly Reach[]>,
  next: string,
): Promise<readonly Check[]> {
  try {
    return (await probe()).map(({ target, status, code }) => {
      const detail = `${target} ${REACHED[status]}${code === "" ? "" : ` (${code})`}`;
      if (status === "ready" || status === "reached") return ok(name, detail);
      return status === "away" ? warning(name, detail, next) : failed(name, detail, next);
    });
  } catch (error) {
    return [failed(name, toCliError(error).message, null)];
  }
}

type Named = { readonly name: string; readonly problem: string | null };

/** One line for all that can be used, one for each that cannot. */
async function checkEach(what: string, look: () => Promise<readonly Named[]>): Promise<readonly Check[]> {
  try {
    const checks = await look();
    const usable = checks.filter(({ problem }) => problem === null).map(({ name }) => name);
    const broken = checks.filter(({ problem }) => problem !== null);
    return [
      ...(usable.length === 0 ? [] : [ok(`${what}s`, usable.join(", "))]),
      ...broken.map(({ name, problem }) => failed(`${what} ${name}`, problem ?? "", `see docs/${what}s.md`)),
    ];
  } catch (error) {
    return [failed(`${what}s`, toCliError(error).message, null)];
  }
}

function checkPolicy({ host }: Session): Check {
  try {
    const dir = host.readLocalConfiguration().policyDir;
    const { bundle, problems } = loadBundle(host.readPolicyFolder(dir));
    if (bundle !== null && bundle.ladder === null) {
      return warning("policies", `no ladder in ${dir}: triage stays in shadow`, "see docs/policy.md");
    }
    if (bundle !== null) return ok("policies", `${bundle.policies.length} load from ${dir}`);
    return failed("policies", `${problems.length} problems in ${dir}`, `holdpoint policy lint ${dir}`);
  } catch (error) {
    return failed("policies", toCliError(error).message, null);
  }
}

/** One for each check that can never pass; nothing where the policies do not load, which is said already. */
function checkVerifications({ host }: Session): readonly Check[] {
  try {
    const { policyDir, healthPlaces } = host.readLocalConfiguration();
    const { bundle } = loadBundle(host.readPolicyFolder(policyDir));
    return findMissingPlaces(bundle?.verifications ?? [], healthPlaces).map(
      ({ verification, check, place, path, line }) => {
        const detail = `${verification} (${path}:${line}) asks the ${place} in ${check}, which is not configured`;
        return failed("verification", detail, "see docs/policy.md#verifications");
      },
    );
  } catch {
    return [];
  }
}

async function checkServer({ api }: Session): Promise<Check> {
  try {
    await api.open({ path: "/livez" });
    return ok("server", `${api.server} answers`);
  } catch (error) {
    return failed("server", toCliError(error).message, "npm start");
  }
}

/** Where no server answers: whether another program has its port. */
async function checkPort({ settings }: Session): Promise<Check> {
  const { hostname, port, protocol } = new URL(settings.server);
  const number = Number(port || (protocol === "https:" ? 443 : 80));
  if (hostname !== "127.0.0.1" && hostname !== "localhost") {
    return { name: "port", result: "skipped", detail: `${hostname} is another machine`, next: null };
  }
  const code = await tryListen(hostname, number);
  if (code === null) return ok("port", `${number} is free`);
  if (code === "EADDRINUSE")
    return failed("port", `another program listens on ${number}`, "HOLDPOINT_PORT=4601 npm start");
  return failed("port", `${number} cannot be used: ${code}`, "HOLDPOINT_PORT=4601 npm start");
}

function tryListen(host: string, port: number): Promise<string | null> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? "unknown"));
    probe.listen({ host, port, exclusive: true }, () => probe.close(() => resolve(null)));
  });
}

async function checkReady({ api }: Session): Promise<Check> {
  try {
    const { body } = await api.open({ path: "/readyz" });
    return ok("ready", `decides; version ${new Fields(body).text("version")}`);
  } catch (error) {
    return failed("ready", toCliError(error).message, "read the server's log");
  }
}

/** Tokens and holds depend on both clocks telling the same time. */
async function checkClock({ api }: Session): Promise<Check> {
  try {
    const skewMs = await api.clockSkewMs();
    if (skewMs === null)
      return { name: "clock", result: "skipped", detail: "the server does not tell its time", next: null };
    if (Math.abs(skewMs) <= CLOCK_SKEW_MAX_MS) return ok("clock", "agrees with the server's");
    return failed(
      "clock",
      `${formatDuration(Math.abs(skewMs))} ${skewMs > 0 ? "behind" : "ahead of"} the server's`,
      "timedatectl status",
    );
  } catch (error) {
    return failed("clock", toCliError(error).message, null);
  }
}

function checkKey({ settings }: Session): Check {
  if (settings.token !== null || settings.tokenFile !== null) return ok("key", "a token comes from the environment");
  if (settings.client === null)
    return failed("key", "no client is configured", "holdpoint --client person:owner token");
  try {
    const path = keyPathOf(settings.configDir, settings.client);
    if (!existsSync(path)) throw new CliError(`there is no key at ${path}`);
    readPrivateJwk(path);
    return ok("key", `${settings.client}, in ${path}`);
  } catch (error) {
    return failed(
      "key",
      toCliError(error).message,
      `holdpoint client add ${settings.client} --kind ${settings.client.split(":")[0] ?? "person"}`,
    );
  }
}

async function checkToken({ api }: Session): Promise<Check> {
  try {
    await api.token();
  } catch (error) {
    return failed("sign-in", toCliError(error).message, await issuerHint(api));
  }
  return ok("sign-in", "the server gives a token");
}

/** Nothing for who may not read it. */
async function checkOwners({ api }: Session): Promise<readonly Check[]> {
  try {
    const { body } = await api.call({ method: "GET", path: "/v1/people?role=owner&status=active&limit=200" });
    const owners = ownersIn(body);
    if (owners.isGroup || owners.people.length > 1) return [ok("owners", owners.text)];
    const register = "holdpoint person init NAME --role owner, then holdpoint person register NAME.person.json";
    if (owners.people.length === 0)
      return [failed("owners", "nobody: nothing of Holdpoint's own can be approved", null)];
    return [
      warning("owners", `${owners.text} alone: nobody else can approve what they ask for, and it expires`, register),
    ];
  } catch {
    return [];
  }
}

const STAGE_WARNING_DAYS = 7;

/** A stage that ends unnoticed ends all paging with it. */
async function checkStage({ api }: Session): Promise<Check> {
  try {
    const found = stageIn(await api.openText("/metrics"));
    if (found === null) return { name: "stage", result: "skipped", detail: "the server does not tell it", next: null };
    const { stage, daysLeft } = found;
    if (daysLeft === null) return ok("stage", stage === "shadow" ? "shadow: nothing of triage runs" : stage);
    const renew = "holdpoint stage set NAME, which another owner approves";
    if (daysLeft === 0) return warning("stage", "it has ended: triage is in shadow and pages nobody", renew);
    const detail = `${stage}, ends in ${Math.ceil(daysLeft)} days`;
    return daysLeft <= STAGE_WARNING_DAYS ? warning("stage", detail, renew) : ok("stage", detail);
  } catch (error) {
    return warning("stage", toCliError(error).message, null);
  }
}

/** Nothing for a server that exports nothing and tells nobody. */
async function checkReceivers({ api }: Session): Promise<readonly Check[]> {
  try {
    return receiversIn(await api.openText("/metrics")).map(({ kind, name, lag, failures, fallbacks, isFailing }) => {
      const instead = fallbacks === 0 ? "" : `, ${fallbacks} told by its fallback`;
      const detail = `${name}: ${lag} events behind, ${failures} failures since the start${instead}`;
      return isFailing ? warning(kind, `${detail}; not delivered now`, "read the server's log") : ok(kind, detail);
    });
  } catch (error) {
    return [warning("export", toCliError(error).message, null)];
  }
}

/** Nothing for a model that asks nobody. */
async function checkFeeds({ api }: Session): Promise<readonly Check[]> {
  try {
    return feedsIn(await api.openText("/metrics")).map(({ name, kind, code }) =>
      code === ""
        ? ok("model feed", `${name} (${kind}): told to the model`)
        : warning("model feed", `${name} (${kind}): ${code}`, "see docs/model.md, and the server's log"),
    );
  } catch (error) {
    return [warning("model feed", toCliError(error).message, null)];
  }
}

/** Assertions name the server as we call it; one that calls itself otherwise refuses them. */
async function issuerHint(api: Session["api"]): Promise<string | null> {
  try {
    const { body } = await api.open({ path: "/.well-known/oauth-authorization-server" });
    const issuer = new Fields(body).text("issuer");
    return issuer === api.server
      ? null
      : `the server calls itself ${issuer}: pass --server ${issuer} if you trust that name`;
  } catch {
    return null;
  }
}
