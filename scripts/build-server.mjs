// Builds the server and the command line of src into a few files in dist, unless that is done, and prints what `npm start` is to
// run: they start in a third of the time that a thousand modules take. It never stops a start: the sources run as they are.

import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, statSync } from "node:fs";
import { basename, join, relative } from "node:path";
import { dist, entryOf, serverFolder } from "./server-build.mjs";
import { root } from "./sources.mjs";

/** What a process or a thread begins with. */
const ENTRIES = /^(serve|cli|[a-z]+-worker)\.ts$/;
/** Built servers that stay: one that runs still loads parts of its own. */
const KEPT = 3;

const PLACES = /new URL\("\.\/([a-z]+-worker)\.ts", import\.meta\.url\)|import\.meta\.(?:url|dirname)/g;

const main = join(root, "src", "main");
const named = join(root, "scripts", "named-stacks.mjs");

/** What a source says about where it stands is true of what is built from it, two folders below the project's too. */
const places = {
  name: "places",
  /** @param {string} code @param {string} id */
  transform(code, id) {
    if (!id.startsWith(join(root, "src"))) return null;
    const file = `../../${relative(root, id).replaceAll("\\", "/")}`;
    const moved = code.replaceAll(PLACES, (place, worker) => {
      if (worker !== undefined) return `new URL("./${worker}.mjs", import.meta.url)`;
      if (place === "import.meta.dirname") return `(import.meta.dirname + ${JSON.stringify(`/${file}/..`)})`;
      return `new URL(${JSON.stringify(file)}, import.meta.url).href`;
    });
    const isEntry = join(main, basename(id)) === id && ENTRIES.test(basename(id));
    return { code: isEntry ? `import ${JSON.stringify(named)};${moved}` : moved, map: null };
  },
};

/** Packages that only some installations use are loaded by these, from where they are. */
const loadedLate = {
  name: "loaded-late",
  enforce: /** @type {const} */ ("pre"),
  /** @param {string} source @param {string | undefined} _importer @param {{kind?: string}} how */
  resolveId(source, _importer, { kind }) {
    const isPackage = /^[@a-z]/.test(source) && !source.startsWith("node:");
    return kind === "dynamic-import" && isPackage ? { id: source, external: true } : null;
  },
};

/** @param {string} into */
async function bundle(into) {
  const { build } = await import("vite");
  const entries = readdirSync(main).filter((name) => ENTRIES.test(name));
  await build({
    configFile: false,
    root,
    logLevel: "warn",
    plugins: [places, loadedLate],
    ssr: { noExternal: true },
    build: {
      ssr: true,
      outDir: into,
      emptyOutDir: false,
      copyPublicDir: false,
      target: "esnext",
      minify: false,
      sourcemap: true,
      rolldownOptions: {
        input: Object.fromEntries(entries.map((name) => [basename(name, ".ts"), join(main, name)])),
        output: { entryFileNames: "[name].mjs", chunkFileNames: "[name]-[hash].mjs", sourcemapExcludeSources: true },
      },
    },
  });
}

/** Into a folder of its own first: whoever starts, or builds at the same time, never sees half of one. */
async function buildServer() {
  const wanted = serverFolder();
  if (existsSync(wanted)) return;
  mkdirSync(dist, { recursive: true });
  const fresh = mkdtempSync(join(dist, "building-"));
  try {
    await bundle(fresh);
    if (!existsSync(wanted)) renameSync(fresh, wanted);
    removeOlder();
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
}

function removeOlder() {
  const built = readdirSync(dist).filter((name) => name.startsWith("server-"));
  const ages = built.map((name) => ({ path: join(dist, name), madeMs: statSync(join(dist, name)).mtimeMs }));
  const older = ages.toSorted((one, other) => other.madeMs - one.madeMs).slice(KEPT);
  for (const { path } of older) rmSync(path, { recursive: true, force: true });
}

try {
  await buildServer();
} catch (error) {
  const why = error instanceof Error ? error.message : String(error);
  process.stderr.write(
    `holdpoint: the server was not built, so it starts from its sources, which takes longer\n  ${why}\n`,
  );
}
process.stdout.write(`${entryOf("serve")}\n`);
