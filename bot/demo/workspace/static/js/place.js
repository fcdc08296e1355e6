// Where the person is: a channel, the direct conversation, or the home tab; and which thread is open. Kept in the address.

import { state, tell, look, unread } from "./store.js";
import { act } from "./link.js";

const stamp = (digits) => `${digits.slice(0, -6)}.${digits.slice(-6)}`;

/** Go to a channel, or to "home". */
export function go(place, { thread = null, quiet = false } = {}) {
  state.place = place;
  state.thread = thread;
  state.fresh = { [place]: unread(place)[0]?.ts };
  look(place);
  if (place === "home") act("home", {});
  if (!quiet) history.pushState(null, "", address());
  document.getElementById("desk").classList.remove("drawer");
  tell("place");
}

export function openThread(ts) {
  state.thread = ts;
  history.pushState(null, "", address());
  tell("thread");
}

export function closeThread() {
  const was = state.thread;
  state.thread = null;
  history.pushState(null, "", address());
  tell("thread");
  document.querySelector(`.pane [data-ts="${was}"]`)?.focus();
}

function address() {
  if (state.place === "home") return "/?home";
  return `/archives/${state.place}${state.thread ? `/p${state.thread.replace(".", "")}` : ""}`;
}

/** Read the address: `/archives/C…`, `/archives/C…/p…` with or without `?thread_ts=`. */
export function arrive() {
  const [, , channel, digits] = location.pathname.split("/");
  const first = new URLSearchParams(location.search).get("thread_ts") ?? (digits ? stamp(digits.slice(1)) : null);
  const message = first && state.messages.get(first);
  if (location.search === "?home") go("home", { quiet: true });
  else go(channel || state.channels[0].id, { thread: message ? (message.thread_ts ?? first) : null, quiet: true });
}

/** Follow links to messages of this workspace without loading the page again. */
export function follow(event) {
  const anchor = event.target.closest?.("a[href^='/archives/']");
  if (!anchor || event.metaKey || event.ctrlKey || event.shiftKey) return;
  event.preventDefault();
  history.pushState(null, "", anchor.getAttribute("href"));
  arrive();
}
