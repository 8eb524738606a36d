// Randomness as a dependency: salts, keys and nonces come from here, never from a global.

export interface Random {
  /** `count` bytes from a cryptographic source (a seeded one in tests). */
  bytes(count: number): Uint8Array;
}
