// Puts the page together and keeps it up to date.

import { become } from "./link.js";
import { arrive, closeThread, follow, go } from "./place.js";
import { drawChannel, drawStatus, drawThread } from "./panes.js";
import { drawHome } from "./home.js";
import { h } from "./dom.js";
import { mrkdwn } from "./mrkdwn.js";
import { drawModal } from "./modals.js";
import { drawSidebar } from "./sidebar.js";
import { announce, toast } from "./toasts.js";
import { author } from "./message.js";
import { listen, look, state, unread } from "./store.js";

const nav = document.getElementById("sidebar");
const pane = document.getElementById("pane");
const aside = document.getElementById("thread");

function drawPane() {
  if (state.place === "home") drawHome(pane);
  else drawChannel(pane);
}

function drawTitle() {
  const waiting = state.channels.reduce((sum, channel) => sum + unread(channel.id).length, 0);
  const name = state.channels.find((channel) => channel.id === state.place)?.name ?? state.app.name;
  document.title = `${waiting ? `(${waiting}) ` : ""}${name} – ${state.team.name}`;
}

function drawAll() {
  drawSidebar(nav);
  drawPane();
  drawThread(aside);
  drawModal();
  drawTitle();
}

const plain = (text) => h("div", {}, mrkdwn(text)).textContent;

function heard({ message, known, gone }) {
  drawAll();
  if (known || gone || message.user === state.me) return;
  announce(`${author(message).name}: ${plain(message.text ?? "")}`);
  if (message.only_for) toast({ title: `${author(message).name}, only visible to you`, text: mrkdwn(message.text ?? ""), kind: "whisper" });
}

listen((topic, detail) => {
  if (topic === "all" && state.place === null) arrive();
  else if (topic === "message") heard(detail);
  else if (topic === "status") drawStatus(aside);
  else if (topic === "link") state.app && drawSidebar(nav);
  else drawAll();
});

document.addEventListener("click", follow);
pane.addEventListener("click", (event) => {
  if (!event.target.closest(".menu-button")) document.getElementById("desk").classList.remove("drawer");
});
window.addEventListener("popstate", arrive);
document.addEventListener("visibilitychange", () => {
  if (!state.app || document.hidden) return;
  look(state.place);
  drawAll();
});
document.addEventListener("keydown", (event) => {
  if (document.querySelector("dialog[open]")) return;
  if (event.key === "Escape" && state.thread) closeThread();
  if (event.altKey && ["ArrowDown", "ArrowUp"].includes(event.key)) {
    const places = [...state.channels.map((channel) => channel.id), "home", state.app.direct];
    const next = places[places.indexOf(state.place) + (event.key === "ArrowDown" ? 1 : -1)];
    if (next) go(next);
    event.preventDefault();
  }
});

become(new URLSearchParams(location.search).get("as"));
