// Text for Slack that means nothing but itself.

/** Slack's three control characters (https://docs.slack.dev/messaging/formatting-message-text): no text calls anybody. */
export function escapeText(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

/** Not within an escape. */
export function cut(text: string, charsMax: number): string {
  return text
    .slice(0, charsMax)
    .replace(/&[a-z]{0,4}$/, "")
    .toWellFormed();
}
