// Builds the web console into dist/console when it is missing or older than its sources. It never stops a start: without
// the console the API still serves, and the message says why the pages are missing.

import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { hashOfSources, root } from "./sources.mjs";

const source = join(root, "src", "console");
const output = join(root, "dist", "console");
/** Which sources the output was made of; the server serves no such name. */
const STAMP = "sources.sha256";
/** Whatever else of the project ends up in the bundle. */
const ALSO = ["src/wire/types", "scripts/build-console.mjs", "package-lock.json"];

function builtFrom() {
  const stamp = join(output, STAMP);
  return existsSync(stamp) ? readFileSync(stamp, "utf8") : null;
}

/** @param {string} into */
async function bundle(into) {
  const [{ build }, { default: react }, { default: tailwind }] = await Promise.all([
    import("vite"),
    import("@vitejs/plugin-react"),
    import("@tailwindcss/vite"),
  ]);
  await build({
    configFile: false,
    root: source,
    base: "/console/",
    logLevel: "warn",
    clearScreen: false,
    plugins: [react(), tailwind()],
    build: {
      outDir: into,
      emptyOutDir: false,
      target: "es2023",
      // Inlined files would be `data:` addresses, which the content security policy refuses.
      assetsInlineLimit: 0,
      modulePreload: false,
      chunkSizeWarningLimit: 1_000,
    },
  });
}

/** Into a folder of its own first: whoever serves, or builds at the same time, never sees half of one. */
async function buildConsole() {
  const wanted = hashOfSources(["src/console", ...ALSO]);
  if (builtFrom() === wanted) return;
  process.stderr.write("Building the console …\n");
  mkdirSync(join(root, "dist"), { recursive: true });
  const fresh = mkdtempSync(join(root, "dist", "console-"));
  try {
    await bundle(fresh);
    writeFileSync(join(fresh, STAMP), wanted);
    if (builtFrom() === wanted) return;
    rmSync(output, { recursive: true, force: true });
    renameSync(fresh, output);
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
}

try {
  await buildConsole();
} catch (error) {
  const why = error instanceof Error ? error.message : String(error);
  const instead = builtFrom() === null ? "there is no console" : "an older console is served";
  process.stderr.write(`holdpoint: the console was not built, so ${instead}; the API serves as ever\n  ${why}\n`);
  if (process.argv.includes("--strict")) process.exitCode = 1;
}
