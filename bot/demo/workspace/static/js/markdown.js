// The `markdown` block: standard Markdown, as much of it as Slack draws.

import { h } from "./dom.js";
import { emoji, emojiInText } from "./emoji.js";
import { link } from "./mrkdwn.js";

const INLINE = new RegExp(
  [
    "``(?<code2>.+?)``",
    "`(?<code>[^`\\n]+)`",
    "!?\\[(?<label>[^\\]\\n]*)\\]\\((?<url>[^()\\s]+)\\)",
    "(?<auto>https?://[^\\s<>()]+[^\\s<>().,;:!?'\"])",
    "\\*\\*(?<bold>[^\\s*](?:.*?[^\\s])?)\\*\\*",
    "__(?<bold2>[^\\s_](?:.*?[^\\s])?)__",
    "(?<![\\w*])\\*(?<italic>[^\\s*](?:[^*\\n]*[^\\s*])?)\\*(?![\\w*])",
    "(?<![\\w_])_(?<italic2>[^\\s_](?:[^_\\n]*[^\\s_])?)_(?![\\w_])",
    "~~(?<strike>[^~\\n]+)~~",
    ":(?<emoji>[a-z0-9_+'-]+):",
    "\\\\(?<escaped>[\\\\`*_{}\\[\\]()#+.!~>|-])",
  ].join("|"),
  "gu",
);

function inline(text) {
  const nodes = [];
  let end = 0;
  for (const found of text.matchAll(INLINE)) {
    nodes.push(...emojiInText(text.slice(end, found.index)), element(found.groups));
    end = found.index + found[0].length;
  }
  return [...nodes, ...emojiInText(text.slice(end))];
}

function element(part) {
  if (part.code || part.code2) return h("code", {}, part.code ?? part.code2);
  if (part.url) return link(part.url, part.label ? inline(part.label) : null);
  if (part.auto) return link(part.auto, null);
  if (part.bold || part.bold2) return h("strong", {}, inline(part.bold ?? part.bold2));
  if (part.italic || part.italic2) return h("em", {}, inline(part.italic ?? part.italic2));
  if (part.strike) return h("s", {}, inline(part.strike));
  if (part.emoji) return emoji(part.emoji);
  return document.createTextNode(part.escaped ?? "");
}

const FENCE = /^\s*```(\S*)\s*$/;
const HEADING = /^(#{1,6})\s+(.*?)\s*#*$/;
const RULE = /^\s*(?:-{3,}|\*{3,}|_{3,})\s*$/;
const QUOTE = /^>\s?(.*)$/;
const ITEM = /^(\s*)(?:([-*+])|(\d+)[.)])\s+(?:\[([ xX])\]\s+)?(.*)$/;
const ROW = /^\s*\|(.+)\|\s*$/;
const DIVIDER = /^\s*\|[\s:|-]+\|\s*$/;

/** Markdown as elements. */
export function markdown(text) {
  const lines = text.split("\n");
  const nodes = [];
  while (lines.length) nodes.push(...(block(lines) ?? []));
  return nodes;
}

function block(lines) {
  if (!lines[0].trim()) return void lines.shift();
  for (const take of [fence, heading, rule, quote, list, table]) {
    const node = take(lines);
    if (node) return [node];
  }
  return [paragraph(lines)];
}

function fence(lines) {
  if (!FENCE.test(lines[0])) return null;
  lines.shift();
  const close = lines.findIndex((line) => FENCE.test(line));
  const code = lines.splice(0, close < 0 ? lines.length : close);
  lines.shift();
  return h("pre", { class: "fence", tabIndex: 0 }, h("code", {}, code.join("\n")));
}

function heading(lines) {
  const found = lines[0].match(HEADING);
  if (!found) return null;
  lines.shift();
  return h("h4", { class: "heading" }, inline(found[2]));
}

function rule(lines) {
  return RULE.test(lines[0]) && lines.shift() ? h("hr") : null;
}

function quote(lines) {
  const inner = [];
  while (lines.length && QUOTE.test(lines[0])) inner.push(lines.shift().match(QUOTE)[1]);
  return inner.length ? h("blockquote", {}, markdown(inner.join("\n"))) : null;
}

function list(lines) {
  const first = lines[0].match(ITEM);
  if (!first) return null;
  const depth = first[1].length;
  const items = [];
  while (lines.length) {
    const found = lines[0].match(ITEM);
    if (!found || found[1].length < depth) break;
    if (found[1].length > depth) {
      items.at(-1).append(list(lines));
      continue;
    }
    lines.shift();
    const box = found[4] === undefined ? null : h("input", { type: "checkbox", disabled: true, checked: found[4] !== " " });
    items.push(h("li", {}, box, inline(found[5])));
  }
  return first[3] ? h("ol", { start: Number(first[3]) }, items) : h("ul", {}, items);
}

function table(lines) {
  if (!ROW.test(lines[0]) || !DIVIDER.test(lines[1] ?? "")) return null;
  const rows = [];
  while (lines.length && ROW.test(lines[0])) rows.push(lines.shift().match(ROW)[1].split("|").map((cell) => cell.trim()));
  const [head, , ...body] = rows;
  const cells = (row, tag) => h("tr", {}, row.map((cell) => h(tag, {}, inline(cell))));
  return h("div", { class: "table" }, h("table", {}, h("thead", {}, cells(head, "th")), h("tbody", {}, body.map((row) => cells(row, "td")))));
}

function paragraph(lines) {
  const text = [lines.shift()];
  const opens = (line) => [FENCE, HEADING, RULE, QUOTE, ITEM].some((pattern) => pattern.test(line));
  while (lines.length && lines[0].trim() && !opens(lines[0]) && !(ROW.test(lines[0]) && DIVIDER.test(lines[1] ?? ""))) text.push(lines.shift());
  return h("p", {}, text.flatMap((line, index) => [...(index ? [h("br")] : []), ...inline(line)]));
}
