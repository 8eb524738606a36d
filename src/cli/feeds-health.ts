// How the feeds of the runtime model are doing, out of the server's metrics: for `doctor`.

const SAMPLE =
  /^holdpoint_model_feed_failing\{feed="([a-z0-9-]{1,64})",kind="([a-z]{1,16})",code="([a-z0-9-]{0,64})"\} [01]$/;
const FEEDS_MAX = 128;

export type FeedHealth = {
  readonly name: string;
  readonly kind: string;
  /** What it does not get; empty while it gets it. */
  readonly code: string;
};

/** One for each feed that the metrics name, in their order. */
export function feedsIn(metrics: string): readonly FeedHealth[] {
  const found = metrics.split("\n").flatMap((line): FeedHealth[] => {
    const [, name, kind, code] = SAMPLE.exec(line) ?? [];
    return name === undefined || kind === undefined || code === undefined ? [] : [{ name, kind, code }];
  });
  return found.slice(0, FEEDS_MAX);
}
