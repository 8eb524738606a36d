// What a proof that does not hold throws: the message says which part.

export class NotProven extends Error {
  override readonly name = "NotProven";
}
