// Where a secret could have gone: every answer to a read, the stream, the ledger with its contents, and every file.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { zstdDecompressSync } from "node:zlib";
import { openSqliteReader } from "../../src/adapters/stores/sqlite-reader.ts";
import { ROUTES } from "../../src/http/server.ts";
import { loadKeys } from "../../src/main/keys.ts";
import { readRecordedPayload } from "../../src/main/recorded-payload.ts";
import type { LedgerReader } from "../../src/wire/contracts/store.ts";
import { OWNER, PROPOSER, type TestServer } from "./server.ts";

const CRC_BYTES = 4;
const ZSTD = Buffer.from([0x28, 0xb5, 0x2f, 0xfd]);

/** As texts, addresses, forms (which leave letters and digits alone) and headers carry it. */
function formsOf(secret: string): readonly string[] {
  const percent = encodeURIComponent(secret);
  const form = percent.replaceAll(/[-_.!~*'()]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
  const forms = [secret, percent, form, JSON.stringify(secret).slice(1, -1), Buffer.from(secret).toString("hex")];
  return [...new Set([...forms, ...base64Of(secret), ...base64Of(form)])];
}

/** Of whatever has it inside, as a login does: what comes before moves it by no, one or two bytes. */
function base64Of(secret: string): readonly string[] {
  return [0, 1, 2].flatMap((before) => {
    const bytes = Buffer.concat([Buffer.alloc(before), Buffer.from(secret)]);
    const [from, to] = [Math.ceil((before * 8) / 6), Math.floor((bytes.length * 8) / 6)];
    return (["base64", "base64url"] as const).map((kind) => bytes.toString(kind).slice(from, to));
  });
}

export class Search {
  readonly #forms: readonly (readonly [name: string, form: string])[];

  constructor(secrets: Readonly<Record<string, string>>) {
    this.#forms = Object.entries(secrets).flatMap(([name, secret]) =>
      formsOf(secret).map((form) => [name, form] as const),
    );
  }

  /** Fails when `text` holds a planted secret, naming the place and the kind of secret alone. */
  assertClean(where: string, text: string): void {
    for (const [name, form] of this.#forms) {
      const at = text.indexOf(form);
      const before = text.slice(Math.max(0, at - 120), at);
      assert.ok(at < 0, `${where} holds the ${name} secret after ${JSON.stringify(before)}`);
    }
  }

  /**
   * Every route that is read, as the owner and as somebody with no role, for everything that the lists name. Gives those
   * that answered nothing though they should.
   */
  async scanAnswers(server: TestServer): Promise<readonly string[]> {
    const paths = new Paths(server);
    const empty: string[] = [];
    for (const { method, path, operationId } of [...ROUTES, DESCRIPTION]) {
      if (method !== "GET" || path === "/v1/stream") continue;
      const statuses = new Set<number>();
      for (const one of await paths.of(path)) {
        for (const as of [OWNER, PROPOSER]) {
          const { status, body } = await server.call("GET", one, { as });
          statuses.add(status);
          this.assertClean(one, typeof body === "string" ? body : JSON.stringify(body));
        }
      }
      if (!statuses.has(200) && !NOT_HERE.has(operationId)) empty.push(`${operationId} ${[...statuses].join(", ")}`);
    }
    return empty;
  }

  /** `reader` is closed. */
  async scanRecords(dataDir: string, reader: LedgerReader = openSqliteReader(ledgerIn(dataDir))): Promise<void> {
    try {
      const keys = await loadKeys(reader, dataDir);
      const { size } = await reader.head();
      let [read, payloads] = [0, 0];
      while (read < size) {
        for (const batch of await reader.readBatches(read, 1_024)) {
          this.assertClean("the ledger", batch.leaves);
          for (const { seq } of batch.payloads) {
            this.assertClean(`payload ${seq}`, JSON.stringify(await readRecordedPayload(reader, keys, seq)));
            payloads++;
          }
          read = batch.firstSeq + batch.count;
        }
      }
      assert.ok(payloads > 100, "contents were read");
      const snapshot = await reader.latestSnapshot(Number.MAX_SAFE_INTEGER);
      assert.ok(snapshot !== null, "there is a snapshot to look into");
      this.assertClean("a snapshot", Buffer.from(snapshot.bytes).toString("latin1"));
    } finally {
      await reader.close();
    }
  }

  /** `reader` is closed. */
  async hasSnapshot(
    dataDir: string,
    reader: LedgerReader = openSqliteReader(ledgerIn(dataDir)),
  ): Promise<true | undefined> {
    const found = await reader.latestSnapshot(Number.MAX_SAFE_INTEGER);
    await reader.close();
    return found === null ? undefined : true;
  }

  /** Whatever lies in the data folder but what keeps secrets by design; what is packed in databases too. */
  scanFiles(dataDir: string): void {
    const entries = readdirSync(dataDir, { recursive: true, withFileTypes: true });
    const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
    const others = files.filter((path) => !path.startsWith(join(dataDir, "secrets")));
    for (const path of others) this.assertClean(path.slice(dataDir.length), readFileSync(path, "latin1"));
    for (const path of others.filter((one) => one.endsWith(".db"))) {
      const packed = unpackedIn(rowsOf(path));
      assert.ok(packed.length > 0 || path !== ledgerIn(dataDir), "leaves are packed");
      for (const text of packed) this.assertClean(`what is packed in ${path.slice(dataDir.length)}`, text);
    }
  }

  /** Rows of a database as they are stored. */
  scanRows(where: string, rows: readonly Row[]): void {
    const values = rows.flatMap((row) => Object.values(row));
    const texts = values.map((value) =>
      value instanceof Uint8Array ? Buffer.from(value).toString("latin1") : String(value),
    );
    for (const text of [...texts, ...unpackedIn(rows)]) this.assertClean(where, text);
  }
}

type Row = Readonly<Record<string, unknown>>;

function ledgerIn(dataDir: string): string {
  return join(dataDir, "ledger.db");
}

function rowsOf(path: string): readonly Row[] {
  const database = new DatabaseSync(path, { readOnly: true });
  try {
    const tables = database.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").all() as { name: string }[];
    return tables.flatMap(({ name }) => database.prepare(`SELECT * FROM "${name}"`).all());
  } finally {
    database.close();
  }
}

function unpackedIn(rows: readonly Row[]): readonly string[] {
  const values = rows.flatMap((row) => Object.values(row)).filter((value) => value instanceof Uint8Array);
  return values.flatMap((value) => {
    const at = [0, CRC_BYTES].find((offset) => ZSTD.equals(value.subarray(offset, offset + ZSTD.length)));
    return at === undefined ? [] : [zstdDecompressSync(value.subarray(at)).toString("latin1")];
  });
}

const DESCRIPTION = { method: "GET", path: "/openapi.json", operationId: "getDescription" } as const;

/** Whose answer is no document, or what was not made here: their refusals are looked at. */
const NOT_HERE: ReadonlySet<string> = new Set([
  "beginSignIn",
  "finishSignIn",
  "getStorm",
  "getAccessRequest",
  "getAgent",
  "getReview",
  "getApprover",
  "getLevel",
  "getSilence",
  "readModelNode",
]);

const QUERIES: Readonly<Record<string, string>> = { "/v1/model/diff": "?from=2026-01-01T00:00:00Z" };

type Page = {
  readonly items: readonly { readonly id?: string; readonly seq?: number }[];
  readonly cursor?: string | null;
};

/** Paths of routes, with the ids that the lists of the server name. */
class Paths {
  readonly #server: TestServer;
  readonly #ids = new Map<string, readonly string[]>();

  constructor(server: TestServer) {
    this.#server = server;
  }

  async of(path: string): Promise<readonly string[]> {
    const at = path.search(/\/[:*]/);
    if (at < 0) return [`${path}${QUERIES[path] ?? ""}`, ...(await this.#pages(path))];
    const [list, rest] = [path.slice(0, at), path.slice(at).replace(/^\/(?::\w+|\*)/, "")];
    const ids = await this.#idsOf(list);
    return ids.map((id) => `${list}/${encodeURIComponent(id).replaceAll("%2F", "/")}${rest}`);
  }

  async #pages(path: string): Promise<readonly string[]> {
    const pages: string[] = [];
    for (let cursor = await this.#cursorOf(path); cursor !== null && pages.length < 50;) {
      pages.push(`${path}?cursor=${encodeURIComponent(cursor)}`);
      cursor = await this.#cursorOf(pages.at(-1) ?? path);
    }
    return pages;
  }

  async #cursorOf(path: string): Promise<string | null> {
    const { body } = await this.#server.call("GET", path);
    const page: Partial<Page> | null = typeof body === "object" ? body : null;
    return page?.cursor ?? null;
  }

  async #idsOf(list: string): Promise<readonly string[]> {
    const known = this.#ids.get(list);
    if (known !== undefined) return known;
    const ids = await this.#readIds(list);
    this.#ids.set(list, ids);
    return ids;
  }

  async #readIds(list: string): Promise<readonly string[]> {
    if (list === "/v1/ledger/tile") return ["0/000", "0/000.p/1"];
    if (list === "/v1/model/nodes") return this.#nodes();
    if (list === "/access/v1/requests") return (await this.#idsOf("/v1/actions")).slice(0, 3);
    const found: string[] = [];
    for (const page of [list, ...(await this.#pages(list))]) {
      const { items = [] } = (await this.#server.call("GET", page)).body as Partial<Page>;
      found.push(...items.map(({ id, seq }) => id ?? String(seq)));
    }
    return found.length === 0 ? ["none_000000001"] : found;
  }

  async #nodes(): Promise<readonly string[]> {
    const { nodes } = (await this.#server.call("GET", "/v1/model")).body as {
      nodes: readonly { readonly id: string }[];
    };
    return nodes.map(({ id }) => id);
  }
}

/** What the stream of live events says until the server ends. */
export async function streamOf(server: TestServer): Promise<{ readonly whole: Promise<string> }> {
  const headers = { authorization: `Bearer ${await server.token(OWNER)}` };
  const response = await fetch(`${server.url}/v1/stream`, { headers });
  const whole = response.text();
  whole.catch(() => undefined); // whoever waits for it hears of it
  return { whole };
}
