// PagerDuty, ServiceNow, Slack and GitHub, each with actions of its kinds and what of them is to be found there.

import { startGithub } from "../../examples/stand-ins/github.ts";
import type { WorkedOn } from "../../examples/stand-ins/pagerduty-rest.ts";
import { startPagerduty } from "../../examples/stand-ins/pagerduty.ts";
import { startServicenow } from "../../examples/stand-ins/servicenow.ts";
import { startSlack } from "../../examples/stand-ins/slack.ts";
import { PASSWORD, TARGET, TOKEN, type Case, type Part } from "./kill-case.ts";
import { startFront } from "./kill-fronts.ts";

export async function pagerdutyPart(): Promise<Part> {
  const users = { PHOLDPNT: "holdpoint@example.com" };
  const pagerduty = await startPagerduty({ rest: { token: TOKEN, users } });
  const [events, rest] = [await startFront(pagerduty.url), await startFront(pagerduty.url)];
  const trigger: Case = {
    kind: "pagerduty.trigger",
    write: /^POST /,
    repeat: "settled",
    fronts: [events],
    prepare: (name) => ({
      args: { dedupKey: name, summary: "web is down", severity: "high" },
      effects: () => pagerduty.incidents.filter(({ dedupKey }) => dedupKey === name).length,
    }),
  };
  const followUp = (kind: string): Case => ({
    kind,
    write: /^POST /,
    repeat: "settled",
    fronts: [events],
    prepare: (name) => ({
      args: { dedupKey: name },
      effects: () => Math.min(1, pagerduty.events.filter(({ dedup_key: key }) => key === name).length),
    }),
  });
  const worked = (kind: string, args: object, effects: (work: WorkedOn) => number): Case => ({
    kind,
    write: kind === "pagerduty.escalate" ? /^PUT / : /^POST /,
    repeat: kind === "pagerduty.status-update" ? "neither" : "settled",
    fronts: [rest],
    prepare(name) {
      const work = pagerduty.page(name);
      return { args: { dedupKey: name, ...args }, effects: () => effects(work) };
    },
  });
  const api = {
    baseUrl: rest.url,
    user: { id: "PHOLDPNT", email: "holdpoint@example.com" },
    escalationPolicies: { first: "PFIRST0", second: "PSECOND" },
    responders: { dba: { users: ["PDBA0001"] } },
    settleMs: 100,
  };
  return {
    config: { pagerduty: { baseUrl: events.url, integrations: ["default"], api } },
    cases: [
      trigger,
      followUp("pagerduty.acknowledge"),
      followUp("pagerduty.resolve"),
      worked("pagerduty.note", { text: "Looked." }, ({ notes }) => notes.length),
      worked("pagerduty.escalate", { policy: "second" }, ({ escalations }) => escalations.length),
      worked("pagerduty.add-responders", { responders: ["dba"], message: "Look" }, ({ requests }) => requests.length),
      worked("pagerduty.status-update", { message: "It is slow." }, ({ updates }) => updates.length),
      // A repeat begins anew: that it is quiet counts.
      worked("pagerduty.snooze", { minutes: 5 }, ({ snoozed }) => Math.min(1, snoozed.length)),
    ],
    fronts: [events, rest],
    complaints: () => pagerduty.refusals,
    close: () => pagerduty.close(),
  };
}

const SHOWN = [
  "short_description",
  "description",
  "impact",
  "state",
  "close_code",
  "close_notes",
  "work_notes",
  "comments",
];
const REST = ["assignment_group", "assigned_to", "correlation_id"];
const INCIDENT_FIELDS = [...SHOWN, ...REST, "urgency"];
const CHANGE_FIELDS = [...SHOWN, ...REST, "justification", "implementation_plan", "backout_plan", "test_plan", "risk"];

/** Somebody's own record, of no action. */
function addRecord(records: Record<string, string>[], fields: readonly string[]): Record<string, string> {
  const record: Record<string, string> = Object.fromEntries(fields.map((field) => [field, ""]));
  const system = { sys_mod_count: "0", sys_updated_on: "2026-09-21 10:00:00" };
  const sysId = records.length.toString(16).padStart(32, "0");
  Object.assign(record, { state: "-5", impact: "3", sys_id: sysId, number: `NUM${records.length}`, ...system });
  records.push(record);
  return record;
}

