// Load from a process of its own: wrk where it is installed (it leaves the server the most of two cores), else autocannon.

import { execFile } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

export type Load = {
  readonly url: string;
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly connections: number;
  readonly seconds: number;
};

export type Measured = {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly errors: number;
};

export async function applyLoad(load: Load, dir: string): Promise<Measured> {
  return existsSync("/usr/bin/wrk") ? withWrk(load, dir) : withAutocannon(load);
}

/** At a constant rate: latency counted from when a request was due, not from when it was sent. */
export async function applyRate(load: Load, perSecond: number): Promise<Measured> {
  const script = new URL("./constant-rate.ts", import.meta.url).pathname;
  const { stdout } = await run(process.execPath, [script, JSON.stringify({ ...load, perSecond })]);
  return JSON.parse(stdout) as Measured;
}

async function withWrk(load: Load, dir: string): Promise<Measured> {
  const script = join(dir, "load.lua");
  const headers = Object.entries({ "content-type": "application/json", ...load.headers });
  const lines = [
    `wrk.method = "POST"`,
    `wrk.body = ${lua(load.body)}`,
    ...headers.map(([name, value]) => `wrk.headers[${lua(name)}] = ${lua(value)}`),
    `done = function(s, l, r) io.write(string.format("R %d %d %d %d %d\\n", s.requests, s.duration, l:percentile(50), l:percentile(99), s.errors.status + s.errors.connect + s.errors.read + s.errors.write + s.errors.timeout)) end`,
  ];
  writeFileSync(script, lines.join("\n"));
  const args = ["-t1", `-c${load.connections}`, `-d${load.seconds}s`, "-s", script, load.url];
  const { stdout } = await run("/usr/bin/wrk", args);
  const [, requests, durationUs, p50Us, p99Us, errors] =
    /R (\d+) (\d+) (\d+) (\d+) (\d+)/.exec(stdout)?.map(Number) ?? [];
  return {
    perSecond: Math.round((requests ?? 0) / ((durationUs ?? 1) / 1e6)),
    p50Ms: (p50Us ?? 0) / 1000,
    p99Ms: (p99Us ?? 0) / 1000,
    errors: errors ?? 0,
  };
}

function lua(text: string): string {
  return `"${text.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
}

async function withAutocannon(load: Load): Promise<Measured> {
  const args = ["-j", "-c", String(load.connections), "-d", String(load.seconds), "-m", "POST", "-b", load.body];
  for (const [name, value] of Object.entries({ "content-type": "application/json", ...load.headers }))
    args.push("-H", `${name}=${value}`);
  const tool = new URL("../node_modules/autocannon/autocannon.js", import.meta.url).pathname;
  const { stdout } = await run(process.execPath, [tool, ...args, load.url], { maxBuffer: 2 ** 24 });
  const result = JSON.parse(stdout) as {
    requests: { average: number };
    latency: { p50: number; p99: number };
    errors: number;
    non2xx: number;
  };
  return {
    perSecond: Math.round(result.requests.average),
    p50Ms: result.latency.p50,
    p99Ms: result.latency.p99,
    errors: result.errors + result.non2xx,
  };
}
