// The shape of one file: lengths, first line, names, exports.

import { posix } from "node:path";
import { finding, lineOf, literalText, memberPath, type Finding, type Source, type SyntaxNode } from "./source.ts";

const FILE_LINES_MAX = 400;
const FUNCTION_LINES_MAX = 70;

const FUNCTIONS = new Set(["FunctionDeclaration", "FunctionExpression", "ArrowFunctionExpression"]);
const KEBAB = /^[a-z0-9]+(-[a-z0-9]+)*(\.(test|soak|worker|d))?\.(ts|mjs)$/;
const COMPONENT = /^[A-Z][A-Za-z0-9]*\.tsx$/;

export function checkFileLength(path: string, text: string): readonly Finding[] {
  const lines = text.split("\n").length - (text.endsWith("\n") ? 1 : 0);
  if (lines <= FILE_LINES_MAX) return [];
  const message = `${lines} lines, the limit is ${FILE_LINES_MAX}: find the second noun in it`;
  return [{ path, line: FILE_LINES_MAX + 1, message }];
}

export function checkFunctionLength(source: Source): readonly Finding[] {
  return source.nodes.flatMap(({ node, parent, key }) => {
    if (!FUNCTIONS.has(node.type) || isSuite(parent, key)) return [];
    const lines = lineOf(source.text, node.end) - lineOf(source.text, node.start) + 1;
    if (lines <= FUNCTION_LINES_MAX) return [];
    return [
      finding(source, node.start, `a function of ${lines} lines, the limit is ${FUNCTION_LINES_MAX}: name its steps`),
    ];
  });
}

/** The body of `describe(…)` holds functions, it is none. */
function isSuite(parent: SyntaxNode | undefined, key: string): boolean {
  if (parent?.type !== "CallExpression" || key !== "arguments") return false;
  return ["describe", "suite"].includes((parent["callee"] as SyntaxNode)["name"] as string);
}

/** The first line says what the file holds. A script's comes after its `#!` line. */
export function checkFirstLine(path: string, text: string): readonly Finding[] {
  const lines = text.split("\n");
  const line = lines[0]?.startsWith("#!") ? 2 : 1;
  if (/^(\/\/|\/\*\*?|#) ?\S/.test(lines[line - 1] ?? "")) return [];
  return [{ path, line, message: "the first line is a comment that says what the file holds" }];
}

export function checkFileName(path: string): readonly Finding[] {
  const name = posix.basename(path);
  const isFine = KEBAB.test(name) || (path.startsWith("src/console/") && COMPONENT.test(name));
  if (isFine) return [];
  return [{ path, line: 1, message: "file names are kebab-case: the noun or verb-noun they export" }];
}

/** Named exports only, no barrels, and no way of importing that the checks would not see. */
export function checkExports(source: Source): readonly Finding[] {
  const isIndexOfSdk = source.path === "src/sdk/index.ts";
  return source.nodes.flatMap(({ node }) => {
    if (node.type === "ExportDefaultDeclaration")
      return [finding(source, node.start, "no default exports: export it by name")];
    if (node.type === "ExportAllDeclaration" && !isIndexOfSdk) {
      return [finding(source, node.start, "no barrels: import each name from the file that has it")];
    }
    if (isRequire(node)) return [finding(source, node.start, "use import: the structure checks do not see require")];
    return isDefaultSpecifier(node) ? [finding(source, node.start, "no default exports: export it by name")] : [];
  });
}

function isRequire(node: SyntaxNode): boolean {
  const callee = node["callee"] as SyntaxNode | undefined;
  return node.type === "CallExpression" && ["require", "createRequire"].includes(callee?.["name"] as string);
}

function isDefaultSpecifier(node: SyntaxNode): boolean {
  return node.type === "ExportSpecifier" && (node["exported"] as SyntaxNode)["name"] === "default";
}

/** Tests run, all of them: none is singled out, and one that is skipped says why. */
export function checkTestRuns(source: Source): readonly Finding[] {
  return source.nodes.flatMap(({ node }) => {
    if (node.type === "CallExpression") return checkTestCall(source, node);
    if (node.type !== "Property") return [];
    const name = (node["key"] as SyntaxNode)["name"] as string;
    const isTrue = (node["value"] as SyntaxNode)["value"] === true;
    if (!isTrue || !["skip", "only", "todo"].includes(name)) return [];
    return [finding(source, node.start, `${name}: true says nothing: give the reason as a text, or run the test`)];
  });
}

function checkTestCall(source: Source, node: SyntaxNode): readonly Finding[] {
  const [object, method] = (memberPath(node["callee"]) ?? "").split(".");
  if (method === undefined || !["only", "skip", "todo"].includes(method)) return [];
  if (["test", "it", "describe", "suite"].includes(object ?? "")) {
    return [
      finding(source, node.start, `${object}.${method}: every test runs; one that cannot says why in its skip option`),
    ];
  }
  const [reason] = node["arguments"] as readonly SyntaxNode[];
  const isReasoned = reason !== undefined && (reason.type !== "Literal" || (literalText(reason) ?? "").length > 0);
  const isContext = /^(t|context|ctx)$/.test(object ?? "");
  return isContext && !isReasoned
    ? [finding(source, node.start, `${method}() without a reason: say why the test does not run`)]
    : [];
}