export async function servicenowPart() {
  const servicenow = await startServicenow({ password: PASSWORD });
  const front = await startFront(servicenow.url);
  const records = servicenow.incidents as Record<string, string>[];
  const create: Case = {
    kind: "servicenow.incident.create",
    write: /^POST /,
    repeat: "settled",
    fronts: [front],
    prepare: (name) => ({
      args: { shortDescription: name, urgency: 2, impact: 3 },
      effects: () => records.filter((one) => one["short_description"] === name).length,
    }),
  };
  const update: Case = {
    kind: "servicenow.incident.update",
    write: /^PATCH /,
    repeat: "settled",
    fronts: [front],
    prepare(name) {
      const record = addRecord(records, INCIDENT_FIELDS);
      const args = { sysId: record["sys_id"], fields: { shortDescription: name } };
      return { args, effects: () => Number(record["sys_mod_count"]) };
    },
  };
  const change: Case = {
    ...create,
    kind: "servicenow.change.create",
    prepare: (name) => ({
      args: { shortDescription: name, implementationPlan: "Do it", backoutPlan: "Undo it" },
      effects: () => servicenow.changes.filter((one) => one["short_description"] === name).length,
    }),
  };
  const changeUpdate: Case = {
    ...update,
    kind: "servicenow.change.update",
    prepare(name) {
      const record = addRecord(servicenow.changes, CHANGE_FIELDS);
      const args = { sysId: record["sys_id"], fields: { closeNotes: name } };
      return { args, effects: () => Number(record["sys_mod_count"]) };
    },
  };
  const config = { baseUrl: front.url, auth: { kind: "basic", user: "holdpoint" }, settleMs: 100 };
  return {
    config: { servicenow: config },
    cases: [create, update, change, changeUpdate],
    fronts: [front],
    complaints: () => servicenow.complaints,
    close: () => servicenow.close(),
    front,
    records,
  };
}

export async function slackPart() {
  const slack = await startSlack({ token: TOKEN });
  const channel = slack.makeChannel("ops", true);
  const front = await startFront(slack.url);
  const message: Case = {
    kind: "slack.message",
    write: /chat\.postMessage/,
    repeat: "settled",
    fronts: [front],
    prepare: (name) => ({
      args: { channel: "ops", text: name },
      effects: () => channel.messages.filter(({ text }) => text.includes(`\n${name}\n`)).length,
    }),
  };
  const config = { baseUrl: front.url, channels: { ops: channel.id }, settleMs: 100 };
  return {
    config: { slack: config },
    cases: [message],
    fronts: [front],
    complaints: () => slack.complaints,
    close: () => slack.close(),
    front,
    slack,
  };
}

export async function githubPart(): Promise<Part> {
  const files = { "README.md": "# web\n", "deploy/web.yaml": "replicas: 2\n" };
  const github = await startGithub({ token: TOKEN, files, collaborators: ["grace"] });
  const front = await startFront(github.url);
  const open: Case = {
    kind: "github.pull-request",
    write: /^POST .*\/pulls$/,
    repeat: "settled",
    fronts: [front],
    prepare: (name) => ({
      args: {
        repository: "web",
        title: name,
        files: [{ path: `deploy/${name}.yaml`, content: "new\n" }],
        reviewers: ["grace"],
      },
      effects: () => github.pulls.filter(({ title }) => title === name).length,
    }),
  };
  const merge: Case = {
    kind: "github.merge",
    write: /^PUT /,
    repeat: "settled",
    fronts: [front],
    prepare: (name) => {
      const pull = github.propose(name, { title: name, files: { [`deploy/${name}.yaml`]: "by hand\n" } });
      github.review(pull.number, "grace");
      return { args: { repository: "web", number: pull.number }, effects: () => (pull.mergedAt === null ? 0 : 1) };
    },
  };
  const close: Case = {
    kind: "github.close",
    write: /^PATCH /,
    repeat: "settled",
    fronts: [front],
    prepare(name) {
      const branch = `holdpoint/0123abcd/act_${String(github.pulls.length).padStart(9, "0")}`;
      const pull = github.propose(branch, { title: name, files: { [`deploy/${name}.yaml`]: "by us\n" } });
      const isGone = (): boolean => pull.state === "closed" && !github.branches.has(branch);
      return { args: { repository: "web", branch }, effects: () => (isGone() ? 1 : 0) };
    },
  };
  const revert: Case = {
    kind: "github.revert",
    write: /^POST .*\/pulls$/,
    repeat: "settled",
    fronts: [front],
    prepare(name) {
      const { number } = github.propose(name, { title: name, files: { [`deploy/${name}.yaml`]: "by hand\n" } });
      github.merge(number);
      const effects = (): number => github.pulls.filter(({ title }) => title === `Revert "${name}"`).length;
      return { args: { repository: "web", number }, effects };
    },
  };
  const dispatch: Case = {
    kind: "github.dispatch",
    write: /^POST .*dispatches$/,
    repeat: "neither",
    fronts: [front],
    prepare: (name) => ({
      args: { repository: "web", workflow: "deploy", inputs: { version: name } },
      effects: () => github.runs.filter(({ inputs }) => inputs["version"] === name).length,
    }),
  };
  const deploy = { name: "deploy", file: "deploy.yaml", inputs: ["version"], undo: "back" };
  const workflows = [deploy, { name: "back", file: "back.yaml", inputs: ["version"] }];
  const repository = { ...TARGET, name: "web", repository: "acme/shop", paths: ["deploy/"], workflows };
  const config = { baseUrl: front.url, repositories: [repository] };
  return {
    config: { github: config },
    cases: [open, merge, dispatch, close, revert],
    fronts: [front],
    complaints: () => github.complaints,
    close: () => github.close(),
  };
}
