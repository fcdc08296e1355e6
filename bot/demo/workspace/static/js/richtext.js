// rich_text and table blocks.

import { h } from "./dom.js";
import { emoji, emojiInText } from "./emoji.js";
import { dated } from "./dates.js";
import { channel, group, link, mention } from "./mrkdwn.js";

const STYLES = { bold: "strong", italic: "em", strike: "s", code: "code" };

function styled(nodes, style = {}) {
  return Object.entries(STYLES).reduce((inner, [name, tag]) => (style[name] ? [h(tag, {}, inner)] : inner), nodes);
}

const INLINE = {
  text: (part) => part.text.split("\n").flatMap((line, index) => [...(index ? [h("br")] : []), ...(part.style?.code ? [line] : emojiInText(line))]),
  link: (part) => [link(part.url, part.text ? [part.text] : null)],
  emoji: (part) => [emoji(part.name)],
  user: (part) => [mention(part.user_id)],
  channel: (part) => [channel(part.channel_id)],
  usergroup: (part) => [group(part.usergroup_id)],
  broadcast: (part) => [h("span", { class: "mention loud" }, `@${part.range}`)],
  date: (part) => [h("time", {}, dated(part.timestamp, part.format ?? "{date_pretty}", part.fallback ?? ""))],
  color: (part) => [h("code", {}, part.value)],
};

const inline = (elements) => elements.flatMap((part) => styled(INLINE[part.type]?.(part) ?? [], part.style));

const PARTS = {
  rich_text_section: (part) => h("div", { class: "line" }, inline(part.elements)),
  rich_text_quote: (part) => h("blockquote", {}, inline(part.elements)),
  rich_text_preformatted: (part) => h("pre", { class: "fence", tabIndex: 0 }, h("code", {}, part.elements.map((piece) => piece.text ?? piece.url ?? ""))),
  rich_text_list: (part) =>
    h(part.style === "ordered" ? "ol" : "ul", { class: `indent-${part.indent ?? 0}`, ...(part.style === "ordered" ? { start: (part.offset ?? 0) + 1 } : {}) },
      part.elements.map((item) => h("li", {}, inline(item.elements)))),
};

export function richText(block) {
  return h("div", { class: "rich" }, block.elements.map((part) => PARTS[part.type]?.(part)));
}

function cell(tag, content, setting = {}) {
  const align = { right: "to-right", center: "to-centre" }[setting?.align] ?? "";
  const shown = content.type === "rich_text" ? richText(content) : emojiInText(content.text);
  return h(tag, { class: `${align} ${setting?.is_wrapped ? "wrapped" : ""}`.trim(), ...(tag === "th" ? { scope: "col" } : {}) }, shown);
}

export function table(block) {
  const [head, ...body] = block.rows;
  const row = (cells, tag) => h("tr", {}, cells.map((content, index) => cell(tag, content, block.column_settings?.[index])));
  return h("div", { class: "table", tabIndex: 0, role: "group", "aria-label": "Table" },
    h("table", {}, h("thead", {}, row(head, "th")), h("tbody", {}, body.map((cells) => row(cells, "td")))));
}
