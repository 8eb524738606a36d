// Where the nodes of a drawing stand: in columns by how far they are from the chosen one, users left and what is used right.

export const BOX = { width: 184, height: 46 };
const GAP = { x: 84, y: 16 };
const MARGIN = 12;
/** More than this is read as a table. */
const NODES_MAX = 150;
const COLUMN_MAX = 40;

type Joined = { readonly from: string; readonly to: string };

export type Placed = { readonly id: string; readonly x: number; readonly y: number };

type Layout = {
  readonly places: ReadonlyMap<string, Placed>;
  readonly width: number;
  readonly height: number;
  /** Nodes that there was no room for. */
  readonly leftOut: number;
};

/** Nodes that no edge joins to `center` stand behind the last column. */
export function layOut(center: string, nodes: readonly string[], edges: readonly Joined[]): Layout {
  const columns = columnsOf(layersOf(center, new Set(nodes), edges), nodes);
  if (columns.length === 0) return { places: new Map(), width: 0, height: 0, leftOut: 0 };
  const tallest = Math.max(1, ...columns.map(({ length }) => length));
  const height = tallest * (BOX.height + GAP.y) - GAP.y + 2 * MARGIN;
  const width = columns.length * (BOX.width + GAP.x) - GAP.x + 2 * MARGIN;
  const places = new Map<string, Placed>();
  for (const [column, ids] of columns.entries()) {
    const own = ids.length * (BOX.height + GAP.y) - GAP.y;
    const top = (height - own) / 2;
    const x = MARGIN + column * (BOX.width + GAP.x);
    for (const [row, id] of ids.entries()) places.set(id, { id, x, y: top + row * (BOX.height + GAP.y) });
  }
  return { places, width, height, leftOut: nodes.length - places.size };
}

/** Steps from the center, in the order in which they are met: less than nothing against the edges. */
function layersOf(center: string, nodes: ReadonlySet<string>, edges: readonly Joined[]): ReadonlyMap<string, number> {
  const next = new Map<string, (readonly [string, number])[]>();
  const join = (from: string, to: string, step: number): void => {
    const known = next.get(from);
    if (known === undefined) next.set(from, [[to, step]]);
    else known.push([to, step]);
  };
  for (const { from, to } of edges) {
    if (!nodes.has(from) || !nodes.has(to)) continue;
    join(from, to, 1);
    join(to, from, -1);
  }
  const layers = new Map(nodes.has(center) ? [[center, 0]] : []);
  for (const [node, layer] of layers) {
    for (const [other, step] of next.get(node) ?? []) if (!layers.has(other)) layers.set(other, layer + step);
  }
  return layers;
}

function columnsOf(layers: ReadonlyMap<string, number>, nodes: readonly string[]): readonly (readonly string[])[] {
  const last = Math.max(0, ...layers.values());
  const ordered = [...layers.keys(), ...nodes.filter((id) => !layers.has(id))];
  const columns = new Map<number, string[]>();
  let count = 0;
  for (const id of ordered) {
    const layer = layers.get(id) ?? last + 1;
    const column = columns.get(layer) ?? [];
    if (count === NODES_MAX || column.length === COLUMN_MAX) continue;
    columns.set(layer, [...column, id]);
    count += 1;
  }
  return [...columns].toSorted(([a], [b]) => a - b).map(([, ids]) => ids);
}
