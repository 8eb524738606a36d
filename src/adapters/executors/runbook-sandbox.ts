// Running one program apart from everything: namespaces of its own, no privileges, no network unless named, and limits on
// time, memory and output. Where that cannot be had, the program is not run.

import { spawn, type StdioOptions } from "node:child_process";
import { once } from "node:events";
import type { Readable } from "node:stream";

export interface Sandboxed {
  readonly program: string;
  readonly args: readonly string[];
  /** Its whole environment, beside PATH, HOME and LANG. */
  readonly environment: Readonly<Record<string, string>>;
  readonly network: "none" | "host";
  readonly memoryMiB: number;
  readonly outputBytesMax: number;
  /** Whom it runs as where we are root. */
  readonly user: { readonly uid: number; readonly gid: number };
  /** Folders that it finds empty. */
  readonly hidden: readonly string[];
  /** Of its two outputs only the first is kept. */
  readonly isApart?: boolean;
  /** An open file that takes its first output instead. */
  readonly stdout?: number;
  /** An open file that it finds at `/proc/self/fd/4`. */
  readonly file?: number;
  /** So long it has after an interrupt to end by itself; none: it is killed at once. */
  readonly stopMs?: number;
}

/** `unstarted`: the program did not run, for certain. `ended`: its exit code, or null when it was killed. */
export type SandboxEnd =
  | { readonly kind: "unstarted"; readonly code: "sandbox-unavailable" | "program-hidden" | "aborted" }
  | { readonly kind: "ended"; readonly exit: number | null; readonly output: string; readonly isCut: boolean }
  | { readonly kind: "killed"; readonly output: string };

const SAFE_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** Hidden folders up to `--`; then a /tmp of its own, which is gone with it; then whatever follows. */
const ENTER = `while [ "$1" != "--" ]; do
  if [ -d "$1" ]; then mount -t tmpfs -o ro,mode=0555,size=4k none "$1" || exit 125; fi
  shift
done
shift
mount -t tmpfs -o mode=1777,nosuid,nodev,size=64m none /tmp && cd /tmp && exec "$@"`;

/** Says on another channel than the program's that it is about to start, or that there is none for who runs it. */
const START = `if [ -x "$1" ]; then echo started >&3 && exec "$@" 3>&-; else echo hidden >&3; fi`;

/** Never rejects. Aborting `signal` kills whatever runs. */
export async function runSandboxed(sandboxed: Sandboxed, signal: AbortSignal): Promise<SandboxEnd> {
  if (signal.aborted) return { kind: "unstarted", code: "aborted" };
  const [command = "", ...args] = argvOf(sandboxed);
  const env = { PATH: SAFE_PATH, HOME: "/tmp", LANG: "C.UTF-8", ...sandboxed.environment };
  const { stdout: into = "pipe", file } = sandboxed;
  const stdio: StdioOptions = ["ignore", into, "pipe", "pipe", ...(file === undefined ? [] : [file])];
  const child = spawn(command, args, { cwd: "/", env, detached: true, stdio });
  const failed = once(child, "error").then(() => "error" as const);
  const closed = once(child, "close").then(([exit]) => exit as number | null);
  const { pid } = child;
  const kill = (): void => {
    if (pid !== undefined) stopGroup(pid, sandboxed.stopMs, closed);
  };
  signal.addEventListener("abort", kill, { once: true });
  if (signal.aborted) kill();
  const [, stdout, stderr, started] = child.stdio;
  const output = new Output(sandboxed.outputBytesMax);
  output.collect(stdout);
  (sandboxed.isApart === true ? new Output(0) : output).collect(stderr);
  const start = new Output(16);
  start.collect(started as Readable);
  const end = await Promise.race([failed, closed]);
  signal.removeEventListener("abort", kill);
  if (end === "error" || !start.text.startsWith("started")) {
    if (signal.aborted) return { kind: "unstarted", code: "aborted" };
    return { kind: "unstarted", code: start.text.startsWith("hidden") ? "program-hidden" : "sandbox-unavailable" };
  }
  // One that was given the time may have ended by itself, and then its exit code tells.
  const isKilled = end === null || sandboxed.stopMs === undefined;
  if (signal.aborted && isKilled) return { kind: "killed", output: output.text };
  return { kind: "ended", exit: end, output: output.text, isCut: output.isCut };
}

function argvOf({ program, args, network, memoryMiB, user, hidden }: Sandboxed): readonly string[] {
  const isRoot = process.getuid?.() === 0;
  const own = ["--mount", "--pid", "--ipc", "--uts", "--fork", "--kill-child", "--mount-proc"];
  // Another user is no longer told when what started it dies, unless it asks again.
  const drop = [
    "--pdeathsig",
    "KILL",
    "--no-new-privs",
    "--bounding-set=-all",
    "--inh-caps=-all",
    "--ambient-caps=-all",
  ];
  return [
    // Should we die, it dies with us.
    ...["setpriv", "--pdeathsig", "KILL", "--", "unshare", ...own],
    ...(network === "none" ? ["--net"] : []),
    ...(isRoot ? [] : ["--user", "--map-root-user"]),
    ...["--", "sh", "-c", ENTER, "sandbox", ...hidden, "--", "setpriv", ...drop],
    ...(isRoot ? [`--reuid=${user.uid}`, `--regid=${user.gid}`, "--clear-groups"] : []),
    ...["--", "prlimit", `--as=${memoryMiB * 1_048_576}`, "--core=0", "--nofile=256", "--fsize=268435456", "--"],
    ...["sh", "-c", START, "sandbox", program, ...args],
  ];
}

function stopGroup(pid: number, stopMs: number | undefined, closed: Promise<unknown>): void {
  if (stopMs === undefined) return signalGroup(pid, "SIGKILL");
  signalGroup(pid, "SIGINT");
  const timer = setTimeout(() => signalGroup(pid, "SIGKILL"), stopMs);
  void closed.finally(() => clearTimeout(timer));
}

/** The whole group, which is its own: what leads it takes the namespace of processes with it. */
function signalGroup(pid: number, signal: "SIGINT" | "SIGKILL"): void {
  try {
    process.kill(-pid, signal);
  } catch {
    // It has ended by itself.
  }
}

/** The first so many bytes of what is written; the rest is read and dropped, so that nobody waits. */
class Output {
  readonly #bytesMax: number;
  readonly #chunks: Buffer[] = [];
  #bytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  collect(stream: Readable | null): void {
    stream?.on("error", () => undefined);
    stream?.on("data", (chunk: Buffer) => {
      const room = Math.max(0, this.#bytesMax - this.#bytes);
      if (room > 0) this.#chunks.push(chunk.subarray(0, room));
      this.#bytes += chunk.length;
    });
  }

  get isCut(): boolean {
    return this.#bytes > this.#bytesMax;
  }

  get text(): string {
    return Buffer.concat(this.#chunks).toString("utf8").toWellFormed();
  }
}
