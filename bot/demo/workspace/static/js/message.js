// One message: who, when, what, what others made of it.

import { h, icon, picture } from "./dom.js";
import { act } from "./link.js";
import { attachment, drawAll } from "./blocks.js";
import { emoji } from "./emoji.js";
import { full, moment, time, when } from "./dates.js";
import { mrkdwn } from "./mrkdwn.js";
import { toast } from "./toasts.js";
import { state, person, replies } from "./store.js";
import { openThread } from "./place.js";

const QUICK = ["eyes", "white_check_mark", "+1", "pushpin"];

export function author(message) {
  if (message.bot_id && message.username) return { id: null, name: message.username, initials: message.username[0].toUpperCase(), colour: "#5b6472", bot: true };
  return person(message.user);
}

export function avatar(who, size) {
  if (who.id) return h("img", { class: `avatar ${size}`, src: `/avatars/${who.id}.svg`, alt: "" });
  const drawn = h("span", { class: `avatar ${size} letter`, "aria-hidden": "true" }, who.initials);
  drawn.style.background = who.colour;
  return drawn;
}

/** The element of a message. `compact`: the one above is of the same author. `within`: "channel" or "thread". */
export function message(one, { compact, within }) {
  const who = author(one);
  const stamp = h("a", { class: "time", href: `/archives/${one.channel}/p${one.ts.replace(".", "")}`, title: full(moment(one.ts)) },
    h("time", { dateTime: moment(one.ts).toISOString() }, time(moment(one.ts))));
  const head = h("div", { class: "head" }, h("span", { class: "author" }, who.name), who.bot && h("span", { class: "badge" }, "App"), stamp);
  const look = ["message", compact && "compact", one.only_for && "whisper", one.streaming && "streaming"].filter(Boolean).join(" ");
  return h("article", {
    class: look, tabIndex: -1, "data-ts": one.ts, "aria-label": `${who.name}, ${time(moment(one.ts))}`,
  },
    h("div", { class: "gutter" }, compact ? stamp : avatar(who, "middle")),
    h("div", { class: "content" },
      one.only_for && h("div", { class: "only" }, icon("eye"), "Only visible to you"),
      one.broadcast && within === "channel" && thread(one),
      !compact && head,
      body(one),
      reactions(one),
      within === "channel" && !one.broadcast && summary(one)),
    tools(one, within));
}

function body(one) {
  const where = { ts: one.ts };
  const said = one.blocks?.length ? drawAll(one.blocks, where) : one.text && [h("div", { class: "block words" }, mrkdwn(one.text))];
  const mark = one.edited && h("span", { class: "edited", title: full(moment(one.edited.ts)) }, "(edited)");
  return h("div", { class: "body" }, said, mark, (one.attachments ?? []).map((piece) => attachment(piece, where)), (one.files ?? []).map(file));
}

function file(one) {
  const address = picture(one.url_private);
  if (one.mimetype?.startsWith("image/")) {
    return h("figure", { class: "image" }, h("figcaption", {}, one.title),
      h("a", { href: address, target: "_blank", rel: "noopener" }, h("img", { class: "large", src: address, alt: one.alt_txt || one.title, loading: "lazy" })));
  }
  return h("a", { class: "file", href: address, target: "_blank", rel: "noopener" }, icon("file"),
    h("span", {}, h("strong", {}, one.title), h("small", {}, `${one.filetype.toUpperCase()} · ${size(one.size)}`)));
}

const size = (bytes) => (bytes < 1024 ? `${bytes} bytes` : bytes < 1_048_576 ? `${Math.round(bytes / 1024)} kB` : `${(bytes / 1_048_576).toFixed(1)} MB`);

async function react(one, name) {
  const answer = await act("react", { ts: one.ts, name });
  if (!answer.ok) toast({ title: "That did not work", text: answer.error, kind: "failure" });
}

function reactions(one) {
  if (!one.reactions?.length) return null;
  return h("div", { class: "reactions" }, one.reactions.map((reaction) => {
    const names = reaction.users.map((user) => (user === state.me ? "You" : person(user).name)).join(", ");
    const mine = reaction.users.includes(state.me);
    return h("button", {
      class: mine ? "reaction mine" : "reaction", type: "button", title: `${names} reacted with :${reaction.name}:`,
      "aria-pressed": String(mine), "data-focus": `reaction ${reaction.name}`, onclick: () => react(one, reaction.name),
    }, emoji(reaction.name), h("span", { class: "count" }, String(reaction.count)));
  }));
}

function thread(one) {
  const first = state.messages.get(one.thread_ts);
  return h("button", { class: "thread-of", type: "button", onclick: () => openThread(one.thread_ts) }, "replied to a thread: ", h("span", {}, h("i", {}, mrkdwn(first?.text ?? "")).textContent));
}

function summary(one) {
  const below = replies(one.ts).filter((reply) => !reply.only_for);
  if (!below.length) return null;
  const faces = [...new Map(below.map((reply) => [reply.user ?? reply.username, author(reply)])).values()].slice(0, 5);
  return h("button", { class: "summary", type: "button", "data-focus": "summary", onclick: () => openThread(one.ts) },
    faces.map((who) => avatar(who, "small")),
    h("span", { class: "count" }, below.length === 1 ? "1 reply" : `${below.length} replies`),
    h("span", { class: "last" }, `Last reply ${when(moment(below.at(-1).ts))}`),
    h("span", { class: "view" }, "View thread"));
}

function tools(one, within) {
  if (one.only_for) return null;
  const shortcuts = state.app.shortcuts.map(([callback, title]) => h("button", { class: "quiet named", type: "button", onclick: () => shortcut(one, callback) }, title));
  return h("div", { class: "tools", role: "toolbar", "aria-label": "Message" },
    QUICK.map((name) => h("button", { class: "quiet", type: "button", "aria-label": `React with ${name.replaceAll("_", " ")}`, onclick: () => react(one, name) }, emoji(name))),
    within === "channel" && h("button", { class: "quiet", type: "button", "aria-label": "Reply in thread", title: "Reply in thread", onclick: () => openThread(one.thread_ts ?? one.ts) }, icon("reply")),
    shortcuts);
}

async function shortcut(one, callback) {
  const answer = await act("shortcut", { ts: one.ts, callback });
  if (!answer.ok) toast({ title: "That did not work", text: answer.error, kind: "failure" });
}
