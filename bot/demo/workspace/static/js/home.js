// The bot's home tab.

import { h, fill } from "./dom.js";
import { avatar } from "./message.js";
import { drawAll } from "./blocks.js";
import { go } from "./place.js";
import { menuButton } from "./sidebar.js";
import { state, person } from "./store.js";

let shown = null;

export function drawHome(pane) {
  const bot = person(state.app.id);
  const mark = JSON.stringify([state.me, state.home, [...state.busy]]);
  if (shown === mark && pane.querySelector(".home")) return;
  shown = mark;
  fill(pane,
    h("header", { class: "top" }, menuButton(), avatar(bot, "small"), h("h1", {}, bot.name), h("span", { class: "badge" }, "App")),
    h("div", { class: "tabs", role: "tablist", "aria-label": bot.name },
      h("button", { role: "tab", type: "button", "aria-selected": "true" }, "Home"),
      h("button", { role: "tab", type: "button", "aria-selected": "false", onclick: () => go(state.app.direct) }, "Messages")),
    h("div", { class: "home", role: "tabpanel", "aria-label": "Home", tabIndex: 0 },
      state.home ? drawAll(state.home.blocks, { view: state.home.id }) : h("div", { class: "empty" }, h("h2", {}, bot.name), h("p", {}, "This app has not filled its home tab yet."))));
}
