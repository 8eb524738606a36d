// Who calls whom, by either end, in the order in which the calls are named.

export class Neighbours {
  readonly #callees = new Map<string, string[]>();
  readonly #callers = new Map<string, string[]>();

  constructor(edges: readonly (readonly [caller: string, callee: string])[]) {
    for (const [caller, callee] of edges) {
      push(this.#callees, caller, callee);
      push(this.#callers, callee, caller);
    }
  }

  calleesOf(node: string): readonly string[] {
    return this.#callees.get(node) ?? [];
  }

  callersOf(node: string): readonly string[] {
    return this.#callers.get(node) ?? [];
  }
}

function push(lists: Map<string, string[]>, key: string, one: string): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [one]);
  else list.push(one);
}
