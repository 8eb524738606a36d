// What each level is called.

export const LEVEL_NAMES = ["advisory", "assisted", "conditional autonomy", "scoped autonomy"] as const;
