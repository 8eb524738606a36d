// The names that conditions may use, their types, and what values each can have at all.

import { canonicalEnvironment } from "../core/environment.ts";
import type { PolicyFacts } from "../wire/types/policy-facts.ts";
import { LEVEL_MAX } from "../wire/types/level.ts";
import type { PlanRisk } from "../wire/types/risk.ts";
import { STAGES } from "../wire/types/stage.ts";
import type { Domain, Names } from "./cel/node.ts";
import { BOOL, DOUBLE, INT, STRING, TIMESTAMP, type Type, type Value } from "./cel/value-type.ts";

const SEVERITY_MAX = 3;

const SIGNAL: Type = {
  kind: "object",
  name: "signal",
  fields: { id: STRING, source: STRING, detector: STRING, derived: BOOL },
};

function fact(type: Type, read: (facts: PolicyFacts) => Value, domain?: Domain): Names {
  return domain === undefined ? { kind: "fact", type, read } : { kind: "fact", type, read, domain };
}

function risk(of: PlanRisk): Names {
  return fact(BOOL, (facts) => facts.plan.risks.includes(of));
}

function constant(value: number): Names {
  return { kind: "constant", type: INT, value };
}

export const FACT_NAMES: Readonly<Record<string, Names>> = {
  action: {
    kind: "names",
    of: {
      id: fact(STRING, (facts) => facts.action.id),
      kind: fact(STRING, (facts) => facts.action.kind),
      // Facts carry canonical names only, so `prod` never equals anything.
      environment: fact(STRING, (facts) => facts.action.environment, {
        accepts: (name) => canonicalEnvironment(name) === name,
      }),
      service: fact(STRING, (facts) => facts.action.service),
      reversible: fact(BOOL, (facts) => facts.action.reversible),
      size: fact(INT, (facts) => facts.action.size, { min: 0 }),
      pieces: fact(INT, (facts) => facts.action.pieces, { min: 0 }),
    },
  },
  agent: {
    kind: "names",
    of: {
      id: fact(STRING, (facts) => facts.agent.id),
      kind: fact(STRING, (facts) => facts.agent.kind, { values: ["agent", "person", "system"] }),
      registered: fact(BOOL, (facts) => facts.agent.registered),
      signed: fact(BOOL, (facts) => facts.agent.signed),
      model: {
        kind: "names",
        of: {
          provider: fact(STRING, (facts) => facts.agent.model.provider),
          name: fact(STRING, (facts) => facts.agent.model.name),
          version: fact(STRING, (facts) => facts.agent.model.version),
        },
      },
      delegated: fact(BOOL, (facts) => facts.agent.delegated),
      level: fact(INT, (facts) => facts.agent.level, { min: 0, max: LEVEL_MAX }),
    },
  },
  classification: {
    kind: "names",
    of: {
      known: fact(BOOL, (facts) => facts.classification.known),
      severity: fact(INT, (facts) => facts.classification.severity, { min: 0, max: SEVERITY_MAX }),
      confidence: fact(DOUBLE, (facts) => facts.classification.confidence, { min: 0, max: 1 }),
      requiresTicket: fact(BOOL, (facts) => facts.classification.requiresTicket),
      requiresPaging: fact(BOOL, (facts) => facts.classification.requiresPaging),
      requiresMim: fact(BOOL, (facts) => facts.classification.requiresMim),
      team: fact(STRING, (facts) => facts.classification.team),
    },
  },
  incident: {
    kind: "names",
    of: {
      known: fact(BOOL, (facts) => facts.incident.known),
      id: fact(STRING, (facts) => facts.incident.id),
      signature: fact(STRING, (facts) => facts.incident.signature),
      pagedSeverity: fact(INT, (facts) => facts.incident.pagedSeverity, { min: -1, max: SEVERITY_MAX }),
    },
  },
  stage: {
    kind: "names",
    of: {
      name: fact(STRING, (facts) => facts.stage.name, { values: STAGES }),
      raises: fact(BOOL, (facts) => facts.stage.raises),
    },
  },
  evidence: {
    kind: "names",
    of: {
      signals: fact(INT, (facts) => facts.evidence.signals, { min: 0 }),
      runs: fact(INT, (facts) => facts.evidence.runs, { min: 0 }),
      incidents: fact(INT, (facts) => facts.evidence.incidents, { min: 0 }),
      actions: fact(INT, (facts) => facts.evidence.actions, { min: 0 }),
    },
  },
  storm: {
    kind: "names",
    of: {
      active: fact(BOOL, (facts) => facts.storm.active),
      id: fact(STRING, (facts) => facts.storm.id),
      consolidated: fact(BOOL, (facts) => facts.storm.consolidated),
    },
  },
  plan: {
    kind: "names",
    of: {
      risks: {
        kind: "names",
        of: {
          drift: risk("drift"),
          sloHeadroom: risk("slo-headroom"),
          privilegeWidening: risk("privilege-widening"),
          dataExposure: risk("data-exposure"),
          regulated: risk("regulated"),
          unseen: risk("unseen"),
        },
      },
      tags: fact({ kind: "list", of: STRING }, (facts) => facts.plan.tags),
    },
  },
  signals: fact({ kind: "list", of: SIGNAL }, (facts) => facts.signals as unknown as readonly Value[]),
  now: fact(TIMESTAMP, (facts) => BigInt(facts.timeMs) * 1_000_000n),
  severity: { kind: "names", of: { low: constant(0), medium: constant(1), high: constant(2), sev1: constant(3) } },
};

const TIME_MS_MAX = 253_402_300_799_999; // the last millisecond of 9999, where timestamps end

/** False for facts that no condition may be asked about: numbers outside their range, NaN among them. */
export function areFactsValid(facts: PolicyFacts): boolean {
  const { severity, confidence } = facts.classification;
  return (
    confidence >= 0 &&
    confidence <= 1 &&
    Number.isInteger(severity) &&
    severity >= 0 &&
    severity <= SEVERITY_MAX &&
    isLevel(facts.agent.level) &&
    Number.isSafeInteger(facts.timeMs) &&
    facts.timeMs >= 0 &&
    facts.timeMs <= TIME_MS_MAX
  );
}

function isLevel(level: number): boolean {
  return Number.isInteger(level) && level >= 0 && level <= LEVEL_MAX;
}
