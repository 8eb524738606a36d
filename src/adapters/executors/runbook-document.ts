// Runbooks as documents: Markdown with steps that a person checks off, made of what was proposed and nothing else.

import type { z } from "zod";
import type { ActionKind, Executor, Plan, PlanRequest } from "../../wire/contracts/executor.ts";
import {
  argumentsJsonSchema,
  parseArguments,
  runbookDocumentArguments,
} from "../../wire/schemas/executor-arguments.ts";

const DOCUMENT: ActionKind = {
  kind: "runbook.document",
  title: "Write a runbook for a person to carry out",
  argumentsSchema: argumentsJsonSchema(runbookDocumentArguments),
  repeat: "idempotent",
  planning: "pure",
  effect: "none",
  reversible: false,
  risks: [],
};

/** Offers `runbook.document`. The plan is the document, and what people approve; its effect is what they do with it. */
export function createRunbookDocuments(): Executor {
  return {
    kinds: [DOCUMENT],
    credentials: [],
    probe: () => Promise.resolve([]),
    plan: async (request) => planDocument(request),
    execute: ({ idempotencyKey }, signal) =>
      Promise.resolve(
        signal.aborted
          ? { status: "retry", afterMs: 1_000, code: "aborted", detail: null }
          : { status: "succeeded", reference: `runbook:${idempotencyKey}`, detail: null },
      ),
    // An interrupted step left no entry of its end, and so no document.
    reconcile: () => Promise.resolve({ status: "absent", detail: null }),
  };
}

type Runbook = z.output<typeof runbookDocumentArguments>;
type Step = Runbook["steps"][number];

function planDocument(request: PlanRequest): Plan {
  const runbook = parseArguments(runbookDocumentArguments, request.args);
  return {
    kind: request.kind,
    calls: [],
    diff: { markdown: markdownOf(runbook, request) },
    inverse: null,
    reversible: false,
    fingerprint: null,
    size: runbook.steps.length,
  };
}

function markdownOf({ title, summary, steps, rollback = [] }: Runbook, { target, context }: PlanRequest): string {
  const { environment, service, resource } = target;
  const { agent } = context;
  const place = [environment, service, ...(resource === undefined ? [] : [resource])].map(plain).join(" / ");
  const by = typeof agent === "string" ? `, asked for by ${plain(agent)}` : "";
  return [
    `# ${plain(title)}`,
    `For ${place}${by}.`,
    ...(summary === undefined ? [] : [paragraphs(summary, "")]),
    "## Steps",
    ...steps.map(stepOf),
    ...(rollback.length === 0 ? [] : ["## If it goes wrong", ...rollback.map(stepOf)]),
  ]
    .join("\n\n")
    .concat("\n");
}

function stepOf({ title, detail, commands = [], expect }: Step, index: number): string {
  const parts = [
    `- [ ] **${index + 1}. ${plain(title)}**`,
    ...(detail === undefined ? [] : [paragraphs(detail, "  ")]),
    ...(commands.length === 0 ? [] : [codeOf(commands)]),
    ...(expect === undefined ? [] : [`  Expect: ${plain(expect)}`]),
  ];
  return parts.join("\n\n");
}

/** Longer than every fence in it, so that it ends where it should. */
function codeOf(commands: readonly string[]): string {
  const longest = Math.max(2, ...commands.flatMap((one) => (one.match(/`+/g) ?? []).map(({ length }) => length)));
  const fence = "`".repeat(longest + 1);
  return [`  ${fence}`, ...commands.map((one) => `  ${one}`), `  ${fence}`].join("\n");
}

function paragraphs(text: string, indent: string): string {
  return text
    .split(/\r?\n/)
    .map((line) => (line.trim() === "" ? "" : `${indent}${plain(line.trim())}`))
    .join("\n")
    .replaceAll(/\n{3,}/g, "\n\n");
}

/** Text that means itself: no markup, link, box to check, mention or HTML of whoever proposed it (CommonMark 2.4). */
function plain(text: string): string {
  return text
    .replaceAll(/[\\`*_{}[\]()#+!|<>~&]/g, "\\$&")
    .replaceAll(/[@:](?=[\w/])/g, "$&\u200b")
    .replace(/^(\s*)([-=])/, "$1\\$2")
    .replace(/^(\s*\d+)([.)])/, "$1\\$2");
}
