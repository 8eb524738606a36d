// One kind of change to one object of Kubernetes: where, what it looks at, what it writes, and what takes it back.

import type { z } from "zod";
import type { Json, JsonObject } from "../../core/json.ts";
import type { ActionKind } from "../../wire/contracts/executor.ts";
import { argumentsJsonSchema, parseArguments } from "../../wire/schemas/executor-arguments.ts";
import type { KubernetesApi, Verb } from "./kubernetes-api.ts";
import { MARK, withMark, type KubernetesObject } from "./kubernetes-object.ts";
import { typeOf, type Place } from "./kubernetes-place.ts";

/** What a change is planned from. */
export interface At {
  readonly object: KubernetesObject;
  readonly api: KubernetesApi;
  /** Names the action, over all installations. */
  readonly mark: string;
  /** Managers whose fields may be written: our own, and those that configuration gives. */
  readonly isOurs: (manager: string) => boolean;
  /** What kind of secret a text looks like, or null. */
  readonly findSecret: (text: string) => string | null;
  /** By its digest, whatever its tag will stand for later; as it is in a plan that takes back. */
  readonly pin: (image: string) => Promise<string>;
  readonly signal: AbortSignal;
}

/** A change as people see and approve it. */
export interface Intended {
  readonly verb: Verb;
  /** What is written, but for the mark and the resource version, which come with the call; of phases, by the last one. */
  readonly body: Json;
  /** In several goes: what each writes onto what the one before it left. */
  readonly phases?: readonly { readonly label: string; readonly body: Json }[];
  readonly inverse: { readonly kind: string; readonly args: JsonObject } | null;
  /** Replicas, pods, nodes or keys. */
  readonly size: number;
  readonly signature?: string;
  /** What it does wherever it is done, where that is not what the arguments say. */
  readonly change?: Json;
}

/** A kind with its arguments: what is left is the object. */
export interface Opened {
  readonly cluster: string;
  readonly place: Place;
  /** Where in the object `watched` is. */
  readonly root: readonly string[];
  /** What the plan is made for: it is not run when this changed. */
  watched(object: KubernetesObject): Json;
  /** What the change sets: it is not taken back when this changed since. */
  touched(object: KubernetesObject): Json;
  /** Throws what `planProblem` makes, `target-owned`, `target-refused` or `arguments-invalid`. */
  intend(at: At): Promise<Intended>;
  /** What is written at last, where the approved body names it instead of holding it. Throws `target-moved`. */
  resolve?(body: Json, at: Pick<At, "api" | "signal">): Promise<Json>;
}

export interface Operation {
  readonly kind: ActionKind;
  /** Throws `arguments-invalid`. */
  open(args: JsonObject): Opened;
}

type Offered<T> = Pick<ActionKind, "kind" | "title" | "reversible" | "risks"> & {
  readonly schema: z.ZodType<T>;
  readonly open: (args: T) => Opened;
};

export function defineOperation<T>({ schema, open, ...kind }: Offered<T>): Operation {
  return {
    kind: {
      ...kind,
      argumentsSchema: argumentsJsonSchema(schema),
      repeat: "conditional",
      planning: "reads",
      effect: "external",
    },
    open: (args) => open(parseArguments(schema, args)),
  };
}

type Sealing = {
  readonly verb: Verb;
  readonly body: Json;
  readonly place: Place;
  readonly object: KubernetesObject;
  readonly mark: string;
};

/** The body as it is sent: only onto the object as we read it, and with the mark of the action on it. */
export function sealed({ verb, body, place, object, mark }: Sealing): Json {
  const { uid, resourceVersion, annotations } = object.metadata;
  const marks = withMark(object, mark);
  switch (verb) {
    case "delete":
      return { apiVersion: "v1", kind: "DeleteOptions", preconditions: { uid, resourceVersion } };
    case "json":
      return [
        { op: "test", path: "/metadata/uid", value: uid },
        { op: "replace", path: "/metadata/resourceVersion", value: resourceVersion },
        ...(annotations === undefined ? [{ op: "add", path: "/metadata/annotations", value: {} }] : []),
        { op: "add", path: `/metadata/annotations/${MARK.replace("/", "~1")}`, value: marks },
        ...(body as Json[]),
      ];
    case "merge":
      return { ...(body as JsonObject), metadata: { uid, resourceVersion, annotations: { [MARK]: marks } } };
    case "apply": {
      const { name, namespace } = place;
      const metadata = { name, ...(namespace === null ? {} : { namespace }), uid, resourceVersion };
      return {
        ...(body as JsonObject),
        ...typeOf(place.word),
        metadata: { ...metadata, annotations: { [MARK]: marks } },
      };
    }
  }
}
