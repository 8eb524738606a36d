// Cuts GitHub's published OpenAPI description (npm package @octokit/openapi, MIT) down to the operations that Holdpoint calls.
// node scripts/github-openapi.mjs api.github.com.json > test/executors/github-openapi.json

import { readFileSync } from "node:fs";

/** @type {readonly (readonly [string, string])[]} */
const OPERATIONS = [
  ["/repos/{owner}/{repo}", "get"],
  ["/repos/{owner}/{repo}/compare/{basehead}", "get"],
  ["/repos/{owner}/{repo}/git/ref/{ref}", "get"],
  ["/repos/{owner}/{repo}/git/refs", "post"],
  ["/repos/{owner}/{repo}/git/refs/{ref}", "delete"],
  ["/repos/{owner}/{repo}/git/commits", "post"],
  ["/repos/{owner}/{repo}/git/commits/{commit_sha}", "get"],
  ["/repos/{owner}/{repo}/git/trees", "post"],
  ["/repos/{owner}/{repo}/git/trees/{tree_sha}", "get"],
  ["/repos/{owner}/{repo}/git/blobs/{file_sha}", "get"],
  ["/repos/{owner}/{repo}/pulls", "get"],
  ["/repos/{owner}/{repo}/pulls", "post"],
  ["/repos/{owner}/{repo}/pulls/{pull_number}", "get"],
  ["/repos/{owner}/{repo}/pulls/{pull_number}", "patch"],
  ["/repos/{owner}/{repo}/pulls/{pull_number}/files", "get"],
  ["/repos/{owner}/{repo}/pulls/{pull_number}/merge", "put"],
  ["/repos/{owner}/{repo}/pulls/{pull_number}/requested_reviewers", "post"],
  ["/repos/{owner}/{repo}/pulls/{pull_number}/reviews", "get"],
  ["/repos/{owner}/{repo}/actions/workflows/{workflow_id}/dispatches", "post"],
  ["/repos/{owner}/{repo}/issues/{issue_number}/labels", "post"],
];
const DROPPED = new Set([
  "description",
  "summary",
  "example",
  "examples",
  "externalDocs",
  "tags",
  "operationId",
  "deprecated",
]);

/** @typedef {Record<string, unknown>} Members */
/** @typedef {{parameters?: unknown, requestBody?: unknown, responses: Members}} Operation */
/**
 * @typedef {object} Api
 * @property {string} openapi
 * @property {{title: string, version: string, license: unknown}} info
 * @property {Record<string, Record<string, Operation>>} paths
 * @property {Record<string, Members>} components
 */

const whole = /** @type {Api} */ (JSON.parse(readFileSync(process.argv[2] ?? "", "utf8")));
/** @type {Record<string, Members>} */
const components = {};

/**
 * A copy without prose, and with every component that it refers to kept.
 * @param {unknown} value
 * @param {boolean} names whether its members are called by names of the API, not by words of the description
 * @returns {unknown}
 */
function slim(value, names = false) {
  if (Array.isArray(value)) return value.map((one) => slim(one));
  if (typeof value !== "object" || value === null) return value;
  // Beside no type `nullable` says nothing (OpenAPI 3.0.3, Schema Object), and validators refuse it.
  const says = (/** @type {string} */ key) => key !== "nullable" || "type" in value;
  const isKept = (/** @type {string} */ key) => !DROPPED.has(key) && !key.startsWith("x-") && says(key);
  const kept = Object.entries(value).filter(([key]) => names || isKept(key));
  if (!names && "$ref" in value && typeof value.$ref === "string") keep(value.$ref);
  return Object.fromEntries(kept.map(([key, member]) => [key, slim(member, !names && key === "properties")]));
}

/** @param {string} ref */
function keep(ref) {
  const [kind = "", name = ""] = ref.replace("#/components/", "").split("/");
  const room = (components[kind] ??= {});
  if (room[name] !== undefined) return;
  room[name] = {};
  room[name] = slim(whole.components[kind]?.[name]);
}

/** @type {Record<string, Members>} */
const paths = {};
for (const [path, method] of OPERATIONS) {
  const operation = whole.paths[path]?.[method];
  if (operation === undefined) throw new Error(`${method} ${path} is not in the description`);
  const { parameters = [], requestBody, responses } = operation;
  const good = Object.fromEntries(Object.entries(responses).filter(([status]) => status.startsWith("2")));
  const known = (paths[path] ??= {});
  known[method] = slim({ parameters, requestBody, responses: good });
}
const { title, version, license } = whole.info;
const info = { title, version, license };
process.stdout.write(`${JSON.stringify({ openapi: whole.openapi, info, paths, components })}\n`);
