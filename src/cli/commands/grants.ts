// `grant create`: asks for a bounded grant. `revoke`: takes a grant back, at once, and tells what became of a call under way.

import type { Command } from "commander";
import { apiPath } from "../api-client.ts";
import type { JsonObject } from "../../core/json.ts";
import { usageError } from "../cli-error.ts";
import { EXIT, isEnded, type ExitCode } from "../exit-codes.ts";
import { Fields } from "../fields.ts";
import { parseInstant } from "../instants.ts";
import { proposeRegistration, type ProposeFlags } from "../registrations.ts";
import { watchOption } from "../watch-action.ts";
import { outputOption, type OutputFormat } from "../output.ts";
import { idOf } from "../resources.ts";
import type { Runner, Session } from "../session.ts";
import { parseWait, waitForEnd } from "./propose.ts";

export function addRevoke(program: Command, runner: Runner): void {
  program
    .command("revoke")
    .description("Take a grant back at once: nothing begins under it, a call under way is stopped and asked about")
    .argument("<grant>", "its id, or grant/ID", idOf("grant"))
    .option("--reason <text>", "kept with it")
    .option("--wait <seconds>", "wait this long for the end of a call under way", "10")
    .addOption(outputOption(["table", "json", "yaml"]))
    .action(runner.action(revoke));
}

export function addGrant(program: Command, runner: Runner): void {
  const grant = program.command("grant").description("Ask for bounded grants");
  grant
    .command("create")
    .description("Ask that an agent may do so many actions without being asked about each; exits 3 while it waits")
    .argument("<agent>", "agent:<name>, who may act under it")
    .requiredOption("--kinds <kind...>", "which: record.note, pagerduty.* or *")
    .requiredOption("-e, --environments <name...>", "where")
    .option("-s, --services <name...>", "about what (default: any service)")
    .requiredOption("--route <name>", "the route whose people would be asked each time: they grant it")
    .option("--count <number>", "how many actions in all", "1")
    .option("--size <number>", "how much they may do together, as their plans count it: rows, replicas, bytes")
    .requiredOption("--until <instant>", "when it ends by itself: RFC 3339, or from now as 2h; at most 7 days")
    .option("--reason <text>", "for those who decide")
    .addOption(watchOption())
    .addOption(outputOption(["table", "json", "yaml"]))
    .action(runner.action(create));
}

type CreateFlags = ProposeFlags & {
  readonly kinds: readonly string[];
  readonly environments: readonly string[];
  readonly services?: readonly string[];
  readonly route: string;
  readonly count: string;
  readonly size?: string;
  readonly until: string;
  readonly reason?: string;
};

function create(session: Session, agent: string, flags: CreateFlags): Promise<ExitCode> {
  const { kinds, environments, services, route, count, size, until, reason } = flags;
  const expiresAt = parseInstant(until, session.host.clock.nowMs());
  if (expiresAt === null) throw usageError("--until is an RFC 3339 instant, or a time from now such as 30m or 2h");
  const body: JsonObject = {
    agent,
    kinds: [...kinds],
    environments: [...environments],
    route,
    count: wholeNumber("--count", count),
    expiresAt,
    ...(services === undefined ? {} : { services: [...services] }),
    ...(size === undefined ? {} : { size: wholeNumber("--size", size) }),
    ...(reason === undefined ? {} : { reason }),
  };
  return proposeRegistration(session, { noun: "grants", body, flags });
}

function wholeNumber(flag: string, text: string): number {
  if (/^[1-9]\d{0,9}$/.test(text)) return Number(text);
  throw usageError(`${flag} is a whole number from 1 on`);
}

type RevokeFlags = { readonly reason?: string; readonly wait: string; readonly output: OutputFormat };

/** A bounded one: what runs under it is stopped too, each with an end of its own. */
function printSet({ output }: Session, revoked: Fields, format: OutputFormat): ExitCode {
  if (format === "json" || format === "yaml") output.printValue(revoked.value, format);
  else output.print(`${revoked.text("id")} revoked\n`);
  output.note("what was under way under it: holdpoint get actions --status reconciling");
  return EXIT.ok;
}

/** 0 when it is known how it ended, 1 when it is not, yet or at all. */
async function revoke(session: Session, id: string, { reason, wait, output: format }: RevokeFlags): Promise<ExitCode> {
  const { api, output } = session;
  const waitMs = parseWait(wait);
  const body = reason === undefined ? {} : { reason };
  const revoked = new Fields(
    (await api.call({ method: "POST", path: apiPath("v1", "grants", id, "revoke"), body })).body,
  );
  if (revoked.exact("status") === "revoked") return printSet(session, revoked, format);
  const isOpen = !isEnded(revoked.exact("status"));
  const shown = isOpen ? await waitForEnd(session, revoked.exact("action"), waitMs) : revoked;
  const status = shown.exact("status");
  if (format === "json" || format === "yaml") output.printValue(shown.value, format);
  else {
    const code = shown.has("code") ? ` (${shown.text("code")})` : "";
    output.print(`${revoked.text("id")} revoked; ${revoked.text("action")} ${shown.text("status")}${code}\n`);
  }
  if (status === "succeeded") output.note("it had taken effect: `holdpoint revert` undoes what can be undone");
  return isEnded(status) && status !== "needs-attention" ? EXIT.ok : EXIT.error;
}
