// The bounds of the model: beyond them it takes no more, says so, and goes on with what it has.

export const NODES_MAX = 200_000;
export const EDGES_MAX = 1_000_000;
/** Beyond it, what was only measured long ago is thinned out. */
export const VERSIONS_MAX = 6_000_000;
export const DECLARATIONS_MAX = 100_000;
export const FEEDS_MAX = 64;
/** The oldest make room. */
export const CHANGES_MAX = 200_000;
/** Operations of one service that are told apart. */
export const OPERATIONS_PER_SERVICE_MAX = 100;
/** Nodes of one trace that its entry is said to reach. */
export const REACHED_MAX = 500;
/** Nodes and edges that the ledger tells of: incidents, actions, policies. */
export const TOLD_MAX = 400_000;
/** Measured impacts that are kept, of all kinds, and kinds that are calibrated: the oldest make room, a new kind is not. */
export const IMPACTS_MAX = 5_000;
export const KINDS_MAX = 256;
