// Kinds that register somebody by keys, each of which proves that it is at hand.

import { registrationArguments } from "./agents.ts";
import { personRightsArguments } from "./rights.ts";

export const REGISTRATIONS = {
  "agent.register": registrationArguments,
  "person.register": personRightsArguments,
} as const;

export type Registration = keyof typeof REGISTRATIONS;

export function isRegistration(kind: string): kind is Registration {
  return Object.hasOwn(REGISTRATIONS, kind);
}
