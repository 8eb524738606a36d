// Builds the real Kubernetes API server that the tests of the Kubernetes executor talk to, once, and prints where it is:
// Debian's source package, its own Go, nothing from elsewhere. `--where` only says where it would be.

import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";

const VERSION = "1.20.2"; // what Debian 12 has
const GO = "/usr/lib/go-1.19";
const PACKAGES = ["etcd-server", "golang-1.19-go", "dpkg-dev"];
const PATH = `${GO}/bin:${process.env.PATH}`;

const cache = join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "holdpoint");
const binary = join(cache, `kube-apiserver-${VERSION}`);

if (!process.argv.includes("--where")) {
  if (!existsSync("/usr/bin/etcd") || !existsSync(binary)) installPackages();
  if (!existsSync(binary)) build();
}
console.log(binary);

/** Debian would start etcd on installation; the tests start their own. */
function installPackages() {
  const root = process.getuid?.() === 0 ? [] : ["sudo", "-n"];
  const policy = "/usr/sbin/policy-rc.d";
  const isOurs = !existsSync(policy);
  /** @param {string[]} command */
  const asRoot = (...command) => run([...root, ...command]);
  if (isOurs) asRoot("sh", "-c", `printf '#!/bin/sh\\nexit 101\\n' > ${policy} && chmod +x ${policy}`);
  try {
    asRoot("apt-get", "update", "-qq");
    const install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", ...PACKAGES];
    asRoot("env", "DEBIAN_FRONTEND=noninteractive", ...install);
  } finally {
    if (isOurs) asRoot("rm", "-f", policy);
  }
}

function build() {
  const work = mkdtempSync(join(tmpdir(), "kube-apiserver-"));
  try {
    const source = join(work, "go/src/k8s.io/kubernetes");
    fetchSource(work, source);
    compile(work, source);
    mkdirSync(cache, { recursive: true });
    cpSync(join(work, "kube-apiserver"), `${binary}.part`);
    renameSync(`${binary}.part`, binary);
  } finally {
    run(["chmod", "-R", "u+w", work]);
    rmSync(work, { recursive: true, force: true });
  }
}

/**
 * The source package by way of apt, which checks its signature, with lists of its own: the machine's stay as they are.
 * @param {string} work
 * @param {string} source
 */
function fetchSource(work, source) {
  for (const folder of ["sources", "lists/partial", "cache/archives/partial"]) {
    mkdirSync(join(work, folder), { recursive: true });
  }
  writeFileSync(join(work, "sources/debian.list"), sourceLines());
  const settings = [
    "Dir::Etc::sourcelist=/dev/null",
    `Dir::Etc::sourceparts=${join(work, "sources")}`,
    `Dir::State::lists=${join(work, "lists")}`,
    `Dir::Cache=${join(work, "cache")}`,
    "APT::Sandbox::User=",
  ].flatMap((setting) => ["-o", setting]);
  run(["apt-get", ...settings, "-qq", "update"]);
  run(["apt-get", ...settings, "-qq", "source", "--download-only", "kubernetes"], { cwd: work });
  const description = readdirSync(work).find((name) => name.endsWith(".dsc"));
  mkdirSync(join(work, "go/src/k8s.io"), { recursive: true });
  // apt has checked it against the signed list.
  run(["dpkg-source", "--no-check", "-x", description ?? "", source], { cwd: work });
}

/** Where this machine has Debian's packages from, it has their sources from too. */
function sourceLines() {
  const format = "deb-src $(REPO_URI) $(RELEASE) $(COMPONENT)";
  const asked = ["indextargets", "--format", format, "Created-By: Packages", "Origin: Debian", "Component: main"];
  return execFileSync("apt-get", asked).toString();
}

/**
 * The OpenAPI definitions are generated before the server that serves them.
 * @param {string} work
 * @param {string} source
 */
function compile(work, source) {
  const go = { GOPATH: join(work, "go"), GO111MODULE: "off", GOCACHE: join(work, "gocache"), GOROOT: GO };
  const env = { ...process.env, ...go, CGO_ENABLED: "0", PATH };
  const at = { cwd: source, env };
  const generator = join(work, "openapi-gen");
  run(["go", "build", "-o", generator, "k8s.io/kubernetes/vendor/k8s.io/kube-openapi/cmd/openapi-gen"], at);
  run(
    [
      generator,
      ...["--logtostderr", "-i", typedPackages(source), "-p", "k8s.io/kubernetes/pkg/generated/openapi"],
      ...["-O", "zz_generated.openapi", "-h", "vendor/k8s.io/code-generator/hack/boilerplate.go.txt"],
      ...["-r", join(work, "violations")],
    ],
    at,
  );
  const version = ["gitVersion=v" + VERSION, "gitMajor=1", "gitMinor=20"];
  const set = version.map((one) => `-X k8s.io/component-base/version.${one}`).join(" ");
  run(
    [
      "go",
      "build",
      "-trimpath",
      "-ldflags",
      `-s -w ${set}`,
      "-o",
      join(work, "kube-apiserver"),
      "./cmd/kube-apiserver",
    ],
    at,
  );
}

/**
 * The packages that ask for definitions, as import paths.
 * @param {string} source
 */
function typedPackages(source) {
  const places = ["pkg", "staging/src/k8s.io", "cmd", "plugin"];
  const found = execFileSync("grep", ["-rl", "--include=*.go", "+k8s:openapi-gen=", ...places], { cwd: source });
  const folders = found
    .toString()
    .trim()
    .split("\n")
    .filter((path) => !/code-generator|sample-apiserver/.test(path))
    .map((path) => path.slice(0, path.lastIndexOf("/")));
  const paths = [...new Set(folders)].sort().map((folder) => folder.replace(/^staging\/src\//, "vendor/"));
  return paths.map((path) => `k8s.io/kubernetes/${path}`).join(",");
}

/**
 * What the commands say goes to standard error: standard output is for the one line.
 * @param {string[]} command
 * @param {{cwd?: string, env?: NodeJS.ProcessEnv}} options
 */
function run([command, ...args], options = {}) {
  execFileSync(command ?? "", args, { stdio: ["ignore", process.stderr, process.stderr], ...options });
}
