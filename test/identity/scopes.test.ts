// Scopes: one wildcard, and nothing that looks like another works.

import assert from "node:assert/strict";
import { test } from "node:test";
import { hasScope, isClientScope, PLAIN_SCOPES } from "../../src/wire/types/scopes.ts";
import type { ClientScope } from "../../src/wire/types/scopes.ts";

test("actions:propose:* covers every kind of action; nothing else covers more than itself", () => {
  const all = { scopes: ["actions:propose:*"] };
  const one = { scopes: ["actions:propose:pagerduty.trigger"] };
  assert.ok(hasScope(all, "actions:propose:pagerduty.trigger"));
  assert.ok(hasScope(all, "actions:propose:*"));
  assert.ok(hasScope(one, "actions:propose:pagerduty.trigger"));
  assert.ok(!hasScope(one, "actions:propose:pagerduty.resolve"));
  assert.ok(!hasScope(one, "actions:propose:*"));
  assert.ok(!hasScope(all, "actions:approve"));
  for (const held of PLAIN_SCOPES) {
    for (const needed of PLAIN_SCOPES) assert.equal(hasScope({ scopes: [held] }, needed), held === needed);
    assert.ok(!hasScope({ scopes: [held] }, "actions:propose:pagerduty.trigger"));
  }
});

test("what is not in the vocabulary is covered by nothing and cannot be registered", () => {
  const wrong = [
    "",
    "*",
    "actions:*",
    "actions:propose:",
    "actions:propose",
    "actions:propose:pager*",
    "actions:propose:*.*",
    "ACTIONS:READ",
    "actions:read ",
    "admin:*",
    "signals:write:alertmanager",
    "signals:write:*",
    "toString",
    "actions:propose:Pagerduty.trigger",
    "actions:propose:a b",
    "actions:propose:a..b",
    "actions:propose:.a",
    `actions:propose:${"a".repeat(200)}`,
    "actions:propose:а.trigger",
  ];
  for (const scope of wrong) {
    assert.ok(!isClientScope(scope), scope);
    assert.ok(!hasScope({ scopes: ["admin", "actions:read"] }, scope as ClientScope), scope);
  }
  for (const scope of [...PLAIN_SCOPES, "actions:propose:*", "actions:propose:servicenow.incident.create"]) {
    assert.ok(isClientScope(scope), scope);
  }
});
