// Slack's mrkdwn as elements. Every character of the message ends in a text node or an attribute that is set as one.

import { h, safe } from "./dom.js";
import { emoji, emojiInText } from "./emoji.js";
import { dated, full, moment } from "./dates.js";
import { state, person } from "./store.js";

const ENTITIES = { "&amp;": "&", "&lt;": "<", "&gt;": ">" };
const plain = (text) => text.replace(/&(?:amp|lt|gt);/g, (entity) => ENTITIES[entity]);

const INLINE = new RegExp(
  [
    "`(?<code>[^`\\n]+)`",
    "<(?<token>[^<>\\n]+)>",
    ":(?<emoji>[a-z0-9_+'-]+):",
    "(?<![\\w*])\\*(?<bold>[^\\s*](?:[^*\\n]*[^\\s*])?)\\*(?![\\w*])",
    "(?<![\\w_])_(?<italic>[^\\s_](?:[^\\n]*?[^\\s_])?)_(?![\\w_])",
    "(?<![\\w~])~(?<strike>[^\\s~](?:[^~\\n]*[^\\s~])?)~(?![\\w~])",
  ].join("|"),
  "gu",
);

/** mrkdwn with its fences and quotes. */
export function mrkdwn(text) {
  return text.split(/```/).flatMap((part, index) => (index % 2 ? [fence(part)] : paragraphs(part)));
}

function fence(text) {
  return h("pre", { class: "fence", tabIndex: 0 }, h("code", {}, bare(text.replace(/^\n|\n$/g, ""))));
}

function paragraphs(text) {
  const nodes = [];
  let quoted = [];
  const flush = () => {
    if (quoted.length) nodes.push(h("blockquote", {}, lines(quoted)));
    quoted = [];
  };
  const loose = [];
  const spill = () => {
    while (loose.length && !loose[0].trim() && nodes.length) loose.shift();
    if (loose.length && loose.some((line) => line.trim())) nodes.push(...lines(trimmed(loose.splice(0))));
    loose.length = 0;
  };
  for (const line of text.split("\n")) {
    const quote = line.match(/^&gt; ?(.*)$/);
    if (quote) {
      spill();
      quoted.push(quote[1]);
    } else {
      flush();
      loose.push(line);
    }
  }
  flush();
  spill();
  return nodes;
}

function trimmed(all) {
  while (all.length && !all.at(-1).trim()) all.pop();
  return all;
}

function lines(all) {
  return all.map((line) => {
    if (!line.trim()) return h("span", { class: "gap" });
    const item = line.match(/^(\s*)([•◦▪-]|\d+\.)\s+(.*)$/u);
    if (!item) return h("span", { class: "line" }, inline(line));
    const mark = item[2] === "-" ? "•" : item[2];
    return h("span", { class: "line item" }, h("span", { class: "mark" }, mark), h("span", {}, inline(item[3])));
  });
}

/** One line of mrkdwn. */
export function inline(text) {
  const nodes = [];
  let end = 0;
  for (const found of text.matchAll(INLINE)) {
    nodes.push(...words(text.slice(end, found.index)), element(found));
    end = found.index + found[0].length;
  }
  return [...nodes, ...words(text.slice(end))];
}

const words = (text) => (text ? emojiInText(plain(text)) : []);

function element(found) {
  const { code, token, emoji: name, bold, italic, strike } = found.groups;
  if (code) return h("code", {}, bare(code));
  if (token) return special(token);
  if (name) return emoji(name);
  if (bold) return h("strong", {}, inline(bold));
  if (italic) return h("em", {}, inline(italic));
  return h("s", {}, inline(strike));
}

const bare = (text) => plain(text.replace(/<([^<>|\n]+)(?:\|([^<>\n]*))?>/g, (_, what, label) => label ?? what));

function special(token) {
  const bar = token.indexOf("|");
  const [what, label] = bar < 0 ? [token, null] : [token.slice(0, bar), token.slice(bar + 1)];
  if (what.startsWith("@")) return mention(what.slice(1));
  if (what.startsWith("#")) return channel(what.slice(1), label);
  if (what.startsWith("!date^")) return date(what, label);
  if (what.startsWith("!subteam^")) return group(what.slice(9), label);
  if (what.startsWith("!")) return h("span", { class: "mention loud" }, `@${plain(what.slice(1))}`);
  return link(plain(what), label === null ? null : inline(label));
}

export function mention(id) {
  const mine = id === state.me;
  return h("span", { class: mine ? "mention loud" : "mention" }, `@${person(id).bot ? person(id).name : person(id).handle}`);
}

export function channel(id, label) {
  const known = state.channels.find((one) => one.id === id);
  const name = known?.name ?? (label ? plain(label) : id);
  return known ? h("a", { class: "mention", href: `/archives/${id}` }, `#${name}`) : h("span", { class: "mention" }, `#${name}`);
}

export function group(id, label) {
  return h("span", { class: "mention" }, `@${state.groups[id] ?? plain(label ?? id).replace(/^@/, "")}`);
}

function date(what, fallback) {
  const [, seconds, pattern, url] = what.split("^");
  const shown = h("time", { dateTime: safeIso(seconds), title: full(moment(seconds)) }, dated(seconds, plain(pattern ?? ""), plain(fallback ?? what)));
  return url ? link(plain(url), [shown]) : shown;
}

function safeIso(seconds) {
  const date = moment(seconds);
  return Number.isNaN(date.getTime()) ? "" : date.toISOString();
}

/** A link that leaves, or moves to a message of this workspace. */
export function link(url, content) {
  const target = safe(url);
  const shown = content?.length ? content : [url.replace(/^mailto:/, "")];
  if (!target) return h("span", {}, shown);
  const here = target.pathname.startsWith("/archives/") && ["127.0.0.1", "localhost"].includes(target.hostname);
  if (here) return h("a", { href: target.pathname + target.search }, shown);
  return h("a", { href: target.href, target: "_blank", rel: "noopener noreferrer" }, shown);
}
