// Labels out of what vendors have instead: tags, dimensions, words in a description, free names.

const TAGS_MAX = 128;

/** Pairs as labels, without empty ones. */
export function labelsOf(pairs: Readonly<Record<string, string>>): Map<string, string> {
  return new Map(Object.entries(pairs).filter(([, value]) => value !== ""));
}

/** `env:production, service:cart` as labels; the first of two with one name counts, a tag without a value does not. */
export function tagLabels(tags: string): Map<string, string> {
  const labels = new Map<string, string>();
  for (const tag of tags.split(",", TAGS_MAX)) {
    const at = tag.indexOf(":");
    const name = tag
      .slice(0, at)
      .trim()
      .replace(/^\[[^\]]{1,64}\]/, "");
    const value = tag.slice(at + 1).trim();
    if (at > 0 && value !== "" && !labels.has(name)) labels.set(name, value);
  }
  return labels;
}

const PAIR = /(?:^|[\s,;([])(environment|env|service|component|severity|priority|team)=([A-Za-z0-9._/-]{1,128})/g;

/** `environment=production service=cart` in a text that people write: only these names, each once. */
export function labelsInText(text: string): Map<string, string> {
  const labels = new Map<string, string>();
  for (const [, name = "", value = ""] of text.slice(0, 8192).matchAll(PAIR)) {
    if (!labels.has(name)) labels.set(name, value);
  }
  return labels;
}

/** A free name as one that can be a service: `Cart API` is `cart-api`. What then is no plain name is quarantined. */
export function nameFromTitle(title: string): string {
  return title
    .trim()
    .toLowerCase()
    .replaceAll(/ {1,8}/g, "-");
}

/** `2026-11-20T10:00:00.000+0000`, as Amazon writes it, in RFC 3339. */
export function rfc3339FromAmazon(time: string): string {
  return time.replace(/([+-]\d{2})(\d{2})$/, "$1:$2");
}

/** `1406662672000` as a number; the text where it is none, which then is no plausible time. */
export function epochMs(text: string): string | number {
  return /^\d{1,15}$/.test(text) ? Number(text) : text;
}

/** A record's number or id as trackers make them; what is none is shown as `unnamed`. */
export function plainRecord(text: string): string {
  return /^[A-Za-z0-9_-]{1,64}$/.test(text) ? text : "unnamed";
}
