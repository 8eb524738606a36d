// Taking known secrets out of a text, in every form in which a text is likely to repeat them.

/** As much of a secret at the end of a text counts as a secret: the text may have been cut there. */
const BEGINNING_CHARS_MIN = 4;
/** Of a shorter one the forms below are too short to be told from other text. */
const ENCODED_BYTES_MIN = 8;

/**
 * `text` with `mark` for each of `secrets`: plain, percent-encoded, as in JSON, in base64 (any alphabet, also inside a
 * longer one) and in hex, each also where blanks stand within, as in what is wrapped; and for the beginning of one at
 * the end. What is shown is cut after this: half a secret would not be found. Linear in the text for each form.
 */
export function hideSecrets(text: string, secrets: readonly string[], mark: string): string {
  const { codes, places } = withoutBlanks(text);
  const covers: Covers = { begins: new Int32Array(codes.length + 1), ends: new Int32Array(codes.length + 1) };
  for (const form of new Set(secrets.flatMap(formsOf))) cover(covers, codes, withoutBlanks(form).codes);
  let [clean, copied, depth] = ["", 0, 0];
  for (let at = 0; at <= codes.length; at++) {
    const ended = covers.ends[at] ?? 0;
    depth -= ended;
    if (ended > 0 && depth === 0) copied = (places[at - 1] ?? 0) + 1;
    const begun = covers.begins[at] ?? 0;
    if (begun > 0 && depth === 0) clean += text.slice(copied, places[at]) + mark;
    depth += begun;
  }
  return clean + text.slice(copied);
}

function formsOf(secret: string): readonly string[] {
  const bytes = Buffer.from(secret);
  const plain = [secret, encodeURIComponent(secret.toWellFormed()), JSON.stringify(secret).slice(1, -1)];
  const base64 = [bytes.toString("base64"), bytes.toString("base64url")];
  if (bytes.length < ENCODED_BYTES_MIN) return [...plain, ...base64];
  const inside = insideBase64(bytes);
  const hex = bytes.toString("hex");
  const inUrls = inside.map((form) => form.replaceAll("+", "-").replaceAll("/", "_"));
  return [...plain, ...base64, ...inside, ...inUrls, hex, hex.toUpperCase()];
}

/** By how many bytes of its group stand before it, the characters that depend on nothing else. */
function insideBase64(bytes: Buffer): readonly string[] {
  return [0, 1, 2].map((before) => {
    const text = Buffer.concat([Buffer.alloc(before), bytes]).toString("base64");
    return text.slice(Math.ceil((before * 4) / 3), Math.floor(((before + bytes.length) * 4) / 3));
  });
}

type Dense = { readonly codes: Uint16Array; readonly places: Uint32Array };

/** The characters that are no blanks and no controls, and where each of them stands. */
function withoutBlanks(text: string): Dense {
  const codes = new Uint16Array(text.length);
  const places = new Uint32Array(text.length);
  let count = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code <= 0x20 || (code >= 0x7f && code <= 0xa0)) continue;
    codes[count] = code;
    places[count++] = at;
  }
  return { codes: codes.subarray(0, count), places: places.subarray(0, count) };
}

/** How many hidden stretches begin at a character, and how many end before it. */
type Covers = { readonly begins: Int32Array; readonly ends: Int32Array };

/** Knuth, Morris and Pratt: linear also where text and form repeat themselves. */
function cover({ begins, ends }: Covers, codes: Uint16Array, form: Uint16Array): void {
  const [first] = form;
  if (first === undefined) return;
  const borders = bordersOf(form);
  const hide = (from: number, to: number): void => {
    begins[from] = (begins[from] ?? 0) + 1;
    ends[to] = (ends[to] ?? 0) + 1;
  };
  let length = 0;
  const next = (from: number): number => (length > 0 ? from : codes.indexOf(first, from));
  for (let at = next(0); at >= 0 && at < codes.length; at = next(at + 1)) {
    while (length > 0 && codes[at] !== form[length]) length = borders[length - 1] ?? 0;
    if (codes[at] === form[length]) length++;
    if (length === form.length) hide(at + 1 - length, at + 1);
  }
  if (length >= BEGINNING_CHARS_MIN && length < form.length) hide(codes.length - length, codes.length);
}

/** For each beginning of a form, the longest shorter one that it ends with. */
function bordersOf(form: Uint16Array): Uint32Array {
  const borders = new Uint32Array(form.length);
  for (let at = 1, length = 0; at < form.length; at++) {
    while (length > 0 && form[at] !== form[length]) length = borders[length - 1] ?? 0;
    if (form[at] === form[length]) length++;
    borders[at] = length;
  }
  return borders;
}
