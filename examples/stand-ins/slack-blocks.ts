// What Slack's reference publishes of blocks and views, as far as the stand-in knows them: what they hold, and how much.
// https://docs.slack.dev/reference/block-kit/blocks and https://docs.slack.dev/reference/views/modal-views

const BLOCKS_MAX = 50;

type Value = Readonly<Record<string, unknown>>;

/** What is wrong with a message's blocks, for a strict reader of the reference. */
export function complaintsAboutBlocks(blocks: unknown): readonly string[] {
  if (!Array.isArray(blocks)) return ["blocks are no list"];
  const ids = blocks.map((block: Value) => block["block_id"]).filter((id) => id !== undefined);
  return [
    ...(blocks.length > BLOCKS_MAX ? ["more than 50 blocks"] : []),
    ...(new Set(ids).size === ids.length ? [] : ["a block_id twice"]),
    ...blocks.flatMap((block: Value) => aboutBlock(block)),
  ];
}

/** What is wrong with a modal. */
export function complaintsAboutView(view: unknown): readonly string[] {
  const {
    type,
    title,
    submit,
    close,
    blocks,
    callback_id: callback,
    private_metadata: metadata,
  } = (view ?? {}) as Value;
  const hasInput = Array.isArray(blocks) && blocks.some((block: Value) => block["type"] === "input");
  return [
    ...(type === "modal" ? [] : ["a view that is no modal"]),
    ...aboutText(title, { what: "a modal's title", max: 24, plain: true }),
    ...(submit === undefined ? [] : aboutText(submit, { what: "submit", max: 24, plain: true })),
    ...(close === undefined ? [] : aboutText(close, { what: "close", max: 24, plain: true })),
    ...(hasInput && submit === undefined ? ["an input without submit"] : []),
    ...(callback === undefined || isText(callback, 255) ? [] : ["a callback_id that is too long"]),
    ...(metadata === undefined || isText(metadata, 3_000) ? [] : ["private_metadata that are too long"]),
    ...complaintsAboutBlocks(blocks),
  ];
}

function aboutBlock(block: Value): readonly string[] {
  const { type, text, fields, elements } = block;
  switch (type) {
    case "header":
      return aboutText(text, { what: "a header", max: 150, plain: true });
    case "section":
      return [
        ...(text === undefined && fields === undefined ? ["a section without text or fields"] : []),
        ...(text === undefined ? [] : aboutText(text, { what: "a section", max: 3_000 })),
        ...(fields === undefined ? [] : aboutFields(fields)),
      ];
    case "actions":
      return [...aboutCount(elements, "actions", 25), ...listOf(elements).flatMap(aboutButton)];
    case "context":
      return [
        ...aboutCount(elements, "context", 10),
        ...listOf(elements).flatMap((one) => aboutText(one, { what: "context" })),
      ];
    case "input":
      return aboutInput(block);
    case "rich_text":
      return listOf(elements).flatMap(aboutRichText);
    default:
      return [`no block is called ${String(type)}`];
  }
}

function aboutFields(fields: unknown): readonly string[] {
  return [
    ...aboutCount(fields, "fields", 10),
    ...listOf(fields).flatMap((one) => aboutText(one, { what: "a field", max: 2_000 })),
  ];
}

function aboutButton(button: Value): readonly string[] {
  const { type, action_id: id, text, value, url, style } = button;
  return [
    ...(type === "button" ? [] : ["an element that is no button"]),
    ...(isText(id, 255) ? [] : ["a button without a usable action_id"]),
    ...aboutText(text, { what: "a button", max: 75, plain: true }),
    ...(value === undefined || isText(value, 2_000) ? [] : ["a button's value that is too long"]),
    ...(url === undefined || isText(url, 3_000) ? [] : ["a button's url that is too long"]),
    ...(style === undefined || style === "primary" || style === "danger" ? [] : ["a style that is none"]),
  ];
}

function aboutInput({ label, element, optional }: Value): readonly string[] {
  const { type, action_id: id, max_length: max } = (element ?? {}) as Value;
  return [
    ...aboutText(label, { what: "a label", max: 2_000, plain: true }),
    ...(type === "plain_text_input" && isText(id, 255) ? [] : ["an input without a usable element"]),
    ...(max === undefined || (typeof max === "number" && max <= 3_000) ? [] : ["max_length beyond 3000"]),
    ...(optional === undefined || typeof optional === "boolean" ? [] : ["optional is no boolean"]),
  ];
}

function aboutRichText({ type, elements }: Value): readonly string[] {
  if (type !== "rich_text_preformatted") return [`no rich text is called ${String(type)}`];
  const isPlain = listOf(elements).every((one) => one["type"] === "text" && isText(one["text"], 40_000));
  return isPlain ? [] : ["preformatted text of something else"];
}

type Rule = { readonly what: string; readonly max?: number; readonly plain?: boolean };

function aboutText(text: unknown, { what, max = 3_000, plain = false }: Rule): readonly string[] {
  const { type, text: words } = (text ?? {}) as Value;
  const isType = type === "plain_text" || (type === "mrkdwn" && !plain);
  return isType && isText(words, max) ? [] : [`${what}: no text object of 1 to ${max} characters`];
}

function aboutCount(list: unknown, what: string, max: number): readonly string[] {
  return Array.isArray(list) && list.length >= 1 && list.length <= max ? [] : [`${what}: 1 to ${max}`];
}

function listOf(list: unknown): readonly Value[] {
  return Array.isArray(list) ? (list as readonly Value[]) : [];
}

function isText(text: unknown, max: number): boolean {
  return typeof text === "string" && text.length >= 1 && text.length <= max;
}
