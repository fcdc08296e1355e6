// The aubergine column: channels, the bot, and who one is.

import { h, fill, icon } from "./dom.js";
import { avatar } from "./message.js";
import { become } from "./link.js";
import { go } from "./place.js";
import { state, person, unread } from "./store.js";

function place(id, mark, name) {
  const fresh = unread(id);
  const called = fresh.filter((message) => message.text?.includes(`<@${state.me}>`)).length;
  const here = state.place === id;
  return h("li", {}, h("button", {
    class: ["place", here && "here", fresh.length && "unread"].filter(Boolean).join(" "), type: "button",
    "aria-current": here ? "page" : undefined, "data-focus": id, onclick: () => go(id),
  }, mark, h("span", { class: "name" }, name),
    called ? h("span", { class: "count", title: `${called} mentions of you` }, String(called)) : fresh.length > 0 && h("span", { class: "dot", title: "Unread" })));
}

function someone(who) {
  return h("li", {}, h("button", {
    class: who.id === state.me ? "person me" : "person", type: "button", "aria-pressed": String(who.id === state.me), "data-focus": who.id,
    onclick: () => become(who.id),
  }, avatar(who, "small"), h("span", { class: "name" }, who.name, h("small", {}, who.title))));
}

export function drawSidebar(nav) {
  const scrolled = nav.querySelector(".scroll")?.scrollTop ?? 0;
  const focus = nav.contains(document.activeElement) ? document.activeElement.dataset.focus : null;
  fill(nav,
    h("header", {}, h("h2", {}, state.team.name),
      h("span", { class: state.connected ? "link" : "link lost", role: "status" }, state.connected ? "" : "Connecting …")),
    h("div", { class: "scroll" },
      h("h3", { id: "channels" }, "Channels"),
      h("ul", { "aria-labelledby": "channels" }, state.channels.map((channel) => place(channel.id, icon("hash"), channel.name))),
      h("h3", { id: "apps" }, "Apps"),
      h("ul", { "aria-labelledby": "apps" }, place("home", avatar(person(state.app.id), "small"), state.app.name), place(state.app.direct, icon("reply"), "Messages"))),
    h("div", { class: "people" },
      h("h3", { id: "you" }, "You are"),
      h("ul", { "aria-labelledby": "you" }, Object.values(state.people).filter((who) => !who.bot).map(someone))));
  nav.querySelector(".scroll").scrollTop = scrolled;
  if (focus) nav.querySelector(`[data-focus="${CSS.escape(focus)}"]`)?.focus();
}

/** Opens the column where there is no room for it. */
export function menuButton() {
  return h("button", { class: "quiet menu-button", type: "button", "aria-label": "Channels", onclick: () => document.getElementById("desk").classList.toggle("drawer") }, icon("menu"));
}
