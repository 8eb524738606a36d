// Who sits where: the most seats that can be filled when everybody takes one at most. Exact, for small numbers.

/**
 * For each seat the index of who takes it, or null, so that as many as possible are taken (Kuhn's augmenting paths).
 * `mayTake` says who could take which. Seats are filled in their order, by the first who fits: the same every time.
 */
export function fillSeats(
  seats: number,
  candidates: number,
  mayTake: (candidate: number, seat: number) => boolean,
): readonly (number | null)[] {
  const taken: (number | null)[] = Array.from({ length: seats }, () => null);
  const seatOf = new Map<number, number>();
  for (let seat = 0; seat < seats; seat++) fill(seat, new Set());
  return taken;

  /** Finds somebody for the seat, moving others to seats that they fit as well. */
  function fill(seat: number, tried: Set<number>): boolean {
    for (let candidate = 0; candidate < candidates; candidate++) {
      if (tried.has(candidate) || !mayTake(candidate, seat)) continue;
      tried.add(candidate);
      const current = seatOf.get(candidate);
      if (current !== undefined && !fill(current, tried)) continue;
      taken[seat] = candidate;
      seatOf.set(candidate, seat);
      return true;
    }
    return false;
  }
}
