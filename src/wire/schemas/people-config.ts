// Who somebody is here, whom another system knows by a name of its own.

import { z } from "zod";

const PEOPLE_MAX = 2_000;

export const personSchema = z.string().regex(/^person:[a-z0-9-]{1,64}$/, "an identity is like person:ada");

type Names = z.ZodType<string, string>;

/** An identity for each name. */
export function identitiesBy(name: Names) {
  return withinBounds(z.record(name, personSchema));
}

export function withinBounds<R extends z.ZodType<Readonly<Record<string, unknown>>>>(people: R): R {
  return people.refine((all) => Object.keys(all).length <= PEOPLE_MAX, `at most ${PEOPLE_MAX} people`);
}
